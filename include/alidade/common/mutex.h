// Mutex, MutexLock and CondVar: the standard ones with clang's thread-safety annotations.
//
// The only file that names std::mutex: libstdc++ does not annotate it, so a guarded field would not
// be checked.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define ALIDADE_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define ALIDADE_THREAD_ATTRIBUTE(x)
#endif

// int count_ ALIDADE_GUARDED_BY(mutex_);
#define ALIDADE_GUARDED_BY(x) ALIDADE_THREAD_ATTRIBUTE(guarded_by(x))
// void Drain() ALIDADE_REQUIRES(mutex_);
#define ALIDADE_REQUIRES(...) ALIDADE_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
// void Stop() ALIDADE_EXCLUDES(mutex_);
#define ALIDADE_EXCLUDES(...) ALIDADE_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ALIDADE_ACQUIRE(...) ALIDADE_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ALIDADE_RELEASE(...) ALIDADE_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define ALIDADE_NO_THREAD_SAFETY_ANALYSIS ALIDADE_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace alidade {

class CondVar;

// A plain, non-recursive lock.
class ALIDADE_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  ~Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ALIDADE_ACQUIRE() { mutex_.lock(); }
  void Unlock() ALIDADE_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class ALIDADE_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ALIDADE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() ALIDADE_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable. Wakes may be spurious: always wait in a loop on the condition.
class CondVar {
 public:
  CondVar() = default;
  ~CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void Wait(Mutex& mutex) ALIDADE_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // Returns false if `until` has passed.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point until)
      ALIDADE_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, until) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace alidade
