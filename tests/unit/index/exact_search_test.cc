#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/index/vector_index.h"

#include "support/built_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// 0, 1, 2, ... on a line.
std::vector<float> Line(uint32_t count) {
  std::vector<float> values(count);
  for (uint32_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(i);
  }
  return values;
}

TEST(ExactSearchTest, GivesTheNearestInOrder) {
  const VectorSet set(Metric::kL2, 1, Line(100));
  const float query = 41.75F;
  EXPECT_THAT(ExactSearch(set.matrix(), &query, {.k = 3}),
              IsOkAndHolds(ElementsAre(
                  Candidate{0.0625F, 42}, Candidate{0.5625F, 41}, Candidate{1.5625F, 43})));
}

TEST(ExactSearchTest, TiesGoToTheSmallerSlotAcrossBlocks) {
  const VectorSet set(Metric::kL2, 1, std::vector<float>(2'000, 3.0F));
  const float query = 3;
  EXPECT_THAT(ExactSearch(set.matrix(), &query, {.k = 2}),
              IsOkAndHolds(ElementsAre(Candidate{0, 0}, Candidate{0, 1})));
}

TEST(ExactSearchTest, GivesAllOfThemIfFewerThanK) {
  const VectorSet set(Metric::kL2, 1, Line(5));
  const float query = 0;
  const auto found = ExactSearch(set.matrix(), &query, {.k = 1'000'000});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->size(), 5u);
  EXPECT_TRUE(std::ranges::is_sorted(*found, std::less<>()));
}

TEST(ExactSearchTest, GivesNothingFromNothing) {
  const VectorSet set(Metric::kL2, 1, {});
  const float query = 0;
  EXPECT_THAT(ExactSearch(set.matrix(), &query, {.k = 3}), IsOkAndHolds(IsEmpty()));
}

// Sizes around the block in which rows are scanned.
TEST(ExactSearchTest, EveryRowIsSeenOnce) {
  for (const uint32_t count : {511U, 512U, 513U, 1'024U, 1'537U}) {
    const VectorSet set(Metric::kL2, 1, Line(count));
    const float query = -1;
    SearchStats stats;
    const auto found = ExactSearch(set.matrix(), &query, {.k = count, .stats = &stats});
    ASSERT_THAT(found, IsOk());
    ASSERT_EQ(found->size(), count);
    for (uint32_t i = 0; i < count; ++i) {
      ASSERT_EQ((*found)[i].slot, i);
    }
    EXPECT_EQ(stats.rows_scanned, count);
    EXPECT_EQ(stats.distance_computations, count);
    EXPECT_EQ(stats.hops, 0u);
    EXPECT_EQ(stats.lists_probed, 0u);
  }
}

TEST(ExactSearchTest, AnswersAllowedSlotsOnly) {
  const VectorSet set(Metric::kL2, 1, Line(1'300));
  std::vector<bool> allowed(1'300, false);
  for (const size_t slot : std::vector<size_t>{0, 511, 512, 1'023, 1'024, 1'299}) {
    allowed[slot] = true;
  }
  const SlotSet filter(allowed);
  const float query = 600;
  SearchStats stats;
  const auto found =
      ExactSearch(set.matrix(), &query, {.k = 10, .filter = &filter, .stats = &stats});
  ASSERT_THAT(found, IsOk());
  std::vector<uint32_t> slots;
  for (const Candidate& candidate : *found) {
    slots.push_back(candidate.slot);
  }
  EXPECT_THAT(slots, ElementsAre(512, 511, 1'023, 1'024, 0, 1'299));
  EXPECT_EQ(stats.rows_scanned, 6u);
}

TEST(ExactSearchTest, AFilterThatAllowsNothingGivesNothing) {
  const VectorSet set(Metric::kL2, 1, Line(700));
  const SlotSet filter(std::vector<bool>(700, false));
  const float query = 600;
  EXPECT_THAT(ExactSearch(set.matrix(), &query, {.k = 10, .filter = &filter}),
              IsOkAndHolds(IsEmpty()));
}

TEST(ExactSearchTest, StatsAddUp) {
  const VectorSet set(Metric::kL2, 1, Line(10));
  const float query = 0;
  SearchStats stats;
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(ExactSearch(set.matrix(), &query, {.stats = &stats}), IsOk());
  }
  EXPECT_EQ(stats.rows_scanned, 30u);
}

TEST(ExactSearchTest, SpareThreadsChangeNothing) {
  std::mt19937_64 random(PrintedTestSeed());
  constexpr uint32_t kDim = 64;
  // Several MiB, the last part is not whole; equal vectors lie in different parts.
  const VectorSet distinct(Metric::kL2, kDim, NormalValues(random, size_t{5'003} * kDim));
  std::vector<float> values(size_t{4} * 5'003 * kDim);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = distinct.Row(0)[i % (size_t{5'003} * kDim)];
  }
  const VectorSet set(Metric::kL2, kDim, values);
  SpareThreads spare(4);
  for (uint32_t i = 0; i < 50; ++i) {
    const float* query = set.Row(static_cast<uint32_t>(random() % set.count()));
    SearchStats alone;
    SearchStats shared;
    const auto expected = ExactSearch(set.matrix(), query, {.k = 1 + i, .stats = &alone});
    const auto found =
        ExactSearch(set.matrix(), query, {.k = 1 + i, .stats = &shared, .spare = &spare});
    ASSERT_THAT(expected, IsOk());
    ASSERT_THAT(found, IsOkAndHolds(*expected));
    EXPECT_EQ(shared.rows_scanned, alone.rows_scanned);
  }
  const Deadline passed = Deadline::After(std::chrono::milliseconds(-1));
  EXPECT_THAT(ExactSearch(set.matrix(), set.Row(0), {.deadline = &passed, .spare = &spare}),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST(ExactSearchTest, StopsAtTheDeadline) {
  const VectorSet set(Metric::kL2, 1, Line(100));
  const float query = 0;
  const Deadline passed = Deadline::After(std::chrono::milliseconds(-1));
  EXPECT_THAT(ExactSearch(set.matrix(), &query, {.deadline = &passed}),
              StatusIs(StatusCode::kDeadlineExceeded));
  const Deadline later = Deadline::After(std::chrono::hours(1));
  EXPECT_THAT(ExactSearch(set.matrix(), &query, {.deadline = &later}), IsOk());
}

TEST(ExactSearchTest, StopsInTheMiddleWhenCancelled) {
  const VectorSet set(Metric::kL2, 1, Line(10'000));
  const float query = 0;
  int looks = 0;
  const Deadline deadline(Deadline::Clock::time_point::max(), [&looks] { return ++looks == 3; });
  EXPECT_THAT(ExactSearch(set.matrix(), &query, {.deadline = &deadline}),
              StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(looks, 3);
}

}  // namespace
}  // namespace alidade
