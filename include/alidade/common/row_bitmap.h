// RowBitmap: a set of rows of one segment.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "alidade/common/types.h"

namespace alidade {

// Thread-compatible; RowIds up to the size given at construction. Operations on two sets require
// equal sizes.
class RowBitmap {
 public:
  explicit RowBitmap(uint32_t rows) : words_((rows + 63) / 64, 0), rows_(rows) {}

  void Set(RowId row) { words_[row / 64] |= uint64_t{1} << (row % 64); }
  void Clear(RowId row) { words_[row / 64] &= ~(uint64_t{1} << (row % 64)); }
  bool Test(RowId row) const { return ((words_[row / 64] >> (row % 64)) & 1) != 0; }
  uint32_t rows() const { return rows_; }
  uint32_t Count() const {
    uint32_t count = 0;
    for (const uint64_t word : words_) {
      count += static_cast<uint32_t>(std::popcount(word));
    }
    return count;
  }
  bool Empty() const {
    return std::ranges::all_of(words_, [](uint64_t word) { return word == 0; });
  }
  // 64 rows each, the first in the lowest bit; no bit is set beyond the rows.
  std::span<const uint64_t> words() const { return words_; }

  void SetAll() {
    std::ranges::fill(words_, ~uint64_t{0});
    ClearBeyond();
  }
  void Invert() {
    for (uint64_t& word : words_) {
      word = ~word;
    }
    ClearBeyond();
  }
  // `words` as words() gives them; those beyond its end are 0.
  void Unite(std::span<const uint64_t> words) {
    Combine(words, [](uint64_t mine, uint64_t other) { return mine | other; });
  }
  void Intersect(std::span<const uint64_t> words) {
    Combine(words, [](uint64_t mine, uint64_t other) { return mine & other; });
    std::fill(words_.begin() + static_cast<ptrdiff_t>(std::min(words.size(), words_.size())),
              words_.end(),
              uint64_t{0});
  }
  void Subtract(std::span<const uint64_t> words) {
    Combine(words, [](uint64_t mine, uint64_t other) { return mine & ~other; });
  }

  // Replaces every word that is not 0 by fn(its number, the word), which must set no bit beyond the
  // rows.
  template <typename Fn>
  void Update(const Fn& fn) {
    for (size_t i = 0; i < words_.size(); ++i) {
      words_[i] = words_[i] == 0 ? 0 : fn(i, words_[i]);
    }
  }
  // Calls fn(row) for every row of the set, rising.
  template <typename Fn>
  void ForEach(const Fn& fn) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t word = words_[i]; word != 0; word &= word - 1) {
        fn(static_cast<RowId>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
      }
    }
  }

  friend bool operator==(const RowBitmap&, const RowBitmap&) = default;

 private:
  template <typename Fn>
  void Combine(std::span<const uint64_t> words, const Fn& fn) {
    const size_t both = std::min(words.size(), words_.size());
    for (size_t i = 0; i < both; ++i) {
      words_[i] = fn(words_[i], words[i]);
    }
    ClearBeyond();
  }
  void ClearBeyond() {
    if (rows_ % 64 != 0) {
      words_.back() &= (uint64_t{1} << (rows_ % 64)) - 1;
    }
  }

  std::vector<uint64_t> words_;
  uint32_t rows_;
};

}  // namespace alidade
