#include "alidade/vec/pq_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "pq_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR && !HWY_HAVE_SCALABLE

using D8 = hn::CappedTag<uint8_t, kPqPartsMultiple * kPqEntries>;
using D16 = hn::Repartition<uint16_t, D8>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;

// Adds up the blocks of eight lanes that a vector consists of.
template <class D, class V>
HWY_INLINE auto BlockSum(D d, V v) {
  if constexpr (hn::MaxLanes(d) > 8) {
    const hn::Half<D> half;
    return BlockSum(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    return v;
  }
}

// Sums of 16 rows in as many bytes: bytes are added in pairs as one number, and again those at odd
// places, which are taken off in the end.
struct RowSums {
  HWY_INLINE RowSums() : pairs(hn::Zero(D16())), odd(pairs) {}
  V16 pairs, odd;

  HWY_INLINE void Add(V8 entries) {
    const V16 both = hn::BitCast(D16(), entries);
    pairs = hn::Add(pairs, both);
    odd = hn::Add(odd, hn::ShiftRight<8>(both));
  }
  HWY_INLINE void Store(uint16_t* out) const {
    const hn::CappedTag<uint16_t, 8> d;
    const auto odd_rows = BlockSum(D16(), odd);
    const auto even_rows = hn::Sub(BlockSum(D16(), pairs), hn::ShiftLeft<8>(odd_rows));
    hn::StoreU(hn::InterleaveLower(d, even_rows, odd_rows), d, out);
    hn::StoreU(hn::InterleaveUpper(d, even_rows, odd_rows), d, out + 8);
  }
};

HWY_INLINE void SumBlock(const uint8_t* HWY_RESTRICT tables,
                         const uint8_t* HWY_RESTRICT block,
                         size_t bytes,
                         uint16_t* HWY_RESTRICT out) {
  const D8 d;
  const V8 mask = hn::Set(d, 15);
  RowSums low;
  RowSums high;
  for (size_t at = 0; at < bytes; at += hn::Lanes(d)) {
    const V8 codes = hn::LoadU(d, block + at);
    const V8 table = hn::LoadU(d, tables + at);
    const V8 upper = hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(D16(), codes)));
    low.Add(hn::TableLookupBytes(table, hn::And(codes, mask)));
    high.Add(hn::TableLookupBytes(table, hn::And(upper, mask)));
  }
  low.Store(out);
  high.Store(out + kPqBlockRows / 2);
}

#else

void SumBlock(const uint8_t* tables, const uint8_t* block, size_t bytes, uint16_t* out) {
  for (size_t row = 0; row < kPqBlockRows; ++row) {
    const size_t half = row % kPqEntries;
    const unsigned shift = row < kPqEntries ? 0 : 4;
    unsigned sum = 0;
    for (size_t at = 0; at < bytes; at += kPqEntries) {
      sum += tables[at + (block[at + half] >> shift & 15U)];
    }
    out[row] = static_cast<uint16_t>(sum);
  }
}

#endif

void SumPqBlocksImpl(
    const uint8_t* tables, const uint8_t* blocks, size_t parts, size_t count, uint16_t* out) {
  // The hardware fetches on within a page only, and a block is read in a hundred cycles.
  constexpr size_t kAheadBytes = 2'048;
  constexpr size_t kLineBytes = 64;
  const size_t bytes = PqBlockBytes(parts);
  for (size_t b = 0; b < count; ++b) {
    const uint8_t* block = blocks + b * bytes;
    for (size_t at = 0; at < bytes; at += kLineBytes) {
      __builtin_prefetch(block + kAheadBytes + at);
    }
    SumBlock(tables, block, bytes, out + b * kPqBlockRows);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(SumPqBlocksImpl);

void PutPqCode(const uint8_t* code, size_t parts, size_t row, uint8_t* block) {
  const size_t half = kPqBlockRows / 2;
  for (size_t part = 0; part < parts; ++part) {
    block[part * half + row % half] |=
        static_cast<uint8_t>(row < half ? code[part] : code[part] << 4);
  }
}

void SumPqBlocks(
    const uint8_t* tables, const uint8_t* blocks, size_t parts, size_t count, uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(SumPqBlocksImpl)(tables, blocks, parts, count, out);
}

}  // namespace alidade
#endif  // HWY_ONCE
