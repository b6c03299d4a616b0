#include "alidade/common/spare_threads.h"

#include <algorithm>

#include <pthread.h>

namespace alidade {

SpareThreads::SpareThreads(uint32_t processors) {
  const uint32_t count = std::max(processors, 1U) - 1;
  MutexLock lock(mutex_);  // a thread looks at threads_ under it
  threads_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, worker = i + 1] { Run(worker); });
    pthread_setname_np(threads_.back().native_handle(), "spare");
  }
}

SpareThreads::~SpareThreads() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void SpareThreads::Share(uint32_t parts, const std::function<void(uint32_t, uint32_t)>& work) {
  Job job{.work = work, .parts = parts};
  bool help = false;
  {
    MutexLock lock(mutex_);
    jobs_.push_back(&job);
    ++callers_;
    help = parts > 1 && callers_ + helping_ < workers();
  }
  if (help) {
    wake_.NotifyAll();
  }
  while (WorkOnce(job, 0)) {
  }
  MutexLock lock(mutex_);
  jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
  while (job.helpers > 0) {
    left_.Wait(mutex_);
  }
  --callers_;
  if (!jobs_.empty()) {
    wake_.NotifyAll();
  }
  if (job.error != nullptr) {
    std::rethrow_exception(job.error);
  }
}

bool SpareThreads::WorkOnce(Job& job, uint32_t worker) {
  const uint32_t part = job.next.fetch_add(1, std::memory_order_relaxed);
  if (part >= job.parts) {
    return false;
  }
  try {
    job.work(worker, part);
  } catch (...) {
    MutexLock lock(mutex_);
    if (job.error == nullptr) {
      job.error = std::current_exception();
    }
    job.next.store(job.parts, std::memory_order_relaxed);
  }
  return true;
}

SpareThreads::Job* SpareThreads::FindJob() const {
  const auto found =
      std::find_if(jobs_.begin(), jobs_.end(), [](const Job* job) { return !job->Begun(); });
  return found == jobs_.end() ? nullptr : *found;
}

SpareThreads::Job* SpareThreads::NextJob() {
  MutexLock lock(mutex_);
  while (!ending_) {
    if (Job* job = FindJob(); job != nullptr && callers_ + helping_ < workers()) {
      ++helping_;
      ++job->helpers;
      return job;
    }
    wake_.Wait(mutex_);
  }
  return nullptr;
}

bool SpareThreads::Crowded() {
  MutexLock lock(mutex_);
  return callers_ + helping_ > workers();
}

void SpareThreads::Leave(Job& job) {
  MutexLock lock(mutex_);
  --helping_;
  if (--job.helpers == 0) {
    left_.NotifyAll();  // under the lock: the job ends with its caller's wait
  }
}

void SpareThreads::Run(uint32_t worker) {
  while (Job* job = NextJob()) {
    while (WorkOnce(*job, worker) && !Crowded()) {
    }
    Leave(*job);
  }
}

}  // namespace alidade
