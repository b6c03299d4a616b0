#include <algorithm>
#include <cstring>
#include <numeric>

#include "alidade/vec/code_kernels.h"

// The target with products of bytes summed in fours (AVX-512 VNNI), as bit_kernels.cc has it.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "int8_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "code_records_inl.h"

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#undef ALIDADE_INT8_PAIRS
#define ALIDADE_INT8_PAIRS (HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)

struct Int8 {
  using Query = int8_t;

#if ALIDADE_INT8_PAIRS
  using D8 = hn::CappedTag<int8_t, 64>;
  using D32 = hn::Repartition<int32_t, D8>;
#else  // every lane is widened to 16 bits
  using D16 = hn::CappedTag<int16_t, 8>;
  using D8 = hn::Rebind<int8_t, D16>;
  using D32 = hn::RepartitionToWide<D16>;
#endif
  using V8 = hn::Vec<D8>;
  using V32 = hn::Vec<D32>;

  static constexpr size_t kLanes = hn::MaxLanes(D8());

  // What a sum begins with. One of the factors of VNNI has no sign: codes are multiplied as
  // code + 128, so 128 times the sum of the query is too much.
  static HWY_INLINE V32 Start(const int8_t* query, size_t dim) {
#if HWY_TARGET == HWY_AVX3_DL
    int32_t sum = 0;
    std::memcpy(&sum, query + Int8QuerySumAt(dim), sizeof(sum));
    return hn::IfThenElseZero(hn::FirstN(D32(), 1), hn::Set(D32(), -128 * sum));
#else
    (void)query;
    (void)dim;
    return hn::Zero(D32());
#endif
  }

  static HWY_INLINE V32 Add(V8 query, V8 code, V32 sum) {
#if HWY_TARGET == HWY_AVX3_DL
    const V8 raised = hn::Xor(code, hn::Set(D8(), -128));
    // Highway asks for AVX-512 VNNI before it takes this target, but its attributes (1.0.3) lack
    // it.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(raised.raw), "v"(query.raw));
    return sum;
#elif ALIDADE_INT8_PAIRS
    // |code| * (query with the sign of code): two such products are at most 2 * 128 * 127, which 16
    // bits hold.
#if HWY_TARGET == HWY_AVX3
    const __m512i pairs = _mm512_maddubs_epi16(
        hn::Abs(code).raw, hn::IfNegativeThenElse(code, hn::Neg(query), query).raw);
    return V32{_mm512_add_epi32(sum.raw, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
#elif HWY_TARGET == HWY_AVX2
    const __m256i pairs =
        _mm256_maddubs_epi16(hn::Abs(code).raw, _mm256_sign_epi8(query.raw, code.raw));
    return V32{_mm256_add_epi32(sum.raw, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
#else
    const __m128i pairs = _mm_maddubs_epi16(hn::Abs(code).raw, _mm_sign_epi8(query.raw, code.raw));
    return V32{_mm_add_epi32(sum.raw, _mm_madd_epi16(pairs, _mm_set1_epi16(1)))};
#endif
#else
    V32 rest = hn::Zero(D32());
    sum = hn::ReorderWidenMulAccumulate(
        D32(), hn::PromoteTo(D16(), query), hn::PromoteTo(D16(), code), sum, rest);
    return hn::Add(sum, rest);
#endif
  }

  static HWY_INLINE V8 Load(const int8_t* p) { return hn::LoadU(D8(), p); }

  // The last lanes of the query without those that came before: so the rest is one more step over
  // the last lanes of the code, which reads nothing behind its end. Requires: dim >= kLanes.
  static HWY_INLINE V8 LoadLast(const int8_t* query, size_t dim, size_t rest) {
    return hn::IfThenZeroElse(hn::FirstN(D8(), kLanes - rest), Load(query + dim - kLanes));
  }

  // A code of less than kLanes; zeros follow.
  static HWY_INLINE V8 LoadShort(const int8_t* code, size_t dim) {
#if ALIDADE_INT8_PAIRS && HWY_TARGET <= HWY_AVX3
    return hn::MaskedLoad(hn::FirstN(D8(), dim), D8(), code);
#else
    int8_t lanes[kLanes] = {};
    std::copy_n(code, dim, lanes);  // dim may be 0, and the code null
    return Load(lanes);
#endif
  }

  static HWY_INLINE int32_t One(const int8_t* HWY_RESTRICT query,
                                const uint8_t* HWY_RESTRICT bytes,
                                size_t dim) {
    const auto* HWY_RESTRICT code = reinterpret_cast<const int8_t*>(bytes);
    const D32 d;
    V32 even = Start(query, dim);
    V32 odd = hn::Zero(d);
    if (dim < kLanes) {
      return hn::GetLane(hn::SumOfLanes(d, Add(Load(query), LoadShort(code, dim), even)));
    }
    size_t i = 0;
    for (; i + 2 * kLanes <= dim; i += 2 * kLanes) {
      even = Add(Load(query + i), Load(code + i), even);
      odd = Add(Load(query + i + kLanes), Load(code + i + kLanes), odd);
    }
    if (i + kLanes <= dim) {
      even = Add(Load(query + i), Load(code + i), even);
      i += kLanes;
    }
    if (i < dim) {
      odd = Add(LoadLast(query, dim, dim - i), Load(code + dim - kLanes), odd);
    }
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  }

  // The query is loaded once for all four.
  static HWY_INLINE void Four(const int8_t* HWY_RESTRICT query,
                              const uint8_t* const* codes,
                              size_t dim,
                              int32_t* out) {
    const auto* c0 = reinterpret_cast<const int8_t*>(codes[0]);
    const auto* c1 = reinterpret_cast<const int8_t*>(codes[1]);
    const auto* c2 = reinterpret_cast<const int8_t*>(codes[2]);
    const auto* c3 = reinterpret_cast<const int8_t*>(codes[3]);
    const D32 d;
    V32 sum0 = Start(query, dim);
    V32 sum1 = sum0;
    V32 sum2 = sum0;
    V32 sum3 = sum0;
    const auto step = [&](V8 q, size_t i) HWY_ATTR {
      sum0 = Add(q, Load(c0 + i), sum0);
      sum1 = Add(q, Load(c1 + i), sum1);
      sum2 = Add(q, Load(c2 + i), sum2);
      sum3 = Add(q, Load(c3 + i), sum3);
    };
    if (dim < kLanes) {
      const V8 q = Load(query);
      sum0 = Add(q, LoadShort(c0, dim), sum0);
      sum1 = Add(q, LoadShort(c1, dim), sum1);
      sum2 = Add(q, LoadShort(c2, dim), sum2);
      sum3 = Add(q, LoadShort(c3, dim), sum3);
    } else {
      size_t i = 0;
      for (; i + kLanes <= dim; i += kLanes) {
        step(Load(query + i), i);
      }
      if (i < dim) {
        step(LoadLast(query, dim, dim - i), dim - kLanes);
      }
    }
    StoreSums(d, sum0, sum1, sum2, sum3, out);
  }
};

int32_t DotInt8Impl(const int8_t* query, const int8_t* code, size_t dim) {
  return Int8::One(query, reinterpret_cast<const uint8_t*>(code), dim);
}
void DotInt8RowsImpl(const int8_t* query, const CodeRows& rows, int32_t* out) {
  Rows<Int8>(query, rows, out);
}
void DotInt8GatherImpl(const int8_t* query, const CodePick& pick, int32_t* out) {
  Gather<Int8>(query, pick, out);
}
}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(DotInt8Impl);
HWY_EXPORT(DotInt8RowsImpl);
HWY_EXPORT(DotInt8GatherImpl);

void PackInt8Query(const int8_t* values, size_t dim, int8_t* query) {
  std::copy_n(values, dim, query);
  std::fill(query + dim, query + Int8QuerySumAt(dim), int8_t{0});
  const int32_t sum = std::accumulate(values, values + dim, int32_t{0});
  std::memcpy(query + Int8QuerySumAt(dim), &sum, sizeof(sum));
}

int32_t DotInt8(const int8_t* query, const int8_t* code, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(DotInt8Impl)(query, code, dim);
}

void DotInt8Rows(const int8_t* query, const CodeRows& rows, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotInt8RowsImpl)(query, rows, out);
}

void DotInt8Gather(const int8_t* query, const CodePick& pick, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotInt8GatherImpl)(query, pick, out);
}

}  // namespace alidade
#endif  // HWY_ONCE
