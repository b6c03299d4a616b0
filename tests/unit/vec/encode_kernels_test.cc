// What makes codes, against plain loops on every instruction set: numbers alike, sums nearly so.
#include "encode_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

class EncodeKernelsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceKernelTargetForTest(GetParam())); }
  void TearDown() override { ForceKernelTargetForTest(""); }

  std::vector<float> Values(size_t count) {
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> values(count);
    std::ranges::generate(values, [&] { return normal(random_); });
    return values;
  }

  std::mt19937_64 random_{20'261'126};
};

INSTANTIATE_TEST_SUITE_P(Targets,
                         EncodeKernelsTest,
                         ::testing::ValuesIn(KernelTargets()),
                         [](const auto& target) { return target.param; });

TEST_P(EncodeKernelsTest, AgreeWithPlainLoops) {
  for (size_t count = 0; count < 150; ++count) {
    const std::vector<float> values = Values(count);
    float largest = 0;
    for (const float value : values) {
      largest = std::max(largest, std::abs(value));
    }
    EXPECT_EQ(LargestMagnitude(values.data(), count), largest);

    // Some are cut off.
    const float scale = 100;
    std::vector<int8_t> bytes(count + 1, 77);
    std::vector<float> numbers(count + 1, 77);
    RoundToInt8(values.data(), count, scale, bytes.data(), numbers.data());
    double error = 0;
    for (size_t i = 0; i < count; ++i) {
      const float cut = std::clamp(values[i] * scale, -127.0F, 127.0F);
      ASSERT_EQ(numbers[i], std::trunc(cut + std::copysign(0.5F, cut))) << values[i];
      ASSERT_EQ(static_cast<float>(bytes[i]), numbers[i]);
      error += std::pow(double{values[i]} - 0.01 * double{numbers[i]}, 2);
    }
    EXPECT_EQ(bytes.back(), 77);
    EXPECT_EQ(numbers.back(), 77);
    EXPECT_NEAR(SquaredError(values.data(), numbers.data(), count, 0.01F), error, 1e-4 * error);

    const float step = 0.3F;
    std::vector<uint8_t> levels(count + 1, 77);
    RoundToInt4(values.data(), count, step, levels.data(), numbers.data());
    double dot = 0;
    double square = 0;
    double magnitude = 0;
    for (size_t i = 0; i < count; ++i) {
      ASSERT_LE(levels[i], 15);
      ASSERT_EQ(numbers[i], 2.0F * static_cast<float>(levels[i]) - 15);
      // No other of them is nearer.
      const float distance = std::abs(values[i] - step * numbers[i]);
      for (int other = -15; other <= 15; other += 2) {
        ASSERT_LE(distance, std::abs(values[i] - step * static_cast<float>(other)) + 1e-5F);
      }
      dot += double{numbers[i]} * double{values[i]};
      magnitude += std::abs(double{numbers[i]} * double{values[i]});
      square += double{numbers[i]} * double{numbers[i]};
    }
    EXPECT_EQ(levels.back(), 77);
    EXPECT_EQ(numbers.back(), 77);
    const GridSums sums = SumsOfInt4(values.data(), count, step);
    EXPECT_NEAR(sums.dot, dot, 1e-5 * magnitude);
    EXPECT_EQ(sums.square, static_cast<float>(square));  // whole numbers
  }
}

TEST_P(EncodeKernelsTest, HalvesAreRoundedAwayFromZero) {
  const std::vector<float> values = {0.5F, -0.5F, 1.5F, -2.5F, 0.49F, 126.5F, -126.5F, 0.0F, 3};
  std::vector<int8_t> bytes(values.size());
  std::vector<float> numbers(values.size());
  RoundToInt8(values.data(), values.size(), 1, bytes.data(), numbers.data());
  EXPECT_EQ(bytes, (std::vector<int8_t>{1, -1, 2, -3, 0, 127, -127, 0, 3}));
}

TEST_P(EncodeKernelsTest, WhatOverflowsIsCutOff) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values(37, 1e30F);
  std::vector<int8_t> bytes(values.size());
  std::vector<float> numbers(values.size());
  RoundToInt8(values.data(), values.size(), 1e30F, bytes.data(), numbers.data());
  EXPECT_EQ(bytes, std::vector<int8_t>(values.size(), 127));
  const std::vector<float> infinite(37, kInfinity);
  RoundToInt8(infinite.data(), infinite.size(), 0, bytes.data(), numbers.data());
  EXPECT_EQ(bytes, std::vector<int8_t>(values.size(), 127));
}

}  // namespace
}  // namespace alidade
