// Format:   u8 1 | u32 rows | f32[rows * dim]; little-endian.
#include "alidade/vec/multi_vector.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "alidade/common/bytes.h"
#include "alidade/common/check.h"
#include "alidade/vec/kernels.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {
namespace {

constexpr uint8_t kMultiVectorFormat = 1;  // on disk: never reused

}  // namespace

MultiVector WithRows(MultiVector vector, uint32_t dim) {
  if (vector.rows == 0) {
    vector.rows = static_cast<uint32_t>(vector.values.size() / dim);
  }
  return vector;
}

Status ValidateMultiVector(const MultiVector& vector,
                           uint32_t dim,
                           Metric metric,
                           const std::string& path) {
  if (vector.values.size() != size_t{vector.rows} * dim) {
    return FieldError(path,
                      "has {} values in {} vectors, the field has {} dimensions",
                      vector.values.size(),
                      vector.rows,
                      dim);
  }
  if (vector.rows == 0 || vector.rows > kMultiVectorRowsMax) {
    return FieldError(
        path, "has {} vectors, 1 to {} are allowed", vector.rows, kMultiVectorRowsMax);
  }
  if (vector.values.size() * sizeof(float) > kMultiVectorBytesMax) {
    return FieldError(path,
                      "has {} bytes, the limit is {}",
                      vector.values.size() * sizeof(float),
                      kMultiVectorBytesMax);
  }
  for (uint32_t row = 0; row < vector.rows; ++row) {
    const std::span<const float> values(vector.values.data() + size_t{row} * dim, dim);
    ALIDADE_RETURN_IF_ERROR(ValidateVector(values, metric, fmt::format("{}.rows[{}]", path, row)));
  }
  return OkStatus();
}

std::string EncodeMultiVector(const MultiVector& vector) {
  static_assert(std::endian::native == std::endian::little);
  std::string out;
  out.reserve(sizeof(kMultiVectorFormat) + sizeof(vector.rows) +
              vector.values.size() * sizeof(float));
  AppendLittleEndian(out, kMultiVectorFormat);
  AppendLittleEndian(out, vector.rows);
  out.append(reinterpret_cast<const char*>(vector.values.data()),
             vector.values.size() * sizeof(float));
  return out;
}

StatusOr<MultiVector> DecodeMultiVector(std::string_view bytes, uint32_t dim) {
  ByteReader in(bytes);
  const auto format = in.Little<uint8_t>();
  MultiVector vector{.rows = in.Little<uint32_t>(), .values = {}};
  if (!in.ok() || format != kMultiVectorFormat || vector.rows == 0 ||
      vector.rows > kMultiVectorRowsMax ||
      in.rest().size() != size_t{vector.rows} * dim * sizeof(float)) {
    return DataLoss("a stored multi-vector of {} bytes is malformed", bytes.size());
  }
  vector.values.resize(size_t{vector.rows} * dim);
  std::memcpy(vector.values.data(), in.rest().data(), in.rest().size());
  return vector;
}

double MaxSim(const MultiVector& query, const MultiVector& document, uint32_t dim, Metric metric) {
  ALIDADE_CHECK(metric == Metric::kDot || metric == Metric::kCosine,
                "late interaction under {}",
                MetricName(metric));
  const float* rows = document.values.data();
  std::vector<float> inv_norms(document.rows, 1.0F);
  if (metric == Metric::kCosine) {
    for (uint32_t row = 0; row < document.rows; ++row) {
      inv_norms[row] = InverseNorm(rows + size_t{row} * dim, dim);
    }
  }
  std::vector<float> similarities(document.rows);
  double sum = 0;
  for (uint32_t i = 0; i < query.rows; ++i) {
    const float* wanted = query.values.data() + size_t{i} * dim;
    DotRows(wanted, rows, document.rows, dim, similarities.data());
    for (uint32_t row = 0; row < document.rows; ++row) {
      similarities[row] *= inv_norms[row];
    }
    const float best = *std::ranges::max_element(similarities);
    const float scale = metric == Metric::kCosine ? InverseNorm(wanted, dim) : 1.0F;
    sum += static_cast<double>(best) * static_cast<double>(scale);
  }
  return sum;
}

}  // namespace alidade
