#include "alidade/vec/code_kernels.h"

// The target with products of words summed in pairs (AVX-512 VNNI), as bit_kernels.cc has it.
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

struct Int8 {
  using Query = int16_t;
  static HWY_INLINE size_t Bytes(size_t dim) { return dim; }

  using D16 = hn::ScalableTag<int16_t>;
  using D8 = hn::Rebind<int8_t, D16>;
  using D32 = hn::RepartitionToWide<D16>;
  using V16 = hn::Vec<D16>;
  using V32 = hn::Vec<D32>;

  static HWY_INLINE V16 Load(const int16_t* p) { return hn::LoadU(D16(), p); }
  static HWY_INLINE V16 Load(const int8_t* p) { return hn::PromoteTo(D16(), hn::LoadU(D8(), p)); }

  // Some targets split what they add between the two sums.
  static HWY_INLINE void Add(V16 query, V16 code, V32& low, V32& high) {
#if HWY_TARGET == HWY_AVX3_DL
    // Highway asks for AVX-512 VNNI before it takes this target, but its attributes (1.0.3) lack
    // it.
    asm("vpdpwssd %2, %1, %0" : "+v"(low.raw) : "v"(query.raw), "v"(code.raw));
    (void)high;
#else
    low = hn::ReorderWidenMulAccumulate(D32(), query, code, low, high);
#endif
  }
  static HWY_INLINE void Add(V16 query, const int8_t* code, V32& low, V32& high) {
    Add(query, Load(code), low, high);
  }

  // The last vector of the query without the lanes that came before: so the rest is one more step
  // over the last full vector, which reads nothing behind the end. Requires: dim >= lanes.
  static HWY_INLINE V16 LoadLast(const int16_t* query, size_t dim, size_t rest) {
    const D16 d;
    const size_t lanes = hn::Lanes(d);
    return hn::IfThenZeroElse(hn::FirstN(d, lanes - rest), Load(query + dim - lanes));
  }

  // Of less than a vector.
  static HWY_INLINE int32_t Short(const int16_t* query, const int8_t* code, size_t dim) {
#if HWY_TARGET == HWY_AVX3_DL
    // No loop: the compiler would be free to use AVX-VNNI for it (see bit_kernels.cc).
    V32 sum = hn::Zero(D32());
    V32 unused = sum;
    const auto lanes = hn::MaskedLoad(hn::FirstN(D8(), dim), D8(), code);
    Add(hn::MaskedLoad(hn::FirstN(D16(), dim), D16(), query),
        hn::PromoteTo(D16(), lanes),
        sum,
        unused);
    return hn::GetLane(hn::SumOfLanes(D32(), sum));
#else
    int32_t sum = 0;
    for (size_t i = 0; i < dim; ++i) {
      sum += int32_t{query[i]} * int32_t{code[i]};
    }
    return sum;
#endif
  }

  static HWY_INLINE int32_t One(const int16_t* HWY_RESTRICT query,
                                const uint8_t* bytes,
                                size_t dim) {
    const auto* HWY_RESTRICT code = reinterpret_cast<const int8_t*>(bytes);
    const D32 d;
    const size_t lanes = hn::Lanes(D16());
    if (dim < lanes) {
      return Short(query, code, dim);
    }
    V32 a0 = hn::Zero(d);
    V32 a1 = a0;
    V32 b0 = a0;
    V32 b1 = a0;
    size_t i = 0;
    for (; i + 2 * lanes <= dim; i += 2 * lanes) {
      Add(Load(query + i), code + i, a0, a1);
      Add(Load(query + i + lanes), code + i + lanes, b0, b1);
    }
    if (i + lanes <= dim) {
      Add(Load(query + i), code + i, a0, a1);
      i += lanes;
    }
    if (i < dim) {
      Add(LoadLast(query, dim, dim - i), code + dim - lanes, b0, b1);
    }
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a0, a1), hn::Add(b0, b1))));
  }

  // The query is loaded once for all four.
  static HWY_INLINE void Four(const int16_t* HWY_RESTRICT query,
                              const uint8_t* const* codes,
                              size_t dim,
                              int32_t* out) {
    const auto* c0 = reinterpret_cast<const int8_t*>(codes[0]);
    const auto* c1 = reinterpret_cast<const int8_t*>(codes[1]);
    const auto* c2 = reinterpret_cast<const int8_t*>(codes[2]);
    const auto* c3 = reinterpret_cast<const int8_t*>(codes[3]);
    const D32 d;
    const size_t lanes = hn::Lanes(D16());
    if (dim < lanes) {
      for (size_t k = 0; k < 4; ++k) {
        out[k] = Short(query, reinterpret_cast<const int8_t*>(codes[k]), dim);
      }
      return;
    }
    V32 low0 = hn::Zero(d);
    V32 low1 = low0;
    V32 low2 = low0;
    V32 low3 = low0;
    V32 high0 = low0;
    V32 high1 = low0;
    V32 high2 = low0;
    V32 high3 = low0;
    const auto step = [&](V16 q, size_t i) HWY_ATTR {
      Add(q, c0 + i, low0, high0);
      Add(q, c1 + i, low1, high1);
      Add(q, c2 + i, low2, high2);
      Add(q, c3 + i, low3, high3);
    };
    size_t i = 0;
    for (; i + lanes <= dim; i += lanes) {
      step(Load(query + i), i);
    }
    if (i < dim) {
      step(LoadLast(query, dim, dim - i), dim - lanes);
    }
    StoreSums(d,
              hn::Add(low0, high0),
              hn::Add(low1, high1),
              hn::Add(low2, high2),
              hn::Add(low3, high3),
              out);
  }
};

int32_t DotInt8Impl(const int16_t* query, const int8_t* code, size_t dim) {
  return Int8::One(query, reinterpret_cast<const uint8_t*>(code), dim);
}
void DotInt8RowsImpl(const int16_t* query, const CodeRows& rows, int32_t* out) {
  Rows<Int8>(query, rows, out);
}
void DotInt8GatherImpl(const int16_t* query, const CodePick& pick, int32_t* out) {
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

int32_t DotInt8(const int16_t* query, const int8_t* code, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(DotInt8Impl)(query, code, dim);
}

void DotInt8Rows(const int16_t* query, const CodeRows& rows, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotInt8RowsImpl)(query, rows, out);
}

void DotInt8Gather(const int16_t* query, const CodePick& pick, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotInt8GatherImpl)(query, pick, out);
}

}  // namespace alidade
#endif  // HWY_ONCE
