// RowSelector: which rows of one segment of a view are alive and pass a filter: what is known from
// earlier, what payload indexes tell, and for the rest one by one: all of them, or only those that
// a search asks about.
//
// Threads:  thread-compatible. Borrows everything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "alidade/filter/indexed_selection.h"
#include "alidade/query/executor.h"

namespace alidade {

// What the filter asks about a row.
FilterSubject SubjectOf(const Segment& segment, RowId row, SeqNo at, const CompiledFilter& filter);

class RowSelector final : public RowPredicate {
 public:
  // The filter was compiled for the schema of the view.
  RowSelector(const SegmentView& view, SeqNo at, const QueryFilter& filter)
      : view_(view), segment_(*view.segment), at_(at), filter_(filter) {}

  // About how many rows pass, where many have to be looked at to know it; from a look at few.
  struct Guess {
    uint32_t passing = 0;
    uint32_t untried = 0;
  };
  std::optional<Guess> GuessPassing();
  // Whether all rows had better not be tried yet, because a search that tries only what it finds,
  // and which takes as long as to try `cost` rows, is quicker. To be asked before each such search.
  bool Postpone(uint64_t cost);

  // Whether the row is alive and passes. After GuessPassing gave something.
  bool Passes(RowId row) override;
  uint64_t payloads_read() const { return payloads_read_; }
  uint64_t asked() const { return asked_; }  // times that Passes was called

  // All rows. Errors: DEADLINE_EXCEEDED, CANCELLED.
  StatusOr<Selection> Select(const Deadline& deadline);

 private:
  // Looks for what is known from earlier; else asks the indexes. Does nothing a second time.
  void Begin();
  // Rows that only a look at each tells of, about.
  uint32_t Untried() const;
  // The first such row from `first` on and before `end`.
  std::optional<RowId> NextUntried(uint32_t first, uint32_t end) const;

  const SegmentView& view_;
  const Segment& segment_;
  const SeqNo at_;
  const QueryFilter& filter_;
  SegmentChanges before_;
  bool begun_ = false;
  std::shared_ptr<const SelectedRows> kept_;  // null: not known
  // What indexes say of rows that are alive; nothing: nothing of any.
  std::optional<IndexedSelection> indexed_;
  uint64_t payloads_read_ = 0;
  uint64_t asked_ = 0;
};

}  // namespace alidade
