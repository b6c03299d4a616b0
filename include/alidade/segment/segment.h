// Segment: some rows of a collection, readable and searchable; the delta and the sealed segment
// have this face.
//
// Path:     search 5/8 (from query/executor.cc)
// Threads:  any number of readers, no locks; MarkDeleted, ChangePayload and a delta's Append from
// the
//           writer only.
//
// Time:     a reader looks at a segment through a view at some seq S and with a number of visible
//           rows. A row is in the view if its RowId is below that number and it was not deleted at
//           or before S.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/row_bitmap.h"
#include "alidade/common/status.h"
#include "alidade/common/types.h"
#include "alidade/filter/indexed_selection.h"
#include "alidade/index/recall_curve.h"
#include "alidade/index/vector_index.h"
#include "alidade/segment/payload_overlay.h"
#include "alidade/segment/schema.h"
#include "alidade/segment/segment_memory.h"
#include "alidade/segment/selection_cache.h"
#include "alidade/text/postings.h"

namespace alidade {

// A row found by a search; distance as in vec/metric.h.
struct RowHit {
  float distance = 0;
  RowId row = 0;
};

// One row that a search is watched for; as SlotWatch.
struct RowWatch {
  RowId row = 0;
  bool met = false;
  uint32_t kept = 0;
  uint32_t place = 0;
};

// Which rows pass a filter, found out when somebody asks. For one search at a time.
class RowPredicate {
 public:
  virtual ~RowPredicate() = default;
  virtual bool Passes(RowId row) = 0;
};

struct SegmentSearch {
  FieldIndex field = 0;
  const float* query = nullptr;  // dim floats that passed ValidateVector
  uint32_t k = 10;
  uint32_t ef = 0;                      // 0: default
  uint32_t nprobe = 0;                  // 0: default
  bool scan = false;                    // of SearchIndex, as in IndexSearchOptions
  uint32_t slack = 0;                   // ..
  float reach = 0;                      // ..
  const SubsetGraph* subset = nullptr;  // ..
  SeqNo at;
  uint32_t visible_rows = 0;
  // Null: every row of the view that is alive; else only the rows set, all of which must be.
  const SelectedRows* allowed = nullptr;
  // Of SearchIndex, instead of `allowed`: asked of what a walk finds, where it is thought to let
  // the share `passing` of all rows through (IndexSearchOptions::passing). Null: all rows.
  RowPredicate* passes = nullptr;
  float passing = 0;
  const Deadline* deadline = nullptr;
  SearchStats* stats = nullptr;
  SpareThreads* spare = nullptr;  // as in IndexSearchOptions
  RowWatch* watch = nullptr;      // of SearchIndex; null: none
};

class Segment {
 public:
  virtual ~Segment() = default;

  // Row numbers covered, inclusive: every row of the collection in this range is here or dead.
  virtual RowNo first_row() const = 0;
  virtual RowNo last_row() const = 0;
  // Rows held, dead ones too. Of a delta: rows appended so far.
  virtual uint32_t rows() const = 0;
  virtual bool sealed() const = 0;

  virtual RowNo row_number(RowId row) const = 0;
  // Rows of a sealed segment may be in another order than that of their numbers: tenants lie
  // together.
  virtual std::optional<RowId> FindRow(RowNo row) const = 0;
  virtual std::string_view encoded_id(RowId row) const = 0;
  // Asks for the memory that row_number and encoded_id of all these rows read, so that they wait
  // for it together and not one by one.
  virtual void FetchIds(std::span<const RowHit> /*hits*/) const {}
  // Rows held, dead ones too, that have one of the ids; nothing: only a look at every row tells.
  virtual std::optional<RowBitmap> FindIds(const std::vector<PointId>& /*ids*/) const {
    return std::nullopt;
  }
  // As of the view at `at`; valid as long as the segment.
  virtual std::string_view payload(RowId row, SeqNo at) const = 0;
  // Gives the row another payload, as PayloadOverlay::Change says.
  virtual void ChangePayload(RowId row, SeqNo at, std::string_view payload) = 0;
  // Which rows have another payload than the segment was made with.
  virtual const PayloadOverlay& payload_changes() const = 0;
  // The vector as it is stored; without a value if the point has none in this field.
  virtual VectorView vector(FieldIndex field, RowId row) const = 0;
  // Over all rows held, dead ones too; null: none.
  virtual std::shared_ptr<const PayloadIndexes> payload_indexes() const { return nullptr; }
  // The postings of a text index over the payloads that the first `rows` rows came with, later
  // changes left out; null: it has none. Borrows the segment.
  virtual std::shared_ptr<const Postings> text_postings(PayloadIndexId /*index*/,
                                                        uint32_t /*rows*/) const {
    return nullptr;
  }
  // Vectors of the field among all rows held.
  virtual uint32_t vectors(FieldIndex field) const = 0;
  // The row's vector of a sparse field, encoded (text/sparse_vector.h); empty: it has none.
  virtual std::string_view sparse_vector(SparseIndex /*field*/, RowId /*row*/) const { return {}; }
  // Bit i: the row has vectors in Schema::multi_vector_fields[i].
  virtual uint8_t multi_vectors(RowId row) const = 0;
  // The postings of a sparse field over the first `rows` rows; null: none of them has a vector.
  // Borrows the segment.
  virtual std::shared_ptr<const Postings> sparse_postings(SparseIndex /*field*/,
                                                          uint32_t /*rows*/) const {
    return nullptr;
  }

  // 0 while the row is alive.
  virtual SeqNo deleted_at(RowId row) const = 0;
  // Must come before a view at `at` or later is published. The first mark of a row stays.
  virtual void MarkDeleted(RowId row, SeqNo at) = 0;
  // Rows marked so far.
  virtual uint32_t deleted_rows() const = 0;
  bool AliveAt(RowId row, SeqNo at) const {
    const SeqNo deleted = deleted_at(row);
    return deleted.value() == 0 || deleted > at;
  }
  virtual SegmentChanges changes() const = 0;
  // Null: selections are not kept.
  virtual SelectionCache* selections() const { return nullptr; }
  // Takes the rows that are dead at `at` out of the set.
  virtual void KeepAlive(SeqNo at, RowBitmap& rows) const = 0;

  // What an approximate search of the field uses: kFlat = there is none, SearchIndex is exact.
  virtual IndexKind index_kind(FieldIndex field) const = 0;
  // What that search was measured to find; null: not measured, or kFlat.
  virtual const MeasuredRecall* measured_recall(FieldIndex field) const = 0;
  // What an approximate search for the selected rows, at least one, may walk instead of the whole
  // index of the field: a graph over all of one tenant, or over what passes a filter that comes
  // often. Valid as long as the segment. Null: none.
  virtual std::shared_ptr<const SubsetGraph> FindSubset(FieldIndex /*field*/,
                                                        const SelectedRows& /*selected*/) const {
    return nullptr;
  }
  // Notes a search for the selected rows that such a graph would have made quicker.
  virtual void WishForSubset(FieldIndex /*field*/, const SelectedRows& /*selected*/) const {}
  // The nearest rows of the view, ascending by (distance, row); may be fewer than k unless kFlat.
  virtual StatusOr<std::vector<RowHit>> SearchIndex(const SegmentSearch& search) const = 0;
  // Exact; min(k, rows in the view that have the vector and are allowed) hits.
  virtual StatusOr<std::vector<RowHit>> SearchExact(const SegmentSearch& search) const = 0;

  // Bytes resident in memory for this segment (mapped pages not counted), and bytes on disk.
  virtual size_t memory_bytes() const = 0;
  virtual size_t disk_bytes() const = 0;
  // The part of a field in both: what is anonymous is also in memory_bytes.
  virtual FieldMemory field_memory(FieldIndex field) const = 0;
  // The same of a sparse field, whose links are its postings.
  virtual FieldMemory sparse_memory(SparseIndex /*field*/) const { return {}; }
};

}  // namespace alidade
