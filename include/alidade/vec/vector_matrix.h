// VectorMatrix: the vectors of one field of one segment, and distances to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/vec/element.h"
#include "alidade/vec/metric.h"
#include "alidade/vec/scan_prefetch.h"

namespace alidade {

// A view: borrows everything.
struct VectorMatrix {
  const void* rows = nullptr;        // count x dim numbers, row-major
  const float* inv_norms = nullptr;  // 1 / |row|, for cosine only
  uint32_t count = 0;
  uint32_t dim = 0;
  Metric metric = Metric::kL2;
  ElementType element = ElementType::kFloat32;

  size_t row_bytes() const { return dim * ElementBytes(element); }
  VectorView Row(uint32_t slot) const {
    return {static_cast<const char*>(rows) + size_t{slot} * row_bytes(), dim, element};
  }
  // The row as it lies here, or widened into `scratch`: valid as long as both.
  const float* Floats(uint32_t slot, std::vector<float>& scratch) const;
};

// Distances from one query to rows of a matrix. Immutable; borrows both.
class QueryDistance {
 public:
  QueryDistance(const VectorMatrix& matrix, const float* query);

  float operator()(uint32_t slot) const;
  // out[i] = distance to slots[i]
  void Many(const uint32_t* slots, size_t count, float* out) const;
  // How a scan of so many rows should ask Range for them.
  ScanPace Pace(uint32_t rows) const { return PaceOfScan(matrix_.row_bytes(), rows); }
  // Range(first, count) comes next, and then on to last - 1.
  void FetchAhead(uint32_t first, uint32_t count, uint32_t last) const {
    FetchScanAhead(matrix_.rows, matrix_.row_bytes(), first, count, last);
  }
  // Many fetches for itself.
  void Prefetch(uint32_t) const {}
  // out[i] = distance to first + i
  void Range(uint32_t first, size_t count, float* out) const;
  // As estimates have it.
  float ErrorOf(uint32_t) const { return 0; }

 private:
  const VectorMatrix matrix_;
  const float* query_;
  float query_inv_norm_ = 1;
};

// Distance between two rows of a matrix.
float PairDistance(const VectorMatrix& matrix, uint32_t a, uint32_t b);

// 1 / |vector|. Requires: it passed ValidateVector for cosine.
float InverseNorm(const float* vector, size_t dim);

// OK if the vector may be stored or searched under the metric: all values finite; a squared norm
// that is finite (for L2 even four times it, so that opposite vectors have a finite distance); for
// cosine also one that is neither zero nor denormal. INVALID_ARGUMENT naming `path`.
Status ValidateVector(std::span<const float> vector, Metric metric, const std::string& path);

}  // namespace alidade
