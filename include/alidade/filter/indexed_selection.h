// SelectByIndexes: what payload indexes alone say about the rows of a segment under a filter.
//
// Threads:  pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "alidade/common/row_bitmap.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/payload_index.h"

namespace alidade {

// The indexes of one segment, each with what keeps its body alive.
struct KeyedPayloadIndex {
  PayloadIndexSpec spec;
  PayloadIndex index;
  std::shared_ptr<const void> backing;
};
using PayloadIndexes = std::vector<KeyedPayloadIndex>;

// Rows in neither set do not pass.
struct IndexedSelection {
  RowBitmap passing;
  std::optional<RowBitmap> unknown;  // have to be looked at one by one; disjoint from `passing`
};

// Nothing if no index helps: every row has to be looked at.
// Requires: every index is over `rows` rows; the filter passed ValidateFilter.
std::optional<IndexedSelection> SelectByIndexes(const Filter& filter,
                                                const PayloadIndexes& indexes,
                                                uint32_t rows);

}  // namespace alidade
