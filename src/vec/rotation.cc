#include "alidade/vec/rotation.h"

#include <bit>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rotation.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// (a, b) becomes (a + b, a - b) for `count` pairs.
template <class D>
HWY_INLINE void Butterflies(D d, float* HWY_RESTRICT a, float* HWY_RESTRICT b, size_t count) {
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, a + i);
    const auto y = hn::LoadU(d, b + i);
    hn::StoreU(hn::Add(x, y), d, a + i);
    hn::StoreU(hn::Sub(x, y), d, b + i);
  }
  for (; i < count; ++i) {
    const float x = a[i];
    const float y = b[i];
    a[i] = x + y;
    b[i] = x - y;
  }
}

// One step of the transform: pairs that are `half` apart.
template <class D>
HWY_INLINE void HadamardStep(D d, float* values, size_t count, size_t half) {
  for (size_t start = 0; start < count; start += 2 * half) {
    Butterflies(d, values + start, values + start + half, half);
  }
}

// The first two steps at once, or as many as there are; answers how far apart the next pairs are.
HWY_INLINE size_t FirstHadamardSteps(float* values, size_t count) {
#if HWY_TARGET != HWY_SCALAR && !HWY_HAVE_SCALABLE
  if (count >= 4) {
    HWY_ALIGN static constexpr float kOdd[4] = {1, -1, 1, -1};
    HWY_ALIGN static constexpr float kUpper[4] = {1, 1, -1, -1};
    const hn::CappedTag<float, 4> d;
    const auto odd = hn::Load(d, kOdd);
    const auto upper = hn::Load(d, kUpper);
    for (size_t i = 0; i < count; i += 4) {
      auto v = hn::LoadU(d, values + i);
      v = hn::Add(hn::Shuffle2301(v), hn::Mul(v, odd));
      v = hn::Add(hn::Shuffle1032(v), hn::Mul(v, upper));
      hn::StoreU(v, d, values + i);
    }
    return 4;
  }
#endif
  return 1;
}

// Without the factor 1 / sqrt(count). `count` is a power of two.
void HadamardImpl(float* values, size_t count) {
  for (size_t half = FirstHadamardSteps(values, count); half < count; half *= 2) {
    if (half < 8) {  // NOLINT(bugprone-branch-clone): the same where vectors are this short
      HadamardStep(hn::CappedTag<float, 4>(), values, count, half);
    } else if (half < 16) {
      HadamardStep(hn::CappedTag<float, 8>(), values, count, half);
    } else {
      HadamardStep(hn::ScalableTag<float>(), values, count, half);
    }
  }
}

void ButterfliesImpl(float* a, float* b, size_t count) {
  Butterflies(hn::ScalableTag<float>(), a, b, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {
namespace {

constexpr uint32_t kRounds = 4;  // on disk: codes depend on it
constexpr uint64_t kSeed = 0x616C696461646531;

// One step of splitmix64 (Steele, Lea, Flood 2014).
uint64_t NextRandom(uint64_t& state) {
  state += 0x9E3779B97F4A7C15;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
  return mixed ^ (mixed >> 31);
}

void Scale(float* values, size_t count, float factor) {
  for (size_t i = 0; i < count; ++i) {
    values[i] *= factor;
  }
}

}  // namespace

HWY_EXPORT(HadamardImpl);
HWY_EXPORT(ButterfliesImpl);

Rotation::Rotation(uint32_t dim) : dim_(dim), block_(std::bit_floor(dim)) {
  uint64_t state = kSeed;
  signs_.reserve(size_t{kRounds} * dim);
  for (size_t i = 0; i < size_t{kRounds} * dim; ++i) {
    signs_.push_back((NextRandom(state) >> 63) == 0 ? 1.0F : -1.0F);
  }
}

void Rotation::Apply(float* values) const {
  const float norm = 1.0F / std::sqrt(static_cast<float>(block_));
  const uint32_t half = dim_ / 2;
  for (uint32_t round = 0; round < kRounds; ++round) {
    const float* signs = signs_.data() + size_t{round} * dim_;
    for (uint32_t i = 0; i < dim_; ++i) {
      values[i] *= signs[i];
    }
    float* block = values + (round % 2 == 0 ? 0 : dim_ - block_);
    HWY_DYNAMIC_DISPATCH(HadamardImpl)(block, block_);
    Scale(block, block_, norm);
    if (block_ != dim_) {
      HWY_DYNAMIC_DISPATCH(ButterfliesImpl)(values, values + (dim_ - half), half);
      Scale(values, half, std::sqrt(0.5F));
      Scale(values + (dim_ - half), half, std::sqrt(0.5F));
    }
  }
}

}  // namespace alidade
#endif  // HWY_ONCE
