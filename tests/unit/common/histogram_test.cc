#include "alidade/common/histogram.h"

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace alidade {
namespace {

// The only bucket that an observation of `seconds` lands in.
int BucketOf(double seconds) {
  Histogram histogram;
  histogram.Observe(seconds);
  const Histogram::Snapshot snapshot = histogram.Read();
  EXPECT_EQ(snapshot.count, 1u);
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    if (snapshot.counts[static_cast<size_t>(i)] == 1) {
      return i;
    }
  }
  return -1;
}

TEST(HistogramTest, BoundsArePowersOfTwoFrom16Microseconds) {
  EXPECT_DOUBLE_EQ(Histogram::UpperBound(0), 16e-6);
  EXPECT_DOUBLE_EQ(Histogram::UpperBound(1), 32e-6);
  EXPECT_DOUBLE_EQ(Histogram::UpperBound(21), 33.554432);
  EXPECT_TRUE(std::isinf(Histogram::UpperBound(22)));
}

TEST(HistogramTest, EveryObservationLandsBelowItsBound) {
  EXPECT_EQ(BucketOf(0), 0);
  EXPECT_EQ(BucketOf(-1), 0);
  EXPECT_EQ(BucketOf(std::numeric_limits<double>::quiet_NaN()), 0);
  EXPECT_EQ(BucketOf(3600), Histogram::kBuckets - 1);
  for (int i = 0; i + 1 < Histogram::kBuckets; ++i) {
    EXPECT_EQ(BucketOf(Histogram::UpperBound(i) * 0.999), i);
    EXPECT_EQ(BucketOf(Histogram::UpperBound(i) * 1.001), i + 1);
  }
}

TEST(HistogramTest, CountsAndSumsAcrossThreads) {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&histogram] {
      for (int i = 0; i < 10'000; ++i) {
        histogram.Observe(0.001);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const Histogram::Snapshot snapshot = histogram.Read();
  EXPECT_EQ(snapshot.count, 40'000u);
  EXPECT_EQ(snapshot.counts[6], 40'000u);  // 0.512 to 1.024 ms
  EXPECT_NEAR(snapshot.sum, 40.0, 1e-3);
}

}  // namespace
}  // namespace alidade
