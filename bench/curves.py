#!/usr/bin/python3
"""Draws recall against queries per second from the JSON of `alidade bench`, faiss_hnsw and
`hnswlib_search --sweep`.

    curves.py RESULT.json [RESULT.json ...] --output curves.svg --output curves.png

One line for each engine and number of clients; up and to the right is better. Needs Debian's
python3-matplotlib.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

MARKERS = "osD^vP"
STYLES = ("-", "--", ":", "-.")
TICKS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
RECALL_MAX = 0.99995  # a recall of 1 is drawn here


def lines_of(path: Path) -> tuple[dict, dict[tuple[str, int], list[dict]]]:
    """Returns the machine, and the rows by engine and number of clients, by rising recall."""
    report = json.loads(path.read_text(encoding="utf-8"))
    lines: dict[tuple[str, int], list[dict]] = {}
    # A sweep of several engines names them row by row.
    for row in report.get("sweep", report["search"]):
        if row.get("recall") is not None:
            engine = row.get("engine", report.get("engine", path.stem))
            lines.setdefault((engine, row["clients"]), []).append(row)
    for rows in lines.values():
        rows.sort(key=lambda row: (row["recall"], row["ef"]))
    return report.get("machine", {}), lines


def at(row: dict) -> float:
    return min(row["recall"], RECALL_MAX)


def misses(recall: np.ndarray) -> np.ndarray:
    return -np.log10(1 - np.minimum(recall, RECALL_MAX))


def draw(paths: list[Path], outputs: list[Path], recall_min: float, title: str) -> None:
    figure, axes = plt.subplots(figsize=(9, 6))
    engines: list[str] = []
    clients_seen: list[int] = []
    machine: dict = {}
    for path in paths:
        machine, lines = lines_of(path)
        for (engine, clients), rows in sorted(lines.items()):
            rows = [row for row in rows if row["recall"] >= recall_min]
            if not rows:
                continue
            engines += [engine] * (engine not in engines)
            clients_seen += [clients] * (clients not in clients_seen)
            color = f"C{engines.index(engine)}"
            place = clients_seen.index(clients)
            label = f"{engine}, {clients} client{'s' if clients > 1 else ''}"
            swept = [row for row in rows if row["ef"] != 0]
            axes.plot([at(row) for row in swept], [row["queries_per_second"] for row in swept],
                      color=color, marker=MARKERS[place % len(MARKERS)], markersize=4,
                      linestyle=STYLES[place % len(STYLES)], linewidth=1.5, label=label)
            default = [row for row in rows if row["ef"] == 0]
            axes.plot([at(row) for row in default],
                      [row["queries_per_second"] for row in default],
                      color=color, marker="*", markersize=13, linestyle="none")
    axes.set_yscale("log")
    # Misses count: from 0.98 to 0.99 is as far as from 0.8 to 0.9.
    axes.set_xscale("function", functions=(misses, lambda x: 1 - 10.0 ** -x))
    recalls = [value for line in axes.lines for value in line.get_xdata()]
    low, high = min(recalls) - 0.005, 1 - 0.8 * (1 - max(recalls))
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.tick_params(axis="y", which="minor", labelsize=7)
    axes.axvline(0.95, color="grey", linewidth=1)
    axes.set_xlabel("recall@10")
    axes.set_ylabel("queries per second (log scale)")
    axes.grid(True, which="both", alpha=0.3)
    axes.set_title(title)
    axes.legend(fontsize=9)
    figure.text(0.01, 0.01,
                f"{machine.get('processor', '')}, {machine.get('processors', '?')} processors; "
                "star: default settings", fontsize=7, color="grey")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    for output in outputs:
        figure.savefig(output, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULT.json")
    parser.add_argument("--output", type=Path, action="append", metavar="FILE",
                        help=".png, .svg or .pdf; may be repeated (default: curves.png)")
    parser.add_argument("--recall-min", type=float, default=0.8, help="default: %(default)s")
    parser.add_argument("--title", default="Recall and speed")
    options = parser.parse_args()
    draw(options.results, options.output or [Path("curves.png")], options.recall_min,
         options.title)


if __name__ == "__main__":
    main()
