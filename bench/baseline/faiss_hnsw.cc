// faiss_hnsw: Debian's FAISS IndexHNSWFlat in this process, on the same vectors, queries and rule
// of counting as `alidade bench`, so that the two can be compared. M and efConstruction are the
// server's defaults.
//
// FAISS 1.7.3 takes efSearch from the index only, never from the call, and opens an OpenMP team
// even for one query. So efSearch is set before the threads start, and each thread asks for a team
// of one: no query pays for what the others do.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/index_io.h>
#include <omp.h>

#include "alidade/common/file.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "real_vectors.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::string metric = "ip";  // faster than l2 with the scalar kernels
  int m = 16;
  int ef_construction = 200;
  std::vector<int> ef = {32, 64, 96, 128, 192, 256};
  std::vector<int> threads = {1};
  int build_threads = 2;
  uint32_t k = 10;
  double seconds = 5;
  std::string cache;
  std::string json;
};

// 1 - cosine, as in the data set's truth.
float CosineDistance(faiss::MetricType metric, float distance) {
  return metric == faiss::METRIC_L2 ? distance / 2 : 1.0F - distance;
}

struct Built {
  std::unique_ptr<faiss::IndexHNSW> index;
  bool loaded = false;
  double seconds = 0;
};

// The graph kept from an earlier run, if it is over the same vectors with the same parameters.
std::unique_ptr<faiss::IndexHNSW> LoadGraph(const Options& options,
                                            const RealVectors& set,
                                            faiss::MetricType metric,
                                            const std::string& path) {
  if (!PathExists(path)) {
    return nullptr;
  }
  try {
    std::unique_ptr<faiss::Index> any(faiss::read_index(path.c_str()));
    auto* hnsw = dynamic_cast<faiss::IndexHNSWFlat*>(any.get());
    const auto* flat =
        hnsw == nullptr ? nullptr : dynamic_cast<const faiss::IndexFlat*>(hnsw->storage);
    if (flat == nullptr || hnsw->metric_type != metric || hnsw->ntotal != set.rows ||
        hnsw->d != static_cast<int>(set.dim) ||
        hnsw->hnsw.efConstruction != options.ef_construction ||
        hnsw->hnsw.nb_neighbors(0) != 2 * options.m ||
        !std::equal(set.base.begin(), set.base.end(), flat->get_xb())) {
      std::fprintf(stderr, "%s is of other vectors or parameters, building anew\n", path.c_str());
      return nullptr;
    }
    static_cast<void>(any.release());
    return std::unique_ptr<faiss::IndexHNSW>(hnsw);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s; building anew\n", path.c_str(), error.what());
    return nullptr;
  }
}

StatusOr<Built> BuildOrLoad(const Options& options, const RealVectors& set) {
  const auto metric = options.metric == "l2" ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
  const std::string path = fmt::format("{}/faiss_hnsw_{}_m{}_efc{}.index",
                                       options.cache.empty() ? options.dataset : options.cache,
                                       options.metric,
                                       options.m,
                                       options.ef_construction);
  const double start = NowSeconds();
  Built built;
  built.index = LoadGraph(options, set, metric, path);
  built.loaded = built.index != nullptr;
  if (!built.loaded) {
    std::fprintf(stderr, "building the graph with %d threads\n", options.build_threads);
    omp_set_num_threads(options.build_threads);
    built.index =
        std::make_unique<faiss::IndexHNSWFlat>(static_cast<int>(set.dim), options.m, metric);
    built.index->hnsw.efConstruction = options.ef_construction;
    built.index->add(set.rows, set.base.data());
  }
  built.seconds = NowSeconds() - start;
  if (!built.loaded) {
    faiss::write_index(built.index.get(), (path + ".tmp").c_str());
    ALIDADE_RETURN_IF_ERROR(RenamePath(path + ".tmp", path));
  }
  return built;
}

void SearchOne(const faiss::IndexHNSW& index,
               const float* query,
               uint32_t k,
               std::vector<float>& distances) {
  std::vector<faiss::Index::idx_t> labels(k);
  distances.resize(k);
  index.search(1, query, k, distances.data(), labels.data());
  for (uint32_t i = 0; i < k; ++i) {
    // Fewer than k were found: the rest is no hit.
    distances[i] = labels[i] < 0 ? INFINITY : CosineDistance(index.metric_type, distances[i]);
  }
}

double MeasureRecall(const Options& options,
                     const RealVectors& set,
                     const faiss::IndexHNSW& index) {
  omp_set_num_threads(1);
  uint64_t near = 0;
  std::vector<float> distances;
  for (uint64_t i = 0; i < set.queries.query_count; ++i) {
    SearchOne(index, set.queries.Query(i), options.k, distances);
    near += CountNear(distances, set.queries.KthDistance(i, options.k));
  }
  return static_cast<double>(near) / static_cast<double>(set.queries.query_count * options.k);
}

// `threads` threads with one query at a time each, for the given time.
StatusOr<Json> MeasureLoad(const Options& options,
                           const RealVectors& set,
                           const faiss::IndexHNSW& index,
                           int threads) {
  const uint64_t count = set.queries.query_count;
  std::vector<Latencies> calls(static_cast<size_t>(threads));
  const double start = NowSeconds();
  const double end = start + options.seconds;
  const Status status = RunWorkers(threads, [&](int thread) -> Status {
    omp_set_num_threads(1);
    std::vector<float> distances;
    uint64_t next = count * static_cast<uint64_t>(thread) / static_cast<uint64_t>(threads);
    for (double now = NowSeconds(); now < end;) {
      SearchOne(index, set.queries.Query(next % count), options.k, distances);
      ++next;
      const double after = NowSeconds();
      calls[static_cast<size_t>(thread)].Add(after - now);
      now = after;
    }
    return OkStatus();
  });
  ALIDADE_RETURN_IF_ERROR(status);
  const double seconds = NowSeconds() - start;
  Latencies all;
  for (const Latencies& each : calls) {
    all.Merge(each);
  }
  return Json{{"ef", index.hnsw.efSearch},
              {"clients", threads},
              {"k", options.k},
              {"queries_per_call", 1},
              {"queries_per_second", static_cast<double>(all.count()) / seconds},
              {"calls", LatencyJson(all)}};
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(RealVectors set, ReadRealVectors(options.dataset));
  if (set.queries.metric != "cosine" || set.queries.depth < options.k) {
    return InvalidArgument("{} is no cosine set with the true {} neighbours of each query",
                           options.dataset,
                           options.k);
  }
  NormaliseRows(set.base, set.dim);
  NormaliseRows(set.queries.queries, set.dim);
  ALIDADE_ASSIGN_OR_RETURN(Built built, BuildOrLoad(options, set));
  std::printf("FAISS HNSW (%s, M %d, efConstruction %d): %s in %.1f s\n",
              options.metric.c_str(),
              options.m,
              options.ef_construction,
              built.loaded ? "loaded from the cache" : "built",
              built.seconds);
  Json report = {{"machine", MachineJson()},
                 {"engine", "FAISS IndexHNSWFlat in process"},
                 {"dataset", options.dataset},
                 {"schema", {{"metric", options.metric}, {"index", "hnsw"}, {"m", options.m}}},
                 {"graph", built.loaded ? "loaded" : "built"},
                 {"graph_seconds", built.seconds}};
  report["schema"]["ef_construction"] = options.ef_construction;
  if (!built.loaded) {
    report["build_threads"] = options.build_threads;
  }
  std::printf("%8s %8s %10s %10s %9s %9s %9s\n",
              "ef",
              "threads",
              "recall",
              "queries/s",
              "p50 ms",
              "p95 ms",
              "p99 ms");
  for (const int ef : options.ef) {
    built.index->hnsw.efSearch = ef;
    const double recall = MeasureRecall(options, set, *built.index);
    for (const int threads : options.threads) {
      ALIDADE_ASSIGN_OR_RETURN(Json row, MeasureLoad(options, set, *built.index, threads));
      row["recall"] = recall;
      std::printf("%8d %8d %10.4f %10.0f %9.2f %9.2f %9.2f\n",
                  ef,
                  threads,
                  recall,
                  row["queries_per_second"].get<double>(),
                  row["calls"]["p50_ms"].get<double>(),
                  row["calls"]["p95_ms"].get<double>(),
                  row["calls"]["p99_ms"].get<double>());
      report["search"].push_back(row);
    }
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Debian's FAISS IndexHNSWFlat in process: recall and queries per second");
  alidade::Options options;
  app.add_option("dataset", options.dataset, "Directory as bench/datasets/ makes it")
      ->capture_default_str();
  app.add_option("--metric", options.metric, "ip or l2, on unit vectors")
      ->check(CLI::IsMember({"l2", "ip"}))
      ->capture_default_str();
  app.add_option("--m", options.m, "Links per node above level 0")->capture_default_str();
  app.add_option("--ef-construction", options.ef_construction, "Candidates while building")
      ->capture_default_str();
  app.add_option("--ef", options.ef, "efSearch, a list")->delimiter(',');
  app.add_option("--threads", options.threads, "Threads searching at once, a list")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'024));
  app.add_option("--build-threads", options.build_threads, "Threads of the build")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  app.add_option("-k", options.k, "Hits per query")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Per point of the sweep")->capture_default_str();
  app.add_option("--cache", options.cache, "Where the built graph is kept (default: the data set)");
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
