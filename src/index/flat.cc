// Path: search 6/8 (from segment/*): exact scans.
#include <algorithm>

#include "alidade/index/vector_index.h"

namespace alidade {
namespace {

// Rows between two looks at the deadline; their distances stay in the first-level cache.
constexpr uint32_t kBlockRows = 512;

}  // namespace

StatusOr<std::vector<Candidate>> ExactSearch(const VectorMatrix& matrix,
                                             const float* query,
                                             const IndexSearchOptions& options) {
  const QueryDistance distance(matrix, query);
  TopK top(options.k);
  float distances[kBlockRows];
  uint32_t slots[kBlockRows];
  uint64_t computed = 0;
  for (uint32_t first = 0; first < matrix.count; first += kBlockRows) {
    if (options.deadline != nullptr) {
      ALIDADE_RETURN_IF_ERROR(options.deadline->Check());
    }
    uint32_t count = std::min(kBlockRows, matrix.count - first);
    if (options.filter == nullptr) {
      distance.Range(first, count, distances);
      for (uint32_t i = 0; i < count; ++i) {
        if (distances[i] <= top.WorstDistance()) {
          top.Push(distances[i], first + i);
        }
      }
    } else {
      uint32_t allowed = 0;
      for (uint32_t i = 0; i < count; ++i) {
        if (options.filter->Allows(first + i)) {
          slots[allowed++] = first + i;
        }
      }
      count = allowed;
      distance.Many(slots, count, distances);
      for (uint32_t i = 0; i < count; ++i) {
        if (distances[i] <= top.WorstDistance()) {
          top.Push(distances[i], slots[i]);
        }
      }
    }
    computed += count;
  }
  if (options.stats != nullptr) {
    options.stats->rows_scanned += computed;
    options.stats->distance_computations += computed;
  }
  return top.TakeSorted();
}

}  // namespace alidade
