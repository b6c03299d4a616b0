// filtered_search: searches under filters against searches without, over one sealed segment of real
// vectors: planner, payload indexes, walks and scans as the server has them, without the network.
//
// A segment keeps which rows passed a filter: what is timed is a filter that was used before, as
// most are. The first use of one is timed apart. With --fresh each search has a filter of its own,
// over keys without an index.
//
// Payload keys made for it: `random`, 0..999 without regard to the vectors, and `near`, the rank of
// a point by its distance from a pivot (a tenth of a per cent each): filters over `near` let
// through what lies together, mostly far from the query. Recall is against exact search under the
// same filter.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "alidade/common/file.h"
#include "alidade/common/memory_budget.h"
#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter_text.h"
#include "alidade/query/executor.h"
#include "alidade/segment/delta.h"
#include "alidade/segment/segment_writer.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "real_vectors.h"
#include "spread.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr uint32_t kK = 10;
constexpr uint32_t kEfMax = 2'048;
constexpr SeqNo kBuilt(1);
constexpr SeqNo kDeleted(2);
constexpr SeqNo kNow(3);

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::string directory;
  double recall = 0.95;
  std::vector<uint32_t> promille = {500, 100, 10, 1};
  double deleted = 0.2;
  int turns = 5;
  double seconds = 0.4;
  bool graphs = false;
  bool fresh = false;
  std::string json;
};

// The rank of each row by its distance from a pivot, in thousandths of the rows.
std::vector<int64_t> RanksByNearness(const RealVectors& set, Metric metric) {
  VectorMatrix matrix{.rows = set.base.data(),
                      .inv_norms = nullptr,
                      .count = set.rows,
                      .dim = set.dim,
                      .metric = metric};
  std::vector<float> inv_norms;
  if (metric == Metric::kCosine) {
    for (uint32_t row = 0; row < set.rows; ++row) {
      inv_norms.push_back(InverseNorm(set.Row(row), set.dim));
    }
    matrix.inv_norms = inv_norms.data();
  }
  const QueryDistance distance(matrix, set.Row(set.rows / 2));
  std::vector<float> distances(set.rows);
  for (uint32_t row = 0; row < set.rows; ++row) {
    distances[row] = distance(row);
  }
  std::vector<uint32_t> order(set.rows);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](uint32_t row) { return distances[row]; });
  std::vector<int64_t> ranks(set.rows);
  for (uint32_t at = 0; at < set.rows; ++at) {
    ranks[order[at]] = int64_t{at} * 1'000 / set.rows;
  }
  return ranks;
}

std::shared_ptr<MemoryBudget> MemoryOfBench() {
  static const auto memory = std::make_shared<MemoryBudget>(size_t{16} << 30);
  return memory;
}

StatusOr<std::shared_ptr<SealedSegment>> OpenSegment(const SegmentWriteRequest& request,
                                                     const SegmentManifest& manifest,
                                                     const Schema& schema) {
  ALIDADE_ASSIGN_OR_RETURN(
      auto segment,
      SealedSegment::Open({request.parent_directory + "/" + SegmentDirectoryName(request.segment),
                           request.store_uuid,
                           manifest,
                           schema}));
  segment->MakeResident(MemoryOfBench());
  return std::shared_ptr<SealedSegment>(std::move(segment));
}

// Written once, then read back: its manifest lies beside it.
StatusOr<std::shared_ptr<SealedSegment>> MakeSegment(const Options& options,
                                                     const RealVectors& set,
                                                     const Schema& schema) {
  SegmentWriteRequest request;
  request.parent_directory = options.directory;
  request.store_uuid = "filtered_search!";
  request.collection = CollectionId(1);
  request.segment = SegmentId(1);
  request.schema = schema;
  request.at = kBuilt;
  request.build_indexes = true;
  request.build.threads = 2;
  const std::string manifest_path = options.directory + "/manifest";
  if (PathExists(manifest_path)) {
    ALIDADE_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(manifest_path));
    ALIDADE_ASSIGN_OR_RETURN(const SegmentManifest manifest, DecodeManifest(bytes));
    return OpenSegment(request, manifest, schema);
  }
  const auto delta = std::make_shared<Delta>(
      schema, RowNo(0), Delta::Options{.rows_max = set.rows, .bytes_max = size_t{64} << 30});
  const std::vector<int64_t> near = RanksByNearness(set, schema.fields[0].metric);
  std::mt19937_64 random(20'261'126);
  for (uint32_t row = 0; row < set.rows; ++row) {
    std::string payload;
    EncodeObject(
        {{"random", Value(static_cast<int64_t>(random() % 1'000))}, {"near", Value(near[row])}},
        payload);
    const std::string id = PointId(uint64_t{row}).Encode();
    const std::string_view vector(reinterpret_cast<const char*>(set.Row(row)),
                                  set.dim * sizeof(float));
    if (!delta->Append({RowNo(row), id, payload, {vector}})) {
      return Internal("the delta is full at row {}", row);
    }
  }
  delta->Freeze(RowNo(set.rows - 1));
  request.inputs = {delta};
  ALIDADE_ASSIGN_OR_RETURN(const SegmentWriteResult written, WriteSegment(request));
  ALIDADE_ASSIGN_OR_RETURN(auto file, FileWriter::Create(manifest_path));
  ALIDADE_RETURN_IF_ERROR(file->Append(EncodeManifest(written.manifest)));
  ALIDADE_RETURN_IF_ERROR(file->SyncAndClose());
  return OpenSegment(request, written.manifest, schema);
}

// One way to search, under whatever filter.
struct Case {
  std::string name;
  std::shared_ptr<const Filter> filter;  // null: all
  SeqNo at;
  enum class Use {
    kAgain,
    kFresh,      // another filter for each search, which lets the same rows through
    kFreshWhole  // .. and is tried on all rows first
  };
  Use use = Use::kAgain;
};

class Bench {
 public:
  Bench(const Options& options, const RealVectors& set, SegmentSet view)
      : options_(options), set_(set), view_(std::move(view)) {}

  StatusOr<QueryOutcome> Search(const Case& tested, uint64_t number, uint32_t ef, bool exact) {
    VectorQuery query;
    query.vector = set_.queries.Query(number);
    query.k = kK;
    query.ef = ef;
    query.exact = exact;
    query.filter = tested.filter.get();
    view_.at = tested.at;
    std::optional<Filter> fresh;
    if (tested.use != Case::Use::kAgain) {
      fresh = Filter{AllOf{{*tested.filter, NeverUsed()}}};
      query.filter = &*fresh;
    }
    if (tested.use == Case::Use::kFreshWhole) {
      ALIDADE_RETURN_IF_ERROR(CountRows(view_, query.filter, Deadline()).status());
    }
    return ExecuteSearch(view_, query, Deadline());
  }

  // As if the filter had come very often.
  Status MakeGraph(const Case& tested, uint32_t ef) {
    constexpr double kAnyWish = 1e-9;
    ALIDADE_RETURN_IF_ERROR(Search(tested, 0, ef, /*exact=*/false).status());
    const auto segment = std::const_pointer_cast<SealedSegment>(
        std::static_pointer_cast<const SealedSegment>(view_.segments[0].segment));
    const auto start = std::chrono::steady_clock::now();
    ALIDADE_ASSIGN_OR_RETURN(
        const bool made, segment->GraphSomeSelection(MemoryOfBench(), {.threads = 2}, kAnyWish));
    std::printf(
        "%-14s %s\n",
        tested.name.c_str(),
        made ? fmt::format(
                   "graph made in {:.2f} s",
                   std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count())
                   .c_str()
             : "no graph");
    return OkStatus();
  }

  // Distances of the true k nearest of every query.
  Status Learn(const Case& tested) {
    truth_.clear();
    for (uint64_t i = 0; i < set_.queries.query_count; ++i) {
      ALIDADE_ASSIGN_OR_RETURN(const QueryOutcome outcome, Search(tested, i, 0, /*exact=*/true));
      std::vector<float>& distances = truth_.emplace_back();
      for (const GlobalHit& hit : outcome.hits) {
        distances.push_back(hit.distance);
      }
    }
    return OkStatus();
  }

  // Of the queries first, first + 2, ...; also whether every answer was as long as it can be.
  StatusOr<double> Recall(const Case& tested, uint32_t ef, uint64_t first) {
    uint64_t found = 0;
    uint64_t wanted = 0;
    for (uint64_t i = first; i < set_.queries.query_count; i += 2) {
      ALIDADE_ASSIGN_OR_RETURN(const QueryOutcome outcome, Search(tested, i, ef, false));
      const std::vector<float>& truth = truth_[i];
      if (outcome.hits.size() != truth.size()) {
        return Internal(
            "{}: query {} has {} hits of {}", tested.name, i, outcome.hits.size(), truth.size());
      }
      wanted += truth.size();
      found += static_cast<uint64_t>(std::ranges::count_if(
          outcome.hits, [&](const GlobalHit& hit) { return hit.distance <= truth.back(); }));
    }
    return static_cast<double>(found) / static_cast<double>(std::max<uint64_t>(wanted, 1));
  }

  StatusOr<double> Rate(const Case& tested, uint32_t ef) {
    const double start = ThreadCpuSeconds();
    uint64_t queries = 0;
    uint64_t at = 1;
    // To ask for the time is a system call, which would be a part of a search of a few
    // microseconds.
    constexpr uint64_t kToTheTime = 16;
    while (queries % kToTheTime != 0 || ThreadCpuSeconds() - start < options_.seconds) {
      ALIDADE_RETURN_IF_ERROR(Search(tested, at, ef, false).status());
      at = at + 2 < set_.queries.query_count ? at + 2 : 1;
      ++queries;
    }
    return static_cast<double>(queries) / (ThreadCpuSeconds() - start);
  }

  // The least ef at which the even queries reach the recall.
  StatusOr<uint32_t> SmallestEf(const Case& tested, double recall) {
    uint32_t low = kK;
    uint32_t high = kEfMax;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      ALIDADE_ASSIGN_OR_RETURN(const double reached, Recall(tested, middle, 0));
      if (reached >= recall) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  // Microseconds to find the rows of a filter over `key` that lets about so many through and was
  // not used before.
  StatusOr<double> FirstUse(const std::string& key, uint32_t promille) {
    constexpr int kRounds = 101;
    std::vector<double> seconds;
    for (int round = 0; round < kRounds; ++round) {
      // Bounds beyond what there is: another filter, the same rows.
      ALIDADE_ASSIGN_OR_RETURN(
          const Filter filter,
          ParseFilterText(fmt::format("{} <= {} < {}", -(++fresh_), key, promille)));
      const double start = ThreadCpuSeconds();
      ALIDADE_RETURN_IF_ERROR(CountRows(view_, &filter, Deadline()).status());
      seconds.push_back(ThreadCpuSeconds() - start);
    }
    return SpreadOf(seconds).median * 1e6;
  }

  StatusOr<std::string> Plan(const Case& tested, uint32_t ef) {
    VectorQuery query;
    query.vector = set_.queries.Query(1);
    query.k = kK;
    query.ef = ef;
    query.filter = tested.filter.get();
    query.explain = true;
    view_.at = tested.at;
    ALIDADE_ASSIGN_OR_RETURN(const QueryOutcome outcome, ExecuteSearch(view_, query, Deadline()));
    return outcome.plan.substr(outcome.plan.rfind('\n') + 1);
  }

 private:
  // A condition that holds for every row.
  Filter NeverUsed() { return Filter{Range{.key = "near", .gte = Value(int64_t{-(++fresh_)})}}; }
  static double ThreadCpuSeconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  const Options& options_;
  const RealVectors& set_;
  SegmentSet view_;
  int fresh_ = 0;
  std::vector<std::vector<float>> truth_;
};

// The side without a filter never sees the deletes.
Status Compare(const Options& options, Bench& bench, SeqNo at, const char* deletes, Json& report) {
  const Case plain{"no filter", nullptr, kBuilt};
  ALIDADE_RETURN_IF_ERROR(bench.Learn(plain));
  ALIDADE_ASSIGN_OR_RETURN(const uint32_t ef, bench.SmallestEf(plain, options.recall));
  ALIDADE_ASSIGN_OR_RETURN(const double plain_recall, bench.Recall(plain, ef, 1));
  std::printf("%s; without a filter or deletes: ef %u, recall %.4f\n", deletes, ef, plain_recall);
  std::vector<Case> cases;
  if (at != kBuilt) {
    cases.push_back({"no filter", nullptr, at});
  }
  for (const char* key : {"random", "near"}) {
    for (const uint32_t promille : options.promille) {
      const std::string text = fmt::format("{} < {}", key, promille);
      ALIDADE_ASSIGN_OR_RETURN(Filter filter, ParseFilterText(text));
      cases.push_back({text, std::make_shared<Filter>(std::move(filter)), at});
      ALIDADE_ASSIGN_OR_RETURN(const double first_use, bench.FirstUse(key, promille));
      std::printf("%-14s first use: %.1f us to find its rows\n", text.c_str(), first_use);
    }
  }
  for (const Case& tested : cases) {
    ALIDADE_RETURN_IF_ERROR(bench.Learn(tested));
    if (options.graphs) {
      ALIDADE_RETURN_IF_ERROR(bench.MakeGraph(tested, ef));
    }
    ALIDADE_ASSIGN_OR_RETURN(const double recall, bench.Recall(tested, ef, 1));
    ALIDADE_ASSIGN_OR_RETURN(const uint32_t own_ef, bench.SmallestEf(tested, options.recall));
    ALIDADE_ASSIGN_OR_RETURN(const double own_recall, bench.Recall(tested, own_ef, 1));
    std::vector<double> rates;
    std::vector<double> same_ef;
    std::vector<double> ratios;
    for (int turn = 0; turn < options.turns; ++turn) {
      ALIDADE_ASSIGN_OR_RETURN(const double plain_rate, bench.Rate(plain, ef));
      ALIDADE_ASSIGN_OR_RETURN(const double rate, bench.Rate(tested, own_ef));
      ALIDADE_ASSIGN_OR_RETURN(const double with_same, bench.Rate(tested, ef));
      rates.push_back(rate);
      ratios.push_back(rate / plain_rate);
      same_ef.push_back(with_same / plain_rate);
    }
    ALIDADE_ASSIGN_OR_RETURN(const std::string plan, bench.Plan(tested, own_ef));
    const Spread ratio = SpreadOf(ratios);
    std::printf(
        "%-14s same ef: recall %.4f, %.2f x   ef %4u: recall %.4f, %7.0f/s, %5.2f x (%.2f to %.2f) "
        " "
        "%s\n",
        tested.name.c_str(),
        recall,
        SpreadOf(same_ef).median,
        own_ef,
        own_recall,
        SpreadOf(rates).median,
        ratio.median,
        ratio.least,
        ratio.most,
        plan.c_str());
    std::fflush(stdout);
    report.push_back({{"filter", tested.name},
                      {"deletes", deletes},
                      {"ef_without", ef},
                      {"recall_without", plain_recall},
                      {"recall_same_ef", recall},
                      {"ratio_same_ef", SpreadOf(same_ef).median},
                      {"ef", own_ef},
                      {"recall", own_recall},
                      {"queries_per_second", SpreadOf(rates).median},
                      {"ratio", ratio.median},
                      {"ratio_least", ratio.least},
                      {"ratio_most", ratio.most},
                      {"plan", plan}});
  }
  return OkStatus();
}

// Filters of which each comes once. The side without a filter has the same ef.
Status CompareFresh(const Options& options, Bench& bench, Json& report) {
  const Case plain{"no filter", nullptr, kBuilt};
  ALIDADE_RETURN_IF_ERROR(bench.Learn(plain));
  ALIDADE_ASSIGN_OR_RETURN(const uint32_t ef, bench.SmallestEf(plain, options.recall));
  ALIDADE_ASSIGN_OR_RETURN(const double plain_recall, bench.Recall(plain, ef, 1));
  std::printf("each filter comes once; without a filter: ef %u, recall %.4f\n", ef, plain_recall);
  for (const char* key : {"random", "near"}) {
    for (const uint32_t promille : options.promille) {
      Case again{fmt::format("{} < {}", key, promille), nullptr, kBuilt};
      ALIDADE_ASSIGN_OR_RETURN(Filter filter, ParseFilterText(again.name));
      again.filter = std::make_shared<Filter>(std::move(filter));
      ALIDADE_RETURN_IF_ERROR(bench.Learn(again));
      Case fresh = again;
      fresh.use = Case::Use::kFresh;
      Case whole = again;
      whole.use = Case::Use::kFreshWhole;
      ALIDADE_ASSIGN_OR_RETURN(const double recall, bench.Recall(fresh, ef, 1));
      std::vector<double> rates;
      std::vector<double> whole_rates;
      std::vector<double> ratios;
      std::vector<double> plain_ratios;
      for (int turn = 0; turn < options.turns; ++turn) {
        ALIDADE_ASSIGN_OR_RETURN(const double plain_rate, bench.Rate(plain, ef));
        ALIDADE_ASSIGN_OR_RETURN(const double rate, bench.Rate(fresh, ef));
        ALIDADE_ASSIGN_OR_RETURN(const double whole_rate, bench.Rate(whole, ef));
        rates.push_back(rate);
        whole_rates.push_back(whole_rate);
        ratios.push_back(rate / whole_rate);
        plain_ratios.push_back(rate / plain_rate);
      }
      ALIDADE_ASSIGN_OR_RETURN(const std::string plan, bench.Plan(fresh, ef));
      std::printf(
          "%-14s recall %.4f, %7.0f/s, all rows first %7.0f/s: %5.2f x; %.2f x without a "
          "filter  %s\n",
          again.name.c_str(),
          recall,
          SpreadOf(rates).median,
          SpreadOf(whole_rates).median,
          SpreadOf(ratios).median,
          SpreadOf(plain_ratios).median,
          plan.c_str());
      std::fflush(stdout);
      report.push_back({{"filter", again.name},
                        {"ef", ef},
                        {"recall_without", plain_recall},
                        {"recall", recall},
                        {"queries_per_second", SpreadOf(rates).median},
                        {"queries_per_second_all_rows_first", SpreadOf(whole_rates).median},
                        {"ratio", SpreadOf(ratios).median},
                        {"ratio_without_filter", SpreadOf(plain_ratios).median},
                        {"plan", plan}});
    }
  }
  return OkStatus();
}

Status Run(Options options) {
  ALIDADE_ASSIGN_OR_RETURN(const RealVectors set, ReadRealVectors(options.dataset));
  if (options.directory.empty()) {
    options.directory = options.dataset + "/filtered_search";
  }
  Schema schema;
  VectorField field{.id = FieldId(1),
                    .name = "v",
                    .dim = set.dim,
                    .metric = set.queries.metric == "cosine" ? Metric::kCosine : Metric::kL2,
                    .index = {.kind = IndexKind::kHnsw}};
  schema.fields = {field};
  schema.payload_indexes = {{PayloadIndexId(1), "random", PayloadIndexType::kInteger},
                            {PayloadIndexId(2), "near", PayloadIndexType::kInteger}};
  ALIDADE_ASSIGN_OR_RETURN(auto segment, MakeSegment(options, set, schema));
  if (options.fresh) {
    schema.payload_indexes.clear();
    segment.reset();
    ALIDADE_ASSIGN_OR_RETURN(segment, MakeSegment(options, set, schema));
  }
  SegmentSet view;
  view.schema = schema;
  view.segments = {{segment, segment->rows()}};
  Bench bench(options, set, view);
  std::printf("%s: %u x %u, codes %s\n",
              options.dataset.c_str(),
              set.rows,
              set.dim,
              std::string(CodesName(segment->codes(0))).c_str());
  Json report = {{"machine", MachineJson()}, {"dataset", options.dataset}, {"rows", set.rows}};
  if (options.fresh) {
    ALIDADE_RETURN_IF_ERROR(CompareFresh(options, bench, report["cases"]));
    return WriteReport(options.json, report);
  }
  ALIDADE_RETURN_IF_ERROR(Compare(options, bench, kBuilt, "none deleted", report["cases"]));
  if (options.deleted > 0) {
    std::mt19937_64 random(7);
    for (RowId row = 0; row < segment->rows(); ++row) {
      if (static_cast<double>(random() % 1'000'000) < options.deleted * 1e6) {
        segment->MarkDeleted(row, kDeleted);
      }
    }
    ALIDADE_RETURN_IF_ERROR(Compare(options,
                                    bench,
                                    kNow,
                                    fmt::format("{:.0f} % deleted", options.deleted * 100).c_str(),
                                    report["cases"]));
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  alidade::Options options;
  CLI::App app("Searches under filters against searches without, in one process, one thread");
  app.add_option("dataset", options.dataset, "A set made by bench/datasets")->capture_default_str();
  app.add_option("--directory", options.directory, "Where the segment is kept (default: the set)");
  app.add_option("--recall", options.recall, "Recall that every side is tuned to")
      ->capture_default_str();
  app.add_option("--promille", options.promille, "How many of a thousand rows filters let through")
      ->delimiter(',');
  app.add_option("--deleted", options.deleted, "Share of rows deleted in the second half")
      ->capture_default_str();
  app.add_flag(
      "--graphs", options.graphs, "Filters have graphs, as those have that come very often");
  app.add_flag("--fresh",
               options.fresh,
               "Each search has a filter of its own, over keys without an index; tried on what is "
               "found, and on all rows first");
  app.add_option("--turns", options.turns, "Turns of each side")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Per turn")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
