#include "build_distances.h"

#include <algorithm>
#include <cmath>

#include "alidade/common/check.h"
#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

// Below 2^-20, a few units in the last place of 1.
float Jitter(uint32_t a, uint32_t b) {
  const uint64_t pair = uint64_t{std::min(a, b)} << 32 | std::max(a, b);
  return static_cast<float>(pair * 0x9E3779B97F4A7C15U >> 52) * 0x1p-32F;
}

}  // namespace

BuildDistances::BuildDistances(const VectorMatrix& matrix,
                               const VectorCodes* codes,
                               std::span<const uint32_t> slots)
    : matrix_(matrix),
      codes_(codes == nullptr ? std::nullopt : codes->eight_bits()),
      slots_(slots) {
  if (matrix.metric != Metric::kDot) {
    return;
  }
  const uint32_t rows = slots.empty() ? matrix.count : static_cast<uint32_t>(slots.size());
  lifts_.resize(rows);
  float longest = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    lifts_[row].extra = -PairDistance(matrix, SlotOf(row), SlotOf(row));
    longest = std::max(longest, lifts_[row].extra);
  }
  for (Lift& lift : lifts_) {
    lift.extra = std::sqrt(longest - lift.extra);
  }
  if (codes != nullptr) {
    const std::vector<float>& mean = codes->space().mean();
    mean_square_ = Dot(mean.data(), mean.data(), matrix.dim);
    std::vector<float> wide;
    for (uint32_t row = 0; row < rows; ++row) {
      lifts_[row].along_mean = Dot(matrix.Floats(SlotOf(row), wide), mean.data(), matrix.dim);
    }
  }
}

void RowDistance::Set(uint32_t row) {
  row_ = row;
  const uint32_t slot = from_.SlotOf(row);
  if (from_.codes_.has_value()) {
    query_.SetRecord(*from_.codes_, from_.matrix_.metric, slot);
    estimate_.emplace(*from_.codes_, query_);
  } else {
    exact_.emplace(from_.matrix_, from_.matrix_.Floats(slot, wide_));
  }
}

float RowDistance::operator()(uint32_t row) const {
  float distance = 0;
  Many(&row, 1, &distance);
  return distance;
}

void RowDistance::Many(const uint32_t* rows, size_t count, float* out) const {
  const uint32_t* slots = rows;
  if (!from_.slots_.empty()) {
    slots_.resize(std::max(slots_.size(), count));
    std::transform(
        rows, rows + count, slots_.begin(), [this](uint32_t r) { return from_.slots_[r]; });
    slots = slots_.data();
  }
  if (estimate_.has_value()) {
    estimate_->Many(slots, count, out);
  } else {
    ALIDADE_CHECK(exact_.has_value(), "distances from no row");
    exact_->Many(slots, count, out);
  }
  if (!from_.lifts_.empty()) {
    const BuildDistances::Lift& own = from_.lifts_[row_];
    for (size_t i = 0; i < count; ++i) {
      const BuildDistances::Lift& other = from_.lifts_[rows[i]];
      out[i] += from_.mean_square_ - own.along_mean - other.along_mean - own.extra * other.extra;
    }
  }
  const bool unit = from_.matrix_.metric == Metric::kCosine;
  for (size_t i = 0; i < count; ++i) {
    const float scale = unit ? 1.0F : std::abs(out[i]) + 1e-30F;
    out[i] += scale * Jitter(row_, rows[i]);
  }
}

}  // namespace alidade
