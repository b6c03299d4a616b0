#include "alidade/vec/vector_matrix.h"

#include <cmath>

#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

float FromDot(Metric metric, float dot, float inv_norms) {
  return metric == Metric::kCosine ? 1.0F - dot * inv_norms : -dot;
}

}  // namespace

QueryDistance::QueryDistance(const VectorMatrix& matrix, const float* query)
    : matrix_(matrix), query_(query) {
  if (matrix.metric == Metric::kCosine) {
    query_inv_norm_ = InverseNorm(query, matrix.dim);
  }
}

float QueryDistance::operator()(uint32_t slot) const {
  if (matrix_.metric == Metric::kL2) {
    return SquaredL2(query_, matrix_.Row(slot), matrix_.dim);
  }
  const float dot = Dot(query_, matrix_.Row(slot), matrix_.dim);
  const float norms =
      matrix_.metric == Metric::kCosine ? query_inv_norm_ * matrix_.inv_norms[slot] : 1.0F;
  return FromDot(matrix_.metric, dot, norms);
}

void QueryDistance::Many(const uint32_t* slots, size_t count, float* out) const {
  const RowPick pick{matrix_.rows, slots, count, matrix_.dim};
  if (matrix_.metric == Metric::kL2) {
    SquaredL2Gather(query_, pick, out);
    return;
  }
  DotGather(query_, pick, out);
  for (size_t i = 0; i < count; ++i) {
    const float norms =
        matrix_.metric == Metric::kCosine ? query_inv_norm_ * matrix_.inv_norms[slots[i]] : 1.0F;
    out[i] = FromDot(matrix_.metric, out[i], norms);
  }
}

void QueryDistance::Range(uint32_t first, size_t count, float* out) const {
  if (matrix_.metric == Metric::kL2) {
    SquaredL2Rows(query_, matrix_.Row(first), count, matrix_.dim, out);
    return;
  }
  DotRows(query_, matrix_.Row(first), count, matrix_.dim, out);
  for (size_t i = 0; i < count; ++i) {
    const float norms =
        matrix_.metric == Metric::kCosine ? query_inv_norm_ * matrix_.inv_norms[first + i] : 1.0F;
    out[i] = FromDot(matrix_.metric, out[i], norms);
  }
}

float PairDistance(const VectorMatrix& matrix, uint32_t a, uint32_t b) {
  if (matrix.metric == Metric::kL2) {
    return SquaredL2(matrix.Row(a), matrix.Row(b), matrix.dim);
  }
  const float dot = Dot(matrix.Row(a), matrix.Row(b), matrix.dim);
  const float norms =
      matrix.metric == Metric::kCosine ? matrix.inv_norms[a] * matrix.inv_norms[b] : 1.0F;
  return FromDot(matrix.metric, dot, norms);
}

float InverseNorm(const float* vector, size_t dim) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(Dot(vector, vector, dim))));
}

Status ValidateVector(std::span<const float> vector, Metric metric, const std::string& path) {
  const float norm = Dot(vector.data(), vector.data(), vector.size());
  // Under L2 two opposite vectors of this length must have a finite distance too.
  const float squared = metric == Metric::kL2 ? 4 * norm : norm;
  if (std::isfinite(squared) && (metric != Metric::kCosine || std::isnormal(squared))) {
    return OkStatus();  // a NaN or infinite value would have spread into the sum
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    if (!std::isfinite(vector[i])) {
      return WithReason(FieldError(fmt::format("{}[{}]", path, i), "is {}, not finite", vector[i]),
                        "VECTOR_NOT_FINITE");
    }
  }
  if (!std::isfinite(squared)) {
    return WithReason(FieldError(path, "its norm overflows float32"), "VECTOR_NORM_OVERFLOW");
  }
  return WithReason(
      FieldError(path, "its norm is zero (or too small to invert), which has no cosine"),
      "VECTOR_ZERO");
}

}  // namespace alidade
