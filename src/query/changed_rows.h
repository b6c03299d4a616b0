// ChangedRows: the rows of a segment whose payload is not the one that its indexes were made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alidade/common/row_bitmap.h"
#include "alidade/segment/segment.h"

namespace alidade {

// As a view at `at` sees them; nothing if there are none. `rows`: of the segment.
inline std::optional<RowBitmap> ChangedRows(const Segment& segment, SeqNo at, uint32_t rows) {
  if (segment.payload_changes().rows() == 0) {
    return std::nullopt;
  }
  RowBitmap changed(rows);
  segment.payload_changes().ForEach(
      at,
      [&changed](RowId row, SeqNo /*since*/, std::string_view /*payload*/) { changed.Set(row); });
  return changed;
}

}  // namespace alidade
