#include "alidade/common/thread_pool.h"

#include <sys/resource.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>

namespace alidade {
namespace {

// A pool of one thread that is busy until released.
class BusyPool {
 public:
  explicit BusyPool(size_t queue_max) {
    pool =
        std::make_unique<ThreadPool>(ThreadPool::Options{.name = "busy", .queue_max = queue_max});
    EXPECT_TRUE(pool->TrySubmit([this] {
      started_.count_down();
      release_.wait();
      finished = true;
    }));
    started_.wait();
  }
  void Release() { release_.count_down(); }

  std::unique_ptr<ThreadPool> pool;
  std::atomic<bool> finished = false;

 private:
  std::latch started_{1};
  std::latch release_{1};
};

TEST(ThreadPoolTest, RefusesWhatTheQueueCannotHold) {
  BusyPool busy(2);
  std::atomic<int> ran = 0;
  EXPECT_TRUE(busy.pool->TrySubmit([&ran] { ++ran; }));
  EXPECT_TRUE(busy.pool->TrySubmit([&ran] { ++ran; }));
  EXPECT_EQ(busy.pool->queued(), 2u);
  EXPECT_FALSE(busy.pool->TrySubmit([&ran] { ran += 100; }));
  busy.Release();
  busy.pool.reset();  // finishes what is queued
  EXPECT_EQ(ran, 2);
}

TEST(ThreadPoolTest, StopDropsTheQueueAndFinishesWhatRuns) {
  BusyPool busy(10);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(busy.pool->TrySubmit([&ran] { ++ran; }));
  }
  std::thread stopper([&busy] { busy.pool->Stop(); });
  while (busy.pool->queued() > 0) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(busy.finished);
  busy.Release();
  stopper.join();
  EXPECT_TRUE(busy.finished);
  EXPECT_EQ(ran, 0);
  EXPECT_FALSE(busy.pool->TrySubmit([&ran] { ++ran; }));
  busy.pool->Stop();  // again: nothing happens
  busy.pool.reset();
  EXPECT_EQ(ran, 0);
}

TEST(ThreadPoolTest, RunsOnAllItsThreadsUnderItsName) {
  std::latch all(4);  // passed only if four tasks run at once
  std::atomic<int> named = 0;
  {
    ThreadPool pool({.name = "a name too long for the system", .threads = 4});
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(pool.TrySubmit([&] {
        all.arrive_and_wait();
        char name[16] = {};
        pthread_getname_np(pthread_self(), name, sizeof(name));
        named += std::string(name) == "a name too long" ? 1 : 0;
      }));
    }
  }
  EXPECT_EQ(named, 4);
}

TEST(ThreadPoolTest, BackgroundThreadsAreNice) {
  std::atomic<int> niceness = -100;
  {
    ThreadPool pool({.name = "nice", .nice = 5});
    EXPECT_TRUE(pool.TrySubmit([&niceness] { niceness = ::getpriority(PRIO_PROCESS, 0); }));
  }
  // Niceness ends at 19 wherever the test itself starts from.
  EXPECT_GE(niceness, 5);
}

}  // namespace
}  // namespace alidade
