#include "alidade/vec/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

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

// Loads the last `rest` (< Lanes) floats without touching what lies behind them; other lanes are
// zero, which adds nothing to either sum.
static HWY_INLINE V LoadRest(D d, const float* p, size_t rest) {
  HWY_ALIGN float padded[HWY_MAX_BYTES / sizeof(float)] = {};
  for (size_t i = 0; i < rest; ++i) {
    padded[i] = p[i];
  }
  return hn::Load(d, padded);
}

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
template <class Step>
HWY_INLINE void Four(const float* HWY_RESTRICT query,
                     const float* const* rows,
                     size_t dim,
                     float* out) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const float* r0 = rows[0];
  const float* r1 = rows[1];
  const float* r2 = rows[2];
  const float* r3 = rows[3];
  V s0 = hn::Zero(d);
  V s1 = s0;
  V s2 = s0;
  V s3 = s0;
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V q = hn::LoadU(d, query + i);
    s0 = Step::Add(q, hn::LoadU(d, r0 + i), s0);
    s1 = Step::Add(q, hn::LoadU(d, r1 + i), s1);
    s2 = Step::Add(q, hn::LoadU(d, r2 + i), s2);
    s3 = Step::Add(q, hn::LoadU(d, r3 + i), s3);
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
template <class Step, class RowAt>
HWY_INLINE void LastRows(
    const float* query, size_t count, const RowAt& row_at, size_t dim, float* out) {
  if (count == 0) {
    return;
  }
  const float* four[4];
  for (size_t k = 0; k < 4; ++k) {
    four[k] = row_at(HWY_MIN(k, count - 1));
  }
  float sums[4];
  Four<Step>(query, four, dim, sums);
  for (size_t k = 0; k < count; ++k) {
    out[k] = sums[k];
  }
}

template <class Step>
HWY_INLINE void Rows(const float* query, const float* rows, size_t count, size_t dim, float* out) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float* base = rows + i * dim;
    const float* const four[4] = {base, base + dim, base + 2 * dim, base + 3 * dim};
    Four<Step>(query, four, dim, out + i);
  }
  LastRows<Step>(
      query, count - i, [=](size_t k) { return rows + (i + k) * dim; }, dim, out + i);
}

// How many rows ahead are fetched, and how much of each: the hardware prefetcher takes over after a
// few lines.
constexpr size_t kAhead = 4;
constexpr size_t kPrefetchBytesMax = 2048;

HWY_INLINE void PrefetchRow(const float* row, size_t dim) {
  const size_t bytes = HWY_MIN(dim * sizeof(float), kPrefetchBytesMax);
  const char* p = reinterpret_cast<const char*>(row);
  for (size_t offset = 0; offset < bytes; offset += 64) {
    __builtin_prefetch(p + offset);
  }
}

template <class Step>
HWY_INLINE void Gather(const float* query, const RowPick& pick, float* out) {
  const size_t first = HWY_MIN(kAhead, pick.count);
  for (size_t i = 0; i < first; ++i) {
    PrefetchRow(pick.base + size_t{pick.rows[i]} * pick.dim, pick.dim);
  }
  size_t i = 0;
  for (; i + 4 <= pick.count; i += 4) {
    const float* four[4];
    for (size_t k = 0; k < 4; ++k) {
      four[k] = pick.base + size_t{pick.rows[i + k]} * pick.dim;
      if (i + k + kAhead < pick.count) {
        PrefetchRow(pick.base + size_t{pick.rows[i + k + kAhead]} * pick.dim, pick.dim);
      }
    }
    Four<Step>(query, four, pick.dim, out + i);
  }
  LastRows<Step>(
      query,
      pick.count - i,
      [&pick, i](size_t k) { return pick.base + size_t{pick.rows[i + k]} * pick.dim; },
      pick.dim,
      out + i);
}

float SquaredL2Impl(const float* a, const float* b, size_t dim) { return One<L2Step>(a, b, dim); }
float DotImpl(const float* a, const float* b, size_t dim) { return One<DotStep>(a, b, dim); }
void SquaredL2RowsImpl(const float* q, const float* rows, size_t count, size_t dim, float* out) {
  Rows<L2Step>(q, rows, count, dim, out);
}
void DotRowsImpl(const float* q, const float* rows, size_t count, size_t dim, float* out) {
  Rows<DotStep>(q, rows, count, dim, out);
}
void SquaredL2GatherImpl(const float* q, const RowPick& pick, float* out) {
  Gather<L2Step>(q, pick, out);
}
void DotGatherImpl(const float* q, const RowPick& pick, float* out) {
  Gather<DotStep>(q, pick, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(SquaredL2Impl);
HWY_EXPORT(DotImpl);
HWY_EXPORT(SquaredL2RowsImpl);
HWY_EXPORT(DotRowsImpl);
HWY_EXPORT(SquaredL2GatherImpl);
HWY_EXPORT(DotGatherImpl);

float SquaredL2(const float* a, const float* b, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(SquaredL2Impl)(a, b, dim);
}

float Dot(const float* a, const float* b, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(DotImpl)(a, b, dim);
}

void SquaredL2Rows(const float* query, const float* rows, size_t count, size_t dim, float* out) {
  HWY_DYNAMIC_DISPATCH(SquaredL2RowsImpl)(query, rows, count, dim, out);
}

void DotRows(const float* query, const float* rows, size_t count, size_t dim, float* out) {
  HWY_DYNAMIC_DISPATCH(DotRowsImpl)(query, rows, count, dim, out);
}

void SquaredL2Gather(const float* query, const RowPick& pick, float* out) {
  HWY_DYNAMIC_DISPATCH(SquaredL2GatherImpl)(query, pick, out);
}

void DotGather(const float* query, const RowPick& pick, float* out) {
  HWY_DYNAMIC_DISPATCH(DotGatherImpl)(query, pick, out);
}

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
