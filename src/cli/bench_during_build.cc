#include "bench_during_build.h"

#include <atomic>
#include <cstdio>
#include <future>
#include <memory>

#include "bench_report.h"

namespace alidade {
namespace {

namespace v1 = alidade::v1;
using Json = nlohmann::json;

// Chosen: short against a build, long against one search.
constexpr double kWindowSeconds = 0.25;
// A build that does not end.
constexpr double kSecondsMax = 2 * 3'600;

StatusOr<v1::CollectionStats> StatsOf(const ConnectionOptions& connection,
                                      const std::string& collection) {
  v1::GetCollectionStatsRequest request;
  request.set_collection(collection);
  v1::GetCollectionStatsResponse response;
  grpc::ClientContext context;
  SetDeadline(context, connection);
  ALIDADE_RETURN_IF_ERROR(FromGrpc(v1::AdminService::NewStub(Connect(connection))
                                       ->GetCollectionStats(&context, request, &response)));
  return response.stats();
}

Status Drop(const ConnectionOptions& connection, const std::string& collection) {
  v1::DeleteCollectionRequest request;
  request.set_collection(collection);
  v1::DeleteCollectionResponse response;
  grpc::ClientContext context;
  SetDeadline(context, connection);
  return FromGrpc(v1::CollectionService::NewStub(Connect(connection))
                      ->DeleteCollection(&context, request, &response));
}

// The figures of the states of one run.
struct Phases {
  SearchFigures quiet;
  SearchFigures ingest;
  SearchFigures build;
  double build_seconds = 0;  // from the last row written to the last row indexed
  IngestResult rows;
};

class Run {
 public:
  Run(const DuringBuildOptions& options, const BenchSearch& search, const SearchSetting& setting)
      : options_(options), search_(search), setting_(setting) {}

  Status All() {
    ALIDADE_ASSIGN_OR_RETURN(const v1::CollectionStats before, MakeCollection());
    if (before.point_count() > 0) {
      return FailedPrecondition("the collection \"{}\" has points already: it is left alone",
                                options_.ingest.collection);
    }
    Status status = Quiet();
    status = status.ok() ? LoadBeside() : status;
    status = status.ok() ? BuildBeside() : status;
    status = status.ok() ? Quiet() : status;
    const Status dropped = Drop(options_.connection, options_.ingest.collection);
    return status.ok() ? dropped : status;
  }
  const Phases& phases() const { return phases_; }

 private:
  StatusOr<v1::CollectionStats> MakeCollection() {
    PointSourceOptions source;
    source.path = options_.base;
    source.limit = options_.limit;
    ALIDADE_ASSIGN_OR_RETURN(source_, PointSource::Open(source));
    ALIDADE_RETURN_IF_ERROR(FromGrpc(CreateCollection(
        options_.connection, options_.ingest.collection, options_.schema, source_->dim())));
    return StatsOf(options_.connection, options_.ingest.collection);
  }

  Status Window(SearchFigures& figures) { return search_.Load(setting_, kWindowSeconds, figures); }

  Status Quiet() {
    const double end = phases_.quiet.seconds + options_.quiet_seconds / 2;
    while (phases_.quiet.seconds < end) {
      ALIDADE_RETURN_IF_ERROR(Window(phases_.quiet));
    }
    return OkStatus();
  }

  Status LoadBeside() {
    std::atomic<bool> loaded{false};
    auto loading = std::async(std::launch::async, [&] {
      Status status = Ingest(options_.connection, options_.ingest, *source_, phases_.rows);
      loaded = true;
      return status;
    });
    Status searched;
    while (searched.ok() && !loaded) {
      SearchFigures window;
      searched = Window(window);
      if (!loaded) {
        Add(window, phases_.ingest);
      }
    }
    const Status status = loading.get();
    return searched.ok() ? status : searched;
  }

  // Rows are indexed while they are loaded already; what is left is indexed now.
  Status BuildBeside() {
    const double start = NowSeconds();
    ALIDADE_ASSIGN_OR_RETURN(v1::CollectionStats stats,
                             StatsOf(options_.connection, options_.ingest.collection));
    bool built = Running(stats);
    while (stats.pending_rows() > 0 || built) {
      if (NowSeconds() - start > kSecondsMax) {
        return DeadlineExceeded("the build of \"{}\" does not end", options_.ingest.collection);
      }
      SearchFigures window;
      ALIDADE_RETURN_IF_ERROR(Window(window));
      ALIDADE_ASSIGN_OR_RETURN(stats, StatsOf(options_.connection, options_.ingest.collection));
      if (built && Running(stats)) {
        Add(window, phases_.build);
      }
      built = Running(stats);
      phases_.build_seconds = NowSeconds() - start;
    }
    if (phases_.build.queries == 0) {
      return FailedPrecondition("the build was over before it could be seen: load more rows");
    }
    return OkStatus();
  }

  static bool Running(const v1::CollectionStats& stats) { return stats.build_rows_total() > 0; }

  static void Add(const SearchFigures& window, SearchFigures& sum) {
    sum.calls.Merge(window.calls);
    sum.queries += window.queries;
    sum.seconds += window.seconds;
  }

  const DuringBuildOptions& options_;
  const BenchSearch& search_;
  const SearchSetting setting_;
  std::unique_ptr<PointSource> source_;
  Phases phases_;
};

Json Print(const char* state, const SearchFigures& figures, const SearchFigures& quiet) {
  const double rate =
      figures.seconds == 0 ? 0 : static_cast<double>(figures.queries) / figures.seconds;
  const auto ratio = [&](double p) {
    const double reference = quiet.calls.PercentileMs(p);
    return reference == 0 ? 0 : figures.calls.PercentileMs(p) / reference;
  };
  std::printf("%-8s %9.1f %10.0f %9.2f %9.2f %9.2f %9.2f\n",
              state,
              figures.seconds,
              rate,
              figures.calls.PercentileMs(0.5),
              figures.calls.PercentileMs(0.99),
              ratio(0.5),
              ratio(0.99));
  return {{"seconds", figures.seconds},
          {"queries_per_second", rate},
          {"calls", LatencyJson(figures.calls)},
          {"p50_ratio", ratio(0.5)},
          {"p99_ratio", ratio(0.99)}};
}

}  // namespace

StatusOr<Json> MeasureDuringBuild(const DuringBuildOptions& options,
                                  const BenchSearch& search,
                                  const SearchSetting& setting) {
  Run run(options, search, setting);
  ALIDADE_RETURN_IF_ERROR(run.All());
  const Phases& phases = run.phases();
  std::printf("\nsearches beside a build of %lu rows, %d clients (ratios to no build)\n",
              phases.rows.rows,
              setting.clients);
  std::printf("%-8s %9s %10s %9s %9s %9s %9s\n",
              "beside",
              "seconds",
              "queries/s",
              "p50 ms",
              "p99 ms",
              "p50 ratio",
              "p99 ratio");
  Json report = {{"ef", setting.ef},
                 {"nprobe", setting.nprobe},
                 {"clients", setting.clients},
                 {"rows", phases.rows.rows},
                 {"rows_per_second", static_cast<double>(phases.rows.rows) / phases.rows.seconds},
                 {"build_seconds_after_ingest", phases.build_seconds}};
  report["quiet"] = Print("nothing", phases.quiet, phases.quiet);
  report["ingest"] = Print("ingest", phases.ingest, phases.quiet);
  report["build"] = Print("build", phases.build, phases.quiet);
  return report;
}

}  // namespace alidade
