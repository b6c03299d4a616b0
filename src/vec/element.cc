#include "alidade/vec/element.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace alidade {
namespace {

// By the layout of IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10.
float FloatOf(Float16 half) {
  const uint32_t sign = static_cast<uint32_t>(half.bits & 0x8000U) << 16;
  const uint32_t exponent = (half.bits >> 10) & 0x1FU;
  const uint32_t fraction = half.bits & 0x3FFU;
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

float FloatOf(Bfloat16 brain) {
  return std::bit_cast<float>(static_cast<uint32_t>(brain.bits) << 16);
}

}  // namespace

std::string_view ElementTypeName(ElementType element) {
  switch (element) {
    case ElementType::kFloat32:
      return "float32";
    case ElementType::kFloat16:
      return "float16";
    case ElementType::kBfloat16:
      return "bfloat16";
  }
  return "unknown";
}

Float16 ToFloat16(float value) {
  constexpr uint32_t kInfinity = 0x7C00;
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000U;
  const float magnitude = std::abs(value);
  if (!(magnitude <= std::numeric_limits<float>::max())) {
    return {static_cast<uint16_t>(sign | kInfinity | (std::isnan(value) ? 0x200U : 0U))};
  }
  constexpr float kNormalMin = 0x1p-14F;
  if (magnitude < kNormalMin) {
    // Whole multiples of 2^-24, rounded as the processor rounds: to the nearest, ties to even.
    const auto fraction = static_cast<uint32_t>(std::nearbyint(magnitude * 0x1p24F));
    return {static_cast<uint16_t>(sign | fraction)};
  }
  // Rounding may carry into the exponent, which is then right too.
  const uint32_t all = bits & 0x7FFFFFFFU;
  const uint32_t rounded = all + 0xFFFU + (all >> 13 & 1U);
  const uint32_t half = (rounded - (112U << 23)) >> 13;
  return {static_cast<uint16_t>(sign | std::min(half, kInfinity))};
}

Bfloat16 ToBfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) {
    return {static_cast<uint16_t>(bits >> 16 | 0x40U)};
  }
  return {static_cast<uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16)};
}

std::string EncodeElements(std::span<const float> values, ElementType element) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(values.size() * ElementBytes(element), '\0');
  if (element == ElementType::kFloat32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits =
        element == ElementType::kFloat16 ? ToFloat16(values[i]).bits : ToBfloat16(values[i]).bits;
    std::memcpy(bytes.data() + i * sizeof(bits), &bits, sizeof(bits));
  }
  return bytes;
}

void ToFloats(const Float16* in, float* out, size_t count) {
  std::transform(in, in + count, out, [](Float16 half) { return FloatOf(half); });
}

void ToFloats(const Bfloat16* in, float* out, size_t count) {
  std::transform(in, in + count, out, [](Bfloat16 brain) { return FloatOf(brain); });
}

void ToFloats(const void* in, ElementType element, float* out, size_t count) {
  switch (element) {
    case ElementType::kFloat32:
      if (count > 0) {
        std::memcpy(out, in, count * sizeof(float));
      }
      break;
    case ElementType::kFloat16:
      ToFloats(static_cast<const Float16*>(in), out, count);
      break;
    case ElementType::kBfloat16:
      ToFloats(static_cast<const Bfloat16*>(in), out, count);
      break;
  }
}

}  // namespace alidade
