// Published<T>: one writer hands an immutable snapshot to any number of readers.
#pragma once

#include <memory>
#include <utility>

#include "alidade/common/mutex.h"

namespace alidade {

// Thread-safe. The lock is held for the copy of one pointer; std::atomic<std::shared_ptr> of
// libstdc++ 12 is reported as a race by TSan.
template <typename T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<T> first) : current_(std::move(first)) {}

  std::shared_ptr<T> Get() const {
    MutexLock lock(mutex_);
    return current_;
  }
  void Set(std::shared_ptr<T> next) {
    {
      MutexLock lock(mutex_);
      current_.swap(next);
    }
    // The old snapshot may die here, outside the lock.
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<T> current_ ALIDADE_GUARDED_BY(mutex_);
};

}  // namespace alidade
