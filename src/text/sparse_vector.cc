// Format:   u8 1 | u32 count | u32[count] dimensions, rising | f32[count] weights; little-endian.
#include "alidade/text/sparse_vector.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

constexpr uint8_t kSparseFormat = 1;  // on disk: never reused

}  // namespace

StatusOr<SparseVector> MakeSparseVector(std::vector<uint32_t> dimensions,
                                        std::vector<float> weights,
                                        const std::string& path) {
  if (weights.size() != dimensions.size()) {
    return FieldError(
        path + ".values", "has {} values for {} indices", weights.size(), dimensions.size());
  }
  if (dimensions.empty() || dimensions.size() > kSparseValuesMax) {
    return FieldError(path + ".indices",
                      "has {} entries, 1 to {} are allowed",
                      dimensions.size(),
                      kSparseValuesMax);
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(weights[i])) {
      return FieldError(fmt::format("{}.values[{}]", path, i), "is not finite");
    }
  }
  std::vector<size_t> order(dimensions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return dimensions[i]; });
  SparseVector out;
  for (const size_t i : order) {
    if (!out.dimensions.empty() && out.dimensions.back() == dimensions[i]) {
      return FieldError(path + ".indices", "has {} twice", dimensions[i]);
    }
    out.dimensions.push_back(dimensions[i]);
    out.weights.push_back(weights[i]);
  }
  return out;
}

std::string EncodeSparseVector(const SparseVector& vector) {
  std::string out;
  out.reserve(1 + sizeof(uint32_t) * (1 + 2 * vector.dimensions.size()));
  AppendLittleEndian(out, kSparseFormat);
  AppendLittleEndian(out, static_cast<uint32_t>(vector.dimensions.size()));
  for (const uint32_t dimension : vector.dimensions) {
    AppendLittleEndian(out, dimension);
  }
  for (const float weight : vector.weights) {
    AppendLittleEndian(out, std::bit_cast<uint32_t>(weight));
  }
  return out;
}

StatusOr<SparseVector> DecodeSparseVector(std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = in.Little<uint8_t>();
  const auto count = in.Little<uint32_t>();
  bool valid = in.ok() && format == kSparseFormat && count >= 1 && count <= kSparseValuesMax;
  SparseVector vector;
  for (uint32_t i = 0; valid && i < count; ++i) {
    const auto dimension = in.Little<uint32_t>();
    valid = i == 0 || dimension > vector.dimensions.back();
    vector.dimensions.push_back(dimension);
  }
  for (uint32_t i = 0; valid && i < count; ++i) {
    vector.weights.push_back(std::bit_cast<float>(in.Little<uint32_t>()));
    valid = std::isfinite(vector.weights.back());
  }
  if (!valid || !in.done()) {
    return DataLoss("a stored sparse vector of {} bytes is malformed", bytes.size());
  }
  return vector;
}

}  // namespace alidade
