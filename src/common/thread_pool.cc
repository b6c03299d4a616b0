#include "alidade/common/thread_pool.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include <pthread.h>

namespace alidade {

ThreadPool::ThreadPool(const Options& options) : queue_max_(options.queue_max) {
  threads_.reserve(static_cast<size_t>(options.threads));
  for (int i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this, nice = options.nice] { Run(nice); });
    pthread_setname_np(threads_.back().native_handle(), options.name.substr(0, 15).c_str());
  }
}

ThreadPool::~ThreadPool() { Join(); }

bool ThreadPool::TrySubmit(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) {
      return false;
    }
    queue_.push_back(std::move(task));
  }
  wake_.NotifyOne();
  return true;
}

void ThreadPool::Stop() {
  {
    MutexLock lock(mutex_);
    queue_.clear();
  }
  Join();
}

size_t ThreadPool::queued() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void ThreadPool::Join() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

void ThreadPool::Run(int nice) {
  if (nice != 0) {
    // Linux keeps niceness per thread. Failure only costs politeness, so it is not an error.
    const auto thread_id = static_cast<id_t>(::syscall(SYS_gettid));
    (void)::setpriority(PRIO_PROCESS, thread_id, nice);
  }
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) {
        wake_.Wait(mutex_);
      }
      if (queue_.empty()) {
        return;
      }
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace alidade
