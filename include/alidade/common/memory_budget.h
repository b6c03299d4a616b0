// MemoryBudget: how much memory one kind of use may take, and what of it is taken.
//
// Threads:  thread-safe; a share is of one thread at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

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

// What was taken of a budget; given back when it goes.
class BudgetShare {
 public:
  BudgetShare() = default;
  ~BudgetShare() {
    if (budget_ != nullptr) {
      budget_->GiveBack(bytes_);
    }
  }
  BudgetShare(BudgetShare&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  BudgetShare& operator=(BudgetShare&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  // Without a budget if there is no room.
  static BudgetShare Take(const std::shared_ptr<MemoryBudget>& budget, size_t bytes) {
    BudgetShare share;
    if (budget->Take(bytes)) {
      share.budget_ = budget;
      share.bytes_ = bytes;
    }
    return share;
  }
  // Null: nothing was taken.
  const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  size_t bytes_ = 0;
};

}  // namespace alidade
