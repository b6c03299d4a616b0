// CommitQueue: makes calls wait behind a busy leader, so that they form one group in a known order.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/collection/commit_group.h"

namespace alidade {

// Waits until the thread is asleep, as one is that queued behind a leader. Bounded; a call that
// joined late makes the test weaker, not wrong.
inline void WaitUntilAsleep(int thread_id) {
  const std::string path = "/proc/self/task/" + std::to_string(thread_id) + "/stat";
  for (int attempt = 0; attempt < 2'000; ++attempt) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    const size_t name_end = line.rfind(')');
    if (name_end != std::string::npos && line.compare(name_end + 2, 1, "S") == 0) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class CommitQueue {
 public:
  // Returns when the leader is inside its operation: whoever comes now has to wait.
  explicit CommitQueue(CommitGroup& commits) : gate_(*this) {
    threads_.emplace_back([this, &commits] { EXPECT_TRUE(commits.Submit(gate_).ok()); });
    entered_.get_future().wait();
  }
  ~CommitQueue() { Release(); }
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  // Starts a thread for the call and returns when it waits.
  void Add(std::function<void()> call) {
    std::promise<int> started;
    std::future<int> thread_id = started.get_future();
    threads_.emplace_back([started = std::move(started), call = std::move(call)]() mutable {
      started.set_value(static_cast<int>(::syscall(SYS_gettid)));
      call();
    });
    WaitUntilAsleep(thread_id.get());
  }

  // Lets the leader go on and waits for all calls.
  void Release() {
    if (threads_.empty()) {
      return;
    }
    released_.set_value();
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }

 private:
  class Gate final : public CommitOperation {
   public:
    explicit Gate(CommitQueue& queue) : queue_(queue) {}
    Status Prepare(CommitContext&) override {
      queue_.entered_.set_value();
      queue_.released_.get_future().wait();
      return OkStatus();
    }
    void Apply(SeqNo) override {}
    bool takes_seq() const override { return false; }
    bool allowed_on_full_disk() const override { return true; }

   private:
    CommitQueue& queue_;
  };

  std::promise<void> entered_;
  std::promise<void> released_;
  Gate gate_;
  std::vector<std::thread> threads_;
};

}  // namespace alidade
