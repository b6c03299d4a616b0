// IdTable: the rows of a segment by their ids.
//
// Threads:  immutable once made.
// Limits:   8 to 16 bytes of memory for each row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "alidade/common/checksum.h"

#include "rows_file.h"

namespace alidade {

class IdTable {
 public:
  // Borrows the rows.
  explicit IdTable(const RowsBody& rows);

  size_t memory_bytes() const { return slots_.capacity() * sizeof(uint32_t); }

  // Calls fn(RowId) for every row with the id: several if a point was replaced.
  template <typename Fn>
  void ForEachRow(std::string_view encoded_id, const Fn& fn) const {
    for (size_t at = SlotOf(encoded_id); slots_[at] != 0; at = (at + 1) & mask_) {
      if (const RowId row = slots_[at] - 1; rows_.encoded_id(row) == encoded_id) {
        fn(row);
      }
    }
  }

 private:
  size_t SlotOf(std::string_view encoded_id) const { return Checksum64(encoded_id) & mask_; }

  const RowsBody& rows_;
  std::vector<uint32_t> slots_;  // a row and 1, or 0; at least half of them are free
  size_t mask_;
};

}  // namespace alidade
