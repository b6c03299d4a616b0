// Delta: the newest rows, in memory, searched exactly, not yet in a sealed segment.
//
// Path:     upsert 6/7 (from collection/write_path.cc), restart 4/5 (from collection/recovery.cc):
//           the same Append
// Threads:  Append, MarkDeleted and ChangePayload from the writer; readers look only at RowIds
// below the visible
//           count of their view, which is published after the rows are complete.
// Limits:   capacity is fixed at construction: rows_max, or as many full rows of vectors as
//           bytes_max holds, but at least 16. Address space is taken by the first Append, memory as
//           rows come; nothing ever moves.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/segment/segment.h"

namespace alidade {

// One row to append; borrowed for the call.
struct NewRow {
  RowNo row;
  std::string_view encoded_id;
  std::string_view payload;  // encoded object
  // By FieldIndex, as the field stores them (VectorField::element); empty: absent.
  std::vector<std::string_view> vectors;
  // By SparseIndex, encoded (text/sparse_vector.h); empty, or beyond the end: absent.
  std::vector<std::string_view> sparse = {};
  uint8_t multi_vectors = 0;  // as Segment::multi_vectors says
};

class Delta final : public Segment {
 public:
  struct Options {
    uint32_t rows_max = 20'000;
    size_t bytes_max = size_t{64} << 20;  // of vectors, ids and payloads
  };
  // Rows are from `first_row` on.
  Delta(const Schema& schema, RowNo first_row, const Options& options);
  ~Delta() override;
  Delta(const Delta&) = delete;
  Delta& operator=(const Delta&) = delete;

  // False if it is full (rows or bytes); nothing is changed then. An empty delta takes any row.
  // Requires: row numbers rise; one span for each field of the schema, empty or of its dimension,
  //           that passed ValidateVector; sparse vectors that decode; not frozen.
  // Throws:   std::bad_alloc; the row is then not there.
  [[nodiscard]] bool Append(const NewRow& row);
  // No row after this; the covered range ends at `last_row`.
  void Freeze(RowNo last_row);
  bool frozen() const;
  size_t byte_size() const;

  RowNo first_row() const override;
  RowNo last_row() const override;  // until frozen the largest RowNo there is: the range is open
  uint32_t rows() const override;
  bool sealed() const override { return false; }
  RowNo row_number(RowId row) const override;
  std::optional<RowId> FindRow(RowNo row) const override;
  std::string_view encoded_id(RowId row) const override;
  std::string_view payload(RowId row, SeqNo at) const override;
  void ChangePayload(RowId row, SeqNo at, std::string_view payload) override;
  const PayloadOverlay& payload_changes() const override;
  VectorView vector(FieldIndex field, RowId row) const override;
  std::shared_ptr<const Postings> text_postings(PayloadIndexId index, uint32_t rows) const override;
  uint32_t vectors(FieldIndex field) const override;
  std::string_view sparse_vector(SparseIndex field, RowId row) const override;
  uint8_t multi_vectors(RowId row) const override;
  std::shared_ptr<const Postings> sparse_postings(SparseIndex field, uint32_t rows) const override;
  SeqNo deleted_at(RowId row) const override;
  void MarkDeleted(RowId row, SeqNo at) override;
  uint32_t deleted_rows() const override;
  void KeepAlive(SeqNo at, RowBitmap& rows) const override;
  SegmentChanges changes() const override;
  IndexKind index_kind(FieldIndex field) const override;
  const MeasuredRecall* measured_recall(FieldIndex field) const override;
  StatusOr<std::vector<RowHit>> SearchIndex(const SegmentSearch& search) const override;
  StatusOr<std::vector<RowHit>> SearchExact(const SegmentSearch& search) const override;
  size_t memory_bytes() const override;
  size_t disk_bytes() const override { return 0; }
  FieldMemory field_memory(FieldIndex field) const override;
  FieldMemory sparse_memory(SparseIndex field) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
