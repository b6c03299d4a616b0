// CallPool: the threads on which calls do their work.
//
// Why:      to hand a search to another thread costs as much as the search: two switches, and
//           caches that know nothing of it. So a call that computes runs on the polling thread of
//           gRPC that brought it, and as many at once as there are processors. But polling threads
//           are few and must not be kept from polling: one of them may take its time (gRPC has at
//           least two); the others only run calls while these are usually short, and one that turns
//           out long gives up after overdue_after and is begun anew on a thread of ours. A call
//           that runs longer than that elsewhere no longer counts, so that short ones do not wait
//           for long ones. Calls that mostly wait (writes, for a sync) get a thread at once.
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
  using Clock = std::chrono::steady_clock;
  class Task {
   public:
    // False: it was not done by `give_up`, left nothing behind, and is to be run again; only tasks
    // that compute may say so. Otherwise it may have destroyed itself. Must not throw.
    virtual bool RunTask(Clock::time_point give_up) = 0;

   protected:
    ~Task() = default;
  };

  explicit CallPool(const CallPoolOptions& options);
  // Requires: no task is queued or running.
  ~CallPool();
  CallPool(const CallPool&) = delete;
  CallPool& operator=(const CallPool&) = delete;

  // Runs the task soon, in the order of the calls among tasks of one kind. Tasks that compute may
  // run in the calling thread, queued ones too: in one caller at a time however long they take, in
  // others with a time to give up.
  void Submit(Task& task, Kind kind);

  uint32_t threads() const;

 private:
  // A task that computes, while it runs.
  struct Computing {
    Clock::time_point since;
    bool overdue = false;
  };

  bool MayCompute() const ALIDADE_REQUIRES(mutex_);
  void EnqueueComputing(Task& task) ALIDADE_REQUIRES(mutex_);
  Task& NextComputing() ALIDADE_REQUIRES(mutex_);
  // Runs it without the lock. Returns what it returned.
  bool Compute(Task& task, bool briefly) ALIDADE_REQUIRES(mutex_);
  void ComputeInCaller(Task& task) ALIDADE_REQUIRES(mutex_);
  // Wakes or makes a thread if a queued task may run now.
  void Engage() ALIDADE_REQUIRES(mutex_);
  void AddThread() ALIDADE_REQUIRES(mutex_);
  void Work();
  void WatchOverdue();

  const CallPoolOptions options_;
  mutable Mutex mutex_;
  CondVar work_;   // a queued task may run, or the pool ends
  CondVar watch_;  // tasks that compute are queued, or the pool ends
  std::deque<Task*> computing_queue_ ALIDADE_GUARDED_BY(mutex_);
  std::deque<Task*> waiting_queue_ ALIDADE_GUARDED_BY(mutex_);
  std::vector<Computing*> computing_ ALIDADE_GUARDED_BY(mutex_);
  uint32_t overdue_now_ ALIDADE_GUARDED_BY(mutex_) = 0;  // of computing_
  bool caller_takes_its_time_ ALIDADE_GUARDED_BY(mutex_) = false;
  Clock::duration usual_time_ ALIDADE_GUARDED_BY(mutex_){};  // of tasks that compute, of late
  uint32_t idle_ ALIDADE_GUARDED_BY(mutex_) = 0;
  bool queued_since_tick_ ALIDADE_GUARDED_BY(mutex_) = false;
  bool watching_ ALIDADE_GUARDED_BY(mutex_) = true;
  bool ending_ ALIDADE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ALIDADE_GUARDED_BY(mutex_);
  std::thread watcher_;
};

}  // namespace alidade
