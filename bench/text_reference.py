"""Compares the scores of text_bench with those of an independent implementation of BM25, bm25s, fed the same tokens.

    text_bench TEXTS --queries 50 -k 20 --dump DUMP.json
    text_reference.py DUMP.json

Needs the Python package bm25s (0.2 or later; `pip install bm25s`). Its method "lucene" is the same formula: idf
ln(1 + (N - n + 0.5) / (n + 0.5)), and no factor k1 + 1. (rank-bm25 has another idf, which falls below 0, and is no
measure here.) bm25s computes in float32: scores may differ by a few parts in a million.
"""

import json
import sys

import bm25s
import numpy

TOLERANCE = 1e-5  # relative; float32 sums of a few terms


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        dump = json.load(file)
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(dump["documents"], show_progress=False)
    largest = 0.0
    hits = 0
    for query in dump["queries"]:
        scores = index.get_scores(query["tokens"])
        found = numpy.array([score for _, score in query["hits"]])
        theirs = scores[[document for document, _ in query["hits"]]]
        best = numpy.sort(scores)[::-1][: len(found)]
        matched = int((scores > 0).sum())
        if len(found) != min(dump["k"], matched):
            sys.exit(f"{query['tokens']}: {len(found)} hits of {matched} documents")
        for name, other in (("the document's score", theirs), ("the score at the place", best)):
            difference = float(numpy.max(numpy.abs(found - other) / other))
            largest = max(largest, difference)
            if difference > TOLERANCE:
                sys.exit(f"{query['tokens']}: {name} differs by {difference:.2g}:\n{found}\n{other}")
        hits += len(found)
    print(f"{len(dump['queries'])} queries, {hits} hits: scores differ by {largest:.1e} at most (relative)")


if __name__ == "__main__":
    main()
