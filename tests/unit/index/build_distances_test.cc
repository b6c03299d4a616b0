#include "build_distances.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/built_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 100;
constexpr uint32_t kRows = 200;
constexpr Metric kMetrics[] = {Metric::kL2, Metric::kDot, Metric::kCosine};

std::unique_ptr<VectorSet> AroundAMean(Metric metric) {
  std::mt19937_64 random(3);
  std::vector<float> values = NormalValues(random, size_t{kRows} * kDim);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] += static_cast<float>(i % kDim) / 40;
  }
  return std::make_unique<VectorSet>(metric, kDim, values);
}

// Under dot, as if each row had a coordinate that makes all equally long, but for a constant.
double Wanted(const VectorSet& set, uint32_t a, uint32_t b) {
  const double distance = DistanceByLoop(set.metric(), set.Row(a), set.Row(b), set.dim());
  if (set.metric() != Metric::kDot) {
    return distance;
  }
  double longest = 0;
  const auto square = [&set](uint32_t row) {
    return -DistanceByLoop(Metric::kDot, set.Row(row), set.Row(row), set.dim());
  };
  for (uint32_t row = 0; row < set.count(); ++row) {
    longest = std::max(longest, square(row));
  }
  return distance - std::sqrt((longest - square(a)) * (longest - square(b)));
}

// The greatest difference from what is wanted, as a share of the longest distance.
double WorstError(const VectorSet& set, const BuildDistances& distances) {
  std::vector<uint32_t> rows(set.count());
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<float> found(rows.size());
  RowDistance from(distances);
  double worst = 0;
  double longest = 0;
  for (uint32_t a = 0; a < set.count(); a += 7) {
    from.Set(a);
    from.Many(rows.data(), rows.size(), found.data());
    for (uint32_t b = 0; b < set.count(); ++b) {
      EXPECT_EQ(from(b), found[b]);
      worst = std::max(worst, std::abs(static_cast<double>(found[b]) - Wanted(set, a, b)));
      longest = std::max(longest, std::abs(Wanted(set, a, b)));
    }
  }
  return worst / longest;
}

TEST(BuildDistancesTest, AreThoseOfTheVectors) {
  for (const Metric metric : kMetrics) {
    const auto set = AroundAMean(metric);
    EXPECT_LT(WorstError(*set, BuildDistances(set->matrix(), nullptr)), 1e-4) << MetricName(metric);
  }
}

TEST(BuildDistancesTest, AreEstimatedByCodesOfEightBits) {
  for (const Metric metric : kMetrics) {
    const auto set = AroundAMean(metric);
    for (const CodesSetting setting : {CodesSetting::kInt8, CodesSetting::kBit1}) {
      StringSink body;
      ASSERT_THAT(VectorCodes::Write(setting, set->matrix(), nullptr, body), IsOk());
      ALIDADE_ASSERT_OK_AND_ASSIGN(const auto codes,
                                   VectorCodes::Open(body.bytes(), set->matrix()));
      EXPECT_LT(WorstError(*set, BuildDistances(set->matrix(), codes.get())), 0.01)
          << MetricName(metric) << " " << CodesName(setting);
    }
  }
}

TEST(BuildDistancesTest, EqualRowsAreNotAllEquallyFar) {
  const VectorSet set(Metric::kL2, 2, std::vector<float>(40, 1.0F));
  const BuildDistances distances(set.matrix(), nullptr);
  RowDistance from(distances);
  from.Set(0);
  std::vector<uint32_t> rows(set.count());
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<float> found(rows.size());
  from.Many(rows.data(), rows.size(), found.data());
  std::sort(found.begin(), found.end());
  EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
  from.Set(9);
  const float back = from(4);
  from.Set(4);
  EXPECT_EQ(back, from(9));
}

}  // namespace
}  // namespace alidade
