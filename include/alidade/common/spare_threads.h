// SpareThreads: threads that take over parts of a long computation while processors are spare.
//
// Why:      an exact search that is alone would leave all processors but one idle; many at once
//           have no use for more threads than there are processors.
// Threads:  thread-safe. The threads are made by the constructor and joined by the destructor: no
//           call of Share is running then.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "alidade/common/mutex.h"

namespace alidade {

class SpareThreads {
 public:
  // One less than `processors`: a caller computes too.
  explicit SpareThreads(uint32_t processors);
  ~SpareThreads();
  SpareThreads(const SpareThreads&) = delete;
  SpareThreads& operator=(const SpareThreads&) = delete;

  // Of those that may call `work` of one Share: the caller is 0.
  uint32_t workers() const { return static_cast<uint32_t>(threads_.size()) + 1; }

  // Calls work(worker, part) once for each part of 0..parts - 1 and returns when all are done. The
  // caller takes parts in order; while fewer threads compute than there are processors, spare ones
  // do too. A part should take tens of microseconds: spare threads look around after each. The
  // first exception is thrown again here, and parts not begun by then are left out.
  void Share(uint32_t parts, const std::function<void(uint32_t worker, uint32_t part)>& work);

 private:
  struct Job {
    const std::function<void(uint32_t, uint32_t)>& work;
    const uint32_t parts;
    std::atomic<uint32_t> next{0};
    uint32_t helpers = 0;                // guarded by the mutex, as the next
    std::exception_ptr error = nullptr;  // the first

    bool Begun() const { return next.load(std::memory_order_relaxed) >= parts; }
  };

  // False if there was no part left.
  bool WorkOnce(Job& job, uint32_t worker);
  Job* FindJob() const ALIDADE_REQUIRES(mutex_);
  // Waits for a job that wants help; null at the end. Leave must follow.
  Job* NextJob();
  void Leave(Job& job);
  // More threads compute than there are processors.
  bool Crowded();
  void Run(uint32_t worker);

  Mutex mutex_;
  CondVar wake_;  // there may be something to help with, or the end has come
  CondVar left_;  // a helper left its job
  std::deque<Job*> jobs_ ALIDADE_GUARDED_BY(mutex_);
  uint32_t callers_ ALIDADE_GUARDED_BY(mutex_) = 0;
  uint32_t helping_ ALIDADE_GUARDED_BY(mutex_) = 0;
  bool ending_ ALIDADE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace alidade
