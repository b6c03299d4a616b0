#include "clustering.h"

#include <limits>
#include <utility>

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>

namespace alidade {
namespace {

constexpr int kRounds = 12;  // chosen: centroids hardly move after ten
constexpr int kSeed = 1234;

}  // namespace

StatusOr<std::vector<float>> TrainCentroids(const std::vector<float>& sample,
                                            uint32_t dim,
                                            uint32_t count,
                                            bool spherical,
                                            const BuildProgress* progress) {
  faiss::ClusteringParameters parameters;
  parameters.niter = 1;
  parameters.seed = kSeed;
  parameters.min_points_per_centroid = 1;
  parameters.max_points_per_centroid = std::numeric_limits<int>::max() / static_cast<int>(count);
  parameters.spherical = spherical;
  faiss::Clustering clustering(static_cast<int>(dim), static_cast<int>(count), parameters);
  faiss::IndexFlatL2 assigner(static_cast<faiss::Index::idx_t>(dim));
  for (int round = 0; round < kRounds; ++round) {
    ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    // Goes on from the centroids of the round before.
    clustering.train(
        static_cast<faiss::Index::idx_t>(sample.size() / dim), sample.data(), assigner);
  }
  return std::move(clustering.centroids);
}

}  // namespace alidade
