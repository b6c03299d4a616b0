// What the kernels over codes share: sums of lanes, and loops over many records. Included once for
// every instruction set (Google Highway's -inl scheme), hence the unusual guard.
#if defined(ALIDADE_VEC_CODE_RECORDS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALIDADE_VEC_CODE_RECORDS_INL_H
#undef ALIDADE_VEC_CODE_RECORDS_INL_H
#else
#define ALIDADE_VEC_CODE_RECORDS_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "alidade/vec/code_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// ---- Sums of lanes

#if HWY_TARGET != HWY_SCALAR && !HWY_HAVE_SCALABLE
// Adds up the blocks of four lanes that a vector consists of.
template <class D32, class V32>
HWY_INLINE void StoreBlockSum(D32 d, V32 v, int32_t* out) {
  if constexpr (hn::MaxLanes(d) > 4) {
    const hn::Half<D32> half;
    StoreBlockSum(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), out);
  } else {
    hn::StoreU(v, d, out);
  }
}

// The sums of four vectors at once: transposed and added in each block, then block by block.
template <class D32, class V32>
HWY_INLINE void StoreSums(D32 d, V32 s0, V32 s1, V32 s2, V32 s3, int32_t* out) {
  const V32 even = hn::Add(hn::InterleaveLower(d, s0, s2), hn::InterleaveUpper(d, s0, s2));
  const V32 odd = hn::Add(hn::InterleaveLower(d, s1, s3), hn::InterleaveUpper(d, s1, s3));
  StoreBlockSum(
      d, hn::Add(hn::InterleaveLower(d, even, odd), hn::InterleaveUpper(d, even, odd)), out);
}
#else
template <class D32, class V32>
HWY_INLINE void StoreSums(D32 d, V32 s0, V32 s1, V32 s2, V32 s3, int32_t* out) {
  out[0] = hn::GetLane(hn::SumOfLanes(d, s0));
  out[1] = hn::GetLane(hn::SumOfLanes(d, s1));
  out[2] = hn::GetLane(hn::SumOfLanes(d, s2));
  out[3] = hn::GetLane(hn::SumOfLanes(d, s3));
}
#endif

// ---- Many records

constexpr size_t kLineBytes = 64;

template <class Kernel>
HWY_INLINE void Rows(const typename Kernel::Query* query, const CodeRows& rows, int32_t* out) {
  size_t i = 0;
  for (; i + 4 <= rows.count; i += 4) {
    const uint8_t* first = rows.base + i * rows.stride;
    const uint8_t* const four[4] = {
        first, first + rows.stride, first + 2 * rows.stride, first + 3 * rows.stride};
    Kernel::Four(query, four, rows.dim, out + i);
  }
  for (; i < rows.count; ++i) {
    const uint8_t* record = rows.base + i * rows.stride;
    out[i] = Kernel::One(query, record, rows.dim);
  }
}

// What a core can have under way to memory: fewer lines leave it waiting, more are dropped or
// queue. Measured on Zen 3 (bench/micro/code_kernels_bench.cc): 12 to 24 are alike for long
// records, 16 is best for those of one or two lines.
constexpr size_t kLinesAhead = 16;
constexpr size_t kRecordsAheadMin = 4;  // a block of four, so that their misses overlap
constexpr size_t kRecordsAheadMax = 16;

// The first lines and the last one: the hardware prefetcher finds those between (asking for all of
// them made records of 768 bytes a tenth slower), but not what lies behind the code.
constexpr size_t kFirstLines = 4;

HWY_INLINE void PrefetchRecord(const uint8_t* record, size_t bytes) {
  const size_t into_line = reinterpret_cast<uintptr_t>(record) % kLineBytes;
  const uint8_t* first = record - into_line;
  const size_t end = into_line + bytes;
  for (size_t offset = 0; offset < std::min(end, kFirstLines * kLineBytes); offset += kLineBytes) {
    __builtin_prefetch(first + offset);
  }
  if (end > kFirstLines * kLineBytes) {
    __builtin_prefetch(first + end - 1);
  }
}

template <class Kernel>
HWY_INLINE void Gather(const typename Kernel::Query* query, const CodePick& pick, int32_t* out) {
  const auto record = [&pick](size_t i) { return pick.base + pick.stride * size_t{pick.rows[i]}; };
  const size_t lines = std::max<size_t>((pick.prefetch_bytes + kLineBytes - 1) / kLineBytes, 1);
  const size_t ahead = pick.prefetch_bytes == 0
                           ? pick.count
                           : std::clamp(kLinesAhead / lines, kRecordsAheadMin, kRecordsAheadMax);
  if (pick.prefetch_bytes != 0) {
    for (size_t i = 0; i < std::min(ahead, pick.count); ++i) {
      PrefetchRecord(record(i), pick.prefetch_bytes);
    }
  }
  size_t i = 0;
  for (; i + 4 <= pick.count; i += 4) {
    const uint8_t* four[4];
    for (size_t k = 0; k < 4; ++k) {
      four[k] = record(i + k);
      if (i + k + ahead < pick.count) {
        PrefetchRecord(record(i + k + ahead), pick.prefetch_bytes);
      }
    }
    Kernel::Four(query, four, pick.dim, out + i);
  }
  for (; i < pick.count; ++i) {
    out[i] = Kernel::One(query, record(i), pick.dim);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#endif  // guard
