// SelectByIndexes: what payload indexes, and ids that are looked up, alone say about the rows of a
// segment under a filter.
//
// Threads:  pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "alidade/common/row_bitmap.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/payload_index.h"
#include "alidade/text/sealed_postings.h"

namespace alidade {

// The indexes of one segment, each with what keeps its body alive.
struct KeyedPayloadIndex {
  PayloadIndexSpec spec;
  std::variant<PayloadIndex, SealedPostings> index;  // postings: of kText
  std::shared_ptr<const void> backing;

  // As PayloadIndex::Select. Postings tell which rows have some of several words, or a single one;
  // that all of several stand in one string of a list they do not tell.
  std::optional<RowBitmap> Select(const Filter& condition) const;
  // Distinct values, or terms.
  uint64_t values() const;
  uint64_t body_bytes() const;
};
using PayloadIndexes = std::vector<KeyedPayloadIndex>;

// Rows in neither set do not pass.
struct IndexedSelection {
  RowBitmap passing;
  std::optional<RowBitmap> unknown;  // have to be looked at one by one; disjoint from `passing`
};

// The rows of a segment that have one of the ids; nothing: it cannot tell.
using IdLookup = std::function<std::optional<RowBitmap>(const std::vector<PointId>& ids)>;

// Nothing if no index helps, nor `find_ids` (null: there is no such): every row has to be looked
// at. Requires: every index is over `rows` rows; the filter passed ValidateFilter.
std::optional<IndexedSelection> SelectByIndexes(const Filter& filter,
                                                const PayloadIndexes& indexes,
                                                uint32_t rows,
                                                const IdLookup& find_ids = nullptr);

}  // namespace alidade
