#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

TEST(HalfTest, EveryHalfBecomesTheFloatOfTheSameValue) {
  std::vector<uint16_t> halves(65'536);
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = static_cast<uint16_t>(i);
  }
  std::vector<float> floats(halves.size() + 1, -7.0F);
  HalfToFloat(halves.data(), floats.data(), halves.size());
  for (size_t i = 0; i < halves.size(); ++i) {
    const bool negative = i >= 0x8000;
    const int exponent = static_cast<int>(i >> 10 & 31);
    const auto fraction = static_cast<double>(i & 1023);
    ASSERT_EQ(std::signbit(floats[i]), negative) << i;
    if (exponent == 31) {
      ASSERT_EQ(std::isinf(floats[i]), fraction == 0) << i;
      ASSERT_EQ(std::isnan(floats[i]), fraction != 0) << i;
      continue;
    }
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    ASSERT_EQ(static_cast<double>(std::abs(floats[i])), magnitude) << i;
  }
  EXPECT_EQ(floats.back(), -7.0F);  // nothing written behind the last
}

TEST(HalfTest, KnowsTheCorners) {
  const std::vector<uint16_t> halves = {0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF};
  std::vector<float> floats(halves.size());
  HalfToFloat(halves.data(), floats.data(), halves.size());
  EXPECT_EQ(std::bit_cast<uint32_t>(floats[0]), 0u);
  EXPECT_EQ(std::bit_cast<uint32_t>(floats[1]), 0x80000000u);
  EXPECT_EQ(floats[2], 5.9604644775390625e-8F);
  EXPECT_EQ(floats[3], 6.09755516052246e-5F);
  EXPECT_EQ(floats[4], 6.103515625e-5F);
  EXPECT_EQ(floats[5], 1.0F);
  EXPECT_EQ(floats[6], 65504.0F);
}

TEST(HalfTest, NothingIsWrittenForNoHalves) {
  float untouched = 3.0F;
  HalfToFloat(nullptr, &untouched, 0);
  EXPECT_EQ(untouched, 3.0F);
}

}  // namespace
}  // namespace alidade
