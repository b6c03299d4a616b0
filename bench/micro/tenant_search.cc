// tenant_search: searches for one of many tenants, over segments whose rows lie in the order of
// their ids and over segments whose rows lie by tenant, in turns.
//
// Each query is for another tenant, so no selection is known from before. Warm: everything in
// memory, codes and links copied. Cold: nothing is, and what a search with the payloads of its hits
// reads from disk is counted.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "alidade/common/checksum.h"
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

constexpr SeqNo kBuilt(1);
constexpr uint32_t kHits = 10;
constexpr uint32_t kRecallQueries = 500;

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::string directory = "/tmp/tenant_search";
  std::vector<uint32_t> tenants = {1'000, 100, 10};
  uint32_t ef = 0;
  uint32_t subsets_from = BuildOptions().subsets_from;
  int turns = 5;
  double seconds = 0.5;
  int cold = 20;
  std::string json;
};

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One segment over all vectors, each row of a random tenant.
class Side {
 public:
  static StatusOr<std::unique_ptr<Side>> Make(const Options& options,
                                              const RealVectors& set,
                                              uint32_t tenants,
                                              bool together) {
    auto side = std::make_unique<Side>();
    side->view_.schema.fields = {
        {.id = FieldId(1),
         .name = "v",
         .dim = set.dim,
         .metric = set.queries.metric == "cosine" ? Metric::kCosine : Metric::kL2,
         .index = {.kind = IndexKind::kHnsw}}};
    side->view_.schema.payload_indexes = {
        {PayloadIndexId(1), "tenant", PayloadIndexType::kKeyword, {}, together}};
    const Schema& schema = side->view_.schema;
    const auto delta = std::make_shared<Delta>(
        schema, RowNo(0), Delta::Options{.rows_max = set.rows, .bytes_max = size_t{64} << 30});
    std::mt19937_64 random(tenants);
    for (uint32_t row = 0; row < set.rows; ++row) {
      std::string payload;
      EncodeObject({{"tenant", Value(fmt::format("t{}", random() % tenants))},
                    {"text", Value(std::string(500, static_cast<char>('a' + row % 26)))}},
                   payload);
      const std::string id = PointId(uint64_t{row}).Encode();
      const std::string_view vector(reinterpret_cast<const char*>(set.Row(row)),
                                    set.dim * sizeof(float));
      if (!delta->Append({RowNo(row), id, payload, {vector}})) {
        return Internal("the delta is full at row {}", row);
      }
    }
    delta->Freeze(RowNo(set.rows - 1));
    SegmentWriteRequest request;
    request.parent_directory = options.directory;
    request.store_uuid = "tenant_search!!!";
    request.collection = CollectionId(1);
    request.segment = SegmentId(2 * tenants + (together ? 1 : 0));
    request.schema = schema;
    request.at = kBuilt;
    request.inputs = {delta};
    request.build_indexes = true;
    request.build.threads = 2;
    request.build.subsets_from = options.subsets_from;
    side->ef_ = options.ef;
    ALIDADE_ASSIGN_OR_RETURN(const SegmentWriteResult written, WriteSegment(request));
    side->directory_ = written.directory;
    ALIDADE_ASSIGN_OR_RETURN(side->segment_,
                             SealedSegment::Open({.directory = written.directory,
                                                  .store_uuid = request.store_uuid,
                                                  .manifest = written.manifest,
                                                  .schema = schema}));
    side->segment_->RemoveFilesWhenUnused();
    side->view_.at = kBuilt;
    side->view_.segments = {{side->segment_, side->segment_->rows()}};
    return side;
  }

  // The 10 nearest of one tenant.
  StatusOr<std::vector<GlobalHit>> Find(const float* query, uint32_t tenant, bool exact) {
    ALIDADE_ASSIGN_OR_RETURN(const Filter filter,
                             ParseFilterText(fmt::format("tenant = \"t{}\"", tenant)));
    VectorQuery asked;
    asked.vector = query;
    asked.k = kHits;
    asked.ef = ef_;
    asked.exact = exact;
    asked.filter = &filter;
    ALIDADE_ASSIGN_OR_RETURN(QueryOutcome found, ExecuteSearch(view_, asked, Deadline()));
    return std::move(found.hits);
  }

  // With `payloads` those of the hits are read.
  Status Search(const float* query, uint32_t tenant, bool payloads) {
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<GlobalHit> hits,
                             Find(query, tenant, /*exact=*/false));
    for (const GlobalHit& hit : hits) {
      read_ += payloads ? Checksum64(segment_->payload(hit.row, kBuilt)) : 0;
    }
    return OkStatus();
  }

  // Hits as near as the true last one, of all that there are.
  StatusOr<double> Recall(const RealVectors& set, uint32_t tenants) {
    size_t found = 0;
    size_t all = 0;
    for (uint32_t i = 0; i < std::min<uint64_t>(kRecallQueries, set.queries.query_count); ++i) {
      const float* query = set.queries.Query(i);
      ALIDADE_ASSIGN_OR_RETURN(const auto truth, Find(query, i % tenants, /*exact=*/true));
      ALIDADE_ASSIGN_OR_RETURN(const auto hits, Find(query, i % tenants, /*exact=*/false));
      all += truth.size();
      found += static_cast<size_t>(std::ranges::count_if(
          hits, [&](const GlobalHit& hit) { return hit.distance <= truth.back().distance; }));
    }
    return static_cast<double>(found) / static_cast<double>(all);
  }

  void MakeResident() { segment_->MakeResident(std::make_shared<MemoryBudget>(size_t{16} << 30)); }

  // Drops the pages of the segment's files from this process and from the page cache.
  Status Forget() const {
    return OnMappings([](void* begin, size_t bytes, const std::string& path) {
      const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
      const bool dropped = file >= 0 && madvise(begin, bytes, MADV_DONTNEED) == 0 &&
                           posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0;
      close(file);
      return dropped;
    });
  }

  // Brings them all in.
  Status Warm() const {
    return OnMappings([](void* begin, size_t bytes, const std::string&) {
      return madvise(begin, bytes, MADV_POPULATE_READ) == 0;
    });
  }

 private:
  template <class Fn>
  Status OnMappings(const Fn& fn) const {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      uintptr_t begin = 0;
      uintptr_t end = 0;
      if (line.find(directory_) != std::string::npos &&
          (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2 ||
           !fn(reinterpret_cast<void*>(begin), end - begin, line.substr(line.find('/'))))) {
        return Internal("cannot work on {}", line);
      }
    }
    return OkStatus();
  }

  std::string directory_;
  uint32_t ef_ = 0;
  std::shared_ptr<SealedSegment> segment_;
  SegmentSet view_;
  uint64_t read_ = 0;  // so that nothing is left out as useless
};

StatusOr<double> Rate(
    Side& side, const RealVectors& set, uint32_t tenants, double seconds, uint64_t seed) {
  std::mt19937_64 random(seed);
  const double start = Now();
  uint64_t queries = 0;
  while (Now() - start < seconds) {
    const float* query = set.queries.Query(random() % set.queries.query_count);
    ALIDADE_RETURN_IF_ERROR(
        side.Search(query, static_cast<uint32_t>(random() % tenants), /*payloads=*/false));
    ++queries;
  }
  return static_cast<double>(queries) / (Now() - start);
}

uint64_t BytesRead() {
  std::ifstream io("/proc/self/io");
  for (std::string line; std::getline(io, line);) {
    if (line.starts_with("read_bytes: ")) {
      return std::stoull(line.substr(12));
    }
  }
  return 0;
}

Status Compare(const Options& options, const RealVectors& set, uint32_t tenants, Json& report) {
  ALIDADE_ASSIGN_OR_RETURN(const auto apart, Side::Make(options, set, tenants, false));
  ALIDADE_ASSIGN_OR_RETURN(const auto together, Side::Make(options, set, tenants, true));
  std::vector<double> cold_bytes[2];
  std::vector<double> cold_ms[2];
  for (int i = 0; i < options.cold; ++i) {
    for (int k = 0; k < 2; ++k) {
      Side& side = k == 0 ? *apart : *together;
      ALIDADE_RETURN_IF_ERROR(side.Forget());
      const uint64_t before = BytesRead();
      const double start = Now();
      ALIDADE_RETURN_IF_ERROR(side.Search(set.queries.Query(static_cast<uint64_t>(i)),
                                          static_cast<uint32_t>(i) % tenants,
                                          /*payloads=*/true));
      cold_ms[k].push_back((Now() - start) * 1e3);
      cold_bytes[k].push_back(static_cast<double>(BytesRead() - before) / 1'024);
    }
  }
  for (Side* side : {apart.get(), together.get()}) {
    side->MakeResident();
    ALIDADE_RETURN_IF_ERROR(side->Warm());
  }
  std::vector<double> rates[2];
  std::vector<double> ratios;
  for (int turn = 0; turn < options.turns; ++turn) {
    const auto seed = static_cast<uint64_t>(turn);
    ALIDADE_ASSIGN_OR_RETURN(const double first, Rate(*apart, set, tenants, options.seconds, seed));
    ALIDADE_ASSIGN_OR_RETURN(const double second,
                             Rate(*together, set, tenants, options.seconds, seed));
    rates[0].push_back(first);
    rates[1].push_back(second);
    ratios.push_back(second / first);
  }
  ALIDADE_ASSIGN_OR_RETURN(const double recall_apart, apart->Recall(set, tenants));
  ALIDADE_ASSIGN_OR_RETURN(const double recall_together, together->Recall(set, tenants));
  const Spread ratio = SpreadOf(ratios);
  std::printf(
      "%5u tenants of about %6u: apart %8.0f queries/s (recall %.3f), together %8.0f (%.3f), "
      "%.2f x (%.2f to %.2f); cold: %.0f and %.0f KiB, %.1f and %.1f ms\n",
      tenants,
      set.rows / tenants,
      SpreadOf(rates[0]).median,
      recall_apart,
      SpreadOf(rates[1]).median,
      recall_together,
      ratio.median,
      ratio.least,
      ratio.most,
      SpreadOf(cold_bytes[0]).median,
      SpreadOf(cold_bytes[1]).median,
      SpreadOf(cold_ms[0]).median,
      SpreadOf(cold_ms[1]).median);
  std::fflush(stdout);
  report.push_back({{"tenants", tenants},
                    {"queries_per_second_apart", SpreadOf(rates[0]).median},
                    {"queries_per_second_together", SpreadOf(rates[1]).median},
                    {"recall_apart", recall_apart},
                    {"recall_together", recall_together},
                    {"ratio", ratio.median},
                    {"ratio_least", ratio.least},
                    {"ratio_most", ratio.most},
                    {"cold_kib_apart", SpreadOf(cold_bytes[0]).median},
                    {"cold_kib_together", SpreadOf(cold_bytes[1]).median},
                    {"cold_ms_apart", SpreadOf(cold_ms[0]).median},
                    {"cold_ms_together", SpreadOf(cold_ms[1]).median}});
  return OkStatus();
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(const RealVectors set, ReadRealVectors(options.dataset));
  Json report = {{"machine", MachineJson()}, {"dataset", options.dataset}, {"rows", set.rows}};
  for (const uint32_t tenants : options.tenants) {
    ALIDADE_RETURN_IF_ERROR(Compare(options, set, tenants, report["cases"]));
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  alidade::Options options;
  CLI::App app("Searches for one tenant, rows of a tenant side by side or not, one thread");
  app.add_option("dataset", options.dataset, "A set made by bench/datasets")->capture_default_str();
  app.add_option("--directory", options.directory, "For the segments, which go at the end")
      ->capture_default_str();
  app.add_option("--tenants", options.tenants, "How many, rows spread evenly")->delimiter(',');
  app.add_option("--ef", options.ef, "Candidate list of a walk (0: default)")
      ->capture_default_str();
  app.add_option("--subsets-from", options.subsets_from, "Rows from which a tenant gets a graph")
      ->capture_default_str();
  app.add_option("--turns", options.turns, "Turns of each side")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Per turn")->capture_default_str();
  app.add_option("--cold", options.cold, "Cold searches of each side")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
