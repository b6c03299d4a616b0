#include "place_queue.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace alidade {
namespace {

// Everything that has nodes, in the order in which it comes.
std::vector<Candidate> TakeAll(PlaceQueue& queue) {
  std::vector<Candidate> taken;
  for (; !queue.empty(); queue.Pop()) {
    taken.push_back(queue.front());
  }
  return taken;
}

class PlaceQueueTest : public ::testing::Test {
 protected:
  // About one place in so many is empty.
  void Make(uint32_t count, uint32_t one_empty_of, const std::vector<float>& distances) {
    distances_ = distances;
    starts_ = {0};
    sorted_.clear();
    for (uint32_t place = 0; place < count; ++place) {
      const bool empty = random_() % one_empty_of == 0;
      starts_.push_back(starts_.back() + (empty ? 0 : 1 + static_cast<uint32_t>(random_() % 5)));
      if (!empty) {
        sorted_.push_back({distances_[place], place});
      }
    }
    std::ranges::sort(sorted_, [](const Candidate& a, const Candidate& b) { return a < b; });
    queue_.Reset(distances_.data(), starts_.data(), count);
  }

  std::mt19937_64 random_{3};
  std::vector<float> distances_;
  std::vector<uint32_t> starts_;
  std::vector<Candidate> sorted_;
  PlaceQueue queue_;
};

TEST_F(PlaceQueueTest, GivesEveryPlaceThatHasNodesOnceNearestFirst) {
  std::normal_distribution<float> normal;
  for (const uint32_t count : {0U, 1U, 2U, 15U, 16U, 17U, 63U, 64U, 65U, 1'000U}) {
    for (const uint32_t one_empty_of : {1U, 2U, 1'000'000U}) {
      std::vector<float> distances(count);
      std::ranges::generate(distances, [&] { return normal(random_); });
      Make(count, one_empty_of, distances);
      EXPECT_EQ(TakeAll(queue_), sorted_) << count << " " << one_empty_of;
    }
  }
}

TEST_F(PlaceQueueTest, EqualAndInfiniteDistancesAreNotLost) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> few_values(500);
  std::ranges::generate(few_values, [&] {
    const uint64_t pick = random_() % 4;
    return pick == 0 ? kInfinity : pick == 1 ? -kInfinity : static_cast<float>(pick);
  });
  for (const std::vector<float>& distances : {std::vector<float>(500, 1.5F),
                                              std::vector<float>(500, kInfinity),
                                              std::vector<float>(500, -kInfinity),
                                              few_values}) {
    Make(500, 3, distances);
    EXPECT_EQ(TakeAll(queue_), sorted_);
  }
}

TEST_F(PlaceQueueTest, IsReusedBeforeItIsEmpty) {
  std::vector<float> distances(300);
  for (uint32_t place = 0; place < 300; ++place) {
    distances[place] = static_cast<float>(300 - place);
  }
  Make(300, 2, distances);
  queue_.Pop();
  Make(300, 2, distances);
  EXPECT_EQ(TakeAll(queue_), sorted_);
}

}  // namespace
}  // namespace alidade
