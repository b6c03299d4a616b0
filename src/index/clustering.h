// Centroids of vectors, by FAISS's k-means; bounded in rows by the caller, in rounds here.
#pragma once

#include <cstdint>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/index/vector_index.h"

namespace alidade {

// `count` centroids of the rows of `sample`, each `dim` floats; unit vectors if `spherical`.
// Deterministic for one thread. Uses as many OpenMP threads as are set.
// Requires: sample holds `count` rows at least.
// Errors: CANCELLED within a round of a dozen when the progress says so. Throws what FAISS throws.
StatusOr<std::vector<float>> TrainCentroids(const std::vector<float>& sample,
                                            uint32_t dim,
                                            uint32_t count,
                                            bool spherical,
                                            const BuildProgress* progress);

}  // namespace alidade
