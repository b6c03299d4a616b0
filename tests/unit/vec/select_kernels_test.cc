#include "alidade/vec/select_kernels.h"

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/vec/kernels.h"

#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class SelectKernelsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceKernelTargetForTest(GetParam())); }
  void TearDown() override { ForceKernelTargetForTest(""); }

  // With many equal ones, and such as lie at either end.
  std::vector<float> Distances(size_t count) {
    std::uniform_int_distribution<int> whole(-3, static_cast<int>(count));
    std::vector<float> distances(count);
    for (float& distance : distances) {
      const int value = whole(random_);
      distance = value == -3   ? -kInfinity
                 : value == -2 ? -0.0F
                 : value == -1 ? kInfinity
                               : static_cast<float>(value);
    }
    return distances;
  }

  const uint64_t seed_ = PrintedTestSeed();
  std::mt19937_64 random_{seed_};
};

INSTANTIATE_TEST_SUITE_P(Targets,
                         SelectKernelsTest,
                         ::testing::ValuesIn(KernelTargets()),
                         [](const auto& target) { return target.param; });

TEST_P(SelectKernelsTest, SelectsWhatIsUpToTheBound) {
  for (const size_t count : std::vector<size_t>{0, 1, 7, 15, 16, 17, 64, 333, 2'000}) {
    const std::vector<float> distances = Distances(count);
    for (const float bound :
         {-kInfinity, 0.0F, static_cast<float>(count) / 8, std::numeric_limits<float>::max()}) {
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < count; ++i) {
        if (distances[i] <= bound) {
          expected.push_back(i);
        }
      }
      std::vector<uint32_t> places(count + kSelectRoom);
      places.resize(SelectUpTo(distances.data(), count, bound, places.data()));
      EXPECT_EQ(places, expected) << count << " up to " << bound << ", seed " << seed_;
    }
  }
}

TEST_P(SelectKernelsTest, BoundHoldsTheNearestAndFewMore) {
  std::vector<float> scratch;
  for (const size_t count : std::vector<size_t>{1, 31, 63, 64, 65, 500, 2'000, 10'000}) {
    for (const size_t k : std::vector<size_t>{1, 2, 10, 16, 17, 32, 33, 200}) {
      if (k > count) {
        continue;
      }
      for (int round = 0; round < 20; ++round) {
        std::vector<float> distances = Distances(count);
        const float bound = BoundOfNearest(distances.data(), count, k, scratch);
        const auto near = static_cast<size_t>(
            std::ranges::count_if(distances, [bound](float value) { return value <= bound; }));
        ASSERT_GE(near, k) << "of " << count << ", seed " << seed_;
        if (count < 4 * std::max<size_t>(k, 16)) {
          continue;  // not worth it
        }
        ASSERT_LT(bound, kInfinity);
        // Few more, where they are not equal; and one of them.
        std::ranges::nth_element(distances, distances.begin() + static_cast<ptrdiff_t>(2 * k + 20));
        EXPECT_LE(bound, distances[2 * k + 20]) << k << " of " << count << ", seed " << seed_;
        EXPECT_TRUE(std::ranges::count(distances, bound) > 0);
      }
    }
  }
}

}  // namespace
}  // namespace alidade
