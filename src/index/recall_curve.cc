#include "alidade/index/recall_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "alidade/index/vector_codes.h"

namespace alidade {
namespace {

// One query for so many vectors, between the least and the most.
constexpr uint32_t kRowsPerQuery = 50;
constexpr uint32_t kQueriesMin = 100;
constexpr uint32_t kQueriesMax = 200;

// More than this is not worth measuring: a wish for it is answered exactly.
constexpr double kRecallEnough = 0.999;

// Efforts tried: each so many times the one before, and at least one more.
constexpr double kEffortGrowth = 1.3;
constexpr uint32_t kEfMost = 2'048;

// Coprime with any count below it: its multiples visit slots all over.
constexpr uint64_t kStep = 2'654'435'761;

struct Query {
  std::vector<float> vector;
  std::vector<float> distances;  // of its nearest, rising

  void SetNearest(const std::vector<Candidate>& nearest) {
    distances.clear();
    for (const Candidate& candidate : nearest) {
      distances.push_back(candidate.distance);
    }
  }
};

// Which ones is left to a hash.
class EveryTenth final : public SlotFilter {
 public:
  explicit EveryTenth(uint32_t slots) : words_((size_t{slots} + 63) / 64, 0) {
    for (uint32_t slot = 0; slot < slots; ++slot) {
      if ((slot * kStep >> 16) % 10 == 0) {
        words_[slot / 64] |= uint64_t{1} << (slot % 64);
        ++count_;
      }
    }
  }
  bool Allows(uint32_t slot) const override { return bits().Test(slot); }
  SlotBits bits() const override { return {words_.data(), count_}; }

 private:
  std::vector<uint64_t> words_;
  uint32_t count_ = 0;
};

uint32_t FirstEffort(IndexKind kind, uint32_t k) { return kind == IndexKind::kHnsw ? k : 1; }

uint32_t NextEffort(uint32_t effort) {
  return std::max(effort + 1, static_cast<uint32_t>(std::lround(effort * kEffortGrowth)));
}

// A vector moved by the difference of its two nearest: somewhat farther from the stored ones than
// they are from each other, and in the directions in which they lie there. Stored vectors
// themselves are found too easily: the graph was built by searching for them.
StatusOr<std::vector<float>> QueryNear(const VectorMatrix& matrix,
                                       const VectorCodes* codes,
                                       uint32_t slot) {
  const float* centre = matrix.Row(slot);
  std::vector<float> query(centre, centre + matrix.dim);
  ALIDADE_ASSIGN_OR_RETURN(std::vector<Candidate> nearest,
                           ExactSearch(matrix, centre, {.k = 3}, codes));
  std::erase_if(nearest, [slot](const Candidate& candidate) { return candidate.slot == slot; });
  if (nearest.size() >= 2) {
    const float* a = matrix.Row(nearest[0].slot);
    const float* b = matrix.Row(nearest[1].slot);
    for (uint32_t d = 0; d < matrix.dim; ++d) {
      query[d] += a[d] - b[d];
    }
  }
  // Vectors near the bounds of float32 may not be added up.
  return ValidateVector(query, matrix.metric, "query").ok()
             ? query
             : std::vector<float>(centre, centre + matrix.dim);
}

StatusOr<std::vector<Query>> MakeQueries(const VectorMatrix& matrix,
                                         const VectorCodes* codes,
                                         const BuildProgress* progress) {
  const uint32_t count =
      std::min(matrix.count, std::clamp(matrix.count / kRowsPerQuery, kQueriesMin, kQueriesMax));
  const uint32_t k = *std::max_element(std::begin(kRecallCurveK), std::end(kRecallCurveK));
  std::vector<Query> queries(count);
  for (uint32_t i = 0; i < count; ++i) {
    ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    Query& query = queries[i];
    ALIDADE_ASSIGN_OR_RETURN(
        query.vector, QueryNear(matrix, codes, static_cast<uint32_t>(i * kStep % matrix.count)));
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> nearest,
                             ExactSearch(matrix, query.vector.data(), {.k = k}, codes));
    query.SetNearest(nearest);
  }
  return queries;
}

struct Measured {
  double recall = 0;
  bool all_lists = false;  // were looked at: more effort is none
};

StatusOr<Measured> RecallAt(const VectorIndex& index,
                            const std::vector<Query>& queries,
                            const SlotFilter* filter,
                            uint32_t k,
                            uint32_t effort) {
  uint64_t found = 0;
  uint64_t wanted = 0;
  SearchStats stats;
  const IndexSearchOptions options{
      .k = k, .ef = effort, .nprobe = effort, .filter = filter, .stats = &stats};
  for (const Query& query : queries) {
    const size_t there = std::min<size_t>(k, query.distances.size());
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> hits,
                             index.Search(query.vector.data(), options));
    // By distance: equal vectors are equally right.
    found += static_cast<uint64_t>(
        std::count_if(hits.begin(), hits.end(), [&query, there](const Candidate& hit) {
          return there > 0 && hit.distance <= query.distances[there - 1];
        }));
    wanted += there;
  }
  return Measured{.recall = wanted == 0 ? 1  // nothing passes
                                        : static_cast<double>(found) / static_cast<double>(wanted),
                  .all_lists = index.kind() == IndexKind::kIvf &&
                               stats.lists_probed < uint64_t{effort} * queries.size()};
}

// Adds points with rising effort to the curve until almost all is found.
Status Measure(const VectorIndex& index,
               const std::vector<Query>& queries,
               const SlotFilter* filter,
               uint32_t k,
               const BuildProgress* progress,
               RecallCurve& curve) {
  const uint32_t most = index.kind() == IndexKind::kHnsw ? std::max(k, kEfMost) : kNlistMax;
  Measured measured;
  for (uint32_t effort = FirstEffort(index.kind(), k);
       measured.recall < kRecallEnough && !measured.all_lists && effort <= most;
       effort = NextEffort(effort)) {
    ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    ALIDADE_ASSIGN_OR_RETURN(measured, RecallAt(index, queries, filter, k, effort));
    curve.push_back({.k = k, .effort = effort, .recall = static_cast<float>(measured.recall)});
  }
  return OkStatus();
}

}  // namespace

StatusOr<MeasuredRecall> MeasureRecallCurve(const VectorIndex& index,
                                            const VectorMatrix& matrix,
                                            const VectorCodes* codes,
                                            const BuildProgress* progress) {
  MeasuredRecall measured;
  if (matrix.count == 0) {
    return measured;
  }
  ALIDADE_ASSIGN_OR_RETURN(std::vector<Query> queries, MakeQueries(matrix, codes, progress));
  for (const uint32_t k : kRecallCurveK) {
    ALIDADE_RETURN_IF_ERROR(Measure(index, queries, nullptr, k, progress, measured.all));
  }
  if (index.kind() == IndexKind::kHnsw) {
    constexpr uint32_t k = kRecallCurveK[0];
    const EveryTenth tenth(matrix.count);
    for (Query& query : queries) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
      ALIDADE_ASSIGN_OR_RETURN(
          const std::vector<Candidate> nearest,
          ExactSearch(matrix, query.vector.data(), {.k = k, .filter = &tenth}, codes));
      query.SetNearest(nearest);
    }
    ALIDADE_RETURN_IF_ERROR(Measure(index, queries, &tenth, k, progress, measured.tenth));
  }
  return measured;
}

std::optional<double> HardnessOfTenth(const RecallCurve& all,
                                      const RecallCurve& tenth,
                                      uint32_t effort) {
  const RecallPoint* reached = nullptr;
  for (const RecallPoint& point : all) {
    if (point.k == kRecallCurveK[0] && (reached == nullptr || point.effort <= effort)) {
      reached = &point;
    }
  }
  for (const RecallPoint& point : tenth) {
    if (reached != nullptr && point.recall >= reached->recall) {
      return std::max(1.0, static_cast<double>(point.effort) / reached->effort);
    }
  }
  return std::nullopt;
}

uint32_t EffortForRecall(const RecallCurve& curve, uint32_t k, double recall) {
  uint32_t measured_k = 0;
  for (const RecallPoint& point : curve) {
    measured_k = point.k;
    if (measured_k >= k) {
      break;
    }
  }
  for (const RecallPoint& point : curve) {
    if (point.k == measured_k && point.recall >= static_cast<float>(recall)) {
      const uint64_t scaled = uint64_t{point.effort} * std::max(k, measured_k);
      return static_cast<uint32_t>(std::min<uint64_t>((scaled + measured_k - 1) / measured_k,
                                                      std::numeric_limits<uint32_t>::max()));
    }
  }
  return 0;
}

}  // namespace alidade
