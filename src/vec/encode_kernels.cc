#include "encode_kernels.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr float kInt8Largest = 127;
constexpr float kInt4Largest = 15;

// The same steps for a register and for the single values that are left. What is not a number,
// where vectors are so long that floats overflow, becomes the largest (std::min and the instruction
// alike).

HWY_INLINE V Int8Number(D d, V value, V scale) {
  const V most = hn::Set(d, kInt8Largest);
  const V cut = hn::Max(hn::Neg(most), hn::Min(hn::Mul(value, scale), most));
  return hn::Trunc(hn::Add(cut, hn::CopySign(hn::Set(d, 0.5F), cut)));
}
HWY_INLINE float Int8Number(float value, float scale) {
  const float cut = std::max(-kInt8Largest, std::min(kInt8Largest, value * scale));
  return std::trunc(cut + std::copysign(0.5F, cut));
}

HWY_INLINE V Int4Level(D d, V value, V width) {
  const V level = hn::Add(hn::Div(value, width), hn::Set(d, (kInt4Largest + 1) / 2));
  return hn::Trunc(hn::Max(hn::Zero(d), hn::Min(level, hn::Set(d, kInt4Largest))));
}
HWY_INLINE float Int4Level(float value, float width) {
  return std::trunc(std::max(0.0F, std::min(kInt4Largest, value / width + (kInt4Largest + 1) / 2)));
}

float LargestMagnitudeImpl(const float* values, size_t count) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V largest = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    largest = hn::Max(largest, hn::Abs(hn::LoadU(d, values + i)));
  }
  float most = hn::GetLane(hn::MaxOfLanes(d, largest));
  for (; i < count; ++i) {
    most = std::max(most, std::abs(values[i]));
  }
  return most;
}

void RoundToInt8Impl(const float* values, size_t count, float scale, int8_t* out, float* numbers) {
  const D d;
  const hn::Rebind<int32_t, D> whole;
  const hn::Rebind<int8_t, D> narrow;
  const size_t lanes = hn::Lanes(d);
  const V scales = hn::Set(d, scale);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V number = Int8Number(d, hn::LoadU(d, values + i), scales);
    hn::StoreU(number, d, numbers + i);
    hn::StoreU(hn::DemoteTo(narrow, hn::ConvertTo(whole, number)), narrow, out + i);
  }
  for (; i < count; ++i) {
    numbers[i] = Int8Number(values[i], scale);
    out[i] = static_cast<int8_t>(numbers[i]);
  }
}

void RoundToInt4Impl(
    const float* values, size_t count, float step, uint8_t* levels, float* numbers) {
  const D d;
  const hn::Rebind<int32_t, D> whole;
  const hn::Rebind<uint8_t, D> narrow;
  const size_t lanes = hn::Lanes(d);
  const V width = hn::Set(d, 2 * step);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V level = Int4Level(d, hn::LoadU(d, values + i), width);
    hn::StoreU(hn::Sub(hn::Add(level, level), hn::Set(d, kInt4Largest)), d, numbers + i);
    hn::StoreU(hn::DemoteTo(narrow, hn::ConvertTo(whole, level)), narrow, levels + i);
  }
  for (; i < count; ++i) {
    const float level = Int4Level(values[i], 2 * step);
    numbers[i] = 2 * level - kInt4Largest;
    levels[i] = static_cast<uint8_t>(level);
  }
}

GridSums SumsOfInt4Impl(const float* values, size_t count, float step) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V width = hn::Set(d, 2 * step);
  V dots = hn::Zero(d);
  V squares = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V value = hn::LoadU(d, values + i);
    const V level = Int4Level(d, value, width);
    const V number = hn::Sub(hn::Add(level, level), hn::Set(d, kInt4Largest));
    dots = hn::MulAdd(number, value, dots);
    squares = hn::MulAdd(number, number, squares);
  }
  GridSums sums{.dot = hn::GetLane(hn::SumOfLanes(d, dots)),
                .square = hn::GetLane(hn::SumOfLanes(d, squares))};
  for (; i < count; ++i) {
    const float number = 2 * Int4Level(values[i], 2 * step) - kInt4Largest;
    sums.dot += number * values[i];
    sums.square += number * number;
  }
  return sums;
}

float SquaredErrorImpl(const float* values, const float* numbers, size_t count, float factor) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V factors = hn::Set(d, factor);
  V errors = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V difference =
        hn::Sub(hn::LoadU(d, values + i), hn::Mul(factors, hn::LoadU(d, numbers + i)));
    errors = hn::MulAdd(difference, difference, errors);
  }
  float error = hn::GetLane(hn::SumOfLanes(d, errors));
  for (; i < count; ++i) {
    const float difference = values[i] - factor * numbers[i];
    error += difference * difference;
  }
  return error;
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(LargestMagnitudeImpl);
HWY_EXPORT(RoundToInt8Impl);
HWY_EXPORT(RoundToInt4Impl);
HWY_EXPORT(SumsOfInt4Impl);
HWY_EXPORT(SquaredErrorImpl);

float LargestMagnitude(const float* values, size_t count) {
  return HWY_DYNAMIC_DISPATCH(LargestMagnitudeImpl)(values, count);
}

void RoundToInt8(const float* values, size_t count, float scale, int8_t* out, float* numbers) {
  HWY_DYNAMIC_DISPATCH(RoundToInt8Impl)(values, count, scale, out, numbers);
}

void RoundToInt4(const float* values, size_t count, float step, uint8_t* levels, float* numbers) {
  HWY_DYNAMIC_DISPATCH(RoundToInt4Impl)(values, count, step, levels, numbers);
}

GridSums SumsOfInt4(const float* values, size_t count, float step) {
  return HWY_DYNAMIC_DISPATCH(SumsOfInt4Impl)(values, count, step);
}

float SquaredError(const float* values, const float* numbers, size_t count, float factor) {
  return HWY_DYNAMIC_DISPATCH(SquaredErrorImpl)(values, numbers, count, factor);
}

}  // namespace alidade
#endif  // HWY_ONCE
