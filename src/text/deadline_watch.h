// DeadlineWatch: looks at the clock once in a while.
//
// Threads:  thread-compatible.
#pragma once

#include <cstdint>

#include "alidade/common/deadline.h"

namespace alidade {

class DeadlineWatch {
 public:
  // Null: never passes.
  explicit DeadlineWatch(const Deadline* deadline) : deadline_(deadline) {}

  Status Step() {
    if (++steps_ < kStepsPerLook || deadline_ == nullptr) {
      return OkStatus();
    }
    steps_ = 0;
    return deadline_->Check();
  }

 private:
  // Chosen: of some ten nanoseconds each.
  static constexpr uint32_t kStepsPerLook = 4'096;

  const Deadline* deadline_;
  uint32_t steps_ = 0;
};

}  // namespace alidade
