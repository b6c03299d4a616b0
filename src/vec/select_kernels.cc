#include "alidade/vec/select_kernels.h"

#include <algorithm>
#include <bit>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "select_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The least of each group: distance i is of group i % groups. Requires: 16 divides `groups`, which
// are at most `count`.
void GroupMinimaImpl(const float* distances, size_t count, size_t groups, float* out) {
  const hn::CappedTag<float, 16> d;
  const size_t whole = count / groups * groups;
  for (size_t group = 0; group < groups; group += hn::Lanes(d)) {
    auto least = hn::LoadU(d, distances + group);
    for (size_t at = group + groups; at < whole; at += groups) {
      least = hn::Min(least, hn::LoadU(d, distances + at));
    }
    hn::StoreU(least, d, out + group);
  }
  for (size_t at = whole; at < count; ++at) {
    out[at - whole] = std::min(out[at - whole], distances[at]);
  }
}

// The least of some values that at least k of them do not exceed. Requires: 16 divides `count`.
float LeastOfAtLeastImpl(const float* values, size_t count, size_t k) {
  const hn::CappedTag<float, 16> d;
  float least = std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < count; ++i) {
    const auto value = hn::Set(d, values[i]);
    size_t up_to = 0;
    for (size_t at = 0; at < count; at += hn::Lanes(d)) {
      up_to += hn::CountTrue(d, hn::Le(hn::LoadU(d, values + at), value));
    }
    least = up_to >= k ? std::min(least, values[i]) : least;
  }
  return least;
}

size_t SelectUpToImpl(const float* distances, size_t count, float bound, uint32_t* places) {
  const hn::CappedTag<float, kSelectRoom> d;
  const hn::RebindToUnsigned<decltype(d)> d32;
  const size_t lanes = hn::Lanes(d);
  const auto most = hn::Set(d, bound);
  size_t selected = 0;
  size_t at = 0;
  for (; at + lanes <= count; at += lanes) {
    const auto near = hn::RebindMask(d32, hn::Le(hn::LoadU(d, distances + at), most));
    hn::StoreU(
        hn::Compress(hn::Iota(d32, static_cast<uint32_t>(at)), near), d32, places + selected);
    selected += hn::CountTrue(d32, near);
  }
  for (; at < count; ++at) {
    places[selected] = static_cast<uint32_t>(at);
    selected += distances[at] <= bound ? 1U : 0U;
  }
  return selected;
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(GroupMinimaImpl);
HWY_EXPORT(LeastOfAtLeastImpl);
HWY_EXPORT(SelectUpToImpl);

float BoundOfNearest(const float* distances, size_t count, size_t k, std::vector<float>& scratch) {
  // The more groups, the fewer of the k nearest share one, and the closer the bound (chosen).
  constexpr size_t kGroupsMin = 32;
  constexpr size_t kGroupsPerWanted = 2;
  const size_t groups = std::max(kGroupsMin, std::bit_ceil(kGroupsPerWanted * k));
  if (2 * groups > count) {
    return std::numeric_limits<float>::infinity();
  }
  scratch.resize(groups);
  HWY_DYNAMIC_DISPATCH(GroupMinimaImpl)(distances, count, groups, scratch.data());
  constexpr size_t kFewGroups = 64;  // counting takes the square of them, without branches
  if (groups <= kFewGroups) {
    return HWY_DYNAMIC_DISPATCH(LeastOfAtLeastImpl)(scratch.data(), groups, k);
  }
  const auto last = scratch.begin() + static_cast<ptrdiff_t>(k - 1);
  std::nth_element(scratch.begin(), last, scratch.end());
  return *last;
}

size_t SelectUpTo(const float* distances, size_t count, float bound, uint32_t* places) {
  return HWY_DYNAMIC_DISPATCH(SelectUpToImpl)(distances, count, bound, places);
}

}  // namespace alidade
#endif  // HWY_ONCE
