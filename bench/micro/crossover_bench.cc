// crossover_bench: from how many rows on is a graph faster than an exact scan, and at what recall?
// Real vectors, one thread, no server: the figures behind kAutoFlatRowsMax (index_spec.h) and
// kDefaultEf (vector_index.h).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include <CLI/CLI.hpp>

#include "alidade/index/vector_index.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "real_vectors.h"
#include "spread.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::vector<uint32_t> sizes = {500, 1'000, 2'000, 3'000, 5'000, 10'000, 20'000};
  uint32_t ef = 0;
  uint32_t k = 10;
  uint32_t queries_max = 500;
  int rounds = 5;
  std::string json;
};

// An index body in memory, aligned as in a mapped segment file.
class AlignedBytes final : public ByteSink {
 public:
  Status Append(std::string_view bytes) override {
    const size_t needed = size_ + bytes.size();
    if (needed > capacity_) {
      Grow(std::max(needed, 2 * capacity_));
    }
    std::memcpy(bytes_.get() + size_, bytes.data(), bytes.size());
    size_ = needed;
    return OkStatus();
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  static constexpr std::align_val_t kAlign{4'096};
  struct Free {
    void operator()(char* bytes) const { ::operator delete[](bytes, kAlign); }
  };

  void Grow(size_t capacity) {
    std::unique_ptr<char[], Free> larger(static_cast<char*>(::operator new[](capacity, kAlign)));
    if (size_ > 0) {
      std::memcpy(larger.get(), bytes_.get(), size_);
    }
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[], Free> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Every n-th row of the base: WordNet is ordered by part of speech and topic, and a segment of any
// size should look like the whole.
class Sample {
 public:
  Sample(const RealVectors& set, uint32_t rows) {
    values_.reserve(size_t{rows} * set.dim);
    for (uint32_t i = 0; i < rows; ++i) {
      const float* row = set.Row(static_cast<uint32_t>(uint64_t{i} * set.rows / rows));
      values_.insert(values_.end(), row, row + set.dim);
      inv_norms_.push_back(InverseNorm(row, set.dim));
    }
    matrix_ = {.rows = values_.data(),
               .inv_norms = inv_norms_.data(),
               .count = rows,
               .dim = set.dim,
               .metric = Metric::kCosine};
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;
  const VectorMatrix& matrix() const { return matrix_; }

 private:
  std::vector<float> values_;
  std::vector<float> inv_norms_;
  VectorMatrix matrix_;
};

struct Figures {
  Spread exact_us;
  Spread graph_us;
  double recall = 0;
  double distances = 0;  // per graph search
  double build_seconds = 0;
};

// Share of the true neighbours found, counted by distance: equal vectors are equally right.
double RecallOf(const std::vector<Candidate>& found, const std::vector<Candidate>& truth) {
  const float limit = truth.back().distance + 1e-6F;
  const auto near = std::count_if(found.begin(), found.end(), [limit](const Candidate& candidate) {
    return candidate.distance <= limit;
  });
  return static_cast<double>(near) / static_cast<double>(truth.size());
}

StatusOr<Figures> Measure(const Options& options, const RealVectors& set, uint32_t rows) {
  const Sample sample(set, rows);
  Figures figures;
  AlignedBytes body;
  const double start = NowSeconds();
  ALIDADE_RETURN_IF_ERROR(
      BuildIndex(IndexSpec{}, IndexKind::kHnsw, sample.matrix(), {}, BuildOptions{}, body));
  figures.build_seconds = NowSeconds() - start;
  ALIDADE_ASSIGN_OR_RETURN(const auto index,
                           OpenIndex(IndexKind::kHnsw, body.view(), sample.matrix()));
  const auto queries =
      static_cast<uint32_t>(std::min<uint64_t>(options.queries_max, set.queries.query_count));
  SearchStats stats;
  const IndexSearchOptions exact_options{.k = options.k};
  const IndexSearchOptions graph_options{.k = options.k, .ef = options.ef, .stats = &stats};
  for (uint32_t i = 0; i < queries; ++i) {
    ALIDADE_ASSIGN_OR_RETURN(const auto truth,
                             ExactSearch(sample.matrix(), set.queries.Query(i), exact_options));
    ALIDADE_ASSIGN_OR_RETURN(const auto found, index->Search(set.queries.Query(i), graph_options));
    figures.recall += RecallOf(found, truth) / queries;
  }
  figures.distances = static_cast<double>(stats.distance_computations) / queries;
  std::vector<double> exact;
  std::vector<double> graph;
  for (int round = 0; round < options.rounds; ++round) {
    double began = NowSeconds();
    for (uint32_t i = 0; i < queries; ++i) {
      ALIDADE_RETURN_IF_ERROR(
          ExactSearch(sample.matrix(), set.queries.Query(i), exact_options).status());
    }
    exact.push_back((NowSeconds() - began) * 1e6 / queries);
    began = NowSeconds();
    for (uint32_t i = 0; i < queries; ++i) {
      ALIDADE_RETURN_IF_ERROR(index->Search(set.queries.Query(i), graph_options).status());
    }
    graph.push_back((NowSeconds() - began) * 1e6 / queries);
  }
  figures.exact_us = SpreadOf(exact);
  figures.graph_us = SpreadOf(graph);
  return figures;
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(const RealVectors set, ReadRealVectors(options.dataset));
  Json report = {{"machine", MachineJson()}, {"k", options.k}, {"dimensions", set.dim}};
  report["ef"] = options.ef == 0 ? kDefaultEf : options.ef;
  std::printf("%u dimensions, k %u, ef %u, one thread, medians of %d rounds\n",
              set.dim,
              options.k,
              options.ef == 0 ? kDefaultEf : options.ef,
              options.rounds);
  std::printf("%8s %10s %10s %11s %10s %8s %9s %9s\n",
              "rows",
              "exact us",
              "graph us",
              "distances",
              "recall",
              "faster",
              "ratio",
              "build s");
  for (const uint32_t rows : options.sizes) {
    if (rows < options.k || rows > set.rows) {
      return InvalidArgument("the set has {} rows, k is {}: no size {}", set.rows, options.k, rows);
    }
    ALIDADE_ASSIGN_OR_RETURN(const Figures figures, Measure(options, set, rows));
    const double ratio = figures.exact_us.median / figures.graph_us.median;
    std::printf("%8u %10.1f %10.1f %11.0f %10.4f %8s %9.2f %9.2f\n",
                rows,
                figures.exact_us.median,
                figures.graph_us.median,
                figures.distances,
                figures.recall,
                ratio > 1 ? "graph" : "exact",
                ratio,
                figures.build_seconds);
    report["sizes"].push_back({{"rows", rows},
                               {"exact_us", figures.exact_us.median},
                               {"graph_us", figures.graph_us.median},
                               {"distances", figures.distances},
                               {"recall", figures.recall},
                               {"build_seconds", figures.build_seconds}});
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Exact scans against HNSW at small sizes, on real vectors");
  alidade::Options options;
  app.add_option("dataset", options.dataset, "Directory as bench/datasets/ makes it")
      ->capture_default_str();
  app.add_option("--sizes", options.sizes, "Rows, a list")->delimiter(',');
  app.add_option("--ef", options.ef, "Candidates of the walk (0: the default)");
  app.add_option("-k", options.k, "Hits per query")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--queries", options.queries_max, "Queries at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "Times each is measured")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
