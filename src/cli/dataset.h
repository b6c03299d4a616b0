// Dataset: queries with their true neighbours, and the ids of the rows they speak of.
#pragma once

#include <string>
#include <vector>

#include "alidade/common/status.h"

namespace alidade {

struct Dataset {
  std::string base;    // what to import: the path of the base vectors
  std::string metric;  // cosine, dot, l2; empty: the set does not say
  uint32_t dim = 0;
  std::vector<float> queries;  // rows x dim
  uint64_t query_count = 0;
  // True distances of the nearest rows, nearest first: query_count x depth. As on the wire: cosine
  // 1 - similarity, L2 rooted. Empty: unknown.
  std::vector<float> distances;
  uint64_t depth = 0;

  const float* Query(uint64_t i) const { return queries.data() + i * dim; }
  // Distance of the k-th neighbour of query i.
  float KthDistance(uint64_t i, uint64_t k) const { return distances[i * depth + k - 1]; }
};

// A directory with base.npy (or base.f16.npy), queries.npy and distances.npy, as bench/datasets/
// makes them; one with *base.fvecs, *query.fvecs and *groundtruth.ivecs, as in the TEXMEX sets; or
// an ann-benchmarks HDF5 file (train, test, distances).
StatusOr<Dataset> OpenDataset(const std::string& path);

// How many of the hit distances are as near as the k-th true neighbour. Counted by distance,
// because equal vectors are equally right; the tolerance is that of float32 sums.
uint64_t CountNear(const std::vector<float>& hit_distances, float kth_distance);

}  // namespace alidade
