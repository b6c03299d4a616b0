// RowFilter: what a search over slots may answer: rows of the view that are alive, present and
// allowed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "alidade/index/vector_index.h"
#include "alidade/segment/segment.h"
#include "alidade/segment/selection_cache.h"

#include "deletion_times.h"

namespace alidade {

// Immutable; borrows everything. Members that are null do not restrict.
struct RowFilter final : SlotFilter {
  const uint32_t* slot_rows = nullptr;  // slot -> RowId; null: they are equal
  const uint8_t* present = nullptr;     // by RowId, 0 = has no vector
  const RowBitmap* allowed = nullptr;
  RowPredicate* passes = nullptr;
  const DeletionTimes* deletions = nullptr;
  SeqNo at;
  uint32_t rows_end = 0;  // rows from here on are not in the view
  SlotBits slot_bits = {};
  std::shared_ptr<const SelectedSlots> slots = {};  // has what slot_bits points to

  // False if every row before `rows_end` passes.
  bool Restricts() const {
    return present != nullptr || allowed != nullptr || passes != nullptr || deletions != nullptr;
  }

  SlotBits bits() const override { return slot_bits; }
  bool Allows(uint32_t slot) const override {
    const RowId row = slot_rows == nullptr ? slot : slot_rows[slot];
    return row < rows_end && (present == nullptr || present[row] != 0) &&
           (allowed == nullptr || allowed->Test(row)) &&
           (deletions == nullptr || deletions->AliveAt(row, at)) &&
           (passes == nullptr || passes->Passes(row));
  }
};

// What a SegmentSearch says to an index, without the filter.
inline IndexSearchOptions ToIndexOptions(const SegmentSearch& search) {
  IndexSearchOptions options;
  options.k = search.k;
  options.ef = search.ef;
  options.nprobe = search.nprobe;
  options.scan = search.scan;
  options.slack = search.slack;
  options.reach = search.reach;
  options.passing = search.passing;
  options.subset = search.subset;
  options.deadline = search.deadline;
  options.stats = search.stats;
  options.spare = search.spare;
  return options;
}

// Candidates come ascending by (distance, slot), and rows rise with slots: the order stays.
inline std::vector<RowHit> ToRowHits(const std::vector<Candidate>& candidates,
                                     const uint32_t* slot_rows) {
  std::vector<RowHit> hits;
  hits.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    hits.push_back({.distance = candidate.distance,
                    .row = slot_rows == nullptr ? candidate.slot : slot_rows[candidate.slot]});
  }
  return hits;
}

}  // namespace alidade
