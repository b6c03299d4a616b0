// CallPool: who runs where, how many at once, and in which order.
#include "call_pool.h"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alidade {
namespace {

using Kind = CallPool::Kind;
using std::chrono::hours;
using std::chrono::milliseconds;

// A gate that tasks wait at, and that counts those who came.
class Gate {
 public:
  void Pass() {
    const MutexLock lock(mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (!open_) {
      changed_.Wait(mutex_);
    }
  }
  void Open() {
    const MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  // False after ten seconds.
  bool WaitForArrivals(int count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const MutexLock lock(mutex_);
    while (arrived_ < count) {
      if (!changed_.WaitUntil(mutex_, until)) {
        return false;
      }
    }
    return true;
  }
  int arrived() {
    const MutexLock lock(mutex_);
    return arrived_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int arrived_ = 0;
  bool open_ = false;
};

class FunctionTask final : public CallPool::Task {
 public:
  explicit FunctionTask(std::function<void()> function) : function_(std::move(function)) {}
  bool RunTask(CallPool::Clock::time_point) override {
    function_();
    return true;
  }

 private:
  std::function<void()> function_;
};

// One that takes longer than it is first given.
class LongTask final : public CallPool::Task {
 public:
  // `finish` is run in the end.
  explicit LongTask(std::function<void()> finish) : finish_(std::move(finish)) {}
  bool RunTask(CallPool::Clock::time_point give_up) override {
    if (give_up != CallPool::Clock::time_point::max()) {
      gave_up_in_ = std::this_thread::get_id();
      return false;
    }
    finish_();
    return true;
  }
  std::optional<std::thread::id> gave_up_in() const { return gave_up_in_; }

 private:
  const std::function<void()> finish_;
  std::optional<std::thread::id> gave_up_in_;
};

// Tasks outlive the pool. Tests end with pool_.reset(), which waits until no task uses their gates.
class CallPoolTest : public testing::Test {
 protected:
  void Make(const CallPoolOptions& options) { pool_ = std::make_unique<CallPool>(options); }
  void Submit(Kind kind, std::function<void()> function) {
    tasks_.push_back(std::make_unique<FunctionTask>(std::move(function)));
    pool_->Submit(*tasks_.back(), kind);
  }
  // A computing task that keeps a thread of its own busy until the gate opens.
  std::thread Occupy(Gate& gate) {
    tasks_.push_back(std::make_unique<FunctionTask>([&gate] { gate.Pass(); }));
    std::thread caller(
        [this, task = tasks_.back().get()] { pool_->Submit(*task, Kind::kComputes); });
    EXPECT_TRUE(gate.WaitForArrivals(1));
    return caller;
  }

  std::vector<std::unique_ptr<FunctionTask>> tasks_;
  std::unique_ptr<CallPool> pool_;
};

TEST_F(CallPoolTest, ComputesInTheCallersThreadWhenNothingElseDoes) {
  Make({.computing_max = 2, .threads_max = 2});
  std::thread::id ran_in;
  Submit(Kind::kComputes, [&] { ran_in = std::this_thread::get_id(); });
  EXPECT_EQ(ran_in, std::this_thread::get_id());
  Submit(Kind::kComputes, [&] { ran_in = std::this_thread::get_id(); });
  EXPECT_EQ(ran_in, std::this_thread::get_id());
}

TEST_F(CallPoolTest, ComputesInSeveralCallersAtOnce) {
  Make({.computing_max = 2, .threads_max = 2, .overdue_after = hours(1)});
  Gate first;
  std::thread caller = Occupy(first);
  std::thread::id ran_in;
  Submit(Kind::kComputes, [&] { ran_in = std::this_thread::get_id(); });
  EXPECT_EQ(ran_in, std::this_thread::get_id());
  first.Open();
  caller.join();
  pool_.reset();
}

TEST_F(CallPoolTest, KeepsOnlyOneCallerBusyForLong) {
  Make({.computing_max = 2, .threads_max = 2, .overdue_after = hours(1)});
  Gate first;
  std::thread caller = Occupy(first);
  std::atomic<bool> elsewhere{false};
  Gate second;
  LongTask task([&, us = std::this_thread::get_id()] {
    elsewhere.store(std::this_thread::get_id() != us);
    second.Pass();
  });
  pool_->Submit(task, Kind::kComputes);
  EXPECT_TRUE(second.WaitForArrivals(1));
  EXPECT_TRUE(elsewhere.load());
  EXPECT_EQ(task.gave_up_in(), std::this_thread::get_id());
  first.Open();
  second.Open();
  caller.join();
  pool_.reset();
}

TEST_F(CallPoolTest, TriesNoLongTasksInFurtherCallersUntilTasksAreShortAgain) {
  Make({.computing_max = 3, .threads_max = 3, .overdue_after = hours(1)});
  Gate first;
  std::thread caller = Occupy(first);
  Gate done;
  done.Open();
  LongTask task([&] { done.Pass(); });
  pool_->Submit(task, Kind::kComputes);
  EXPECT_TRUE(done.WaitForArrivals(1));
  LongTask another([&] { done.Pass(); });
  pool_->Submit(another, Kind::kComputes);
  EXPECT_TRUE(done.WaitForArrivals(2));
  EXPECT_EQ(another.gave_up_in(), std::nullopt);
  std::thread::id ran_in;
  for (int i = 3; i < 100 && ran_in != std::this_thread::get_id(); ++i) {
    Submit(Kind::kComputes, [&] {
      ran_in = std::this_thread::get_id();
      done.Pass();
    });
    EXPECT_TRUE(done.WaitForArrivals(i));
  }
  EXPECT_EQ(ran_in, std::this_thread::get_id());
  first.Open();
  caller.join();
  pool_.reset();
}

TEST_F(CallPoolTest, ACallerTakesQueuedTasksToo) {
  Make({.computing_max = 1, .threads_max = 1, .overdue_after = hours(1)});
  Gate first;
  std::thread caller = Occupy(first);
  const std::thread::id caller_id = caller.get_id();
  std::thread::id ran_in;
  Submit(Kind::kComputes, [&] { ran_in = std::this_thread::get_id(); });
  first.Open();
  caller.join();
  EXPECT_EQ(ran_in, caller_id);
  pool_.reset();
}

TEST_F(CallPoolTest, ComputesNoMoreAtOnceThanAllowedAndInOrder) {
  Make({.computing_max = 1, .threads_max = 4, .overdue_after = hours(1)});
  Gate gate;
  std::thread caller = Occupy(gate);
  Mutex mutex;
  std::vector<int> order;
  Gate done;
  for (int i = 0; i < 4; ++i) {
    Submit(Kind::kComputes, [&, i] {
      {
        const MutexLock lock(mutex);
        order.push_back(i);
      }
      if (i == 3) {
        done.Pass();
      }
    });
  }
  // A waiting task shows that the threads are there; the computing ones still keep still.
  Gate waiting;
  waiting.Open();
  Submit(Kind::kWaits, [&] { waiting.Pass(); });
  EXPECT_TRUE(waiting.WaitForArrivals(1));
  {
    const MutexLock lock(mutex);
    EXPECT_TRUE(order.empty());
  }
  gate.Open();
  EXPECT_TRUE(done.WaitForArrivals(1));
  done.Open();
  caller.join();
  pool_.reset();
  const MutexLock lock(mutex);
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3));
}

TEST_F(CallPoolTest, LongTasksDoNotKeepOthersWaiting) {
  Make({.computing_max = 2, .threads_max = 16, .overdue_after = milliseconds(1)});
  Gate gate;
  std::thread caller = Occupy(gate);
  std::deque<LongTask> tasks;
  for (int i = 0; i < 6; ++i) {
    pool_->Submit(tasks.emplace_back([&] { gate.Pass(); }), Kind::kComputes);
  }
  // All seven are stuck at the gate at once, although only two may compute.
  EXPECT_TRUE(gate.WaitForArrivals(7));
  std::atomic<bool> ran{false};
  Gate seen;
  Submit(Kind::kComputes, [&] {
    ran.store(true);
    seen.Pass();
  });
  EXPECT_TRUE(seen.WaitForArrivals(1));
  gate.Open();
  seen.Open();
  caller.join();
  pool_.reset();
}

TEST_F(CallPoolTest, LooksForLongTasksAgainAfterAQuietTime) {
  Make({.computing_max = 1, .threads_max = 4, .overdue_after = std::chrono::microseconds(100)});
  std::this_thread::sleep_for(milliseconds(30));  // longer than the watcher stays awake
  Gate gate;
  std::thread caller = Occupy(gate);
  Submit(Kind::kComputes, [&] { gate.Pass(); });
  EXPECT_TRUE(gate.WaitForArrivals(2));
  gate.Open();
  caller.join();
  pool_.reset();
}

TEST_F(CallPoolTest, TasksThatWaitGetAThreadAtOnce) {
  Make({.computing_max = 1, .threads_max = 8, .overdue_after = hours(1)});
  Gate gate;
  for (int i = 0; i < 8; ++i) {
    Submit(Kind::kWaits, [&] { gate.Pass(); });
  }
  EXPECT_TRUE(gate.WaitForArrivals(8));
  EXPECT_EQ(pool_->threads(), 8U);
  gate.Open();
  pool_.reset();
}

TEST_F(CallPoolTest, MakesNoMoreThreadsThanAllowed) {
  Make({.computing_max = 1, .threads_max = 2, .overdue_after = hours(1)});
  Gate gate;
  for (int i = 0; i < 6; ++i) {
    Submit(Kind::kWaits, [&] { gate.Pass(); });
  }
  EXPECT_TRUE(gate.WaitForArrivals(2));
  EXPECT_EQ(pool_->threads(), 2U);
  EXPECT_EQ(gate.arrived(), 2);
  gate.Open();
  EXPECT_TRUE(gate.WaitForArrivals(6));
  EXPECT_EQ(pool_->threads(), 2U);
  pool_.reset();
}

TEST_F(CallPoolTest, NoTaskIsLostUnderLoad) {
  constexpr int kCallers = 4;
  constexpr int kTasks = 2'000;
  Make({.computing_max = 2, .threads_max = 8});
  std::atomic<int> ran{0};
  Gate all;
  all.Open();
  FunctionTask task([&] {
    if (ran.fetch_add(1) + 1 == kCallers * kTasks) {
      all.Pass();
    }
  });
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < kTasks; ++i) {
        pool_->Submit(task, (i + caller) % 3 == 0 ? Kind::kWaits : Kind::kComputes);
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_TRUE(all.WaitForArrivals(1));
  EXPECT_EQ(ran.load(), kCallers * kTasks);
  pool_.reset();
}

}  // namespace
}  // namespace alidade
