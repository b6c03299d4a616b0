#!/usr/bin/env python3
"""Makes the WordNet data sets: the full one in the cache, or the bundled one with --bundle DIR.

Run it through make_wordnet.sh, which installs what it needs. README.md describes the files.
"""

from __future__ import annotations

import os

# The threads are our own: one batch each. Must be set before numpy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np

import bundle
import minilm
import wordnet

# Raised with every change that alters the files, so that caches are made anew.
VERSION = 1
SEED = 20240229
HELD_OUT = 1000
NEIGHBORS = 100
BUNDLE_ROWS = 5000
BUNDLE_HELD_OUT = 200
STAMP = "dataset.json"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def write_npy(path: Path, array: np.ndarray) -> None:
    """Writes `array` in C order as version 1.0 of the .npy format."""
    with open(path, "wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0))


def write_jsonl(path: Path, records: list[dict]) -> None:
    """Writes one compact JSON object a line, UTF-8."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_stamp(folder: Path, names: list[str], facts: dict) -> None:
    """Writes dataset.json, last and in one step: it tells that the other files are complete."""
    files = {n: {"bytes": (folder / n).stat().st_size, "sha256": file_digest(folder / n)}
             for n in names}
    stamp = {"version": VERSION, **facts, "dimension": minilm.DIMENSION, "metric": "cosine",
             "seed": SEED, "model": "sentence-transformers/all-MiniLM-L6-v2",
             "model_sha256": minilm.WEIGHTS_SHA256, "files": files}
    temporary = folder / (STAMP + ".tmp")
    temporary.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / STAMP)


def is_complete(folder: Path) -> bool:
    """Tells whether `folder` holds a data set of this VERSION with every file undamaged."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return stamp["version"] == VERSION and all(
            file_digest(folder / name) == facts["sha256"] for name, facts in stamp["files"].items())
    except (OSError, ValueError, KeyError):
        return False


def exact_neighbors(base: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the positions (int32) and distances (float32, 1 - cosine) of the NEIGHBORS nearest.

    Computed in float64 from the float32 rows as stored; equal distances are ordered by position.
    """
    exact = base.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    wanted = queries.astype(np.float64)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    positions = np.empty((len(queries), NEIGHBORS), np.int32)
    distances = np.empty((len(queries), NEIGHBORS), np.float32)
    for begin in range(0, len(queries), 50):
        block = wanted[begin : begin + 50] @ exact.T
        for row, cosines in enumerate(block, start=begin):
            limit = np.partition(cosines, -NEIGHBORS)[-NEIGHBORS] - 1e-9
            near = np.flatnonzero(cosines >= limit)
            # A matrix product may round equal rows differently by their place in it. This sum
            # treats every row alike, so that identical definitions tie exactly.
            cosine = (exact[near] * wanted[row]).sum(axis=1)
            order = np.lexsort((near, -cosine))[:NEIGHBORS]
            positions[row] = near[order]
            distances[row] = 1.0 - cosine[order]
        if begin % 250 == 0:
            say(f"  neighbors: {begin + len(block)} of {len(queries)} queries")
    return positions, distances


def make_full(folder: Path, source: Path, threads: int) -> None:
    """Makes the full set in `folder`, unless it is there already."""
    if is_complete(folder):
        say(f"{folder} is complete (version {VERSION}); nothing to do")
        return
    start = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).unlink(missing_ok=True)
    synsets = wordnet.read_synsets(source)
    model = minilm.MiniLm(minilm.find_model())
    model.check()
    say(f"{len(synsets):,} definitions read; embedding them")
    vectors = model.encode([s.definition for s in synsets], threads, progress=True)

    held_out = np.zeros(len(synsets), bool)
    held_out[np.random.default_rng(SEED).choice(len(synsets), HELD_OUT, replace=False)] = True
    base, queries = vectors[~held_out], vectors[held_out]
    positions, distances = exact_neighbors(base, queries)

    write_npy(folder / "base.npy", base)
    write_npy(folder / "queries.npy", queries)
    write_npy(folder / "neighbors.npy", positions)
    write_npy(folder / "distances.npy", distances)
    write_jsonl(folder / "base.jsonl", [s.record() for s, h in zip(synsets, held_out) if not h])
    write_jsonl(folder / "queries.jsonl", [s.record() for s, h in zip(synsets, held_out) if h])
    write_stamp(folder, ["base.npy", "base.jsonl", "queries.npy", "queries.jsonl",
                         "neighbors.npy", "distances.npy"],
                {"name": "wordnet", "base": len(base), "queries": len(queries),
                 "neighbors": NEIGHBORS})
    say(f"{folder}: {len(base):,} rows, {len(queries):,} queries, "
        f"{time.monotonic() - start:.0f} s")


def matches(payload: dict, condition: dict) -> bool:
    """Applies a `filter` of an example query to a payload."""
    if "equals" in condition:
        return all(payload[key] == value for key, value in condition["equals"].items())
    bounds = condition["range"]
    value = payload[bounds["key"]]
    return (value >= bounds.get("gte", value) and value <= bounds.get("lte", value)
            and ("gt" not in bounds or value > bounds["gt"])
            and ("lt" not in bounds or value < bounds["lt"]))


def example_hits(vectors: np.ndarray, records: list[dict],
                 queries: np.ndarray) -> list[list[tuple[int, float]]]:
    """Returns (row, cosine) of the five best rows for every example query, by exact search."""
    rows = vectors.astype(np.float64)
    hits = []
    for example, query in zip(bundle.EXAMPLE_QUERIES, queries.astype(np.float64)):
        condition = example.get("filter")
        kept = [i for i, r in enumerate(records)
                if condition is None or matches(r["payload"], condition)]
        cosines = rows[kept] @ query
        hits.append([(kept[i], cosines[i]) for i in np.argsort(-cosines, kind="stable")[:5]])
    return hits


def make_bundle(folder: Path, source: Path, threads: int) -> None:
    """Makes the bundled set in `folder`, replacing what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).unlink(missing_ok=True)
    chosen = bundle.choose(wordnet.read_synsets(source), BUNDLE_ROWS + BUNDLE_HELD_OUT)
    records = [s.record() for s in chosen]
    model = minilm.MiniLm(minilm.find_model())
    model.check()
    vectors = model.encode([s.definition for s in chosen], threads, progress=True)
    vectors = vectors.astype(np.float16)
    queries = model.encode([q["text"] for q in bundle.EXAMPLE_QUERIES]).astype(np.float16)

    # The answers to the example queries stay in the base.
    hits = example_hits(vectors, records, queries)
    free = np.setdiff1d(np.arange(len(chosen)), [row for best in hits for row, _ in best])
    held_out = np.zeros(len(chosen), bool)
    held_out[np.random.default_rng(SEED).choice(free, BUNDLE_HELD_OUT, replace=False)] = True
    for example, best in zip(bundle.EXAMPLE_QUERIES, hits):
        words = ", ".join(f"{records[r]['payload']['word']} {cosine:.2f}" for r, cosine in best)
        condition = json.dumps(example["filter"]) if "filter" in example else ""
        say(f"  {example['text']} {condition}\n      {words}")

    write_npy(folder / "base.f16.npy", vectors[~held_out])
    write_jsonl(folder / "base.jsonl", [r for r, h in zip(records, held_out) if not h])
    write_npy(folder / "queries.f16.npy", queries)
    write_jsonl(folder / "queries.jsonl", list(bundle.EXAMPLE_QUERIES))
    write_npy(folder / "recall.f16.npy", vectors[held_out])
    write_stamp(folder, ["base.f16.npy", "base.jsonl", "queries.f16.npy", "queries.jsonl",
                         "recall.f16.npy"],
                {"name": "wordnet5k", "base": BUNDLE_ROWS, "queries": len(queries),
                 "recall": BUNDLE_HELD_OUT})
    say(f"{folder}: {BUNDLE_ROWS:,} rows")


def main() -> None:
    cache = os.environ.get("ALIDADE_DATASETS") or Path.home() / ".cache/alidade/datasets"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(cache) / "wordnet",
                        help="folder of the full set (default: %(default)s)")
    parser.add_argument("--bundle", type=Path, metavar="DIR",
                        help="make the bundled set in DIR instead of the full set")
    parser.add_argument("--wordnet", type=Path, default=wordnet.DEFAULT_FOLDER,
                        help="folder with data.noun and so on (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    options = parser.parse_args()
    if options.threads < 1:
        parser.error("--threads must be at least 1")
    if options.bundle:
        make_bundle(options.bundle, options.wordnet, options.threads)
    else:
        make_full(options.output, options.wordnet, options.threads)


if __name__ == "__main__":
    main()
