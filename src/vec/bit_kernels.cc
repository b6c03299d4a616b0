#include <algorithm>
#include <cstring>

#include "alidade/vec/code_kernels.h"

// The target with a population count of vectors. Here alone: its attributes allow AVX-VNNI, which
// not every processor of this target has and which a compiler may use for loops over products.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bit_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "code_records_inl.h"

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Which of three kernels suits the target. With 16-byte vectors on x86, popcnt is
// twice as quick as the tables.
#undef ALIDADE_BIT_KERNEL_COUNTS_VECTORS
#undef ALIDADE_BIT_KERNEL_LOOKS_UP_VECTORS
#define ALIDADE_BIT_KERNEL_COUNTS_VECTORS (HWY_TARGET == HWY_AVX3_DL)
#define ALIDADE_BIT_KERNEL_LOOKS_UP_VECTORS \
  (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON)

// ---- Word by word: for codes shorter than a vector

HWY_INLINE uint64_t LoadWord(const uint8_t* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

HWY_INLINE uint32_t Ones(uint64_t word) {
  return static_cast<uint32_t>(__builtin_popcountll(word));
}

HWY_INLINE int32_t SumWords(const uint64_t* HWY_RESTRICT planes,
                            const uint8_t* HWY_RESTRICT code,
                            size_t words) {
  uint32_t sum = 0;
  for (size_t i = 0; i < words; ++i) {
    const uint64_t word = LoadWord(code + i * kBitWordBytes);
    const uint32_t n0 = Ones(word & planes[i]);
    const uint32_t n1 = Ones(word & planes[words + i]);
    const uint32_t n2 = Ones(word & planes[2 * words + i]);
    const uint32_t n3 = Ones(word & planes[3 * words + i]);
    sum += n0 + 2 * n1 + 4 * (n2 + 2 * n3);
  }
  return static_cast<int32_t>(sum);
}

#if ALIDADE_BIT_KERNEL_COUNTS_VECTORS

// ---- A population count for vectors: a count for each plane, weighed at the end

struct Bit {
  using Query = uint64_t;
  using D = hn::ScalableTag<uint64_t>;
  using D32 = hn::Repartition<int32_t, D>;
  using V = hn::Vec<D>;

  // One step over four planes. The lanes behind the end are neither read nor counted.
  struct Planes {
    HWY_INLINE Planes(const uint64_t* planes, size_t words, size_t i)
        : mask(hn::FirstN(D(), words - i)),
          p0(hn::MaskedLoad(mask, D(), planes + i)),
          p1(hn::MaskedLoad(mask, D(), planes + words + i)),
          p2(hn::MaskedLoad(mask, D(), planes + 2 * words + i)),
          p3(hn::MaskedLoad(mask, D(), planes + 3 * words + i)) {}
    hn::Mask<D> mask;
    V p0, p1, p2, p3;
  };

  struct Counts {
    // Spelt out: an implicit constructor would lack the target's instructions.
    HWY_INLINE Counts() : n0(hn::Zero(D())), n1(n0), n2(n0), n3(n0) {}
    V n0, n1, n2, n3;

    HWY_INLINE void Add(const Planes& planes, const uint8_t* code) {
      // Loaded as words: the mask is one of words. Unaligned words are no trap on these targets.
      const V word = hn::MaskedLoad(planes.mask, D(), reinterpret_cast<const uint64_t*>(code));
      n0 = hn::Add(n0, hn::PopulationCount(hn::And(word, planes.p0)));
      n1 = hn::Add(n1, hn::PopulationCount(hn::And(word, planes.p1)));
      n2 = hn::Add(n2, hn::PopulationCount(hn::And(word, planes.p2)));
      n3 = hn::Add(n3, hn::PopulationCount(hn::And(word, planes.p3)));
    }
    HWY_INLINE hn::Vec<D32> Sum() const {
      const V high = hn::Add(n2, hn::Add(n3, n3));
      return hn::BitCast(D32(), hn::Add(hn::Add(n0, hn::Add(n1, n1)), hn::ShiftLeft<2>(high)));
    }
  };

  static HWY_INLINE int32_t One(const uint64_t* HWY_RESTRICT planes,
                                const uint8_t* HWY_RESTRICT code,
                                size_t dim) {
    const size_t words = BitCodeBytes(dim) / kBitWordBytes;
    Counts counts;
    for (size_t i = 0; i < words; i += hn::Lanes(D())) {
      counts.Add(Planes(planes, words, i), code + i * kBitWordBytes);
    }
    return hn::GetLane(hn::SumOfLanes(D32(), counts.Sum()));
  }

  static HWY_INLINE void Four(const uint64_t* HWY_RESTRICT planes,
                              const uint8_t* const* codes,
                              size_t dim,
                              int32_t* out) {
    const size_t words = BitCodeBytes(dim) / kBitWordBytes;
    Counts counts0;
    Counts counts1;
    Counts counts2;
    Counts counts3;
    for (size_t i = 0; i < words; i += hn::Lanes(D())) {
      const Planes step(planes, words, i);
      const size_t at = i * kBitWordBytes;
      counts0.Add(step, codes[0] + at);
      counts1.Add(step, codes[1] + at);
      counts2.Add(step, codes[2] + at);
      counts3.Add(step, codes[3] + at);
    }
    StoreSums(D32(), counts0.Sum(), counts1.Sum(), counts2.Sum(), counts3.Sum(), out);
  }
};

#elif ALIDADE_BIT_KERNEL_LOOKS_UP_VECTORS

// ---- Half bytes looked up in tables that hold the weighed counts

struct Bit {
  using Query = uint64_t;
  // Not wider: most codes have 48 to 96 bytes.
  using D8 = hn::CappedTag<uint8_t, 32>;
  using D32 = hn::Repartition<int32_t, D8>;
  using V8 = hn::Vec<D8>;
  using V32 = hn::Vec<D32>;

  // The upper half of each byte in its lower; rubbish in the upper.
  static HWY_INLINE V8 UpperHalves(V8 v) {
    const hn::Repartition<uint16_t, D8> d16;
    return hn::BitCast(D8(), hn::ShiftRight<4>(hn::BitCast(d16, v)));
  }

  struct Code {
    HWY_INLINE Code(const uint8_t* code, V8 mask)
        : lower(hn::And(hn::LoadU(D8(), code), mask)),
          upper(hn::And(UpperHalves(hn::LoadU(D8(), code)), mask)),
          sum(hn::Zero(D8())) {}
    V8 lower, upper;
    V8 sum;  // at most 8 * 15

    HWY_INLINE void Add(V8 table, V8 plane, V8 plane_upper) {
      sum = hn::Add(sum, hn::TableLookupBytes(table, hn::And(plane, lower)));
      sum = hn::Add(sum, hn::TableLookupBytes(table, hn::And(plane_upper, upper)));
    }
    HWY_INLINE V32 Sum() const { return hn::BitCast(D32(), hn::SumsOf8(sum)); }
  };

  // Calls `add` with the table, the plane and its upper halves, for one vector of all four planes.
  template <class AddPlane>
  static HWY_INLINE void EachPlane(const uint64_t* planes, size_t words, const AddPlane& add) {
    HWY_ALIGN static constexpr uint8_t kOnes[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    V8 table = hn::LoadDup128(D8(), kOnes);
    for (size_t p = 0; p < kQueryPlanes; ++p) {
      const V8 plane = hn::LoadU(D8(), reinterpret_cast<const uint8_t*>(planes + p * words));
      add(table, plane, UpperHalves(plane));
      table = hn::Add(table, table);
    }
  }

  // Calls `step(first word, mask)` for all vectors of a code. The last one ends where the code
  // ends, and its mask drops what was counted before. Requires: words >= a vector of them.
  template <class Step>
  static HWY_INLINE void EachVector(size_t words, const Step& step) {
    const D8 d;
    const size_t lanes = hn::Lanes(d) / kBitWordBytes;
    const V8 mask = hn::Set(d, 15);
    size_t i = 0;
    for (; i + lanes <= words; i += lanes) {
      step(i, mask);
    }
    if (i < words) {
      const size_t counted = (i + lanes - words) * kBitWordBytes;
      step(words - lanes, hn::IfThenZeroElse(hn::FirstN(d, counted), mask));
    }
  }

  static HWY_INLINE int32_t One(const uint64_t* HWY_RESTRICT planes,
                                const uint8_t* HWY_RESTRICT code,
                                size_t dim) {
    const size_t words = BitCodeBytes(dim) / kBitWordBytes;
    if (words * kBitWordBytes < hn::Lanes(D8())) {
      return SumWords(planes, code, words);
    }
    V32 sum = hn::Zero(D32());
    EachVector(words, [&](size_t i, V8 mask) HWY_ATTR {
      Code c(code + i * kBitWordBytes, mask);
      EachPlane(planes + i, words, [&](V8 table, V8 plane, V8 upper) HWY_ATTR {
        c.Add(table, plane, upper);
      });
      sum = hn::Add(sum, c.Sum());
    });
    return hn::GetLane(hn::SumOfLanes(D32(), sum));
  }

  static HWY_INLINE void Four(const uint64_t* HWY_RESTRICT planes,
                              const uint8_t* const* codes,
                              size_t dim,
                              int32_t* out) {
    const size_t words = BitCodeBytes(dim) / kBitWordBytes;
    if (words * kBitWordBytes < hn::Lanes(D8())) {
      for (size_t k = 0; k < 4; ++k) {
        out[k] = SumWords(planes, codes[k], words);
      }
      return;
    }
    V32 sum0 = hn::Zero(D32());
    V32 sum1 = sum0;
    V32 sum2 = sum0;
    V32 sum3 = sum0;
    EachVector(words, [&](size_t i, V8 mask) HWY_ATTR {
      const size_t at = i * kBitWordBytes;
      Code c0(codes[0] + at, mask);
      Code c1(codes[1] + at, mask);
      Code c2(codes[2] + at, mask);
      Code c3(codes[3] + at, mask);
      EachPlane(planes + i, words, [&](V8 table, V8 plane, V8 upper) HWY_ATTR {
        c0.Add(table, plane, upper);
        c1.Add(table, plane, upper);
        c2.Add(table, plane, upper);
        c3.Add(table, plane, upper);
      });
      sum0 = hn::Add(sum0, c0.Sum());
      sum1 = hn::Add(sum1, c1.Sum());
      sum2 = hn::Add(sum2, c2.Sum());
      sum3 = hn::Add(sum3, c3.Sum());
    });
    StoreSums(D32(), sum0, sum1, sum2, sum3, out);
  }
};

#else

struct Bit {
  using Query = uint64_t;

  static HWY_INLINE int32_t One(const uint64_t* planes, const uint8_t* code, size_t dim) {
    return SumWords(planes, code, BitCodeBytes(dim) / kBitWordBytes);
  }
  static HWY_INLINE void Four(const uint64_t* planes,
                              const uint8_t* const* codes,
                              size_t dim,
                              int32_t* out) {
    for (size_t k = 0; k < 4; ++k) {
      out[k] = One(planes, codes[k], dim);
    }
  }
};

#endif

int32_t DotBitImpl(const uint64_t* planes, const uint8_t* code, size_t dim) {
  return Bit::One(planes, code, dim);
}
void DotBitRowsImpl(const uint64_t* planes, const CodeRows& rows, int32_t* out) {
  Rows<Bit>(planes, rows, out);
}
void DotBitGatherImpl(const uint64_t* planes, const CodePick& pick, int32_t* out) {
  Gather<Bit>(planes, pick, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(DotBitImpl);
HWY_EXPORT(DotBitRowsImpl);
HWY_EXPORT(DotBitGatherImpl);

void PackBitPlanes(const uint8_t* values, size_t dim, uint64_t* planes) {
  const size_t words = BitCodeBytes(dim) / kBitWordBytes;
  std::fill_n(planes, kQueryPlanes * words, uint64_t{0});
  for (size_t d = 0; d < dim; ++d) {
    for (size_t p = 0; p < kQueryPlanes; ++p) {
      const uint64_t bit = (uint64_t{values[d]} >> p) & 1;
      planes[p * words + d / kBitWordDim] |= bit << (d % kBitWordDim);
    }
  }
}

int32_t DotBit(const uint64_t* planes, const uint8_t* code, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(DotBitImpl)(planes, code, dim);
}

void DotBitRows(const uint64_t* planes, const CodeRows& rows, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotBitRowsImpl)(planes, rows, out);
}

void DotBitGather(const uint64_t* planes, const CodePick& pick, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotBitGatherImpl)(planes, pick, out);
}

}  // namespace alidade
#endif  // HWY_ONCE
