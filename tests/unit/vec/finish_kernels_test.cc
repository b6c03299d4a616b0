// Distances out of dot products: bit for bit the plain ones, on every instruction set.
#include "finish_kernels.h"

#include <bit>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/vec/kernels.h"
#include "alidade/vec/scan_prefetch.h"

namespace alidade {
namespace {

class FinishKernelsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceKernelTargetForTest(GetParam())); }
  void TearDown() override { ForceKernelTargetForTest(""); }

  std::mt19937_64 random_{20'261'127};
};

INSTANTIATE_TEST_SUITE_P(Targets,
                         FinishKernelsTest,
                         ::testing::ValuesIn(KernelTargets()),
                         [](const auto& target) { return target.param; });

TEST_P(FinishKernelsTest, AgreeBitForBitWithOneByOne) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  std::normal_distribution<float> normal(0, 3);
  std::uniform_int_distribution<int32_t> dot(-2'000'000, 2'000'000);
  constexpr size_t kCount = 67;
  for (const size_t stride : {sizeof(CodeTail), size_t{144}, size_t{208}, size_t{784}}) {
    std::vector<uint8_t> records(kCount * stride);
    std::vector<int32_t> dots(kCount);
    for (size_t i = 0; i < kCount; ++i) {
      CodeTail tail{.factor = normal(random_), .offset = normal(random_), .extra = normal(random_)};
      if (i % 9 == 4) {
        tail = {.factor = kLargest, .offset = i % 2 == 0 ? kLargest : -kLargest, .extra = kLargest};
      }
      std::memcpy(records.data() + i * stride, &tail, sizeof(tail));
      dots[i] = dot(random_);
    }
    const FinishTerms terms{.dot_factor = normal(random_),
                            .extra_factor = normal(random_),
                            .constant = normal(random_),
                            .base = normal(random_),
                            .weight = -2};
    for (size_t count = 0; count <= kCount; ++count) {
      std::vector<float> out(kCount + 1, 77);
      FinishCodeRows(terms, records.data(), stride, dots.data(), count, out.data());
      for (size_t i = 0; i < count; ++i) {
        const float alone = FinishCode(terms, dots[i], records.data() + i * stride);
        ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(alone))
            << out[i] << " and " << alone << ", stride " << stride << ", " << i << " of " << count;
        ASSERT_LE(out[i], kLargest);  // not NaN
      }
      EXPECT_EQ(out[count], 77);
    }
  }
}

TEST(ScanPaceTest, LittleIsReadInLongStepsAndNotFetched) {
  for (const size_t stride :
       {size_t{16}, size_t{144}, size_t{208}, size_t{1'536}, size_t{40'000}}) {
    const size_t little = (size_t{1} << 20) / stride;
    EXPECT_FALSE(PaceOfScan(stride, little).fetch);
    EXPECT_TRUE(PaceOfScan(stride, little + 1).fetch);
    EXPECT_GE(PaceOfScan(stride, little).step, PaceOfScan(stride, little + 1).step);
    EXPECT_LE(PaceOfScan(stride, little).step, 64U);
    EXPECT_GE(PaceOfScan(stride, little + 1).step, 4U);
  }
}

}  // namespace
}  // namespace alidade
