// Builds the graph over all vectors of a field.
#include <algorithm>
#include <cmath>
#include <new>
#include <optional>
#include <vector>

#include "alidade/vec/kernels.h"

#include "build_distances.h"
#include "graph_insertion.h"
#include "growing_graph.h"
#include "hnsw_index.h"
#include "places.h"

namespace alidade {
namespace {

// Length of the longest vector, where the distances that there can be depend on it; else 0.
float Longest(const VectorMatrix& matrix) {
  float longest = 0;
  std::vector<float> wide;
  for (uint32_t slot = 0; matrix.metric == Metric::kDot && slot < matrix.count; ++slot) {
    const float* row = matrix.Floats(slot, wide);
    longest = std::max(longest, Dot(row, row, matrix.dim));
  }
  return std::sqrt(longest);
}

}  // namespace

Status BuildHnsw(const IndexSpec& spec,
                 const VectorMatrix& matrix,
                 std::string_view previous,
                 const BuildOptions& options,
                 ByteSink& sink) {
  try {
    ALIDADE_ASSIGN_OR_RETURN(const BuildCodes build_codes, BuildCodes::Make(matrix, options));
    const VectorCodes* codes = build_codes.get();
    std::optional<HnswGraph> extended;
    if (!previous.empty()) {
      ALIDADE_ASSIGN_OR_RETURN(extended, ReadHnswGraph(previous));
      if (extended->header.m != spec.hnsw_m || extended->header.count > matrix.count) {
        return InvalidArgument(
            "the graph to extend has m {} and {} nodes, wanted m {} and at most {}",
            extended->header.m,
            extended->header.count,
            spec.hnsw_m,
            matrix.count);
      }
    }
    const uint32_t taken = extended.has_value() ? extended->header.count : 0;
    if (options.progress != nullptr) {
      options.progress->rows_done += taken;
    }
    GrowingGraph graph(spec.hnsw_m,
                       spec.hnsw_ef_construction,
                       matrix.count,
                       extended.has_value() ? &*extended : nullptr);
    Places places;
    if (codes != nullptr) {
      ALIDADE_ASSIGN_OR_RETURN(places, MakePlaces(matrix, *codes, options));
    }
    const BuildDistances distances(matrix, codes);
    ALIDADE_RETURN_IF_ERROR(
        InsertRows(InsertionOrder(taken, matrix.count, places), distances, options, graph));
    return graph.Write(places, Longest(matrix), sink);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory for the index build");
  }
}

}  // namespace alidade
