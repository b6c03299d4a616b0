// engine_search: searches through Engine::Search in one process: plan, index, merge and hits,
// without messages and network. What `alidade bench` takes beyond it is the front end's.
// With --between, each caller writes some memory of its own between two calls, as whatever serves
// calls does, so that less of what searches share is in the caches; that time does not count.
#include <atomic>
#include <cstdio>
#include <span>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "alidade/engine/engine.h"

#include "bench_report.h"
#include "dataset.h"
#include "exit_code.h"
#include "load.h"
#include "search_load.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string dataset;
  std::string directory;
  std::string collection = "bench";
  uint32_t ef = 20;
  std::vector<int> threads = {1, 2};
  std::vector<uint32_t> together = {1, 64};
  std::vector<size_t> between = {0};  // KiB
  double seconds = 2;
  std::string json;
};

std::vector<SearchRequest> Requests(const Options& options, const Dataset& set, uint32_t together) {
  std::vector<SearchRequest> requests;
  for (uint64_t first = 0; first + together <= set.query_count; first += together) {
    SearchRequest& request = requests.emplace_back();
    request.collection = options.collection;
    for (uint64_t i = first; i < first + together; ++i) {
      SearchQuery& query = request.queries.emplace_back();
      query.target = std::vector<float>(set.Query(i), set.Query(i) + set.dim);
      query.ef = options.ef;
    }
  }
  return requests;
}

constexpr size_t kLineBytes = 64;

// Brings all of it into the nearest cache that has room for it.
void Touch(std::span<char> memory) {
  for (size_t at = 0; at < memory.size(); at += kLineBytes) {
    auto* byte = static_cast<volatile char*>(&memory[at]);
    *byte = static_cast<char>(*byte + 1);
  }
}

StatusOr<Json> Measure(const Engine& engine,
                       const Options& options,
                       const std::vector<SearchRequest>& requests,
                       int threads,
                       size_t between_kib) {
  std::atomic<uint64_t> queries{0};
  std::atomic<double> touching{0};
  const CpuTime before = OwnCpuTime();
  const double start = NowSeconds();
  const Status ran = RunWorkers(threads, [&](int worker) -> Status {
    std::vector<char> memory(between_kib << 10);
    double touched = 0;
    size_t next = requests.size() * static_cast<size_t>(worker) / static_cast<size_t>(threads);
    while (NowSeconds() < start + options.seconds) {
      const SearchRequest& request = requests[next++ % requests.size()];
      ALIDADE_RETURN_IF_ERROR(engine.Search(request).status());
      queries += request.queries.size();
      const double done = NowSeconds();
      Touch(memory);
      touched += NowSeconds() - done;
    }
    touching += touched;
    return OkStatus();
  });
  ALIDADE_RETURN_IF_ERROR(ran);
  const double seconds = NowSeconds() - start - touching.load() / threads;
  const CpuTime used = OwnCpuTime() - before;
  const auto count = static_cast<double>(queries.load());
  Json row = {{"threads", threads},
              {"queries_per_call", requests.front().queries.size()},
              {"kib_between", between_kib},
              {"queries_per_second", count / seconds},
              {"cpu_us_per_query", (used.user + used.system - touching.load()) / count * 1e6}};
  std::printf("%7d %10zu %12zu %12.0f %14.1f\n",
              threads,
              requests.front().queries.size(),
              between_kib,
              row["queries_per_second"].get<double>(),
              row["cpu_us_per_query"].get<double>());
  return row;
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(const Dataset set, OpenDataset(options.dataset));
  EngineOptions engine_options;
  engine_options.data_directory = options.directory;
  ALIDADE_ASSIGN_OR_RETURN(const auto engine, Engine::Open(engine_options));
  CollectionStats stats;
  ALIDADE_RETURN_IF_ERROR(
      engine->WaitIndexed(options.collection, Deadline::After(std::chrono::seconds(600)), stats));
  Json report = {{"machine", MachineJson()}, {"ef", options.ef}, {"rows", Json::array()}};
  std::printf("threads  q. a call  KiB between    queries/s  cpu us a query\n");
  for (const uint32_t together : options.together) {
    const std::vector<SearchRequest> requests = Requests(options, set, together);
    if (requests.empty()) {
      return InvalidArgument("the set has fewer than {} queries", together);
    }
    for (const int threads : options.threads) {
      for (const size_t between : options.between) {
        ALIDADE_ASSIGN_OR_RETURN(Json row, Measure(*engine, options, requests, threads, between));
        report["rows"].push_back(std::move(row));
      }
    }
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  alidade::Options options;
  CLI::App app("Searches through the engine, in one process");
  app.add_option("dataset", options.dataset, "Directory with queries.npy")->required();
  app.add_option("directory", options.directory, "Data directory that holds the set")->required();
  app.add_option("--collection", options.collection, "Its name")->capture_default_str();
  app.add_option("--ef", options.ef, "Effort of each search")->capture_default_str();
  app.add_option("--threads", options.threads, "Callers at once, a list")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--together", options.together, "Queries a call, a list")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--between", options.between, "KiB each caller writes between two calls, a list")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Of each measurement")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
