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
    for (const Candidate& candidate : nearest) {
      query.distances.push_back(candidate.distance);
    }
  }
  return queries;
}

struct Measured {
  double recall = 0;
  bool all_lists = false;  // were looked at: more effort is none
};

StatusOr<Measured> RecallAt(const VectorIndex& index,
                            const std::vector<Query>& queries,
                            uint32_t k,
                            uint32_t effort) {
  uint64_t found = 0;
  uint64_t wanted = 0;
  SearchStats stats;
  const IndexSearchOptions options{.k = k, .ef = effort, .nprobe = effort, .stats = &stats};
  for (const Query& query : queries) {
    const size_t there = std::min<size_t>(k, query.distances.size());
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> hits,
                             index.Search(query.vector.data(), options));
    // By distance: equal vectors are equally right.
    found += static_cast<uint64_t>(
        std::count_if(hits.begin(), hits.end(), [&query, there](const Candidate& hit) {
          return hit.distance <= query.distances[there - 1];
        }));
    wanted += there;
  }
  return Measured{.recall = static_cast<double>(found) / static_cast<double>(wanted),
                  .all_lists = index.kind() == IndexKind::kIvf &&
                               stats.lists_probed < uint64_t{effort} * queries.size()};
}

}  // namespace

StatusOr<RecallCurve> MeasureRecallCurve(const VectorIndex& index,
                                         const VectorMatrix& matrix,
                                         const VectorCodes* codes,
                                         const BuildProgress* progress) {
  RecallCurve curve;
  if (matrix.count == 0) {
    return curve;
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<Query> queries, MakeQueries(matrix, codes, progress));
  for (const uint32_t k : kRecallCurveK) {
    const uint32_t most = index.kind() == IndexKind::kHnsw ? std::max(k, kEfMost) : kNlistMax;
    Measured measured;
    for (uint32_t effort = FirstEffort(index.kind(), k);
         measured.recall < kRecallEnough && !measured.all_lists && effort <= most;
         effort = NextEffort(effort)) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
      ALIDADE_ASSIGN_OR_RETURN(measured, RecallAt(index, queries, k, effort));
      curve.push_back({.k = k, .effort = effort, .recall = static_cast<float>(measured.recall)});
    }
  }
  return curve;
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
