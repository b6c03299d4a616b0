#include "alidade/vec/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "element_load_inl.h"

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = FloatTag;
using V = FloatVec;

// One step of a sum: a difference squared, or a product.
struct L2Step {
  static HWY_INLINE V Add(V a, V b, V sum) {
    const V difference = hn::Sub(a, b);
    return hn::MulAdd(difference, difference, sum);
  }
};
struct DotStep {
  static HWY_INLINE V Add(V a, V b, V sum) { return hn::MulAdd(a, b, sum); }
};

// Four accumulators hide the latency of the fused multiply-add.
template <class Step>
HWY_INLINE float One(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, size_t dim) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V s0 = hn::Zero(d);
  V s1 = s0;
  V s2 = s0;
  V s3 = s0;
  size_t i = 0;
  for (; i + 4 * lanes <= dim; i += 4 * lanes) {
    s0 = Step::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = Step::Add(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = Step::Add(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = Step::Add(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= dim; i += lanes) {
    s0 = Step::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  }
  if (i < dim) {
    s1 = Step::Add(LoadRest(d, a + i, dim - i), LoadRest(d, b + i, dim - i), s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

// Four rows at once: the query is loaded once for all of them. Loops over many rows use only this,
// with a row repeated where fewer are left: equal vectors must have equal distances wherever they
// stand, and One adds up in another order.
template <class Step, class T>
HWY_INLINE void Four(const float* HWY_RESTRICT query,
                     const T* const* rows,
                     size_t dim,
                     float* out) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const T* r0 = rows[0];
  const T* r1 = rows[1];
  const T* r2 = rows[2];
  const T* r3 = rows[3];
  V s0 = hn::Zero(d);
  V s1 = s0;
  V s2 = s0;
  V s3 = s0;
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V q = hn::LoadU(d, query + i);
    s0 = Step::Add(q, LoadFloats(d, r0 + i), s0);
    s1 = Step::Add(q, LoadFloats(d, r1 + i), s1);
    s2 = Step::Add(q, LoadFloats(d, r2 + i), s2);
    s3 = Step::Add(q, LoadFloats(d, r3 + i), s3);
  }
  if (i < dim) {
    const V q = LoadRest(d, query + i, dim - i);
    s0 = Step::Add(q, LoadRest(d, r0 + i, dim - i), s0);
    s1 = Step::Add(q, LoadRest(d, r1 + i, dim - i), s1);
    s2 = Step::Add(q, LoadRest(d, r2 + i, dim - i), s2);
    s3 = Step::Add(q, LoadRest(d, r3 + i, dim - i), s3);
  }
  out[0] = hn::GetLane(hn::SumOfLanes(d, s0));
  out[1] = hn::GetLane(hn::SumOfLanes(d, s1));
  out[2] = hn::GetLane(hn::SumOfLanes(d, s2));
  out[3] = hn::GetLane(hn::SumOfLanes(d, s3));
}

// The last `count` (< 4) rows.
template <class Step, class T, class RowAt>
HWY_INLINE void LastRows(
    const float* query, size_t count, const RowAt& row_at, size_t dim, float* out) {
  if (count == 0) {
    return;
  }
  const T* four[4];
  for (size_t k = 0; k < 4; ++k) {
    four[k] = row_at(HWY_MIN(k, count - 1));
  }
  float sums[4];
  Four<Step, T>(query, four, dim, sums);
  for (size_t k = 0; k < count; ++k) {
    out[k] = sums[k];
  }
}

template <class Step, class T>
HWY_INLINE void Rows(const float* query, const T* rows, size_t count, size_t dim, float* out) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const T* base = rows + i * dim;
    const T* const four[4] = {base, base + dim, base + 2 * dim, base + 3 * dim};
    Four<Step, T>(query, four, dim, out + i);
  }
  LastRows<Step, T>(
      query, count - i, [=](size_t k) { return rows + (i + k) * dim; }, dim, out + i);
}

// How many rows ahead are fetched, and how much of each: the hardware prefetcher takes over after a
// few lines.
constexpr size_t kAhead = 4;
constexpr size_t kPrefetchBytesMax = 2048;

template <class T>
HWY_INLINE void PrefetchRow(const T* row, size_t dim) {
  const size_t bytes = HWY_MIN(dim * sizeof(T), kPrefetchBytesMax);
  const char* p = reinterpret_cast<const char*>(row);
  for (size_t offset = 0; offset < bytes; offset += 64) {
    __builtin_prefetch(p + offset);
  }
}

template <class Step, class T>
HWY_INLINE void Gather(const float* query, const RowPick<T>& pick, float* out) {
  const size_t first = HWY_MIN(kAhead, pick.count);
  for (size_t i = 0; i < first; ++i) {
    PrefetchRow(pick.base + size_t{pick.rows[i]} * pick.dim, pick.dim);
  }
  size_t i = 0;
  for (; i + 4 <= pick.count; i += 4) {
    const T* four[4];
    for (size_t k = 0; k < 4; ++k) {
      four[k] = pick.base + size_t{pick.rows[i + k]} * pick.dim;
      if (i + k + kAhead < pick.count) {
        PrefetchRow(pick.base + size_t{pick.rows[i + k + kAhead]} * pick.dim, pick.dim);
      }
    }
    Four<Step, T>(query, four, pick.dim, out + i);
  }
  LastRows<Step, T>(
      query,
      pick.count - i,
      [&pick, i](size_t k) { return pick.base + size_t{pick.rows[i + k]} * pick.dim; },
      pick.dim,
      out + i);
}

float SquaredL2Impl(const float* a, const float* b, size_t dim) { return One<L2Step>(a, b, dim); }
float DotImpl(const float* a, const float* b, size_t dim) { return One<DotStep>(a, b, dim); }

// For each type of elements: Highway exports plain functions only.
#define ALIDADE_ROW_KERNELS(Name, T)                                                              \
  void SquaredL2Rows##Name(const float* q, const T* rows, size_t count, size_t dim, float* out) { \
    Rows<L2Step>(q, rows, count, dim, out);                                                       \
  }                                                                                               \
  void DotRows##Name(const float* q, const T* rows, size_t count, size_t dim, float* out) {       \
    Rows<DotStep>(q, rows, count, dim, out);                                                      \
  }                                                                                               \
  void SquaredL2Gather##Name(const float* q, const RowPick<T>& pick, float* out) {                \
    Gather<L2Step>(q, pick, out);                                                                 \
  }                                                                                               \
  void DotGather##Name(const float* q, const RowPick<T>& pick, float* out) {                      \
    Gather<DotStep>(q, pick, out);                                                                \
  }

ALIDADE_ROW_KERNELS(Float32, float)
ALIDADE_ROW_KERNELS(Float16, Float16)
ALIDADE_ROW_KERNELS(Bfloat16, Bfloat16)
#undef ALIDADE_ROW_KERNELS

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(SquaredL2Impl);
HWY_EXPORT(DotImpl);

float SquaredL2(const float* a, const float* b, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(SquaredL2Impl)(a, b, dim);
}

float Dot(const float* a, const float* b, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(DotImpl)(a, b, dim);
}

#define ALIDADE_ROW_KERNELS(Name, T)                                                            \
  HWY_EXPORT(SquaredL2Rows##Name);                                                              \
  HWY_EXPORT(DotRows##Name);                                                                    \
  HWY_EXPORT(SquaredL2Gather##Name);                                                            \
  HWY_EXPORT(DotGather##Name);                                                                  \
  void SquaredL2Rows(const float* query, const T* rows, size_t count, size_t dim, float* out) { \
    HWY_DYNAMIC_DISPATCH(SquaredL2Rows##Name)(query, rows, count, dim, out);                    \
  }                                                                                             \
  void DotRows(const float* query, const T* rows, size_t count, size_t dim, float* out) {       \
    HWY_DYNAMIC_DISPATCH(DotRows##Name)(query, rows, count, dim, out);                          \
  }                                                                                             \
  void SquaredL2Gather(const float* query, const RowPick<T>& pick, float* out) {                \
    HWY_DYNAMIC_DISPATCH(SquaredL2Gather##Name)(query, pick, out);                              \
  }                                                                                             \
  void DotGather(const float* query, const RowPick<T>& pick, float* out) {                      \
    HWY_DYNAMIC_DISPATCH(DotGather##Name)(query, pick, out);                                    \
  }

ALIDADE_ROW_KERNELS(Float32, float)
ALIDADE_ROW_KERNELS(Float16, Float16)
ALIDADE_ROW_KERNELS(Bfloat16, Bfloat16)
#undef ALIDADE_ROW_KERNELS

std::vector<std::string> KernelTargets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

bool ForceKernelTargetForTest(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
  if (name.empty()) {
    return true;
  }
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(target)) {
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().DeInit();
      return true;
    }
  }
  return false;
}

}  // namespace alidade
#endif  // HWY_ONCE
