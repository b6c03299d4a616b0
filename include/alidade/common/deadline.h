// Deadline: the moment after which nobody waits for the answer, and the caller's wish to stop
// earlier.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "alidade/common/status.h"

namespace alidade {

// Immutable; cheap to copy by reference. `cancelled` may be called from any thread that does the
// request's work.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  // Never passes.
  Deadline() = default;
  explicit Deadline(Clock::time_point at, std::function<bool()> cancelled = nullptr)
      : at_(at), cancelled_(std::move(cancelled)) {}
  static Deadline After(std::chrono::milliseconds delay) { return Deadline(Clock::now() + delay); }

  Clock::time_point at() const { return at_; }
  bool Passed() const { return at_ != Clock::time_point::max() && Clock::now() >= at_; }

  // OK, DEADLINE_EXCEEDED or CANCELLED. Costs a clock read: call once per segment or batch of
  // candidates.
  Status Check() const {
    if (Passed()) {
      return DeadlineExceeded("the deadline passed before the work was done");
    }
    if (cancelled_ && cancelled_()) {
      return Cancelled("the caller cancelled the request");
    }
    return OkStatus();
  }

 private:
  Clock::time_point at_ = Clock::time_point::max();
  std::function<bool()> cancelled_;
};

}  // namespace alidade
