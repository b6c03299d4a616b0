// RowBitmap: a set of rows of one segment.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "alidade/common/types.h"

namespace alidade {

// Thread-compatible; RowIds up to the size given at construction.
class RowBitmap {
 public:
  explicit RowBitmap(uint32_t rows) : words_((rows + 63) / 64, 0), rows_(rows) {}

  void Set(RowId row) { words_[row / 64] |= uint64_t{1} << (row % 64); }
  bool Test(RowId row) const { return ((words_[row / 64] >> (row % 64)) & 1) != 0; }
  uint32_t rows() const { return rows_; }
  uint32_t Count() const {
    uint32_t count = 0;
    for (const uint64_t word : words_) {
      count += static_cast<uint32_t>(std::popcount(word));
    }
    return count;
  }

 private:
  std::vector<uint64_t> words_;
  uint32_t rows_;
};

}  // namespace alidade
