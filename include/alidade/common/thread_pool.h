// ThreadPool: a fixed number of named threads and a bounded queue.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "alidade/common/mutex.h"

namespace alidade {

// Thread-safe. Made in `server` or `engine` and passed down.
class ThreadPool {
 public:
  struct Options {
    std::string name;  // at most 15 bytes are shown by the system
    int threads = 1;
    size_t queue_max = 1024;
    int nice = 0;  // added to the threads' niceness: background work yields to searches
  };
  explicit ThreadPool(const Options& options);
  // Finishes what is queued, then joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // False if the queue is full or the pool is stopping; the task is then not run.
  [[nodiscard]] bool TrySubmit(std::function<void()> task);
  // Drops queued tasks, finishes running ones, joins. Idempotent.
  void Stop();
  size_t queued() const;

 private:
  void Run(int nice);
  void Join();

  const size_t queue_max_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ ALIDADE_GUARDED_BY(mutex_);
  bool stopping_ ALIDADE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace alidade
