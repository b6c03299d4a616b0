// PacedDeadline: a deadline for work on one row after the other, looked at now and then.
//
// Threads:  thread-compatible.
#pragma once

#include <cstdint>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"

namespace alidade {

class PacedDeadline {
 public:
  explicit PacedDeadline(const Deadline& deadline) : deadline_(deadline) {}

  // Before a row of which so many bytes are looked at.
  Status Pass(uint64_t bytes) {
    if (++rows_ % kRows == 0 || bytes_ >= kBytes) {
      ALIDADE_RETURN_IF_ERROR(deadline_.Check());
      bytes_ = 0;
    }
    bytes_ += bytes;
    return OkStatus();
  }
  uint64_t rows() const { return rows_; }

 private:
  // Rows, and bytes of payload looked at, between two looks at the clock: a few microseconds to
  // some milliseconds of work (chosen).
  static constexpr uint64_t kRows = 1024;
  static constexpr uint64_t kBytes = uint64_t{4} << 20;

  const Deadline& deadline_;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace alidade
