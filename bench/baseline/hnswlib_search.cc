// hnswlib_search: Alidade's index against Debian's hnswlib, both in this process, on the same
// vectors and queries: recall, queries per second, build time, memory.
//
// Each side gets the smallest ef that reaches the wanted recall on the even queries; recall and
// speed are reported on the odd ones. There both may find more or less than wanted, so hnswlib is
// also measured with the ef that finds as much as Alidade there. All are measured in turn, several
// times; the ratio is that of each turn, so that a disturbed machine disturbs both.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "alidade/common/file.h"

#include "bench_report.h"
#include "exit_code.h"
#include "hnswlib_index.h"
#include "load.h"
#include "own_index.h"
#include "real_vectors.h"
#include "side.h"
#include "spread.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr uint32_t kEfMax = 4'096;

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::string codes = "auto";
  std::vector<double> recall = {0.90, 0.95, 0.99};
  std::vector<uint32_t> sweep;
  uint32_t k = 10;
  uint32_t m = 16;
  uint32_t ef_construction = 200;
  uint32_t own_ef_construction = 0;  // 0: as many
  int threads = 1;
  int build_threads = 2;
  int turns = 7;
  double seconds = 1;
  bool cold = false;
  bool rebuild = false;
  std::string cache;
  std::string json;
};

// On one half of the queries. 0 if even kEfMax does not reach it.
StatusOr<uint32_t> SmallestEf(
    const Options& options, const RealVectors& set, const Side& side, Half half, double recall) {
  uint32_t low = options.k;
  uint32_t high = kEfMax;
  side.set_effort(high);
  ALIDADE_ASSIGN_OR_RETURN(double reached, RecallOfSide(set, side, options.k, half));
  if (reached < recall) {
    return 0;
  }
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    side.set_effort(middle);
    ALIDADE_ASSIGN_OR_RETURN(reached, RecallOfSide(set, side, options.k, half));
    if (reached >= recall) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

StatusOr<double> Rate(const Options& options, const RealVectors& set, const Side& side) {
  return RateOfSide(set,
                    side,
                    {.k = options.k,
                     .threads = options.threads,
                     .seconds = options.seconds,
                     .cold = options.cold});
}

struct Figures {
  std::vector<double> own;
  std::vector<double> other;
  std::vector<double> ratio;
  std::vector<double> equal_ratio;  // where both find as much
};

StatusOr<Json> Compare(const Options& options,
                       const RealVectors& set,
                       const OwnIndex& index,
                       const Side& own,
                       const Side& other,
                       double recall) {
  ALIDADE_ASSIGN_OR_RETURN(const uint32_t own_ef,
                           SmallestEf(options, set, own, Half::kEven, recall));
  ALIDADE_ASSIGN_OR_RETURN(const uint32_t other_ef,
                           SmallestEf(options, set, other, Half::kEven, recall));
  if (own_ef == 0 || other_ef == 0) {
    std::printf("%7.2f  not reached by %s\n", recall, own_ef == 0 ? "Alidade" : "hnswlib");
    return Json{{"recall_wanted", recall}, {"own_ef", own_ef}, {"hnswlib_ef", other_ef}};
  }
  own.set_effort(own_ef);
  other.set_effort(other_ef);
  ALIDADE_ASSIGN_OR_RETURN(const double own_recall, RecallOfSide(set, own, options.k, Half::kOdd));
  ALIDADE_ASSIGN_OR_RETURN(const double other_recall,
                           RecallOfSide(set, other, options.k, Half::kOdd));
  ALIDADE_ASSIGN_OR_RETURN(const uint32_t equal_ef,
                           SmallestEf(options, set, other, Half::kOdd, own_recall));
  if (equal_ef == 0) {
    return NotFound("hnswlib does not reach the recall of {:.4f} with ef {}", own_recall, kEfMax);
  }
  Figures figures;
  for (int turn = 0; turn < options.turns; ++turn) {
    ALIDADE_ASSIGN_OR_RETURN(const double own_rate, Rate(options, set, own));
    other.set_effort(other_ef);
    ALIDADE_ASSIGN_OR_RETURN(const double other_rate, Rate(options, set, other));
    other.set_effort(equal_ef);
    ALIDADE_ASSIGN_OR_RETURN(const double equal_rate, Rate(options, set, other));
    figures.equal_ratio.push_back(own_rate / equal_rate);
    figures.own.push_back(own_rate);
    figures.other.push_back(other_rate);
    figures.ratio.push_back(own_rate / other_rate);
  }
  SearchStats stats;
  for (uint64_t i = 1; i < set.queries.query_count; i += 2) {
    const SearchStats one = index.Count(set.queries.Query(i), options.k, own_ef);
    stats.distance_computations += one.distance_computations;
    stats.hops += one.hops;
  }
  const double queries = static_cast<double>(set.queries.query_count) / 2;
  const Spread ratio = SpreadOf(figures.ratio);
  const Spread equal = SpreadOf(figures.equal_ratio);
  std::printf(
      "%7.2f %6u %8.4f %9.0f %6u %8.4f %9.0f %7.2f  (%.2f to %.2f)  %5.0f hops %6.0f distances; "
      "equal recall: ef %u, %.2f (%.2f to %.2f)\n",
      recall,
      own_ef,
      own_recall,
      SpreadOf(figures.own).median,
      other_ef,
      other_recall,
      SpreadOf(figures.other).median,
      ratio.median,
      ratio.least,
      ratio.most,
      static_cast<double>(stats.hops) / queries,
      static_cast<double>(stats.distance_computations) / queries,
      equal_ef,
      equal.median,
      equal.least,
      equal.most);
  std::fflush(stdout);
  return Json{{"recall_wanted", recall},
              {"own_ef", own_ef},
              {"own_recall", own_recall},
              {"own_queries_per_second", SpreadOf(figures.own).median},
              {"hnswlib_ef", other_ef},
              {"hnswlib_recall", other_recall},
              {"hnswlib_queries_per_second", SpreadOf(figures.other).median},
              {"ratio", ratio.median},
              {"ratio_least", ratio.least},
              {"ratio_most", ratio.most},
              {"equal_recall_hnswlib_ef", equal_ef},
              {"equal_recall_ratio", equal.median},
              {"equal_recall_ratio_least", equal.least},
              {"equal_recall_ratio_most", equal.most}};
}

// Recall and speed of one side at one ef, on the odd queries, as curves.py reads it.
StatusOr<Json> SweepPoint(const Options& options,
                          const RealVectors& set,
                          const Side& side,
                          uint32_t ef) {
  side.set_effort(ef);
  ALIDADE_ASSIGN_OR_RETURN(const double recall, RecallOfSide(set, side, options.k, Half::kOdd));
  std::vector<double> rates;
  for (int turn = 0; turn < options.turns; ++turn) {
    ALIDADE_ASSIGN_OR_RETURN(rates.emplace_back(), Rate(options, set, side));
  }
  const Spread rate = SpreadOf(rates);
  std::printf("%-28s %6u %8.4f %9.0f  (%.0f to %.0f)\n",
              side.name.c_str(),
              ef,
              recall,
              rate.median,
              rate.least,
              rate.most);
  std::fflush(stdout);
  return Json{{"engine", side.name},
              {"ef", ef},
              {"clients", options.threads},
              {"recall", recall},
              {"queries_per_second", rate.median},
              {"queries_per_second_least", rate.least},
              {"queries_per_second_most", rate.most}};
}

StatusOr<CodesSetting> CodesFromName(const std::string& name) {
  for (const CodesSetting setting : {CodesSetting::kAuto,
                                     CodesSetting::kNone,
                                     CodesSetting::kInt8,
                                     CodesSetting::kInt4,
                                     CodesSetting::kBit1}) {
    if (name == CodesName(setting)) {
      return setting;
    }
  }
  return InvalidArgument("no codes are called \"{}\"", name);
}

Status Run(const Options& options) {
  ALIDADE_ASSIGN_OR_RETURN(RealVectors set, ReadRealVectors(options.dataset));
  if (set.queries.depth < options.k) {
    return InvalidArgument("{} lacks the true {} neighbours", options.dataset, options.k);
  }
  const bool cosine = set.queries.metric == "cosine";
  if (cosine) {
    NormaliseRows(set.base, set.dim);  // hnswlib has no cosine of its own
    NormaliseRows(set.queries.queries, set.dim);
  }
  const std::string cache = options.cache.empty() ? options.dataset : options.cache;

  OwnIndexOptions own_options;
  own_options.metric = cosine ? Metric::kCosine : Metric::kL2;
  ALIDADE_ASSIGN_OR_RETURN(own_options.codes, CodesFromName(options.codes));
  own_options.m = options.m;
  own_options.ef_construction =
      options.own_ef_construction == 0 ? options.ef_construction : options.own_ef_construction;
  own_options.build_threads = options.build_threads;
  own_options.cache = options.rebuild ? "" : cache;
  own_options.name = fmt::format("own_m{}_efc{}", options.m, own_options.ef_construction);
  ALIDADE_ASSIGN_OR_RETURN(const auto index, OwnIndex::Make(set, own_options));

  const HnswlibParameters parameters{.metric = set.queries.metric,
                                     .dim = set.dim,
                                     .rows = set.rows,
                                     .m = options.m,
                                     .ef_construction = options.ef_construction};
  const std::string path =
      fmt::format("{}/hnswlib_m{}_efc{}.index", cache, options.m, options.ef_construction);
  auto hnswlib = options.rebuild ? nullptr : HnswlibIndex::Load(parameters, path);
  double hnswlib_seconds = 0;
  if (hnswlib == nullptr) {
    const double start = NowSeconds();
    hnswlib = HnswlibIndex::Build(parameters, set.base.data(), options.build_threads);
    hnswlib_seconds = NowSeconds() - start;
    hnswlib->Save(path);
  }
  const double memory =
      static_cast<double>(index->memory_bytes()) / static_cast<double>(hnswlib->memory_bytes());
  std::printf("%s: %u x %u, %s, codes %s, M %u, ef_construction %u and %u, %d thread(s)%s\n",
              options.dataset.c_str(),
              set.rows,
              set.dim,
              set.queries.metric.c_str(),
              options.codes.c_str(),
              options.m,
              own_options.ef_construction,
              options.ef_construction,
              options.threads,
              options.cold ? ", caches flushed before each query" : "");
  std::printf("memory: Alidade %.0f bytes a vector, hnswlib %.0f, ratio %.2f\n",
              static_cast<double>(index->memory_bytes()) / set.rows,
              static_cast<double>(hnswlib->memory_bytes()) / set.rows,
              memory);
  if (index->build_seconds > 0 && hnswlib_seconds > 0) {
    std::printf(
        "build with %d threads: Alidade %.1f s (codes %.1f s), hnswlib %.1f s, %.2f times\n",
        options.build_threads,
        index->build_seconds,
        index->encode_seconds,
        hnswlib_seconds,
        hnswlib_seconds / index->build_seconds);
  }
  std::printf("recall by ef measured in %.1f s more, for which hnswlib has no counterpart\n",
              index->measure_seconds);
  uint32_t own_ef = 0;
  const Side own{"Alidade in process, codes " + options.codes,
                 [&](uint32_t ef) { own_ef = ef; },
                 [&](const float* query, uint32_t k, std::vector<float>& distances) -> Status {
                   ALIDADE_RETURN_IF_ERROR(index->Search(query, k, own_ef, distances));
                   for (float& distance : distances) {
                     distance = cosine ? distance : std::sqrt(distance);
                   }
                   return OkStatus();
                 }};
  const Side other{"hnswlib in process",
                   [&](uint32_t ef) { hnswlib->SetEf(ef); },
                   [&](const float* query, uint32_t k, std::vector<float>& distances) -> Status {
                     hnswlib->Search(query, k, distances);
                     for (float& distance : distances) {
                       distance = cosine ? distance : std::sqrt(distance);
                     }
                     return OkStatus();
                   }};
  Json report = {{"machine", MachineJson()},
                 {"dataset", options.dataset},
                 {"rows", set.rows},
                 {"dimension", set.dim},
                 {"codes", options.codes},
                 {"own_ef_construction", own_options.ef_construction},
                 {"hnswlib_ef_construction", options.ef_construction},
                 {"threads", options.threads},
                 {"cold", options.cold},
                 {"memory_ratio", memory}};
  report["own_build_seconds"] = index->build_seconds;
  report["hnswlib_build_seconds"] = hnswlib_seconds;
  std::printf("%7s %6s %8s %9s %6s %8s %9s %7s\n",
              "wanted",
              "ef",
              "recall",
              "queries/s",
              "ef",
              "hnswlib",
              "queries/s",
              "ratio");
  for (const double recall : options.recall) {
    ALIDADE_ASSIGN_OR_RETURN(Json row, Compare(options, set, *index, own, other, recall));
    report["search"].push_back(std::move(row));
  }
  for (const uint32_t ef : options.sweep) {
    for (const Side* side : {&own, &other}) {
      ALIDADE_ASSIGN_OR_RETURN(Json row, SweepPoint(options, set, *side, ef));
      report["sweep"].push_back(std::move(row));
    }
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Alidade's index against Debian's hnswlib, in one process");
  alidade::Options options;
  app.add_option("dataset", options.dataset, "Directory with base.npy, queries.npy, distances.npy")
      ->capture_default_str();
  app.add_option("--codes", options.codes, "auto, none, int8, int4 or bit1")->capture_default_str();
  app.add_option("--recall", options.recall, "Wanted recalls, a list")->delimiter(',');
  app.add_option("--sweep", options.sweep, "Also recall and speed of both at each ef of this list")
      ->delimiter(',');
  app.add_option("-k", options.k, "Hits per query")->capture_default_str();
  app.add_option("--m", options.m, "Links per node above level 0")->capture_default_str();
  app.add_option("--ef-construction", options.ef_construction, "Candidates while building")
      ->capture_default_str();
  app.add_option("--own-ef-construction",
                 options.own_ef_construction,
                 "Of Alidade's graph, to compare builds of graphs that find as much (0: as many)");
  app.add_option("--threads", options.threads, "Threads searching at once")->capture_default_str();
  app.add_option("--build-threads", options.build_threads, "Threads of both builds")
      ->capture_default_str();
  app.add_option("--turns", options.turns, "Turns of each side")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Per turn")->capture_default_str();
  app.add_flag("--cold", options.cold, "Flush the caches before each query");
  app.add_flag("--rebuild", options.rebuild, "Build both anew and compare the times");
  app.add_option("--cache", options.cache, "Where both graphs are kept (default: the data set)");
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::ExitCode(alidade::Run(options));
}
