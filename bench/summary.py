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
    for clients in sorted({row["clients"] for row in sides["alidade"][0]}):
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


def ingest_rounds(results: Path) -> dict:
    """Alidade through gRPC and RocksDB alone, in turn."""
    sides = {}
    for name in ("alidade", "rocksdb"):
        rows = [report["ingest"] for report in rounds(results, f"ingest_{name}")]
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
    ingest = ingest_rounds(results)
    restart = spread(main["restart_seconds"])
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
        "search_against_faiss": search,
        "ingest_against_rocksdb": ingest,
        "first_ingest": main["ingest"],
        "index": main["index"],
        "faiss_build": None if faiss["graph"] == "loaded" else
                       {"seconds": faiss["graph_seconds"], "threads": faiss["build_threads"]},
        "restart_seconds": restart,
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
    for floor in summary["floors"]:
        print(f"  {'holds' if floor['holds'] else 'FAILS':6} {floor['floor']}: "
              f"{floor['measured']}")
    for part in summary["search_against_faiss"]:
        print_sides(f"{part['at']}, {part['clients']} clients", part, "queries_per_second",
                    "queries/s")
    print_sides("durable ingest", summary["ingest_against_rocksdb"], "rows_per_second", "rows/s")
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
