#include <bit>

#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

// By the layout of IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10. Used by importers
// only, where the file is the bottleneck, so plain code is enough.
float FromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t fraction = half & 0x3FFU;
  if (exponent == 0x1F) {
    return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13));
  }
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  }
  // Zero or subnormal: fraction * 2^-24, exact in single precision.
  const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

}  // namespace

void HalfToFloat(const uint16_t* in, float* out, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    out[i] = FromHalf(in[i]);
  }
}

}  // namespace alidade
