// SelectionCache: which rows of a segment passed a filter, kept for the next query with the same
// one: filters come again and again, a tenant or a language at a time.
//
// Threads:  thread-safe; the lock is held for a look through few entries.
// Limits:   kSelectionsMax filters, those used last; a filter whose text is longer than
//           kSelectionKeyBytesMax is not kept. A selection takes a bit for each row, and for each
//           slot of a searched field that not every row has. For each field that was searched under
//           it by places, or by a look at all that passes, it takes 4 bytes for each row that
//           passes, and, if that is done often, a copy of its code; the copies of all selections
//           together no more than one in kCopiedShare of the bytes of the codes. A filter that
//           comes very often gets a graph over what passes (SealedSegment::GraphSomeSelection).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alidade/common/mutex.h"
#include "alidade/common/row_bitmap.h"
#include "alidade/common/types.h"
#include "alidade/index/subset_graphs.h"
#include "alidade/segment/schema.h"
#include "alidade/segment/selection_by_field.h"

namespace alidade {

// How often rows of a segment were deleted, or got another payload, since it was made, and when
// last. Read the count first: a change raises `newest` before it is counted.
struct SegmentChanges {
  uint64_t count = 0;
  SeqNo newest;
};

// Alive rows that pass. Immutable.
struct SelectedRows {
  // Fewer than one row in so many: as a list, too, which is quicker to go through.
  static constexpr uint32_t kListedShare = 64;

  explicit SelectedRows(RowBitmap selected) : rows(std::move(selected)), count(rows.Count()) {
    if (count <= rows.rows() / kListedShare) {
      list.reserve(count);
      rows.ForEach([this](RowId row) { list.push_back(row); });
    }
  }
  size_t byte_size() const {
    return sizeof(*this) + rows.words().size_bytes() + list.capacity() * sizeof(RowId) +
           by_field.byte_size();
  }

  const RowBitmap rows;
  const uint32_t count;
  std::vector<RowId> list;  // rising; empty: too many, or none
  mutable SelectionByField by_field;
};

class SelectionCache {
 public:
  static constexpr size_t kSelectionsMax = 32;
  static constexpr size_t kSelectionKeyBytesMax = 4096;
  static constexpr size_t kCopiedShare = 2;

  // Null if there is none that holds for a view at `at`. `now`: of the segment, read after the view
  // was taken.
  std::shared_ptr<const SelectedRows> Find(std::string_view filter,
                                           const SegmentChanges& now,
                                           SeqNo at);
  // `before`: of the segment, read before the selection was made for a view at `at`.
  void Keep(std::string_view filter,
            const SegmentChanges& before,
            SeqNo at,
            std::shared_ptr<const SelectedRows> selected);
  // Whether a filter that is not kept should once more be tried only on what a search finds, which
  // takes as long as to try it on `cost` rows, instead of on all `rows`, and be kept: yes, until as
  // much was spent on it. After a change (`now`, of the segment) the count begins anew.
  bool SpendOn(std::string_view filter, const SegmentChanges& now, uint64_t cost, uint64_t rows);
  size_t memory_bytes() const;
  // Of codes (PlacedSlots::records).
  size_t copied_bytes() const;

  struct KeptFilter {
    std::string filter;
    std::shared_ptr<const SelectedRows> selected;
  };
  // Those that are kept now.
  std::vector<KeptFilter> Filters() const;
  // Gives the filter's selection, if one is kept, a graph over rows that pass it.
  void SetGraph(std::string_view filter,
                FieldIndex field,
                std::shared_ptr<const SubsetGraphs> graph);

 private:
  struct Entry {
    std::string filter;
    uint64_t changes = 0;
    uint64_t used = 0;
    std::shared_ptr<const SelectedRows> selected;
  };

  // One that was tried on what searches found.
  struct Tried {
    std::string filter;
    uint64_t changes = 0;
    uint64_t used = 0;
    uint64_t spent = 0;
  };

  mutable Mutex mutex_;
  std::vector<Entry> entries_ ALIDADE_GUARDED_BY(mutex_);
  std::vector<Tried> tried_ ALIDADE_GUARDED_BY(mutex_);  // as many at most
  uint64_t uses_ ALIDADE_GUARDED_BY(mutex_) = 0;
};

}  // namespace alidade
