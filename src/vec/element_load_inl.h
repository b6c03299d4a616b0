// Numbers of stored vectors as floats in registers. Included once for every instruction set (Google
// Highway's -inl scheme), hence the unusual guard.
#if defined(ALIDADE_VEC_ELEMENT_LOAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALIDADE_VEC_ELEMENT_LOAD_INL_H
#undef ALIDADE_VEC_ELEMENT_LOAD_INL_H
#else
#define ALIDADE_VEC_ELEMENT_LOAD_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "alidade/vec/element.h"

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

static HWY_INLINE FloatVec LoadFloats(FloatTag d, const float* p) { return hn::LoadU(d, p); }

static HWY_INLINE FloatVec LoadFloats(FloatTag d, const Float16* p) {
  const hn::Rebind<hwy::float16_t, FloatTag> half;
  return hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(p)));
}

// The upper half of each float.
static HWY_INLINE FloatVec LoadFloats(FloatTag d, const Bfloat16* p) {
  const hn::Rebind<uint16_t, FloatTag> half;
  const hn::RebindToUnsigned<FloatTag> whole;
  const auto bits = hn::LoadU(half, reinterpret_cast<const uint16_t*>(p));
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(whole, bits)));
}

// Loads the last `rest` (< Lanes) numbers without touching what lies behind them; other lanes are
// zero, which adds nothing to sums of products and of squares.
template <class T>
HWY_INLINE FloatVec LoadRest(FloatTag d, const T* p, size_t rest) {
  HWY_ALIGN T padded[HWY_MAX_BYTES / sizeof(float)] = {};
  for (size_t i = 0; i < rest; ++i) {
    padded[i] = p[i];
  }
  return LoadFloats(d, padded);
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
