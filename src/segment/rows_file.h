// The body of rows.seg: which rows a segment holds, their ids and payloads, and which of them have
// vectors in the multi-vector fields.
//
// Format:   sections, each from a multiple of 64 bytes on
//   row numbers   u64[n], all different
//   offsets       u64[n + 1] into the blob, from 0 to its length
//   blob          per row: u32 length of the encoded id, encoded id, encoded payload
//   by number     u32[n]: the rows, by their numbers rising strictly; left out if they are in this
//                 order
//   multi         u8[n]: Segment::multi_vectors; left out if the collection has no such fields
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/index/vector_index.h"
#include "alidade/segment/segment.h"

#include "segment_file.h"

namespace alidade {

// The rows that go into a new segment, in order.
struct RowSelection {
  struct Entry {
    const Segment* source = nullptr;
    RowId row = 0;
  };
  std::vector<Entry> rows;
  SeqNo at;  // whose payloads are written
};

// `multi_fields`: how many multi-vector fields the collection has.
Status WriteRowsBody(const RowSelection& selection,
                     size_t multi_fields,
                     const BuildProgress* progress,
                     SegmentFileWriter& out);

// Immutable; borrows the mapped body.
class RowsBody {
 public:
  RowsBody() = default;
  // Checks every number and offset against its bounds. DATA_LOSS.
  static StatusOr<RowsBody> Parse(
      std::string_view body, uint32_t count, RowNo first, RowNo last, size_t multi_fields);

  uint32_t count() const { return count_; }
  RowNo row_number(RowId row) const { return RowNo(row_numbers_[row]); }
  std::optional<RowId> Find(RowNo row) const;
  std::string_view encoded_id(RowId row) const;
  // Segment::FetchIds.
  void FetchIds(std::span<const RowHit> hits) const;
  std::string_view payload(RowId row) const;
  uint8_t multi_vectors(RowId row) const { return multi_ == nullptr ? 0 : multi_[row]; }

 private:
  Status CheckRows(RowNo first, RowNo last, size_t multi_fields) const;
  // The row with the i-th smallest number.
  RowId NthByNumber(uint32_t i) const { return by_number_ == nullptr ? i : by_number_[i]; }
  std::string_view Record(RowId row) const {
    return blob_.substr(offsets_[row], offsets_[row + 1] - offsets_[row]);
  }

  uint32_t count_ = 0;
  const uint64_t* row_numbers_ = nullptr;
  const uint32_t* by_number_ = nullptr;  // null: rows are in the order of their numbers
  const uint64_t* offsets_ = nullptr;
  std::string_view blob_;
  const uint8_t* multi_ = nullptr;  // null: the collection has no such fields
};

// Position of `row` among `count` rising numbers.
std::optional<RowId> FindRowNumber(const uint64_t* numbers, uint32_t count, RowNo row);

}  // namespace alidade
