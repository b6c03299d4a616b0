// faiss_ivf: Alidade's inverted lists against Debian's FAISS, both in this process, on the same
// vectors and queries, with as many lists: recall, queries per second, build time, memory.
//
// Each side gets the smallest nprobe that reaches the wanted recall on the even queries; recall and
// speed are reported on the odd ones. Both are measured in turn, several times; the ratio is that
// of each turn. Our candidates are ranked again by the vectors; so are those of FAISS's SQ4 and PQ
// (IndexRefineFlat), by as many times k as is best of a few, because by codes alone they do not
// reach a high recall.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexRefine.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/FaissException.h>
#include <omp.h>

#include "alidade/index/vector_index.h"
#include "alidade/vec/kernels.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "real_vectors.h"
#include "side.h"
#include "spread.h"
#include "string_sink.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr double kNprobeGrowth = 1.15;

struct Options {
  std::string dataset = DefaultDatasetPath();
  std::vector<std::string> codes = {"flat", "sq8", "sq4", "pq"};
  std::vector<double> recall = {0.90, 0.95, 0.99};
  std::vector<uint32_t> refine = {4, 16, 64};
  uint32_t k = 10;
  uint32_t nlist = 0;
  uint32_t pq_m = 0;
  int build_threads = 2;
  int turns = 5;
  double seconds = 1;
  bool alone = false;
  std::string json;
};

// ---- Ours

struct OwnLists {
  std::vector<float> inv_norms;
  VectorMatrix matrix;
  std::string body;
  std::unique_ptr<VectorIndex> index;
  double build_seconds = 0;
};

StatusOr<IvfCodes> CodesFromName(const std::string& name) {
  for (const IvfCodes codes : {IvfCodes::kFlat, IvfCodes::kSq8, IvfCodes::kSq4, IvfCodes::kPq}) {
    if (name == IvfCodesName(codes)) {
      return codes;
    }
  }
  return InvalidArgument("no codes are called \"{}\"", name);
}

StatusOr<std::unique_ptr<OwnLists>> MakeOwn(const Options& options,
                                            const RealVectors& set,
                                            IvfCodes codes) {
  auto own = std::make_unique<OwnLists>();
  const bool cosine = set.queries.metric == "cosine";
  for (uint32_t row = 0; cosine && row < set.rows; ++row) {
    own->inv_norms.push_back(InverseNorm(set.Row(row), set.dim));
  }
  own->matrix = {.rows = set.base.data(),
                 .inv_norms = cosine ? own->inv_norms.data() : nullptr,
                 .count = set.rows,
                 .dim = set.dim,
                 .metric = cosine ? Metric::kCosine : Metric::kL2};
  IndexSpec spec;
  spec.kind = IndexKind::kIvf;
  spec.ivf_codes = codes;
  spec.ivf_nlist = options.nlist;
  spec.ivf_pq_m = options.pq_m;
  StringSink sink(own->body);
  const double start = NowSeconds();
  ALIDADE_RETURN_IF_ERROR(
      BuildIndex(spec, IndexKind::kIvf, own->matrix, {}, {.threads = options.build_threads}, sink));
  own->build_seconds = NowSeconds() - start;
  ALIDADE_ASSIGN_OR_RETURN(own->index, OpenIndex(IndexKind::kIvf, own->body, own->matrix));
  own->index->MakeResident();
  return own;
}

// ---- FAISS's

struct FaissLists {
  faiss::IndexFlatL2 quantizer;
  std::unique_ptr<faiss::IndexIVF> lists;
  std::unique_ptr<faiss::IndexRefineFlat> refined;  // null: by codes alone
  double build_seconds = 0;

  explicit FaissLists(uint32_t dim) : quantizer(static_cast<faiss::Index::idx_t>(dim)) {}
  size_t bytes() const {
    return quantizer.codes.size() +
           lists->invlists->compute_ntotal() * (lists->code_size + sizeof(faiss::Index::idx_t));
  }
};

std::unique_ptr<FaissLists> MakeFaiss(const Options& options,
                                      const RealVectors& set,
                                      IvfCodes codes) {
  auto made = std::make_unique<FaissLists>(set.dim);
  const size_t dim = set.dim;
  const size_t nlist = options.nlist;
  faiss::Index* quantizer = &made->quantizer;
  if (codes == IvfCodes::kFlat) {
    made->lists = std::make_unique<faiss::IndexIVFFlat>(quantizer, dim, nlist);
  } else if (codes == IvfCodes::kPq) {
    auto pq = std::make_unique<faiss::IndexIVFPQ>(quantizer, dim, nlist, options.pq_m, 8);
    // By its own defaults, training takes many minutes.
    pq->pq.cp.niter = 12;
    pq->pq.cp.max_points_per_centroid = 64;
    made->lists = std::move(pq);
  } else {
    const auto type =
        codes == IvfCodes::kSq8 ? faiss::ScalarQuantizer::QT_8bit : faiss::ScalarQuantizer::QT_4bit;
    made->lists = std::make_unique<faiss::IndexIVFScalarQuantizer>(quantizer, dim, nlist, type);
  }
  made->lists->cp.niter = 12;
  made->lists->cp.max_points_per_centroid = 64;
  const auto rows = static_cast<faiss::Index::idx_t>(set.rows);
  omp_set_num_threads(options.build_threads);
  const double start = NowSeconds();
  made->lists->train(rows, set.base.data());
  made->lists->add(rows, set.base.data());
  made->build_seconds = NowSeconds() - start;
  omp_set_num_threads(1);
  if (codes == IvfCodes::kSq4 || codes == IvfCodes::kPq) {
    made->refined = std::make_unique<faiss::IndexRefineFlat>(made->lists.get(), set.base.data());
  }
  return made;
}

// ---- Both

// 0 if all lists do not reach it.
StatusOr<uint32_t> SmallestNprobe(const Options& options,
                                  const RealVectors& set,
                                  const Side& side,
                                  double wanted) {
  double recall = 0;
  for (uint32_t nprobe = 1; nprobe < 2 * options.nlist;
       nprobe = std::max(nprobe + 1, static_cast<uint32_t>(std::lround(nprobe * kNprobeGrowth)))) {
    side.set_effort(std::min(nprobe, options.nlist));
    ALIDADE_ASSIGN_OR_RETURN(recall, RecallOfSide(set, side, options.k, Half::kEven));
    if (recall >= wanted) {
      return std::min(nprobe, options.nlist);
    }
  }
  return 0;
}

StatusOr<double> Rate(const Options& options, const RealVectors& set, const Side& side) {
  return RateOfSide(set, side, {.k = options.k, .threads = 1, .seconds = options.seconds});
}

// What FAISS searches with.
struct FaissSetting {
  uint32_t nprobe = 0;  // 0: the recall is not reached
  float refine = 1;
};

StatusOr<FaissSetting> BestSetting(const Options& options,
                                   const RealVectors& set,
                                   FaissLists& faiss,
                                   const Side& side,
                                   double wanted) {
  if (faiss.refined == nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(const uint32_t nprobe, SmallestNprobe(options, set, side, wanted));
    return FaissSetting{.nprobe = nprobe};
  }
  FaissSetting best;
  double best_rate = 0;
  for (const uint32_t refine : options.refine) {
    faiss.refined->k_factor = static_cast<float>(refine);
    ALIDADE_ASSIGN_OR_RETURN(const uint32_t nprobe, SmallestNprobe(options, set, side, wanted));
    if (nprobe == 0) {
      continue;
    }
    side.set_effort(nprobe);
    ALIDADE_ASSIGN_OR_RETURN(const double rate, Rate(options, set, side));
    if (rate > best_rate) {
      best_rate = rate;
      best = {.nprobe = nprobe, .refine = faiss.refined->k_factor};
    }
  }
  return best;
}

struct Pair {
  Side own;
  Side other;
  FaissLists* faiss;  // null: ours alone
};

StatusOr<Json> Compare(const Options& options,
                       const RealVectors& set,
                       const Pair& pair,
                       double wanted) {
  ALIDADE_ASSIGN_OR_RETURN(const uint32_t nprobe, SmallestNprobe(options, set, pair.own, wanted));
  FaissSetting setting;
  if (pair.faiss != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(setting, BestSetting(options, set, *pair.faiss, pair.other, wanted));
  }
  pair.own.set_effort(nprobe);
  ALIDADE_ASSIGN_OR_RETURN(const double recall, RecallOfSide(set, pair.own, options.k, Half::kOdd));
  double other_recall = 0;
  if (setting.nprobe != 0) {
    pair.other.set_effort(setting.nprobe);
    if (pair.faiss->refined != nullptr) {
      pair.faiss->refined->k_factor = setting.refine;
    }
    ALIDADE_ASSIGN_OR_RETURN(other_recall, RecallOfSide(set, pair.other, options.k, Half::kOdd));
  }
  std::vector<double> own_rates;
  std::vector<double> other_rates;
  std::vector<double> ratios;
  for (int turn = 0; turn < options.turns; ++turn) {
    ALIDADE_ASSIGN_OR_RETURN(own_rates.emplace_back(), Rate(options, set, pair.own));
    other_rates.emplace_back();
    if (setting.nprobe != 0) {
      ALIDADE_ASSIGN_OR_RETURN(other_rates.back(), Rate(options, set, pair.other));
    }
    ratios.push_back(setting.nprobe == 0 ? 0 : own_rates.back() / other_rates.back());
  }
  const Spread ratio = SpreadOf(ratios);
  std::printf("%7.2f %6u %8.4f %9.0f %6u %8.4f %6.0f %9.0f %7.1f  (%.1f to %.1f)\n",
              wanted,
              nprobe,
              recall,
              SpreadOf(own_rates).median,
              setting.nprobe,
              other_recall,
              static_cast<double>(setting.refine),
              SpreadOf(other_rates).median,
              ratio.median,
              ratio.least,
              ratio.most);
  std::fflush(stdout);
  return Json{{"recall_wanted", wanted},
              {"own_nprobe", nprobe},
              {"own_recall", recall},
              {"own_queries_per_second", SpreadOf(own_rates).median},
              {"faiss_nprobe", setting.nprobe},
              {"faiss_refine", setting.refine},
              {"faiss_recall", other_recall},
              {"faiss_queries_per_second", SpreadOf(other_rates).median},
              {"ratio", ratio.median},
              {"ratio_least", ratio.least},
              {"ratio_most", ratio.most}};
}

StatusOr<Json> RunCodes(const Options& options, const RealVectors& set, const std::string& name) {
  ALIDADE_ASSIGN_OR_RETURN(const IvfCodes codes, CodesFromName(name));
  ALIDADE_ASSIGN_OR_RETURN(const auto own, MakeOwn(options, set, codes));
  const auto faiss = options.alone ? nullptr : MakeFaiss(options, set, codes);
  const bool cosine = set.queries.metric == "cosine";
  uint32_t own_nprobe = 0;
  std::vector<faiss::Index::idx_t> labels;
  const Pair pair{
      .own = {"Alidade " + name,
              [&](uint32_t nprobe) { own_nprobe = nprobe; },
              [&](const float* query, uint32_t k, std::vector<float>& distances) -> Status {
                ALIDADE_ASSIGN_OR_RETURN(const auto found,
                                         own->index->Search(query, {.k = k, .nprobe = own_nprobe}));
                distances.clear();
                for (const Candidate& hit : found) {
                  distances.push_back(cosine ? hit.distance : std::sqrt(hit.distance));
                }
                return OkStatus();
              }},
      .other = {"FAISS " + name,
                [&](uint32_t nprobe) { faiss->lists->nprobe = nprobe; },
                [&](const float* query, uint32_t k, std::vector<float>& distances) -> Status {
                  distances.resize(k);
                  labels.resize(k);
                  const faiss::Index* index = faiss->refined.get();
                  (index == nullptr ? faiss->lists.get() : index)
                      ->search(1, query, k, distances.data(), labels.data());
                  // Of codes alone, these are estimates.
                  for (uint32_t i = 0; i < k; ++i) {
                    const float squared =
                        labels[i] < 0 ? INFINITY
                        : codes == IvfCodes::kSq8
                            ? SquaredL2(query, set.Row(static_cast<uint32_t>(labels[i])), set.dim)
                            : distances[i];
                    distances[i] = cosine ? squared / 2 : std::sqrt(squared);
                  }
                  return OkStatus();
                }},
      .faiss = faiss.get()};
  const double bytes = static_cast<double>(own->index->resident_bytes()) / set.rows;
  const double faiss_bytes = faiss == nullptr ? 0 : static_cast<double>(faiss->bytes()) / set.rows;
  std::printf("%s: bytes a vector %.0f, FAISS %.0f; build with %d threads %.1f s, FAISS %.1f s\n",
              name.c_str(),
              bytes,
              faiss_bytes,
              options.build_threads,
              own->build_seconds,
              faiss == nullptr ? 0 : faiss->build_seconds);
  Json report = {{"codes", name},
                 {"own_bytes_per_vector", bytes},
                 {"faiss_bytes_per_vector", faiss_bytes},
                 {"own_build_seconds", own->build_seconds},
                 {"faiss_build_seconds", faiss == nullptr ? 0 : faiss->build_seconds}};
  for (const double recall : options.recall) {
    ALIDADE_ASSIGN_OR_RETURN(Json row, Compare(options, set, pair, recall));
    report["search"].push_back(std::move(row));
  }
  return report;
}

Status Run(Options options) {
  ALIDADE_ASSIGN_OR_RETURN(RealVectors set, ReadRealVectors(options.dataset));
  if (set.queries.depth < options.k) {
    return InvalidArgument("{} lacks the true {} neighbours", options.dataset, options.k);
  }
  if (set.queries.metric == "cosine") {
    NormaliseRows(set.base, set.dim);  // L2 of FAISS then ranks as cosine does
    NormaliseRows(set.queries.queries, set.dim);
  }
  options.nlist = options.nlist != 0
                      ? options.nlist
                      : static_cast<uint32_t>(4 * std::sqrt(static_cast<double>(set.rows)));
  options.pq_m = options.pq_m != 0 ? options.pq_m : set.dim / 8;
  std::printf("%s: %u x %u, %s, %u lists, 1 thread\n",
              options.dataset.c_str(),
              set.rows,
              set.dim,
              set.queries.metric.c_str(),
              options.nlist);
  std::printf("%7s %6s %8s %9s %6s %8s %6s %9s %7s\n",
              "wanted",
              "nprobe",
              "recall",
              "queries/s",
              "nprobe",
              "FAISS",
              "x k",
              "queries/s",
              "ratio");
  Json report = {{"machine", MachineJson()},
                 {"dataset", options.dataset},
                 {"rows", set.rows},
                 {"dimension", set.dim},
                 {"lists", options.nlist}};
  for (const std::string& codes : options.codes) {
    ALIDADE_ASSIGN_OR_RETURN(Json rows, RunCodes(options, set, codes));
    report["codes"].push_back(std::move(rows));
  }
  return WriteReport(options.json, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Alidade's inverted lists against Debian's FAISS, in one process");
  alidade::Options options;
  app.add_option("dataset", options.dataset, "Directory with base.npy, queries.npy, distances.npy")
      ->capture_default_str();
  app.add_option("--codes", options.codes, "flat, sq8, sq4 and pq, a list")->delimiter(',');
  app.add_option("--recall", options.recall, "Wanted recalls, a list")->delimiter(',');
  app.add_option("--refine", options.refine, "Times k that FAISS ranks again, a list to choose of")
      ->delimiter(',');
  app.add_option("-k", options.k, "Hits per query")->capture_default_str();
  app.add_option("--nlist", options.nlist, "Lists (0: 4 * sqrt(rows))");
  app.add_option("--pq-m", options.pq_m, "Bytes of a product code (0: dimension / 8)");
  app.add_option("--build-threads", options.build_threads, "Threads of both builds")
      ->capture_default_str();
  app.add_option("--turns", options.turns, "Turns of each side")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Per turn")->capture_default_str();
  app.add_flag("--alone", options.alone, "Without FAISS");
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  try {
    return alidade::ExitCode(alidade::Run(options));
  } catch (const faiss::FaissException& error) {
    std::fprintf(stderr, "FAISS failed: %s\n", error.what());
    return 1;
  }
}
