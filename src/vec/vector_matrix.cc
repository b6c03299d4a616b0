#include "alidade/vec/vector_matrix.h"

#include <cmath>
#include <type_traits>

#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

float FromDot(Metric metric, float dot, float inv_norms) {
  return metric == Metric::kCosine ? 1.0F - dot * inv_norms : -dot;
}

// Calls fn(rows) with the rows of the matrix by their type.
template <class Fn>
void OnRows(const VectorMatrix& matrix, const Fn& fn) {
  switch (matrix.element) {
    case ElementType::kFloat32:
      fn(static_cast<const float*>(matrix.rows));
      break;
    case ElementType::kFloat16:
      fn(static_cast<const Float16*>(matrix.rows));
      break;
    case ElementType::kBfloat16:
      fn(static_cast<const Bfloat16*>(matrix.rows));
      break;
  }
}

// From a query with this inverse norm to one row.
float DistanceToRow(const VectorMatrix& matrix,
                    const float* query,
                    float query_inv_norm,
                    uint32_t slot) {
  const size_t at = size_t{slot} * matrix.dim;
  const bool l2 = matrix.metric == Metric::kL2;
  float found = 0;
  OnRows(matrix, [&](const auto* rows) {
    if constexpr (std::is_same_v<decltype(rows), const float*>) {
      found = l2 ? SquaredL2(query, rows + at, matrix.dim) : Dot(query, rows + at, matrix.dim);
    } else if (l2) {
      SquaredL2Rows(query, rows + at, 1, matrix.dim, &found);
    } else {
      DotRows(query, rows + at, 1, matrix.dim, &found);
    }
  });
  if (l2) {
    return found;
  }
  const float norms =
      matrix.metric == Metric::kCosine ? query_inv_norm * matrix.inv_norms[slot] : 1.0F;
  return FromDot(matrix.metric, found, norms);
}

}  // namespace

const float* VectorMatrix::Floats(uint32_t slot, std::vector<float>& scratch) const {
  const VectorView row = Row(slot);
  if (element == ElementType::kFloat32) {
    return static_cast<const float*>(row.data);
  }
  scratch.resize(dim);
  ToFloats(row.data, element, scratch.data(), dim);
  return scratch.data();
}

QueryDistance::QueryDistance(const VectorMatrix& matrix, const float* query)
    : matrix_(matrix), query_(query) {
  if (matrix.metric == Metric::kCosine) {
    query_inv_norm_ = InverseNorm(query, matrix.dim);
  }
}

float QueryDistance::operator()(uint32_t slot) const {
  return DistanceToRow(matrix_, query_, query_inv_norm_, slot);
}

void QueryDistance::Many(const uint32_t* slots, size_t count, float* out) const {
  const bool l2 = matrix_.metric == Metric::kL2;
  OnRows(matrix_, [&](const auto* rows) {
    const RowPick pick{rows, slots, count, matrix_.dim};
    if (l2) {
      SquaredL2Gather(query_, pick, out);
    } else {
      DotGather(query_, pick, out);
    }
  });
  for (size_t i = 0; i < count && !l2; ++i) {
    const float norms =
        matrix_.metric == Metric::kCosine ? query_inv_norm_ * matrix_.inv_norms[slots[i]] : 1.0F;
    out[i] = FromDot(matrix_.metric, out[i], norms);
  }
}

void QueryDistance::Range(uint32_t first, size_t count, float* out) const {
  const bool l2 = matrix_.metric == Metric::kL2;
  OnRows(matrix_, [&](const auto* rows) {
    const auto* begin = rows + size_t{first} * matrix_.dim;
    if (l2) {
      SquaredL2Rows(query_, begin, count, matrix_.dim, out);
    } else {
      DotRows(query_, begin, count, matrix_.dim, out);
    }
  });
  for (size_t i = 0; i < count && !l2; ++i) {
    const float norms =
        matrix_.metric == Metric::kCosine ? query_inv_norm_ * matrix_.inv_norms[first + i] : 1.0F;
    out[i] = FromDot(matrix_.metric, out[i], norms);
  }
}

float PairDistance(const VectorMatrix& matrix, uint32_t a, uint32_t b) {
  std::vector<float> scratch;
  const float* row = matrix.Floats(a, scratch);
  return DistanceToRow(
      matrix, row, matrix.metric == Metric::kCosine ? matrix.inv_norms[a] : 1.0F, b);
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
