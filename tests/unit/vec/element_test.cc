// Narrow numbers: what each stands for, by its layout, and which one a float becomes.
#include "alidade/vec/element.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace alidade {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// By the layout alone: a sign, `exponent_bits`, and `fraction_bits`.
double ValueOf(uint16_t bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
  const auto fraction = static_cast<double>(bits & ((1 << fraction_bits) - 1));
  const double sign = bits >= 0x8000 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return fraction == 0 ? sign * kInfinity : std::numeric_limits<double>::quiet_NaN();
  }
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias - fraction_bits)
                               : std::ldexp(std::ldexp(1, fraction_bits) + fraction,
                                            exponent - bias - fraction_bits));
}

template <class T>
void ExpectEveryNumberToComeBack(int exponent_bits, int fraction_bits, T (*narrow)(float)) {
  std::vector<T> all(65'536);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].bits = static_cast<uint16_t>(i);
  }
  std::vector<float> floats(all.size() + 1, -7.0F);
  ToFloats(all.data(), floats.data(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const double wanted = ValueOf(all[i].bits, exponent_bits, fraction_bits);
    ASSERT_EQ(std::signbit(floats[i]), i >= 0x8000) << i;
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(floats[i])) << i;
      continue;
    }
    ASSERT_EQ(static_cast<double>(floats[i]), wanted) << i;
    ASSERT_EQ(narrow(floats[i]).bits, i);
  }
  EXPECT_EQ(floats.back(), -7.0F);  // nothing written behind the last
}

TEST(ElementTest, EveryFloat16ComesBack) { ExpectEveryNumberToComeBack<Float16>(5, 10, ToFloat16); }
TEST(ElementTest, EveryBfloat16ComesBack) {
  ExpectEveryNumberToComeBack<Bfloat16>(8, 7, ToBfloat16);
}

// Between two neighbours: the nearer one, of equally near ones the even one.
template <class T>
void ExpectTheNearest(int exponent_bits, int fraction_bits, T (*narrow)(float)) {
  const uint16_t largest = static_cast<uint16_t>((((1 << exponent_bits) - 1) << fraction_bits) - 1);
  for (uint16_t low = 0; low < largest; ++low) {
    const double below = ValueOf(low, exponent_bits, fraction_bits);
    const double above = ValueOf(static_cast<uint16_t>(low + 1), exponent_bits, fraction_bits);
    const auto middle = static_cast<float>((below + above) / 2);  // exact: one bit more
    const auto even = static_cast<uint16_t>(low % 2 == 0 ? low : low + 1);
    for (const float sign : {1.0F, -1.0F}) {
      const auto bits = static_cast<uint16_t>(sign < 0 ? 0x8000 : 0);
      ASSERT_EQ(narrow(sign * middle).bits, bits | even) << low;
      ASSERT_EQ(narrow(sign * std::nextafter(middle, 0.0F)).bits, bits | low) << low;
      ASSERT_EQ(narrow(sign * std::nextafter(middle, std::numeric_limits<float>::max())).bits,
                bits | (low + 1))
          << low;
    }
  }
}

TEST(ElementTest, AFloatBecomesTheNearestFloat16) { ExpectTheNearest<Float16>(5, 10, ToFloat16); }
TEST(ElementTest, AFloatBecomesTheNearestBfloat16) { ExpectTheNearest<Bfloat16>(8, 7, ToBfloat16); }

TEST(ElementTest, WhatIsTooLargeBecomesInfinite) {
  EXPECT_EQ(ToFloat16(65'504.0F).bits, 0x7BFF);
  EXPECT_EQ(ToFloat16(65'519.0F).bits, 0x7BFF);
  EXPECT_EQ(ToFloat16(65'520.0F).bits, 0x7C00);
  EXPECT_EQ(ToFloat16(-1e30F).bits, 0xFC00);
  EXPECT_EQ(ToBfloat16(std::numeric_limits<float>::max()).bits, 0x7F80);
  EXPECT_EQ(ToFloat16(std::numeric_limits<float>::infinity()).bits, 0x7C00);
  EXPECT_GT(ToFloat16(std::numeric_limits<float>::quiet_NaN()).bits & 0x7FFF, 0x7C00);
  EXPECT_GT(ToBfloat16(std::bit_cast<float>(0x7F800001U)).bits & 0x7FFF, 0x7F80);
}

TEST(ElementTest, BytesAreLittleEndianAndHalfAsMany) {
  const std::vector<float> values = {1.0F, -2.0F, 0.1F};
  EXPECT_EQ(EncodeElements(values, ElementType::kFloat16),
            std::string("\x00\x3C\x00\xC0\x66\x2E", 6));
  EXPECT_EQ(EncodeElements(values, ElementType::kBfloat16),
            std::string("\x80\x3F\x00\xC0\xCD\x3D", 6));
  const std::string wide = EncodeElements(values, ElementType::kFloat32);
  const VectorView view{.data = wide.data(), .dim = 3};
  EXPECT_EQ(view.Floats(), values);
  EXPECT_EQ(view.bytes(), wide);
  EXPECT_FALSE(VectorView().has_value());
  float untouched = 3.0F;
  ToFloats(nullptr, ElementType::kFloat32, &untouched, 0);
  ToFloats(nullptr, ElementType::kFloat16, &untouched, 0);
  EXPECT_EQ(untouched, 3.0F);
}

}  // namespace
}  // namespace alidade
