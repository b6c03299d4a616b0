// scan_bench: exact searches over the vectors and over their codes, on real vectors, beside the
// time that one thread takes to read the same bytes (bandwidth, measured in the same rounds). Codes
// "made": those that searches make as they go, and how long that takes.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>

#include <CLI/CLI.hpp>

#include "alidade/index/growing_codes.h"
#include "alidade/index/vector_codes.h"
#include "alidade/index/vector_index.h"

#include "bench_report.h"
#include "exit_code.h"
#include "kernel_timing.h"
#include "load.h"
#include "real_vectors.h"
#include "spread.h"
#include "string_sink.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::vector<std::string> codes = {"none", "int8", "int4", "bit1", "made"};
  uint32_t rows = 0;  // 0: all
  uint32_t k = 10;
  uint32_t queries = 20;  // of a round
  uint32_t rounds = 9;
  uint32_t threads = 1;
  double allowed = 1;
  std::string json;
};

// Lets the same share of the rows through, spread at random.
class Sieve final : public SlotFilter {
 public:
  Sieve(uint32_t rows, double share) : allowed_(rows) {
    std::mt19937 random(1);
    std::bernoulli_distribution allows(share);
    for (uint32_t row = 0; row < rows; ++row) {
      allowed_[row] = allows(random);
    }
  }
  bool Allows(uint32_t slot) const override { return allowed_[slot]; }

 private:
  std::vector<bool> allowed_;
};

// What is scanned: the vectors, or codes of them.
struct Scanned {
  std::string name;
  std::string body;
  std::unique_ptr<VectorCodes> codes;
  std::unique_ptr<GrowingCodes> made;
  const void* memory = nullptr;
  size_t bytes = 0;
  uint64_t vectors_read = 0;
  std::vector<double> milliseconds = {};
  std::vector<double> of_bandwidth = {};
};

StatusOr<std::unique_ptr<Scanned>> Make(const std::string& name, const VectorMatrix& matrix) {
  auto scanned = std::make_unique<Scanned>();
  scanned->name = name;
  for (const CodesSetting setting :
       {CodesSetting::kInt8, CodesSetting::kInt4, CodesSetting::kBit1}) {
    if (name == CodesName(setting)) {
      StringSink sink(scanned->body);
      ALIDADE_RETURN_IF_ERROR(VectorCodes::Write(setting, matrix, nullptr, sink));
      ALIDADE_ASSIGN_OR_RETURN(scanned->codes, VectorCodes::Open(scanned->body, matrix));
      scanned->codes->MakeResident();
      const CodeMatrix records = scanned->codes->rank().value_or(scanned->codes->walk());
      scanned->memory = records.records;
      scanned->bytes = records.stride() * records.count;
      return scanned;
    }
  }
  if (name == "made") {
    scanned->made = std::make_unique<GrowingCodes>(matrix.metric, matrix.dim, matrix.count);
    uint32_t searches = 0;
    const double start = NowSeconds();
    while (scanned->made->Grow(matrix, matrix.count).records.count < matrix.count) {
      ++searches;
    }
    std::printf("codes made by %u searches, which takes them %.3f us a vector\n",
                searches + 1,
                (NowSeconds() - start) / matrix.count * 1e6);
    scanned->memory = scanned->made->Grow(matrix, matrix.count).records.records;
    scanned->bytes = scanned->made->memory_bytes();
    return scanned;
  }
  if (name != CodesName(CodesSetting::kNone)) {
    return InvalidArgument("no codes are called \"{}\"", name);
  }
  scanned->memory = matrix.rows;
  scanned->bytes = size_t{matrix.count} * matrix.dim * sizeof(float);
  return scanned;
}

Status Round(const Options& options,
             const RealVectors& set,
             const VectorMatrix& matrix,
             uint64_t first_query,
             const Sieve* sieve,
             SpareThreads& spare,
             Scanned& scanned) {
  SearchStats stats;
  const IndexSearchOptions search{
      .k = options.k, .filter = sieve, .stats = &stats, .spare = &spare};
  const double bandwidth = ReadBandwidth(scanned.memory, scanned.bytes);
  const double start = NowSeconds();
  for (uint32_t i = 0; i < options.queries; ++i) {
    const float* query = set.queries.Query((first_query + i) % set.queries.query_count);
    const CodedVectors coded = scanned.made == nullptr ? CodedBy(scanned.codes.get())
                                                       : scanned.made->Grow(matrix, matrix.count);
    ALIDADE_RETURN_IF_ERROR(ExactSearch(matrix, query, search, coded).status());
  }
  const double seconds = (NowSeconds() - start) / options.queries;
  scanned.milliseconds.push_back(seconds * 1e3);
  scanned.of_bandwidth.push_back(static_cast<double>(scanned.bytes) / seconds / bandwidth);
  scanned.vectors_read += stats.distance_computations - stats.rows_scanned;
  return OkStatus();
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(RealVectors set, ReadRealVectors(options.dataset));
  if (options.rows != 0) {
    set.rows = std::min(set.rows, options.rows);
  }
  std::vector<float> inv_norms(set.rows);
  for (uint32_t row = 0; row < set.rows; ++row) {
    inv_norms[row] = InverseNorm(set.Row(row), set.dim);
  }
  const VectorMatrix matrix{
      .rows = set.base.data(),
      .inv_norms = inv_norms.data(),
      .count = set.rows,
      .dim = set.dim,
      .metric = set.queries.metric == "cosine" ? Metric::kCosine : Metric::kL2};
  std::vector<std::unique_ptr<Scanned>> all;
  for (const std::string& name : options.codes) {
    ALIDADE_ASSIGN_OR_RETURN(all.emplace_back(), Make(name, matrix));
  }
  SpareThreads spare(options.threads);
  const Sieve sieve(set.rows, options.allowed);
  const Sieve* filter = options.allowed < 1 ? &sieve : nullptr;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    for (const auto& scanned : all) {
      ALIDADE_RETURN_IF_ERROR(
          Round(options, set, matrix, uint64_t{options.queries} * round, filter, spare, *scanned));
    }
  }
  std::printf("%u x %u, k %u, %u thread(s), medians of %u rounds\n",
              set.rows,
              set.dim,
              options.k,
              options.threads,
              options.rounds);
  std::printf("%6s %13s %9s %22s %19s\n",
              "codes",
              "bytes a row",
              "ms",
              "share of bandwidth",
              "vectors read after");
  Json report = {{"machine", MachineJson()},
                 {"rows", set.rows},
                 {"dimension", set.dim},
                 {"threads", options.threads}};
  for (const auto& scanned : all) {
    const Spread share = SpreadOf(scanned->of_bandwidth);
    const double milliseconds = SpreadOf(scanned->milliseconds).median;
    const double after = static_cast<double>(scanned->vectors_read) /
                         static_cast<double>(uint64_t{options.queries} * options.rounds);
    std::printf("%6s %13zu %9.3f %8.2f (%.2f to %.2f) %19.0f\n",
                scanned->name.c_str(),
                scanned->bytes / set.rows,
                milliseconds,
                share.median,
                share.least,
                share.most,
                after);
    report["scans"].push_back({{"codes", scanned->name},
                               {"milliseconds", milliseconds},
                               {"share_of_bandwidth", share.median},
                               {"vectors_read", after}});
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Exact searches over vectors and codes, beside the bandwidth of memory");
  alidade::Options options;
  app.add_option("dataset", options.dataset, "A set made by bench/datasets")->capture_default_str();
  app.add_option("--codes", options.codes, "none, int8, int4, bit1: a list")->delimiter(',');
  app.add_option("--rows", options.rows, "The first of the set (0: all)")->capture_default_str();
  app.add_option("-k", options.k, "Hits per query")->capture_default_str();
  app.add_option("--queries", options.queries, "Of a round")->capture_default_str();
  app.add_option("--rounds", options.rounds, "Times each is measured")->capture_default_str();
  app.add_option("--threads", options.threads, "Of one search; the bandwidth is that of one")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--allowed", options.allowed, "Share of the rows that a filter lets through")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
