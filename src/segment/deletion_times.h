// DeletionTimes: for each row of a segment the seq of the write that deleted it, or 0 while it is
// alive.
//
// Threads:  Mark from one thread, the rest from any.
#pragma once

#include <atomic>
#include <cstdint>

#include "alidade/common/types.h"
#include "alidade/common/zeroed_memory.h"

namespace alidade {

class DeletionTimes {
 public:
  DeletionTimes() = default;
  explicit DeletionTimes(uint32_t rows) : times_(size_t{rows} * sizeof(uint64_t)) {}

  SeqNo At(RowId row) const {
    return SeqNo(
        std::atomic_ref<uint64_t>(times_.as<uint64_t>()[row]).load(std::memory_order_acquire));
  }
  bool AliveAt(RowId row, SeqNo at) const {
    const SeqNo deleted = At(row);
    return deleted.value() == 0 || deleted > at;
  }
  // The first mark of a row stays: a version dies once, a replay may say so again.
  void Mark(RowId row, SeqNo at) {
    std::atomic_ref<uint64_t> time(times_.as<uint64_t>()[row]);
    if (time.load(std::memory_order_relaxed) == 0) {
      time.store(at.value(), std::memory_order_release);
      count_.fetch_add(1, std::memory_order_release);
    }
  }
  // Rows marked so far. A reader whose view shows a delete sees it counted: the view is published
  // after it.
  uint32_t count() const { return count_.load(std::memory_order_acquire); }

 private:
  ZeroedMemory times_;
  std::atomic<uint32_t> count_{0};
};

}  // namespace alidade
