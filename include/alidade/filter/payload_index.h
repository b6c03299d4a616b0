// PayloadIndex: the values that the rows of a segment have at one key, in order, each with its
// rows: answers conditions on the key without a look at a payload.
//
// Threads:  immutable; any number of readers.
// Owns:     nothing: borrows the body, which must outlive it.
// Format:   src/filter/payload_index.cc
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/row_bitmap.h"
#include "alidade/common/status.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/filter/scalar.h"

namespace alidade {

class PayloadIndex {
 public:
  // Values first, first + 1, ..., last - 1.
  struct Span {
    uint64_t first = 0;
    uint64_t last = 0;
  };

  // Checks every offset, row and the order of the values: DATA_LOSS.
  static StatusOr<PayloadIndex> Open(PayloadIndexType type, std::string_view body, uint32_t rows);

  PayloadIndexType type() const { return type_; }
  uint32_t rows() const { return rows_; }
  uint64_t body_bytes() const { return body_bytes_; }
  // Distinct values; their bytes (src/filter/index_keys.h) rise with their number.
  uint64_t values() const { return values_; }
  std::string_view value(uint64_t number) const {
    return keys_.substr(key_starts_[number], key_starts_[number + 1] - key_starts_[number]);
  }
  // The value itself, as long as the body; nothing if the type does not tell (instants, points).
  std::optional<Scalar> scalar(uint64_t number) const;
  // Whether the values are all scalars that the payloads have at the key: none is of another kind,
  // and scalar() tells each. False also of a body of before this was written down.
  bool holds_all_scalars() const { return holds_all_scalars_; }
  // Number of the first value that is not before, or is behind, a key; values() if there is none.
  uint64_t LowerBound(std::string_view key) const;
  uint64_t UpperBound(std::string_view key) const;
  // Rows that have the value, rising.
  std::span<const uint32_t> RowsOf(uint64_t number) const {
    return {entries_ + entry_starts_[number], entries_ + entry_starts_[number + 1]};
  }

  // The rows of which a condition on this key holds; nothing if the values of this type do not
  // tell. Only conditions on a single key are asked.
  std::optional<RowBitmap> Select(const Filter& condition) const;

 private:
  PayloadIndex() = default;

  std::optional<Span> Find(std::string_view key) const;
  void Unite(const Span& span, RowBitmap& rows) const;
  RowBitmap RowsIn(const Span& span) const;

  std::optional<std::string> KeyOf(const Value& value) const;
  std::optional<RowBitmap> SelectNode(const In& condition) const;
  std::optional<RowBitmap> SelectNode(const ContainsAll& condition) const;
  std::optional<RowBitmap> SelectNode(const Range& range) const;
  std::optional<RowBitmap> SelectNode(const DatetimeRange& range) const;
  std::optional<RowBitmap> SelectNode(const StringMatch& match) const;
  std::optional<RowBitmap> SelectNode(const GeoRadius& radius) const;
  std::optional<RowBitmap> SelectNode(const GeoBox& box) const;
  std::optional<RowBitmap> SelectNode(const GeoPolygon& polygon) const;
  template <typename Node>
  std::optional<RowBitmap> SelectNode(const Node& /*other*/) const {
    return std::nullopt;
  }
  template <typename AnyRange, typename KeyOfBound>
  std::optional<RowBitmap> SelectRange(const AnyRange& range, const KeyOfBound& key_of) const;
  template <typename Test>
  RowBitmap SelectTexts(const Test& test) const;
  template <typename Shape>
  std::optional<RowBitmap> SelectShape(const Shape& shape) const;

  PayloadIndexType type_ = PayloadIndexType::kKeyword;
  uint32_t rows_ = 0;
  bool holds_all_scalars_ = false;
  uint64_t body_bytes_ = 0;
  uint64_t values_ = 0;
  uint64_t block_entries_ = 1;
  uint64_t blocks_ = 0;
  const uint64_t* key_starts_ = nullptr;
  const uint64_t* entry_starts_ = nullptr;
  std::string_view keys_;
  const uint32_t* entries_ = nullptr;
  const uint64_t* blocks_rows_ = nullptr;
};

// Makes the body of an index out of payloads.
// Threads:  thread-compatible.
class PayloadIndexBuilder {
 public:
  PayloadIndexBuilder(const PayloadIndexSpec& spec, uint32_t rows);
  // Rows rise. Malformed payload bytes have no values.
  void Add(RowId row, std::string_view payload);
  std::string Finish() &&;

 private:
  struct Entry {
    uint64_t at = 0;  // of the key in keys_
    uint32_t bytes = 0;
    uint32_t row = 0;
  };
  std::string_view KeyOf(const Entry& entry) const {
    return std::string_view(keys_).substr(entry.at, entry.bytes);
  }

  PayloadIndexSpec spec_;
  uint32_t rows_;
  std::string keys_;
  std::vector<Entry> entries_;
  bool holds_all_scalars_;
};

}  // namespace alidade
