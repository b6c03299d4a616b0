#!/usr/bin/python3
"""Sums up the figures that run.sh measured.

    summary.py ef FILE RECALL     the smallest ef of the sweep in FILE that reaches RECALL
    summary.py same FILE ALIDADE  .. that reaches the recall of Alidade's default settings
    summary.py write RESULTS      RESULTS/wordnet.json from the other files there, and a table
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

RECALL_FLOOR = 0.95
INGEST_FLOOR = 10_000
RESTART_FLOOR = 1.0
# What is wanted, not yet promised: (ratio to the reference, whether it is a least or a most).
IN_PROCESS_TARGET = 3.0
BUILD_TARGET = 3.0
BOUND_TARGET = 0.8
HNSWLIB_TARGET = 2.0
BATCH_TARGET = 0.85
BULK_TARGET = 0.6
BESIDE_BUILD_TARGET = 2.0
IN_FLIGHT = 8  # calls, where the front end is judged


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def smallest_ef(report: dict, recall: float) -> int:
    reached = [row["ef"] for row in report["search"] if row["ef"] and row["recall"] >= recall]
    if not reached:
        sys.exit(f"no ef of the sweep reaches recall {recall}")
    return min(reached)


def spread(values: list[float]) -> dict:
    return {"median": round(statistics.median(values), 4), "least": round(min(values), 4),
            "most": round(max(values), 4)}


def ratios(ours: list[float], theirs: list[float]) -> dict:
    """The ratio of medians, and the range of the ratios of rounds that ran side by side."""
    pairs = [a / b for a, b in zip(ours, theirs)]
    return {"of_medians": round(statistics.median(ours) / statistics.median(theirs), 3),
            "least": round(min(pairs), 3), "most": round(max(pairs), 3)}


def rounds(results: Path, name: str) -> list[dict]:
    return [load(path) for path in sorted(results.glob(f"rounds/{name}_*.json"))]


def default_recall(report: dict) -> float:
    return next(row["recall"] for row in report["search"] if row["ef"] == 0)


def search_rounds(results: Path) -> list[dict]:
    """Alidade through gRPC and FAISS in process, in turn, at two recalls and numbers of clients."""
    sides = {name: [report["search"] for report in rounds(results, f"search_{name}")]
             for name in ("alidade", "faiss")}
    comparisons = []
    measured = [{row["clients"] for row in reports[0]} for reports in sides.values()]
    for clients in sorted(set.intersection(*measured)):
        for position, name in enumerate((f"recall {RECALL_FLOOR}", "recall of the default settings")):
            comparison = {"at": name, "clients": clients}
            for side, reports in sides.items():
                rows = [[row for row in report if row["clients"] == clients] for report in reports]
                efs = list(dict.fromkeys(row["ef"] for row in rows[0]))
                ef = efs[min(position, len(efs) - 1)]
                chosen = [next(row for row in report if row["ef"] == ef) for report in rows]
                comparison[side] = {
                    "ef": ef or "default",
                    "recall": round(chosen[0]["recall"], 4),
                    "queries_per_second": spread([r["queries_per_second"] for r in chosen]),
                    "p50_ms": spread([r["calls"]["p50_ms"] for r in chosen]),
                    "p99_ms": spread([r["calls"]["p99_ms"] for r in chosen]),
                    "all": [round(r["queries_per_second"], 1) for r in chosen],
                }
            comparison["ratio"] = ratios(comparison["alidade"]["all"], comparison["faiss"]["all"])
            comparisons.append(comparison)
    return comparisons


def front_end_rounds(results: Path) -> dict:
    """Alidade through gRPC against what gRPC and the index cost apart, and against hnswlib."""
    unary = []
    for report in rounds(results, "search_alidade"):
        rows = [row for row in report["search"] if row["clients"] == IN_FLIGHT and row["ef"]]
        unary.append(rows[0]["queries_per_second"])
    handlers: dict[str, list[float]] = {}
    for report in rounds(results, "ceiling"):
        for row in report["rows"]:
            handlers.setdefault(row["handler"], []).append(row["calls_per_second"])
    no_work = [max(both) for both in zip(handlers["sync"], handlers["callback"])]
    graphs = [report["search"][0] for report in rounds(results, "search_hnswlib")]
    own = [row["own_queries_per_second"] for row in graphs]
    hnswlib = [row["hnswlib_queries_per_second"] for row in graphs]
    batches = [report["search"][0]["queries_per_second"]
               for report in rounds(results, "batch_alidade")]
    bound = [1 / (1 / a + 1 / b) for a, b in zip(no_work, own)]
    return {
        "recall": RECALL_FLOOR,
        "in_flight": IN_FLIGHT,
        "queries_per_second": {
            "alidade": spread(unary),
            "alidade_batches_of_64": spread(batches),
            "no_work_handler": spread(no_work),
            "api_without_engine": spread(handlers["api"]),
            "index_in_process_2_threads": spread(own),
            "hnswlib_in_process_2_threads": spread(hnswlib),
            "no_work_handler_and_index": spread(bound),
        },
        "ratio_to_no_work_handler_and_index": ratios(unary, bound),
        "ratio_to_hnswlib": ratios(unary, hnswlib),
        "ratio_of_batches_to_index": ratios(batches, own),
    }


def in_process(results: Path) -> dict:
    """Alidade's index against hnswlib in one process, by number of threads."""
    reports = [load(results / f"hnswlib_{threads}.json") for threads in (1, 2)]
    first = reports[0]
    return {
        "codes": first["codes"],
        "memory_ratio": round(first["memory_ratio"], 3),
        "build": {"alidade_seconds": round(first["own_build_seconds"], 1),
                  "hnswlib_seconds": round(first["hnswlib_build_seconds"], 1),
                  "times_faster": round(first["hnswlib_build_seconds"]
                                        / first["own_build_seconds"], 2)},
        "search": [{"threads": report["threads"],
                    **{key: round(value, 4) for key, value in row.items()}}
                   for report in reports for row in report["search"]],
    }


def targets(front: dict, graphs: dict, beside: dict, bulk: dict) -> list[dict]:
    at_floor = next(row for row in graphs["search"]
                    if row["threads"] == 1 and row["recall_wanted"] == RECALL_FLOOR)
    least = [
        (f"index in process against hnswlib, recall {RECALL_FLOOR}, 1 thread",
         at_floor.get("ratio", 0), IN_PROCESS_TARGET),
        ("build against hnswlib, 2 threads", graphs["build"]["times_faster"], BUILD_TARGET),
        (f"gRPC, {IN_FLIGHT} in flight, against no-work handler and index",
         front["ratio_to_no_work_handler_and_index"]["of_medians"], BOUND_TARGET),
        (f"gRPC, {IN_FLIGHT} in flight, against hnswlib in process, 2 threads",
         front["ratio_to_hnswlib"]["of_medians"], HNSWLIB_TARGET),
        ("gRPC, batches of 64, against index in process, 2 threads",
         front["ratio_of_batches_to_index"]["of_medians"], BATCH_TARGET),
        (f"durable ingest, {bulk['writers']} x {bulk['batch_rows']}, against RocksDB alone",
         bulk["ratio"]["of_medians"], BULK_TARGET),
    ]
    ratio = round(beside["build"]["p99_ratio"], 3)
    return [*({"floor": f"target: {name}, at least {wanted}", "measured": measured,
               "holds": measured >= wanted} for name, measured, wanted in least),
            {"floor": f"target: p99 beside a build, at most {BESIDE_BUILD_TARGET} times",
             "measured": ratio, "holds": ratio <= BESIDE_BUILD_TARGET}]


def ingest_rounds(results: Path, form: str) -> dict:
    """Alidade through gRPC and RocksDB alone, in turn."""
    sides = {}
    for name in ("alidade", "rocksdb"):
        rows = [report["ingest"] for report in rounds(results, f"{form}_{name}")]
        sides[name] = {
            "rows_per_second": spread([row["rows_per_second"] for row in rows]),
            "batch_p50_ms": spread([row["batches"]["p50_ms"] for row in rows]),
            "batch_p99_ms": spread([row["batches"]["p99_ms"] for row in rows]),
            "all": [round(row["rows_per_second"], 1) for row in rows],
        }
        sides |= {key: rows[0][key] for key in ("rows", "durability", "writers", "batch_rows")}
    sides["ratio"] = ratios(sides["alidade"]["all"], sides["rocksdb"]["all"])
    return sides


def sweep_rows(report: dict) -> list[dict]:
    return [{"ef": row["ef"] or "default", "clients": row["clients"],
             "recall": round(row["recall"], 4),
             "queries_per_second": round(row["queries_per_second"], 1),
             **{key: round(row["calls"][key], 3) for key in ("p50_ms", "p95_ms", "p99_ms")}}
            for row in report["search"]]


def sum_up(results: Path) -> dict:
    main = load(results / "alidade.json")
    faiss = load(results / "faiss.json")
    search = search_rounds(results)
    ingest = ingest_rounds(results, "ingest")
    bulk = ingest_rounds(results, "bulk")
    restart = spread(main["restart_seconds"])
    front = front_end_rounds(results)
    graphs = in_process(results)
    beside = load(results / "during_build.json")["during_build"]
    summary = {
        "machine": main["machine"],
        "date": time.strftime("%Y-%m-%d", time.gmtime(main["machine"]["unix_time"])),
        "load_at_start": float((results / "load.txt").read_text()),
        "dataset": Path(main["dataset"]).name,
        "command": "bench/run.sh",
        "floors": [
            {"floor": f"default settings: recall@10 at least {RECALL_FLOOR}",
             "measured": round(default_recall(main), 4),
             "holds": default_recall(main) >= RECALL_FLOOR},
            *({"floor": f"search over gRPC faster than FAISS in process, at {part['at']}, "
                        f"{part['clients']} clients",
               "measured": part["ratio"]["of_medians"],
               "holds": part["ratio"]["of_medians"] > 1} for part in search),
            {"floor": f"durable ingest at least {INGEST_FLOOR} rows/s",
             "measured": ingest["alidade"]["rows_per_second"]["median"],
             "holds": ingest["alidade"]["rows_per_second"]["median"] >= INGEST_FLOOR},
            {"floor": f"restart to ready within {RESTART_FLOOR} s",
             "measured": restart["median"], "holds": restart["most"] <= RESTART_FLOOR},
        ],
        "targets": targets(front, graphs, beside, bulk),
        "search_against_faiss": search,
        "front_end": front,
        "in_process_against_hnswlib": graphs,
        "searches_during_build": beside,
        "ingest_against_rocksdb": ingest,
        "bulk_ingest_against_rocksdb": bulk,
        "first_ingest": main["ingest"],
        "index": main["index"],
        "faiss_build": None if faiss["graph"] == "loaded" else
                       {"seconds": faiss["graph_seconds"], "threads": faiss["build_threads"]},
        "restart_seconds": restart,
        "restart_full_speed_seconds": spread(main["restart_full_speed_seconds"]),
        "peak_resident_bytes": main["peak_resident_bytes"],
        "anonymous_bytes": main["anonymous_bytes"],
        "alidade_sweep": sweep_rows(main),
        "faiss_sweep": sweep_rows(faiss),
    }
    return summary


def print_sides(title: str, part: dict, key: str, unit: str) -> None:
    print(f"  {title}:")
    for side, values in part.items():
        if isinstance(values, dict) and key in values:
            rate = values[key]
            print(f"    {side:8} {rate['median']:8.0f} {unit} "
                  f"({rate['least']:.0f} to {rate['most']:.0f})")
    ratio = part["ratio"]
    print(f"    ratio of medians {ratio['of_medians']} "
          f"({ratio['least']} to {ratio['most']} by round)")


def write(results: Path) -> None:
    summary = sum_up(results)
    path = results / "wordnet.json"
    path.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(f"\n{summary['machine']['processor']}, {summary['machine']['processors']} processors, "
          f"{summary['date']}, load {summary['load_at_start']} at the start")
    for floor in summary["floors"] + summary["targets"]:
        print(f"  {'holds' if floor['holds'] else 'FAILS':6} {floor['floor']}: "
              f"{floor['measured']}")
    for part in summary["search_against_faiss"]:
        print_sides(f"{part['at']}, {part['clients']} clients", part, "queries_per_second",
                    "queries/s")
    print(f"  through gRPC, {IN_FLIGHT} in flight, and what bounds it (queries/s):")
    for side, rate in summary["front_end"]["queries_per_second"].items():
        print(f"    {side:28} {rate['median']:8.0f} ({rate['least']:.0f} to {rate['most']:.0f})")
    print("  in process against hnswlib:")
    for row in summary["in_process_against_hnswlib"]["search"]:
        if "ratio" in row:
            print(f"    recall {row['recall_wanted']}, {row['threads']} threads: {row['ratio']} "
                  f"({row['ratio_least']} to {row['ratio_most']})")
    for part in (summary["ingest_against_rocksdb"], summary["bulk_ingest_against_rocksdb"]):
        print_sides(f"durable ingest, {part['writers']} x {part['batch_rows']}", part,
                    "rows_per_second", "rows/s")
    print(f"  written to {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    ef = commands.add_parser("ef", help="smallest ef that reaches a recall")
    ef.add_argument("file", type=Path)
    ef.add_argument("recall", type=float)
    same = commands.add_parser("same", help="smallest ef that reaches the default's recall")
    same.add_argument("file", type=Path)
    same.add_argument("alidade", type=Path)
    both = commands.add_parser("write", help="sum up a folder of results")
    both.add_argument("results", type=Path)
    options = parser.parse_args()
    if options.command == "ef":
        print(smallest_ef(load(options.file), options.recall))
    elif options.command == "same":
        print(smallest_ef(load(options.file), default_recall(load(options.alidade))))
    else:
        write(options.results)


if __name__ == "__main__":
    main()
