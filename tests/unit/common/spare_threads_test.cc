#include "alidade/common/spare_threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace alidade {
namespace {

// A part that takes so long that spare threads have time to come.
void Linger() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

TEST(SpareThreadsTest, EveryPartIsDoneOnceByNumberedWorkers) {
  SpareThreads spare(4);
  ASSERT_EQ(spare.workers(), 4U);
  std::vector<std::atomic<int>> done(200);
  std::vector<std::atomic<int>> inside(spare.workers());
  spare.Share(200, [&](uint32_t worker, uint32_t part) {
    ASSERT_LT(worker, spare.workers());
    EXPECT_EQ(inside[worker].fetch_add(1), 0) << "two threads are worker " << worker;
    done[part].fetch_add(1);
    inside[worker].fetch_sub(1);
  });
  EXPECT_TRUE(std::all_of(done.begin(), done.end(), [](const auto& n) { return n == 1; }));
}

TEST(SpareThreadsTest, ACallerThatIsAloneIsHelped) {
  SpareThreads spare(3);
  std::vector<std::atomic<int>> by(spare.workers());
  // Bounded: each round would do, were no thread kept waiting by the machine.
  for (int round = 0; round < 200 && (by[1] == 0 || by[2] == 0); ++round) {
    spare.Share(20, [&](uint32_t worker, uint32_t) {
      by[worker].fetch_add(1);
      Linger();
    });
  }
  EXPECT_GT(by[1], 0);
  EXPECT_GT(by[2], 0);
}

TEST(SpareThreadsTest, OneProcessorMeansTheCallerAlone) {
  SpareThreads spare(1);
  int parts = 0;
  spare.Share(5, [&](uint32_t worker, uint32_t part) {
    EXPECT_EQ(worker, 0U);
    EXPECT_EQ(part, static_cast<uint32_t>(parts));
    ++parts;
  });
  EXPECT_EQ(parts, 5);
  spare.Share(0, [](uint32_t, uint32_t) { FAIL() << "there is no part"; });
}

TEST(SpareThreadsTest, NobodyHelpsWhileThereAreAsManyCallersAsProcessors) {
  constexpr uint32_t kProcessors = 3;
  constexpr uint32_t kParts = 40;
  SpareThreads spare(kProcessors);
  std::atomic<uint32_t> callers_in = 0;
  std::atomic<uint32_t> ending = 0;
  std::atomic<uint32_t> helped = 0;
  const auto call = [&] {
    spare.Share(kParts, [&](uint32_t worker, uint32_t part) {
      if (part == 0) {
        ++callers_in;
        while (callers_in < kProcessors) {
          std::this_thread::yield();
        }
      }
      if (part == kParts - 1) {
        ++ending;
      }
      if (worker > 0 && callers_in == kProcessors && ending == 0) {
        ++helped;
      }
      Linger();
    });
  };
  std::vector<std::thread> callers;
  for (uint32_t i = 0; i < kProcessors; ++i) {
    callers.emplace_back(call);
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  // Each helper sees it after the part at which it is.
  EXPECT_LE(helped, kProcessors - 1);
}

TEST(SpareThreadsTest, AnExceptionReachesTheCallerAndEndsTheRest) {
  SpareThreads spare(2);
  std::atomic<int> begun = 0;
  EXPECT_THROW(spare.Share(1'000,
                           [&](uint32_t, uint32_t) {
                             ++begun;
                             Linger();
                             throw std::runtime_error("no");
                           }),
               std::runtime_error);
  EXPECT_LE(begun, 2);
  // Usable afterwards.
  std::atomic<int> parts = 0;
  spare.Share(10, [&](uint32_t, uint32_t) { ++parts; });
  EXPECT_EQ(parts, 10);
}

}  // namespace
}  // namespace alidade
