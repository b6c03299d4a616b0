// DeletionTimes: for each row of a segment the seq of the write that deleted it, or 0 while it is
// alive.
//
// Threads:  Mark from one thread, the rest from any.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "alidade/common/row_bitmap.h"
#include "alidade/common/types.h"
#include "alidade/common/zeroed_memory.h"

namespace alidade {

class DeletionTimes {
 public:
  DeletionTimes() = default;
  explicit DeletionTimes(uint32_t rows)
      : times_(size_t{rows} * sizeof(uint64_t)),
        dead_((size_t{rows} + 63) / 64 * sizeof(uint64_t)) {}

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
      // Before the row's bit, so that who sees the bit sees how new it may be.
      newest_.store(std::max(newest_.load(std::memory_order_relaxed), at.value()),
                    std::memory_order_release);
      std::atomic_ref<uint64_t>(dead_.as<uint64_t>()[row / 64])
          .fetch_or(uint64_t{1} << (row % 64), std::memory_order_release);
      count_.fetch_add(1, std::memory_order_release);
    }
  }
  // Takes the rows that are dead at `at` out of the set. A view's deletes were marked before it was
  // published; marks that are newer than the view are looked at one by one.
  void KeepAlive(SeqNo at, RowBitmap& rows) const {
    if (count() == 0) {
      return;
    }
    rows.Update([&](size_t word, uint64_t had) {
      const uint64_t dead =
          had &
          std::atomic_ref<uint64_t>(dead_.as<uint64_t>()[word]).load(std::memory_order_acquire);
      uint64_t left = had & ~dead;
      if (newest_.load(std::memory_order_acquire) > at.value()) {
        for (uint64_t out = dead; out != 0; out &= out - 1) {
          const auto row =
              static_cast<RowId>(word * 64 + static_cast<size_t>(std::countr_zero(out)));
          left |= AliveAt(row, at) ? out & -out : uint64_t{0};
        }
      }
      return left;
    });
  }
  size_t byte_size() const { return times_.bytes() + dead_.bytes(); }
  // Of the newest mark, or of one that is being made.
  SeqNo newest() const { return SeqNo(newest_.load(std::memory_order_acquire)); }
  // Rows marked so far. A reader whose view shows a delete sees it counted: the view is published
  // after it.
  uint32_t count() const { return count_.load(std::memory_order_acquire); }

 private:
  ZeroedMemory times_;
  ZeroedMemory dead_;  // a bit for each row, set once it is marked
  std::atomic<uint64_t> newest_{0};
  std::atomic<uint32_t> count_{0};
};

}  // namespace alidade
