// PayloadOverlay: the newer payloads of a segment's rows, beside the ones that the segment was made
// with.
//
// Threads:  Change from the writer; any number of readers, no locks: the versions of a row are a
//           chain that grows at its head, and a version never changes.
// Limits:   a version lives as long as the segment: maintenance writes a segment anew before its
//           overlay gets large (collection/maintenance.cc).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "alidade/common/types.h"
#include "alidade/common/zeroed_memory.h"

namespace alidade {

// Later than every write: a look at what there is now.
inline constexpr SeqNo kNewestSeq{~uint64_t{0}};

class PayloadOverlay {
 public:
  PayloadOverlay() = default;  // of a segment without rows
  explicit PayloadOverlay(uint32_t rows) : heads_(size_t{rows} * sizeof(const Version*)) {}

  // Requires: `at` is not before an earlier change of the row; it comes before a view at `at` is
  //           published.
  // Throws:   std::bad_alloc; nothing is changed then.
  void Change(RowId row, SeqNo at, std::string_view payload);

  // The newest payload given at or before `at`, valid as long as the overlay; nothing if the row
  // has the one that the segment was made with.
  std::optional<std::string_view> Find(RowId row, SeqNo at) const;
  // Of the newest change, whoever sees it; 0 if there is none.
  SeqNo newest(RowId row) const;
  // Rows changed so far. A reader whose view shows a change sees it counted.
  uint32_t rows() const { return rows_.load(std::memory_order_acquire); }
  // Changes so far, and the newest one or one that is being made.
  uint64_t changes() const { return changes_.load(std::memory_order_acquire); }
  SeqNo newest() const { return SeqNo(newest_.load(std::memory_order_acquire)); }
  size_t memory_bytes() const { return bytes_.load(std::memory_order_relaxed); }

  // Calls fn(RowId, SeqNo, std::string_view payload) for every row that was changed at or before
  // `at`, with its newest change up to there; in no order.
  template <typename Fn>
  void ForEach(SeqNo at, const Fn& fn) const;

 private:
  struct Version {
    RowId row = 0;
    SeqNo at;
    std::string payload;
    const Version* older = nullptr;   // of the same row
    const Version* before = nullptr;  // of the oldest of a row: the same of the row changed before
  };

  std::atomic_ref<const Version*> head(RowId row) const {
    return std::atomic_ref<const Version*>(heads_.as<const Version*>()[row]);
  }
  const Version* FindVersion(RowId row, SeqNo at) const;

  ZeroedMemory heads_;                               // by RowId: the newest version, or null
  std::deque<Version> versions_;                     // writer only; they stay where they are
  std::atomic<const Version*> newest_row_{nullptr};  // the oldest version of the row changed last
  std::atomic<uint32_t> rows_{0};
  std::atomic<uint64_t> changes_{0};
  std::atomic<uint64_t> newest_{0};
  std::atomic<size_t> bytes_{0};
};

template <typename Fn>
void PayloadOverlay::ForEach(SeqNo at, const Fn& fn) const {
  for (const Version* first = newest_row_.load(std::memory_order_acquire); first != nullptr;
       first = first->before) {
    if (const Version* version = FindVersion(first->row, at); version != nullptr) {
      fn(version->row, version->at, std::string_view(version->payload));
    }
  }
}

}  // namespace alidade
