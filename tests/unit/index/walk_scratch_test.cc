#include "walk_scratch.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/vec/top_k.h"

#include "support/vector_set.h"

namespace alidade {
namespace {

std::vector<Candidate> Content(const NearestPool& pool) {
  std::vector<Candidate> content;
  for (size_t i = 0; i < pool.size(); ++i) {
    content.push_back({pool.distance(i), pool.slot(i)});
  }
  return content;
}

TEST(NearestPoolTest, HoldsTheNearestInOrder) {
  std::mt19937_64 random(PrintedTestSeed());
  std::normal_distribution<float> normal(0, 10);
  constexpr float kSpecial[] = {0.0F,
                                -0.0F,
                                std::numeric_limits<float>::max(),
                                std::numeric_limits<float>::lowest(),
                                std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::denorm_min(),
                                -std::numeric_limits<float>::denorm_min()};
  for (const size_t limit : {1U, 2U, 7U, 100U}) {
    NearestPool pool;
    pool.Reset(limit);
    std::vector<Candidate> all;
    for (uint32_t i = 0; i < 300; ++i) {
      // Equal distances too, and the greatest slots there can be.
      const float distance =
          random() % 4 == 0 ? kSpecial[random() % std::size(kSpecial)] : std::round(normal(random));
      const uint32_t slot = (i * 7'919U) % 300 + (random() % 2 == 0 ? 0U : 0x7FFFFFFFU - 300);
      if (std::any_of(
              all.begin(), all.end(), [slot](const Candidate& c) { return c.slot == slot; })) {
        continue;
      }
      const Candidate added{distance, slot};
      all.push_back(added);
      std::sort(all.begin(), all.end());
      const auto place =
          static_cast<size_t>(std::find(all.begin(), all.end(), added) - all.begin());
      ASSERT_EQ(pool.Insert(distance, slot), std::min(place, limit));
      std::vector<Candidate> nearest = all;
      nearest.resize(std::min(nearest.size(), limit));
      ASSERT_EQ(Content(pool), nearest);
      all = nearest;  // what fell out does not come back
    }
  }
}

TEST(NearestPoolTest, BehindACutThereIsNothingAndNothingComesIn) {
  NearestPool pool;
  pool.Reset(10);
  for (uint32_t slot = 0; slot < 8; ++slot) {
    pool.Insert(static_cast<float>(slot) - 2, slot);
  }
  pool.CutBehind(3);
  EXPECT_THAT(Content(pool),
              ::testing::ElementsAre(Candidate{-2, 0},
                                     Candidate{-1, 1},
                                     Candidate{0, 2},
                                     Candidate{1, 3},
                                     Candidate{2, 4},
                                     Candidate{3, 5}));
  EXPECT_EQ(pool.Insert(3.5F, 20), 10U);
  EXPECT_EQ(pool.Insert(3, 21), 6U) << "as far as the cut is not behind it";
  pool.CutBehind(100);
  EXPECT_EQ(pool.Insert(3.5F, 22), 10U) << "a cut is not taken back";
  pool.CutBehind(-1.5F);
  EXPECT_THAT(Content(pool), ::testing::ElementsAre(Candidate{-2, 0}));
  pool.CutBehind(-3);
  EXPECT_EQ(pool.size(), 0U);
  pool.Reset(10);
  EXPECT_EQ(pool.Insert(1'000, 23), 0U);
}

TEST(NearestPoolTest, MarksStayWithTheirNodes) {
  NearestPool pool;
  pool.Reset(3);
  pool.Insert(2, 20);
  pool.MarkExpanded(0);
  pool.Insert(1, 10);
  pool.Insert(3, 30);
  EXPECT_FALSE(pool.expanded(0));
  EXPECT_TRUE(pool.expanded(1));
  EXPECT_FALSE(pool.expanded(2));
  EXPECT_EQ(pool.slot(1), 20);
  EXPECT_EQ(pool.Insert(0, 5), 0);
  EXPECT_TRUE(pool.expanded(2));
  EXPECT_EQ(pool.slot(2), 20);
  pool.Reset(1);
  EXPECT_EQ(pool.size(), 0);
}

TEST(VisitedNodesTest, ForgetsAsOftenAsOneLikes) {
  VisitedNodes visited;
  for (int walk = 0; walk < 600; ++walk) {
    visited.Forget(3);
    EXPECT_TRUE(visited.Visit(1)) << walk;
    EXPECT_FALSE(visited.Visit(1)) << walk;
    if (walk % 200 == 0) {
      EXPECT_TRUE(visited.Visit(2)) << walk;
    }
  }
  visited.Forget(10);
  EXPECT_TRUE(visited.Visit(9));
  EXPECT_TRUE(visited.Visit(2));
}

}  // namespace
}  // namespace alidade
