#include <algorithm>

#include "alidade/vec/code_kernels.h"

// The target with products of bytes summed in fours (AVX-512 VNNI), as bit_kernels.cc has it.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "int4_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "code_records_inl.h"

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#undef ALIDADE_INT4_PAIRS
#define ALIDADE_INT4_PAIRS (HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)

#if ALIDADE_INT4_PAIRS

// Codes in steps of as many bytes as D8 has lanes.
template <class D8>
struct Step {
  using DI8 = hn::RebindToSigned<D8>;
  using D16 = hn::Repartition<int16_t, D8>;
  using D32 = hn::Repartition<int32_t, D8>;
  using V8 = hn::Vec<D8>;
  using VI8 = hn::Vec<DI8>;
  using V32 = hn::Vec<D32>;

  static constexpr size_t kBytes = hn::MaxLanes(D8());

  struct Query {
    HWY_INLINE Query(const int8_t* low_plane, const int8_t* high_plane)
        : low(hn::LoadU(DI8(), low_plane)), high(hn::LoadU(DI8(), high_plane)) {}
    VI8 low, high;
  };

  // Sums of two products each are at most 4 * 15 * 127, which 16 bits hold.
  static HWY_INLINE V32 Add(const Query& query, const uint8_t* code, V32 sum) {
    const V8 both = hn::LoadU(D8(), code);
    const V8 mask = hn::Set(D8(), 15);
    const V8 low = hn::And(both, mask);
    const V8 high = hn::And(hn::BitCast(D8(), hn::ShiftRight<4>(hn::BitCast(D16(), both))), mask);
    // NOLINTNEXTLINE(bugprone-branch-clone): both are empty on targets without such steps.
    if constexpr (kBytes == 64) {
#if HWY_TARGET == HWY_AVX3_DL
      // Highway asks for AVX-512 VNNI before it takes this target, but its attributes (1.0.3) lack
      // it.
      asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(low.raw), "v"(query.low.raw));
      asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(high.raw), "v"(query.high.raw));
      return sum;
#elif HWY_TARGET == HWY_AVX3
      const __m512i pairs = _mm512_add_epi16(_mm512_maddubs_epi16(low.raw, query.low.raw),
                                             _mm512_maddubs_epi16(high.raw, query.high.raw));
      return V32{_mm512_add_epi32(sum.raw, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
#endif
    } else if constexpr (kBytes == 32) {
#if HWY_TARGET <= HWY_AVX2
      const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(low.raw, query.low.raw),
                                             _mm256_maddubs_epi16(high.raw, query.high.raw));
      return V32{_mm256_add_epi32(sum.raw, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
#endif
    } else {
      const __m128i pairs = _mm_add_epi16(_mm_maddubs_epi16(low.raw, query.low.raw),
                                          _mm_maddubs_epi16(high.raw, query.high.raw));
      return V32{_mm_add_epi32(sum.raw, _mm_madd_epi16(pairs, _mm_set1_epi16(1)))};
    }
  }
};

using Wide = Step<hn::CappedTag<uint8_t, 64>>;
using Narrow = Step<hn::CappedTag<uint8_t, kInt4BlockBytes>>;

#else

// Every lane is widened to 16 bits.
struct Narrow {
  using D16 = hn::CappedTag<int16_t, 8>;
  using D8 = hn::Rebind<uint8_t, D16>;
  using DI8 = hn::Rebind<int8_t, D16>;
  using D32 = hn::RepartitionToWide<D16>;
  using V32 = hn::Vec<D32>;

  static constexpr size_t kBytes = hn::MaxLanes(D16());

  struct Query {
    HWY_INLINE Query(const int8_t* low_plane, const int8_t* high_plane)
        : low(hn::PromoteTo(D16(), hn::LoadU(DI8(), low_plane))),
          high(hn::PromoteTo(D16(), hn::LoadU(DI8(), high_plane))) {}
    hn::Vec<D16> low, high;
  };

  static HWY_INLINE V32 Add(const Query& query, const uint8_t* code, V32 sum) {
    const auto both = hn::PromoteTo(D16(), hn::LoadU(D8(), code));
    V32 rest = hn::Zero(D32());
    sum = hn::ReorderWidenMulAccumulate(
        D32(), query.low, hn::And(both, hn::Set(D16(), 15)), sum, rest);
    sum = hn::ReorderWidenMulAccumulate(D32(), query.high, hn::ShiftRight<4>(both), sum, rest);
    return hn::Add(sum, rest);
  }
};

using Wide = Narrow;

#endif

struct Int4 {
  using Query = int8_t;

  static HWY_INLINE int32_t One(const int8_t* HWY_RESTRICT query,
                                const uint8_t* HWY_RESTRICT code,
                                size_t dim) {
    const size_t bytes = Int4CodeBytes(dim);
    const int8_t* high = query + bytes;
    const typename Wide::D32 d;
    auto even = hn::Zero(d);
    auto odd = even;
    size_t at = 0;
    for (; at + 2 * Wide::kBytes <= bytes; at += 2 * Wide::kBytes) {
      even = Wide::Add(Wide::Query(query + at, high + at), code + at, even);
      const size_t next = at + Wide::kBytes;
      odd = Wide::Add(Wide::Query(query + next, high + next), code + next, odd);
    }
    if (at + Wide::kBytes <= bytes) {
      even = Wide::Add(Wide::Query(query + at, high + at), code + at, even);
      at += Wide::kBytes;
    }
    int32_t sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
    if (at < bytes) {
      const typename Narrow::D32 narrow;
      auto rest = hn::Zero(narrow);
      for (; at < bytes; at += Narrow::kBytes) {
        rest = Narrow::Add(Narrow::Query(query + at, high + at), code + at, rest);
      }
      sum += hn::GetLane(hn::SumOfLanes(narrow, rest));
    }
    return sum;
  }

  // Adds to `out` what the steps of one width come to, from byte `at` on; moves `at` behind them.
  template <class Width>
  static HWY_INLINE void AddFour(const int8_t* HWY_RESTRICT query,
                                 const uint8_t* const* codes,
                                 size_t bytes,
                                 size_t& at,
                                 int32_t* out) {
    const typename Width::D32 d;
    auto sum0 = hn::Zero(d);
    auto sum1 = sum0;
    auto sum2 = sum0;
    auto sum3 = sum0;
    for (; at + Width::kBytes <= bytes; at += Width::kBytes) {
      const typename Width::Query step(query + at, query + bytes + at);
      sum0 = Width::Add(step, codes[0] + at, sum0);
      sum1 = Width::Add(step, codes[1] + at, sum1);
      sum2 = Width::Add(step, codes[2] + at, sum2);
      sum3 = Width::Add(step, codes[3] + at, sum3);
    }
    int32_t sums[4];
    StoreSums(d, sum0, sum1, sum2, sum3, sums);
    for (size_t k = 0; k < 4; ++k) {
      out[k] += sums[k];
    }
  }

  // The query is loaded once for all four.
  static HWY_INLINE void Four(const int8_t* HWY_RESTRICT query,
                              const uint8_t* const* codes,
                              size_t dim,
                              int32_t* out) {
    const size_t bytes = Int4CodeBytes(dim);
    size_t at = 0;
    std::fill_n(out, 4, 0);
    AddFour<Wide>(query, codes, bytes, at, out);
    if (at < bytes) {
      AddFour<Narrow>(query, codes, bytes, at, out);
    }
  }
};

int32_t DotInt4Impl(const int8_t* query, const uint8_t* code, size_t dim) {
  return Int4::One(query, code, dim);
}
void DotInt4RowsImpl(const int8_t* query, const CodeRows& rows, int32_t* out) {
  Rows<Int4>(query, rows, out);
}
void DotInt4GatherImpl(const int8_t* query, const CodePick& pick, int32_t* out) {
  Gather<Int4>(query, pick, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(DotInt4Impl);
HWY_EXPORT(DotInt4RowsImpl);
HWY_EXPORT(DotInt4GatherImpl);

namespace {

// Where the halves of a code hold a dimension.
struct Int4Place {
  explicit Int4Place(size_t d)
      : byte(d / kInt4BlockDim * kInt4BlockBytes + d % kInt4BlockBytes),
        high(d % kInt4BlockDim >= kInt4BlockBytes) {}
  size_t byte;
  bool high;
};

}  // namespace

void PackInt4(const uint8_t* values, size_t dim, uint8_t* code) {
  std::fill_n(code, Int4CodeBytes(dim), uint8_t{0});
  for (size_t d = 0; d < dim; ++d) {
    const Int4Place place(d);
    uint8_t& byte = code[place.byte];
    byte = static_cast<uint8_t>(byte | (values[d] << (place.high ? 4 : 0)));
  }
}

void PackInt4Query(const int8_t* values, size_t dim, int8_t* query) {
  const size_t bytes = Int4CodeBytes(dim);
  std::fill_n(query, 2 * bytes, int8_t{0});
  for (size_t d = 0; d < dim; ++d) {
    const Int4Place place(d);
    query[place.byte + (place.high ? bytes : 0)] = values[d];
  }
}

int32_t DotInt4(const int8_t* query, const uint8_t* code, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(DotInt4Impl)(query, code, dim);
}

void DotInt4Rows(const int8_t* query, const CodeRows& rows, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotInt4RowsImpl)(query, rows, out);
}

void DotInt4Gather(const int8_t* query, const CodePick& pick, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotInt4GatherImpl)(query, pick, out);
}

}  // namespace alidade
#endif  // HWY_ONCE
