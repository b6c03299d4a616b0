// TrainingRows: rows as they are clustered and coded, normalised for cosine, so that L2 orders them
// as cosine does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "alidade/vec/vector_matrix.h"

namespace alidade {

// Borrows the matrix. Thread-compatible.
class TrainingRows {
 public:
  explicit TrainingRows(const VectorMatrix& matrix) : matrix_(matrix), row_(matrix.dim) {}
  // Valid until the next call.
  const float* Get(uint32_t slot) {
    const float* raw = matrix_.Floats(slot, wide_);
    if (matrix_.metric != Metric::kCosine) {
      return raw;
    }
    for (uint32_t d = 0; d < matrix_.dim; ++d) {
      row_[d] = raw[d] * matrix_.inv_norms[slot];
    }
    return row_.data();
  }

 private:
  const VectorMatrix& matrix_;
  std::vector<float> row_;
  std::vector<float> wide_;  // of narrow numbers
};

// Evenly spread rows: rows often come in an order that means something.
inline std::vector<float> SampleRows(const VectorMatrix& matrix, uint32_t rows_max) {
  const uint32_t rows = std::min(matrix.count, rows_max);
  TrainingRows source(matrix);
  std::vector<float> sample;
  sample.reserve(size_t{rows} * matrix.dim);
  for (uint32_t i = 0; i < rows; ++i) {
    const float* row = source.Get(static_cast<uint32_t>(uint64_t{i} * matrix.count / rows));
    sample.insert(sample.end(), row, row + matrix.dim);
  }
  return sample;
}

}  // namespace alidade
