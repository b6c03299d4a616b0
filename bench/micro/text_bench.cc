// text_bench: full text over one text a line, in memory, one thread: how fast postings are built,
// what they take, and searches a second, passing over what cannot be a hit and not, in turns.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "alidade/text/analyzer.h"
#include "alidade/text/bm25.h"
#include "alidade/text/document_terms.h"
#include "alidade/text/growing_postings.h"
#include "alidade/text/sealed_postings.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "spread.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string texts;
  std::string analyzer = "english";
  std::vector<uint32_t> terms = {1, 2, 5};
  uint32_t queries = 1'000;
  uint32_t k = 10;
  uint32_t rounds = 5;
  std::string json;
  std::string dump;
};

StatusOr<std::vector<std::string>> ReadLines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  if (lines.empty()) {
    return NotFound("{} is not there or empty; bench/datasets/definitions.py makes such a file",
                    path);
  }
  return lines;
}

// In 64-byte units, as a mapped file begins.
struct Body {
  std::string bytes;
  std::string_view view() const { return bytes; }
};

template <typename Add>
void AddAll(const std::vector<std::string>& texts, const Analyzer& analyzer, const Add& add) {
  DocumentTerms terms;
  for (uint32_t i = 0; i < texts.size(); ++i) {
    terms.Clear();
    analyzer.Analyze(texts[i], [&](std::string_view token, uint32_t) { terms.Add(token); });
    add(i, terms.length(), terms.Count());
  }
}

StatusOr<Body> Build(const std::vector<std::string>& texts, const Analyzer& analyzer) {
  PostingsBuilder builder(PostingsKind::kText, analyzer.fingerprint());
  AddAll(texts, analyzer, [&](uint32_t document, uint32_t length, auto terms) {
    builder.Add(document, length, terms);
  });
  Body body;
  ALIDADE_RETURN_IF_ERROR(
      builder.Finish(static_cast<uint32_t>(texts.size()), [&body](std::string_view bytes) {
        body.bytes += bytes;
        return OkStatus();
      }));
  return body;
}

// Different words of one text each.
std::vector<std::vector<std::string>> MakeQueries(const std::vector<std::string>& texts,
                                                  const Analyzer& analyzer,
                                                  uint32_t terms,
                                                  uint32_t count) {
  std::mt19937_64 random(20'261'126 + terms);
  std::vector<std::vector<std::string>> queries;
  for (uint64_t tries = 0; queries.size() < count && tries < uint64_t{1'000} * count; ++tries) {
    std::vector<std::string> tokens = analyzer.Tokens(texts[random() % texts.size()]);
    std::ranges::sort(tokens);
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    std::ranges::shuffle(tokens, random);
    if (tokens.size() >= terms) {
      tokens.resize(terms);
      queries.push_back(std::move(tokens));
    }
  }
  return queries;
}

struct Measured {
  double queries_per_second = 0;
  PostingCounters counters;
};

StatusOr<Measured> Measure(const std::vector<std::vector<std::string>>& queries,
                           const Postings& postings,
                           uint32_t k,
                           bool exhaustive) {
  const PostingsPart part{.postings = &postings};
  Measured measured;
  const double start = NowSeconds();
  for (const auto& tokens : queries) {
    const PostingSearch search{.parts = {&part, 1}, .k = k, .exhaustive = exhaustive};
    ALIDADE_RETURN_IF_ERROR(
        SearchBm25(search, CountTokens(tokens), {}, &measured.counters).status());
  }
  measured.queries_per_second = static_cast<double>(queries.size()) / (NowSeconds() - start);
  return measured;
}

Json CountersJson(const PostingCounters& counters, size_t queries) {
  const auto each = [queries](uint64_t x) {
    return static_cast<double>(x) / static_cast<double>(queries);
  };
  return {{"documents_scored", each(counters.documents_scored)},
          {"postings_scored", each(counters.postings_scored)},
          {"blocks_read", each(counters.blocks_read)},
          {"blocks_skipped", each(counters.blocks_skipped)}};
}

// For bench/text_reference.py: the same tokens and what was found.
Status Dump(const Options& options,
            const std::vector<std::string>& texts,
            const Analyzer& analyzer,
            const Postings& postings) {
  Json out = {{"k", options.k}, {"documents", Json::array()}, {"queries", Json::array()}};
  for (const std::string& text : texts) {
    out["documents"].push_back(analyzer.Tokens(text));
  }
  const PostingsPart part{.postings = &postings};
  for (const uint32_t terms : options.terms) {
    for (const auto& tokens : MakeQueries(texts, analyzer, terms, options.queries)) {
      ALIDADE_ASSIGN_OR_RETURN(
          const auto hits,
          SearchBm25({.parts = {&part, 1}, .k = options.k}, CountTokens(tokens), {}, nullptr));
      Json found = Json::array();
      for (const DocumentHit& hit : hits) {
        found.push_back({hit.document, hit.score});
      }
      out["queries"].push_back({{"tokens", tokens}, {"hits", found}});
    }
  }
  std::ofstream file(options.dump);
  file << out.dump() << "\n";
  return file.good() ? OkStatus() : Internal("cannot write {}", options.dump);
}

Status MeasureQueries(const Options& options,
                      const std::vector<std::string>& texts,
                      const Analyzer& analyzer,
                      const Postings& postings,
                      Json& report) {
  for (const uint32_t terms : options.terms) {
    const auto queries = MakeQueries(texts, analyzer, terms, options.queries);
    if (queries.empty()) {
      return InvalidArgument("no text has {} different words", terms);
    }
    std::vector<double> skipping;
    std::vector<double> exhaustive;
    Measured last;
    Measured last_exhaustive;
    for (uint32_t round = 0; round < options.rounds; ++round) {
      ALIDADE_ASSIGN_OR_RETURN(last, Measure(queries, postings, options.k, false));
      ALIDADE_ASSIGN_OR_RETURN(last_exhaustive, Measure(queries, postings, options.k, true));
      skipping.push_back(last.queries_per_second);
      exhaustive.push_back(last_exhaustive.queries_per_second);
    }
    const Spread fast = SpreadOf(skipping);
    const Spread slow = SpreadOf(exhaustive);
    std::printf(
        "%u terms, k %u: %8.0f queries/s (%.0f .. %.0f), exhaustive %8.0f (%.0f .. %.0f); "
        "postings scored %.0f of %.0f\n",
        terms,
        options.k,
        fast.median,
        fast.least,
        fast.most,
        slow.median,
        slow.least,
        slow.most,
        static_cast<double>(last.counters.postings_scored) / static_cast<double>(queries.size()),
        static_cast<double>(last_exhaustive.counters.postings_scored) /
            static_cast<double>(queries.size()));
    report["queries"].push_back(
        {{"terms", terms},
         {"queries_per_second", fast.median},
         {"exhaustive_queries_per_second", slow.median},
         {"each", CountersJson(last.counters, queries.size())},
         {"each_exhaustive", CountersJson(last_exhaustive.counters, queries.size())}});
  }
  return OkStatus();
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<std::string> texts, ReadLines(options.texts));
  ALIDADE_ASSIGN_OR_RETURN(const AnalyzerConfig config, ParseAnalyzerText(options.analyzer));
  ALIDADE_RETURN_IF_ERROR(ValidateAnalyzer(config, "analyzer"));
  const Analyzer analyzer(config);
  const auto documents = static_cast<uint32_t>(texts.size());
  const auto rate_since = [documents](double start) { return documents / (NowSeconds() - start); };

  std::vector<double> analysing;
  std::vector<double> building;
  std::vector<double> growing;
  uint64_t postings_count = 0;
  size_t growing_bytes = 0;
  Body body;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    double start = NowSeconds();
    postings_count = 0;
    AddAll(
        texts, analyzer, [&](uint32_t, uint32_t, auto terms) { postings_count += terms.size(); });
    analysing.push_back(rate_since(start));
    start = NowSeconds();
    ALIDADE_ASSIGN_OR_RETURN(body, Build(texts, analyzer));
    building.push_back(rate_since(start));
    start = NowSeconds();
    GrowingPostings grown(PostingsKind::kText, documents);
    AddAll(texts, analyzer, [&](uint32_t document, uint32_t length, auto terms) {
      grown.Add(document, length, terms);
    });
    growing.push_back(rate_since(start));
    growing_bytes = grown.memory_bytes();
  }
  const double start = NowSeconds();
  ALIDADE_ASSIGN_OR_RETURN(
      const SealedPostings postings,
      SealedPostings::Parse(PostingsKind::kText, analyzer.fingerprint(), body.view(), documents));
  const double opening_ms = (NowSeconds() - start) * 1e3;
  const double bytes_each =
      static_cast<double>(body.bytes.size()) / static_cast<double>(postings_count);
  std::printf("%u texts, %zu terms, %zu postings, analysed as \"%s\"\n",
              documents,
              static_cast<size_t>(postings.terms()),
              static_cast<size_t>(postings_count),
              AnalyzerText(config).c_str());
  std::printf(
      "%.0f texts/s analysed, %.0f with a body built of them, %.0f into a delta (%.1f "
      "bytes a posting)\n",
      SpreadOf(analysing).median,
      SpreadOf(building).median,
      SpreadOf(growing).median,
      static_cast<double>(growing_bytes) / static_cast<double>(postings_count));
  std::printf("%zu bytes, %.2f a posting with dictionary and lengths; opened in %.1f ms\n",
              body.bytes.size(),
              bytes_each,
              opening_ms);
  Json report = {{"machine", MachineJson()},
                 {"texts", documents},
                 {"terms", postings.terms()},
                 {"postings", postings_count},
                 {"analyzer", AnalyzerText(config)},
                 {"texts_per_second_analysed", SpreadOf(analysing).median},
                 {"texts_per_second_built", SpreadOf(building).median},
                 {"texts_per_second_grown", SpreadOf(growing).median},
                 {"body_bytes", body.bytes.size()},
                 {"bytes_per_posting", bytes_each},
                 {"opening_ms", opening_ms}};
  if (!options.dump.empty()) {
    return Dump(options, texts, analyzer, postings);
  }
  ALIDADE_RETURN_IF_ERROR(MeasureQueries(options, texts, analyzer, postings, report));
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  alidade::Options options;
  CLI::App app("Full text: building postings and searching them");
  app.add_option("texts", options.texts, "One text a line (bench/datasets/definitions.py)")
      ->required();
  app.add_option("--analyzer", options.analyzer, "How text is analysed (alidade/text/analyzer.h)")
      ->capture_default_str();
  app.add_option("--terms", options.terms, "Words of a query")->delimiter(',');
  app.add_option("--queries", options.queries, "Queries of each kind")->capture_default_str();
  app.add_option("-k", options.k, "Hits")->capture_default_str();
  app.add_option("--rounds", options.rounds, "Times each is measured")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  app.add_option("--dump", options.dump, "Write tokens and hits here, for text_reference.py");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
