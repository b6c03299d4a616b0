// MemoryBudget: how much memory one kind of use may take, and what of it is taken.
//
// Threads:  thread-safe.
#pragma once

#include <atomic>
#include <cstddef>

namespace alidade {

class MemoryBudget {
 public:
  explicit MemoryBudget(size_t bytes_max) : bytes_max_(bytes_max) {}
  ~MemoryBudget() = default;
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // False, and nothing taken, if it does not fit. Whoever took gives back.
  [[nodiscard]] bool Take(size_t bytes) {
    size_t taken = taken_.load(std::memory_order_relaxed);
    while (bytes <= bytes_max_ - taken) {
      if (taken_.compare_exchange_weak(taken, taken + bytes)) {
        return true;
      }
    }
    return false;
  }
  void GiveBack(size_t bytes) { taken_.fetch_sub(bytes); }
  size_t bytes_max() const { return bytes_max_; }
  size_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const size_t bytes_max_;
  std::atomic<size_t> taken_{0};
};

}  // namespace alidade
