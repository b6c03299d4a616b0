// ScratchPool: working memory of searches, kept from one to the next, so that a search allocates
// nothing once it is warm. There are as many as ever searched at once.
//
// Threads:  any number of loans at a time; each is one thread's.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "alidade/common/mutex.h"

namespace alidade {

template <class Scratch>
class ScratchPool {
 public:
  // Goes back to the pool, which must outlive it.
  class Loan {
   public:
    explicit Loan(ScratchPool& pool) : pool_(pool), scratch_(pool.Take()) {}
    ~Loan() { pool_.PutBack(std::move(scratch_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Scratch& get() { return *scratch_; }

   private:
    ScratchPool& pool_;
    std::unique_ptr<Scratch> scratch_;
  };

 private:
  std::unique_ptr<Scratch> Take() {
    {
      MutexLock lock(mutex_);
      if (!idle_.empty()) {
        auto scratch = std::move(idle_.back());
        idle_.pop_back();
        return scratch;
      }
    }
    return std::make_unique<Scratch>();
  }
  void PutBack(std::unique_ptr<Scratch> scratch) {
    MutexLock lock(mutex_);
    idle_.push_back(std::move(scratch));
  }

  Mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_ ALIDADE_GUARDED_BY(mutex_);
};

}  // namespace alidade
