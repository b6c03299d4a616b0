#include "alidade/vec/metric.h"

#include <cmath>
#include <limits>
#include <optional>

#include <gtest/gtest.h>

namespace alidade {
namespace {

TEST(MetricTest, NumbersOnDiskStay) {
  EXPECT_EQ(static_cast<int>(Metric::kL2), 1);
  EXPECT_EQ(static_cast<int>(Metric::kDot), 2);
  EXPECT_EQ(static_cast<int>(Metric::kCosine), 3);
}

TEST(MetricTest, ScoresAreWhatTheUserKnows) {
  EXPECT_EQ(ScoreFromDistance(Metric::kL2, 25.0F).value, -5.0);
  EXPECT_EQ(ScoreFromDistance(Metric::kL2, 0.0F).value, 0.0);
  EXPECT_EQ(ScoreFromDistance(Metric::kDot, -3.5F).value, 3.5);
  EXPECT_EQ(ScoreFromDistance(Metric::kDot, 2.0F).value, -2.0);
  EXPECT_EQ(ScoreFromDistance(Metric::kCosine, 0.25F).value, 0.75);
  EXPECT_EQ(ScoreFromDistance(Metric::kCosine, 2.0F).value, -1.0);
}

// Rounding must not make a number out of a root of something below zero.
TEST(MetricTest, NegativeSquaredDistanceScoresZero) {
  EXPECT_EQ(ScoreFromDistance(Metric::kL2, -1e-9F).value, 0.0);
}

TEST(MetricTest, DistancesAreBoundsOfScores) {
  EXPECT_EQ(DistanceFromScore(Metric::kL2, {-5.0}), 25.0F);
  EXPECT_EQ(DistanceFromScore(Metric::kL2, {0.0}), 0.0F);
  EXPECT_LT(DistanceFromScore(Metric::kL2, {0.001}), 0.0F);  // nothing is that near
  EXPECT_EQ(DistanceFromScore(Metric::kDot, {3.5}), -3.5F);
  EXPECT_EQ(DistanceFromScore(Metric::kCosine, {0.75}), 0.25F);
  EXPECT_EQ(DistanceFromScore(Metric::kL2, {-std::numeric_limits<double>::infinity()}),
            std::numeric_limits<float>::infinity());
}

TEST(MetricTest, NearerIsScoredHigherAndBackAgain) {
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    double previous = std::numeric_limits<double>::infinity();
    for (float distance = 0; distance <= 2.0F; distance += 0.0625F) {
      const Score score = ScoreFromDistance(metric, distance);
      EXPECT_LT(score.value, previous) << MetricName(metric) << " " << distance;
      previous = score.value;
      EXPECT_NEAR(DistanceFromScore(metric, score), distance, 1e-6) << MetricName(metric);
    }
  }
}

TEST(MetricTest, NamesGoThereAndBack) {
  EXPECT_EQ(MetricName(Metric::kL2), "l2");
  EXPECT_EQ(MetricName(Metric::kDot), "dot");
  EXPECT_EQ(MetricName(Metric::kCosine), "cosine");
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    EXPECT_EQ(MetricFromName(MetricName(metric)), metric);
  }
  EXPECT_EQ(MetricFromName("L2"), std::nullopt);
  EXPECT_EQ(MetricFromName(""), std::nullopt);
  EXPECT_EQ(MetricFromName("unknown"), std::nullopt);
  EXPECT_EQ(MetricName(static_cast<Metric>(77)), "unknown");
}

}  // namespace
}  // namespace alidade
