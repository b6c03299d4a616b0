// alidade bench: a load generator over gRPC.
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "bench_during_build.h"
#include "bench_report.h"
#include "bench_restart.h"
#include "bench_search.h"
#include "client_commands.h"
#include "dataset.h"
#include "ingest.h"
#include "schema_flags.h"
#include "server_child.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;
using Json = nlohmann::json;

const std::map<std::string, CallStyle> kCallStyles = {{"queue", CallStyle::kQueue},
                                                      {"threads", CallStyle::kThreads},
                                                      {"callback", CallStyle::kCallback}};

struct BenchFlags {
  ConnectionOptions connection;
  std::string dataset;
  std::string collection = "bench";
  SchemaFlags schema;
  IngestOptions ingest;
  uint64_t limit = 0;
  BenchSearchOptions search;
  std::vector<uint32_t> ef = {0};
  std::vector<uint32_t> nprobe = {0};
  std::vector<double> recall_target;
  std::vector<int> clients = {1};
  bool skip_ingest = false;
  bool ingest_only = false;
  bool during_build = false;
  std::string spawn;
  bool drop_page_cache = false;
  std::vector<std::string> settings;
  std::string json;
};

// Merges go on for a while after the last row has an index. Waits until nothing is built and the
// segments stay the same, so that searches are not measured beside a build.
StatusOr<v1::GetCollectionStatsResponse> WaitSettled(const BenchFlags& flags) {
  constexpr double kQuietSeconds = 1;
  constexpr double kSecondsMax = 2 * 3'600;
  const auto stub = v1::AdminService::NewStub(Connect(flags.connection));
  v1::GetCollectionStatsRequest request;
  request.set_collection(flags.collection);
  std::string last;
  double since = NowSeconds();
  const double give_up = since + kSecondsMax;
  while (NowSeconds() < give_up) {
    v1::GetCollectionStatsResponse response;
    grpc::ClientContext context;
    SetDeadline(context, flags.connection);
    ALIDADE_RETURN_IF_ERROR(FromGrpc(stub->GetCollectionStats(&context, request, &response)));
    std::string now = response.stats().build_rows_total() > 0 ? "building" : "";
    for (const v1::SegmentStats& segment : response.segments()) {
      now += fmt::format(" {}", segment.segment_id());
    }
    if (now != last || now.starts_with("building")) {
      last = now;
      since = NowSeconds();
    } else if (NowSeconds() - since > kQuietSeconds) {
      return response;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return DeadlineExceeded("segments of \"{}\" are merged without end", flags.collection);
}

Status WaitIndexed(const BenchFlags& flags) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::hours(2));
  v1::WaitIndexedRequest request;
  request.set_collection(flags.collection);
  v1::WaitIndexedResponse response;
  return FromGrpc(v1::AdminService::NewStub(Connect(flags.connection))
                      ->WaitIndexed(&context, request, &response));
}

Status IngestRows(const BenchFlags& flags, const Dataset& dataset, Json& report) {
  PointSourceOptions options;
  options.path = dataset.base;
  options.limit = flags.limit;
  ALIDADE_ASSIGN_OR_RETURN(const auto source, PointSource::Open(options));
  ALIDADE_RETURN_IF_ERROR(
      FromGrpc(CreateCollection(flags.connection, flags.collection, flags.schema, source->dim())));
  IngestResult result;
  ALIDADE_RETURN_IF_ERROR(Ingest(flags.connection, flags.ingest, *source, result));
  const double rate = static_cast<double>(result.rows) / result.seconds;
  std::printf(
      "ingest: %lu rows in %.2f s = %.0f rows/s (%s, %d writers x %lu; batch p50 %.1f ms, p99 %.1f "
      "ms)\n",
      result.rows,
      result.seconds,
      rate,
      flags.ingest.durability.c_str(),
      flags.ingest.writers,
      flags.ingest.batch_rows,
      result.batches.PercentileMs(0.5),
      result.batches.PercentileMs(0.99));
  std::fflush(stdout);
  report["ingest"] = {{"rows", result.rows},
                      {"seconds", result.seconds},
                      {"rows_per_second", rate},
                      {"durability", flags.ingest.durability},
                      {"writers", flags.ingest.writers},
                      {"batch_rows", flags.ingest.batch_rows},
                      {"batches", LatencyJson(result.batches)}};
  return OkStatus();
}

Status WaitForIndex(const BenchFlags& flags, Json& report) {
  const double start = NowSeconds();
  ALIDADE_RETURN_IF_ERROR(WaitIndexed(flags));
  const double indexed = NowSeconds() - start;
  ALIDADE_ASSIGN_OR_RETURN(const v1::GetCollectionStatsResponse stats, WaitSettled(flags));
  const double settled = NowSeconds() - start;
  const double built = static_cast<double>(stats.stats().build_time().seconds()) +
                       static_cast<double>(stats.stats().build_time().nanos()) / 1e9;
  std::printf(
      "index: every row indexed %.1f s after the last one was written, no more merges after %.1f "
      "s; %lu builds took %.1f s; %d segments, %.0f MiB of files\n",
      indexed,
      settled,
      stats.stats().builds_done(),
      built,
      stats.segments_size(),
      static_cast<double>(stats.stats().disk_bytes()) / (1 << 20));
  report["index"] = {{"indexed_seconds_after", indexed},
                     {"settled_seconds_after", settled},
                     {"builds", stats.stats().builds_done()},
                     {"build_seconds", built},
                     {"segments", stats.segments_size()},
                     {"disk_bytes", stats.stats().disk_bytes()}};
  return OkStatus();
}

// What to measure with each number of clients.
std::vector<SearchSetting> Settings(const BenchFlags& flags) {
  std::vector<SearchSetting> settings;
  settings.reserve(flags.recall_target.size());
  for (const double target : flags.recall_target) {
    settings.push_back({.recall_target = target});
  }
  if (settings.empty()) {
    for (const uint32_t ef : flags.ef) {
      for (const uint32_t nprobe : flags.nprobe) {
        settings.push_back({.ef = ef, .nprobe = nprobe});
      }
    }
  }
  return settings;
}

std::string EffortName(const SearchSetting& setting, uint32_t effort) {
  if (setting.recall_target > 0) {
    return fmt::format("{:g}", setting.recall_target);
  }
  return effort == 0 ? "default" : fmt::to_string(effort);
}

void PrintSetting(const SearchSetting& setting, const SearchFigures& figures, double rate) {
  const double microseconds = 1e6 / static_cast<double>(figures.queries);
  std::printf("%8s %8s %8d %10.4f %10.0f %9.2f %9.2f %9.2f %9s %9.1f\n",
              EffortName(setting, setting.ef).c_str(),
              EffortName(setting, setting.nprobe).c_str(),
              setting.clients,
              figures.recall,
              rate,
              figures.calls.PercentileMs(0.5),
              figures.calls.PercentileMs(0.95),
              figures.calls.PercentileMs(0.99),
              figures.server_cpu.has_value()
                  ? fmt::format("{:.1f}", figures.server_cpu->total() * microseconds).c_str()
                  : "-",
              figures.client_cpu.total() * microseconds);
  std::fflush(stdout);
}

// Processor time of both sides; the server's is left out where its process is not known.
Json CpuJson(const SearchFigures& figures) {
  const double microseconds = 1e6 / static_cast<double>(figures.queries);
  Json cpu = {{"client_user", figures.client_cpu.user * microseconds},
              {"client_kernel", figures.client_cpu.system * microseconds}};
  if (figures.server_cpu.has_value()) {
    cpu["server_user"] = figures.server_cpu->user * microseconds;
    cpu["server_kernel"] = figures.server_cpu->system * microseconds;
  }
  return cpu;
}

Status Sweep(const BenchFlags& flags, Dataset& dataset, Json& report) {
  BenchSearch search(flags.connection, flags.collection, flags.schema.field, flags.search, dataset);
  const bool own_truth = dataset.depth < flags.search.k || flags.limit != 0;
  if (own_truth) {
    std::printf("truth: by exact search on the server\n");
    ALIDADE_RETURN_IF_ERROR(search.AskTruth());
  }
  report["truth"] = own_truth ? "exact search" : "data set";
  std::printf("%8s %8s %8s %10s %10s %9s %9s %9s %9s %9s\n",
              "ef",
              "nprobe",
              "clients",
              "recall",
              "queries/s",
              "p50 ms",
              "p95 ms",
              "p99 ms",
              "server us",
              "client us");
  for (const int clients : flags.clients) {
    for (SearchSetting setting : Settings(flags)) {
      setting.clients = clients;
      ALIDADE_ASSIGN_OR_RETURN(const SearchFigures figures, search.Measure(setting));
      const double rate = static_cast<double>(figures.queries) / figures.seconds;
      PrintSetting(setting, figures, rate);
      report["search"].push_back({{"ef", setting.ef},
                                  {"nprobe", setting.nprobe},
                                  {"recall_target", setting.recall_target},
                                  {"clients", clients},
                                  {"k", flags.search.k},
                                  {"exact", flags.search.exact},
                                  {"queries_per_call", flags.search.queries_per_call},
                                  {"recall", figures.recall},
                                  {"queries_per_second", rate},
                                  {"calls", LatencyJson(figures.calls)},
                                  {"cpu_us_per_query", CpuJson(figures)}});
    }
  }
  return OkStatus();
}

Status DuringBuild(const BenchFlags& flags, Dataset& dataset, Json& report) {
  const BenchSearch search(
      flags.connection, flags.collection, flags.schema.field, flags.search, dataset);
  DuringBuildOptions options{.connection = flags.connection,
                             .schema = flags.schema,
                             .ingest = flags.ingest,
                             .base = dataset.base,
                             .limit = flags.limit,
                             .quiet_seconds = 2 * flags.search.seconds};
  options.ingest.collection = flags.collection + "_beside";
  ALIDADE_ASSIGN_OR_RETURN(report["during_build"],
                           MeasureDuringBuild(options,
                                              search,
                                              {.ef = flags.ef.front(),
                                               .nprobe = flags.nprobe.front(),
                                               .clients = flags.clients.front()}));
  return OkStatus();
}

Status Restart(const BenchFlags& flags,
               Dataset& dataset,
               std::unique_ptr<ServerChild>& child,
               Json& report) {
  SearchSetting setting = Settings(flags).front();
  setting.clients = flags.clients.front();
  return MeasureRestart({.connection = flags.connection,
                         .collection = flags.collection,
                         .field = flags.schema.field,
                         .search = flags.search,
                         .setting = setting,
                         .data_dir = flags.spawn,
                         .settings = flags.settings,
                         .drop_page_cache = flags.drop_page_cache},
                        dataset,
                        child,
                        report);
}

Status RunAll(BenchFlags& flags, Json& report) {
  ALIDADE_ASSIGN_OR_RETURN(Dataset dataset, OpenDataset(flags.dataset));
  if (!dataset.metric.empty()) {
    flags.schema.metric = dataset.metric;
  }
  std::unique_ptr<ServerChild> child;
  if (!flags.spawn.empty()) {
    ALIDADE_ASSIGN_OR_RETURN(child, ServerChild::Start(flags.spawn, flags.settings, 120));
    flags.connection.server = child->address();
    flags.search.server_pid = child->pid();
  }
  flags.ingest.collection = flags.collection;
  flags.ingest.field = flags.schema.field;
  report["machine"] = MachineJson();
  report["engine"] = "Alidade over gRPC";
  report["dataset"] = flags.dataset;
  report["schema"] = {{"metric", flags.schema.metric}, {"index", flags.schema.index}};
  if (!flags.skip_ingest) {
    ALIDADE_RETURN_IF_ERROR(IngestRows(flags, dataset, report));
  }
  if (flags.ingest_only) {
    return child == nullptr ? OkStatus() : child->Stop();
  }
  ALIDADE_RETURN_IF_ERROR(WaitForIndex(flags, report));
  if (flags.during_build) {
    ALIDADE_RETURN_IF_ERROR(DuringBuild(flags, dataset, report));
    return child == nullptr ? OkStatus() : child->Stop();
  }
  ALIDADE_RETURN_IF_ERROR(Sweep(flags, dataset, report));
  if (child != nullptr) {
    std::printf("memory: peak resident %.0f MiB (mapped files included), anonymous now %.0f MiB\n",
                static_cast<double>(child->PeakResidentBytes()) / (1 << 20),
                static_cast<double>(child->AnonymousBytes()) / (1 << 20));
    report["peak_resident_bytes"] = child->PeakResidentBytes();
    report["anonymous_bytes"] = child->AnonymousBytes();
    ALIDADE_RETURN_IF_ERROR(Restart(flags, dataset, child, report));
    ALIDADE_RETURN_IF_ERROR(child->Stop());
  }
  return OkStatus();
}

int RunBench(BenchFlags& flags) {
  Json report = Json::object();
  Status status = RunAll(flags, report);
  if (status.ok()) {
    status = WriteReport(flags.json, report);
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
    return 1;
  }
  return 0;
}

// What is loaded where, and how.
void AddLoadFlags(CLI::App& bench, BenchFlags& flags) {
  bench
      .add_option("dataset",
                  flags.dataset,
                  "Directory as bench/datasets/ makes it (base, queries, distances) or of TEXMEX "
                  ".fvecs files, or an ann-benchmarks .hdf5")
      ->required();
  bench.add_option("--collection", flags.collection, "Made if it is not there")
      ->capture_default_str();
  CLI::Option* const spawn = bench.add_option(
      "--spawn",
      flags.spawn,
      "Run a server of our own on this directory (measures restart and memory too)");
  bench.add_option("--set", flags.settings, "section.key=value for that server")->take_all();
  bench
      .add_flag("--drop-page-cache",
                flags.drop_page_cache,
                "Before each restart of that server, so that it reads its files from disk; only "
                "root may")
      ->needs(spawn);
  bench.add_flag("--skip-ingest", flags.skip_ingest, "The collection is loaded already");
  bench.add_flag(
      "--ingest-only", flags.ingest_only, "Neither wait for the index nor search nor restart");
  bench.add_flag("--during-build",
                 flags.during_build,
                 "Instead of the sweep: latencies at the first --ef and --clients without a build, "
                 "then while the data set is loaded and indexed once more, beside");
  bench.add_option(
      "--limit", flags.limit, "Only the first rows (the truth is asked from the server then)");
  bench.add_option("--writers", flags.ingest.writers, "Upserts at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  bench.add_option("--batch", flags.ingest.batch_rows, "Rows per upsert")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  bench.add_option("--durability", flags.ingest.durability, "durable or buffered")
      ->check(CLI::IsMember({"durable", "buffered"}))
      ->capture_default_str();
}

// What is measured afterwards.
void AddSearchFlags(CLI::App& bench, BenchFlags& flags) {
  bench.add_option("--ef", flags.ef, "HNSW candidates, a list (0: the default)")->delimiter(',');
  bench.add_option("--nprobe", flags.nprobe, "IVF lists, a list (0: the default)")->delimiter(',');
  bench
      .add_option("--recall-target",
                  flags.recall_target,
                  "Recalls to aim at, a list: the server chooses ef or nprobe")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0));
  bench.add_option("--clients", flags.clients, "Calls in flight, a list")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'024));
  bench.add_option("-k", flags.search.k, "Hits per query")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  bench.add_option("--queries-per-call", flags.search.queries_per_call, "Queries in one call")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  bench.add_option("--seconds", flags.search.seconds, "Per point of the sweep")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  bench.add_flag("--exact", flags.search.exact, "Exact searches");
  bench
      .add_option("--client-style",
                  flags.search.style,
                  "How the load generator waits: queue (one thread), threads (one for each call "
                  "in flight), callback")
      ->transform(CLI::CheckedTransformer(kCallStyles));
  bench
      .add_option(
          "--connections", flags.search.connections, "Shared by the clients; 0: one for each")
      ->check(CLI::Range(0, 1'024))
      ->capture_default_str();
  bench.add_option("--server-pid",
                   flags.search.server_pid,
                   "The server's process, for its processor time (known with --spawn)");
}

}  // namespace

void AddBenchCommands(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<BenchFlags>();
  flags->ingest.batch_rows = 100;
  flags->ingest.writers = 8;
  CLI::App* bench = app.add_subcommand(
      "bench",
      "Load a data set, wait for its index, measure searches, restart and memory; JSON out");
  AddConnectionFlags(*bench, flags->connection);
  AddLoadFlags(*bench, *flags);
  AddSchemaFlags(*bench, flags->schema);
  AddPayloadIndexFlag(*bench, flags->schema);
  AddSearchFlags(*bench, *flags);
  bench->add_option("--json", flags->json, "Write the figures here (-: standard output)");
  bench->callback([flags, &exit_code] { exit_code = RunBench(*flags); });
}

}  // namespace alidade
