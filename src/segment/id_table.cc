#include "id_table.h"

#include <algorithm>
#include <bit>

namespace alidade {

IdTable::IdTable(const RowsBody& rows)
    : rows_(rows),
      slots_(std::bit_ceil(std::max<size_t>(size_t{rows.count()} * 2, 2)), 0),
      mask_(slots_.size() - 1) {
  for (RowId row = 0; row < rows.count(); ++row) {
    size_t at = SlotOf(rows.encoded_id(row));
    while (slots_[at] != 0) {
      at = (at + 1) & mask_;
    }
    slots_[at] = row + 1;
  }
}

}  // namespace alidade
