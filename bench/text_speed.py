"""Searches for words by text_bench and by tantivy (PyPI, Rust), one thread, the same tokens, in turn.

    text_speed.py TEXT_BENCH TEXTS [--terms 1,2,5] [--queries 1000] [-k 10] [--rounds 5] [--work DIR]

TEXT_BENCH is the program, TEXTS one text a line (datasets/definitions.py). Needs the Python package tantivy (0.22 or
later; `pip install tantivy`). Its index holds term frequencies and no positions, as ours does, in one segment, and its
queries are made before the clock runs; what a call from Python costs by itself is measured with a word that no text
has, and taken off. Both rank by BM25 (k1 1.2, b 0.75), so both must find the same documents, but for those whose scores
are as good as equal: tantivy keeps the length of a text in one byte, so that its scores differ a little. The share of our
hits that it finds too is printed; one whose score is within a hundredth of the last one's counts as found.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import tantivy


def make_searcher(documents: list[list[str]], folder: str) -> tuple[tantivy.Schema, tantivy.Searcher]:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="words", index_option="freq")
    builder.add_integer_field("number", stored=True)
    schema = builder.build()
    index = tantivy.Index(schema, path=folder)
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("words", words)
    writer = index.writer(heap_size=512 << 20, num_threads=1)
    for number, tokens in enumerate(documents):
        writer.add_document(tantivy.Document(text=" ".join(tokens), number=number))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    if searcher.num_segments != 1:
        raise SystemExit(f"tantivy made {searcher.num_segments} segments")
    return schema, searcher


def any_of(schema: tantivy.Schema, tokens: list[str]) -> tantivy.Query:
    terms = [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", token, "freq")) for token in tokens]
    return tantivy.Query.boolean_query(terms)


def seconds_each(searcher: tantivy.Searcher, queries: list[tantivy.Query], k: int) -> float:
    start = time.perf_counter()
    for query in queries:
        searcher.search(query, limit=k, count=False)
    return (time.perf_counter() - start) / len(queries)


def found_share(searcher: tantivy.Searcher, query: tantivy.Query, hits: list[list[float]]) -> float:
    """The share of our hits that is among theirs; one within a hundredth of the last score counts."""
    if not hits:
        return 1.0
    theirs = {searcher.doc(place)["number"][0] for _, place in searcher.search(query, limit=len(hits), count=False).hits}
    last = hits[-1][1]
    return sum(1 for number, score in hits if number in theirs or score <= last * 1.01) / len(hits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text_bench")
    parser.add_argument("texts")
    parser.add_argument("--terms", default="1,2,5")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", help="where tantivy's index is put for a while (default: the folder for such things)")
    options = parser.parse_args()
    ours = [options.text_bench, options.texts, "--queries", str(options.queries), "-k", str(options.k)]
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        dump_path = pathlib.Path(work) / "dump.json"
        index_path = pathlib.Path(work) / "index"
        index_path.mkdir()
        dump_command = [*ours, "--terms", options.terms, "--rounds", "1", "--dump", str(dump_path)]
        subprocess.run(dump_command, check=True, stdout=subprocess.DEVNULL)
        dump = json.loads(dump_path.read_text(encoding="utf-8"))
        schema, searcher = make_searcher(dump["documents"], str(index_path))
        size = sum(path.stat().st_size for path in index_path.iterdir())
        print(f"{len(dump['documents'])} texts; tantivy's folder takes {size} bytes")
        nothing = [any_of(schema, ["\u2603"])] * options.queries
        for terms in (int(word) for word in options.terms.split(",")):
            queries = [query for query in dump["queries"] if len(query["tokens"]) == terms]
            theirs = [any_of(schema, query["tokens"]) for query in queries]
            same = statistics.mean(
                found_share(searcher, query, given["hits"]) for query, given in zip(theirs, queries, strict=True)
            )
            rates, rates_theirs, ratios = [], [], []
            for _ in range(options.rounds):
                report = subprocess.run(
                    [*ours, "--terms", str(terms), "--rounds", "3", "--json", "-"],
                    check=True, capture_output=True, text=True,
                ).stdout
                rate = json.loads(report[report.index("{"):])["queries"][0]["queries_per_second"]
                call = seconds_each(searcher, nothing, options.k)
                other = 1 / (seconds_each(searcher, theirs, options.k) - call)
                rates.append(rate)
                rates_theirs.append(other)
                ratios.append(rate / other)
            print(
                f"{terms} terms, k {options.k}: {statistics.median(rates):.0f} queries/s, tantivy"
                f" {statistics.median(rates_theirs):.0f} (a call by itself {call * 1e6:.1f} us, taken off):"
                f" {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times;"
                f" {same:.3f} of the hits are the same"
            )


if __name__ == "__main__":
    main()
