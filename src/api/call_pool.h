// CallPool: the threads on which calls do their work.
//
// Why:      gRPC's own threads poll the sockets and must not be kept busy, but a thread for each
//           call costs two switches a search. So calls that compute run on as many threads as there
//           are processors, one of which may be the polling thread that brought the call (gRPC has
//           at least two). One that runs longer than overdue_after no longer counts, so that short
//           calls do not wait for long ones. Calls that mostly wait (writes, for a sync) get a
//           thread at once.
// Threads:  thread-safe. Threads are made when needed, kept, and joined by the destructor.
// Limits:   at most threads_max threads; the queue is as long as its callers let it become.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "alidade/common/mutex.h"

namespace alidade {

struct CallPoolOptions {
  uint32_t computing_max = 1;  // at once, not counting the overdue
  uint32_t threads_max = 1;
  // Several times a usual search, and short beside what a caller notices (chosen).
  std::chrono::steady_clock::duration overdue_after = std::chrono::milliseconds(1);
};

class CallPool {
 public:
  enum class Kind { kComputes, kWaits };
  class Task {
   public:
    // May destroy the task. Must not throw.
    virtual void RunTask() = 0;

   protected:
    ~Task() = default;
  };

  explicit CallPool(const CallPoolOptions& options);
  // Requires: no task is queued or running.
  ~CallPool();
  CallPool(const CallPool&) = delete;
  CallPool& operator=(const CallPool&) = delete;

  // Runs the task soon, in the order of the calls among tasks of one kind. One task that computes
  // may run in the calling thread; while it does, further calls never do.
  void Submit(Task& task, Kind kind);

  uint32_t threads() const;

 private:
  using Clock = std::chrono::steady_clock;
  // A thread that runs a task that computes.
  struct Computing {
    Clock::time_point since;
    bool running = false;
    bool overdue = false;
  };

  bool MayCompute() const ALIDADE_REQUIRES(mutex_);
  void BeginComputing(Computing& computing) ALIDADE_REQUIRES(mutex_);
  void EndComputing(Computing& computing) ALIDADE_REQUIRES(mutex_);
  // Wakes or makes a thread if a queued task may run now.
  void Engage() ALIDADE_REQUIRES(mutex_);
  void AddThread() ALIDADE_REQUIRES(mutex_);
  void Work(size_t number);
  void WatchOverdue();

  const CallPoolOptions options_;
  mutable Mutex mutex_;
  CondVar work_;   // a queued task may run, or the pool ends
  CondVar watch_;  // tasks that compute are queued, or the pool ends
  std::deque<Task*> computing_queue_ ALIDADE_GUARDED_BY(mutex_);
  std::deque<Task*> waiting_queue_ ALIDADE_GUARDED_BY(mutex_);
  std::deque<Computing> computing_
      ALIDADE_GUARDED_BY(mutex_);  // [0]: a caller's, then the threads'
  uint32_t computing_now_ ALIDADE_GUARDED_BY(mutex_) = 0;
  uint32_t overdue_now_ ALIDADE_GUARDED_BY(mutex_) = 0;
  uint32_t idle_ ALIDADE_GUARDED_BY(mutex_) = 0;
  bool queued_since_tick_ ALIDADE_GUARDED_BY(mutex_) = false;
  bool watching_ ALIDADE_GUARDED_BY(mutex_) = true;
  bool ending_ ALIDADE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ALIDADE_GUARDED_BY(mutex_);
  std::thread watcher_;
};

}  // namespace alidade
