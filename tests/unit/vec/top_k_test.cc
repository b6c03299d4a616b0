#include "alidade/vec/top_k.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/vector_set.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(CandidateTest, OrdersByDistanceThenSlot) {
  EXPECT_LT((Candidate{1, 9}), (Candidate{2, 3}));
  EXPECT_LT((Candidate{1, 3}), (Candidate{1, 9}));
  EXPECT_FALSE((Candidate{1, 3}) < (Candidate{1, 3}));
  EXPECT_EQ((Candidate{1, 3}), (Candidate{1, 3}));
  EXPECT_LT((Candidate{-kInfinity, 1}), (Candidate{kInfinity, 0}));
}

TEST(TopKTest, AgreesWithASort) {
  const uint64_t seed = PrintedTestSeed();
  std::mt19937_64 random(seed);
  for (const size_t k : std::vector<size_t>{1, 2, 3, 10, 100, 1'000, 5'000}) {
    for (const uint32_t count : std::vector<uint32_t>{0, 1, 2, 9, 10, 11, 1'000, 3'000}) {
      // Few distances, so that many are equal.
      std::uniform_int_distribution<int> distance(-5, static_cast<int>(count / 4));
      std::vector<uint32_t> slots(count);
      for (uint32_t i = 0; i < count; ++i) {
        slots[i] = i;
      }
      std::ranges::shuffle(slots, random);
      TopK top(k);
      std::vector<Candidate> all;
      for (const uint32_t slot : slots) {
        all.push_back({static_cast<float>(distance(random)), slot});
        top.Push(all.back().distance, slot);
      }
      std::ranges::sort(all, [](const Candidate& a, const Candidate& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.slot < b.slot;
      });
      all.resize(std::min(all.size(), k));
      EXPECT_EQ(top.size(), all.size());
      EXPECT_EQ(top.TakeSorted(), all) << "k " << k << ", " << count << " pushed, seed " << seed;
    }
  }
}

// In runs of these lengths, in turn.
constexpr std::array<size_t, 5> kRuns = {1, 512, 7, 64, 3'000};

TEST(CollectedTopKTest, AgreesWithTopK) {
  const uint64_t seed = PrintedTestSeed();
  std::mt19937_64 random(seed);
  CollectedTopK collected;
  std::vector<Candidate> found;
  for (const size_t k : std::vector<size_t>{1, 2, 10, 16, 17, 100, 1'000}) {
    for (const uint32_t count : std::vector<uint32_t>{0, 1, 9, 199, 200, 201, 5'000, 20'000}) {
      for (const bool nearing : {false, true}) {
        std::uniform_int_distribution<int> distance(-5, static_cast<int>(count / 4));
        std::vector<float> distances(count);
        for (float& value : distances) {
          value = distance(random) == -5 ? -0.0F : static_cast<float>(distance(random));
        }
        if (nearing) {  // each is nearer than those before, as where rows lie by place
          std::ranges::sort(distances, std::greater());
        }
        TopK top(k);
        for (uint32_t i = 0; i < count; ++i) {
          top.Push(distances[i], 7 * i);
        }
        collected.Reset(k);
        for (size_t done = 0, run = 0; done < count; ++run) {
          const size_t some = std::min(kRuns[run % kRuns.size()], count - done);
          collected.Push(&distances[done], some, [done](size_t i) {
            return static_cast<uint32_t>(7 * (done + i));
          });
          done += some;
        }
        collected.TakeSorted(found);
        EXPECT_EQ(found, top.TakeSorted()) << "k " << k << ", " << count << ", seed " << seed;
      }
    }
  }
  const std::array<float, 4> edges = {kInfinity, -1, -kInfinity, 0};
  collected.Reset(3);
  collected.Push(edges.data(), edges.size(), [](size_t i) { return static_cast<uint32_t>(i); });
  collected.TakeSorted(found);
  EXPECT_THAT(found, ElementsAre(Candidate{-kInfinity, 2}, Candidate{-1, 1}, Candidate{0, 3}));
  collected.TakeSorted(found);
  EXPECT_THAT(found, IsEmpty());
}

TEST(TopKTest, SmallerSlotWinsATieWheneverItComes) {
  TopK first(2);
  for (const uint32_t slot : std::vector<uint32_t>{5, 3, 4, 1, 2}) {
    first.Push(7, slot);
  }
  EXPECT_THAT(first.TakeSorted(), ElementsAre(Candidate{7, 1}, Candidate{7, 2}));
}

TEST(TopKTest, WorstDistanceIsTheBarToPass) {
  TopK top(2);
  EXPECT_EQ(top.WorstDistance(), kInfinity);
  top.Push(5, 0);
  EXPECT_EQ(top.WorstDistance(), kInfinity);
  top.Push(3, 1);
  EXPECT_EQ(top.WorstDistance(), 5);
  top.Push(4, 2);
  EXPECT_EQ(top.WorstDistance(), 4);
  top.Push(9, 3);
  EXPECT_EQ(top.WorstDistance(), 4);
}

TEST(TopKTest, NothingPassesTheBarOfNone) {
  TopK top(0);
  EXPECT_EQ(top.WorstDistance(), -kInfinity);
  top.Push(-1, 0);
  EXPECT_EQ(top.size(), 0u);
  EXPECT_THAT(top.TakeSorted(), IsEmpty());
}

TEST(TopKTest, InfiniteDistancesAreCandidatesToo) {
  TopK top(3);
  top.Push(kInfinity, 2);
  top.Push(kInfinity, 1);
  top.Push(0, 3);
  top.Push(kInfinity, 0);
  EXPECT_THAT(top.TakeSorted(),
              ElementsAre(Candidate{0, 3}, Candidate{kInfinity, 0}, Candidate{kInfinity, 1}));
}

TEST(TopKTest, IsEmptyAndUsableAfterTaking) {
  TopK top(1);
  top.Push(2, 2);
  EXPECT_THAT(top.TakeSorted(), ElementsAre(Candidate{2, 2}));
  EXPECT_EQ(top.size(), 0u);
  EXPECT_EQ(top.WorstDistance(), kInfinity);
  top.Push(9, 9);
  EXPECT_THAT(top.TakeSorted(), ElementsAre(Candidate{9, 9}));
}

}  // namespace
}  // namespace alidade
