#include "finish_kernels.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "finish_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alidade {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Scans go in steps of eight records and more.
void FinishCodeRowsImpl(const FinishTerms& terms,
                        const uint8_t* tails,
                        size_t stride,
                        const int32_t* dots,
                        size_t count,
                        float* out) {
  const hn::CappedTag<float, 8> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const size_t lanes = hn::Lanes(d);
  const auto offsets = hn::Mul(hn::Iota(d32, 0), hn::Set(d32, static_cast<int32_t>(stride)));
  const auto farthest = hn::Set(d, std::numeric_limits<float>::max());
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto* tail = tails + i * stride;
    const auto field = [&](size_t at) HWY_ATTR {
      return hn::GatherOffset(d, reinterpret_cast<const float*>(tail + at), offsets);
    };
    const auto dot = hn::ConvertTo(d, hn::LoadU(d32, dots + i));
    const auto estimate =
        hn::Add(hn::Add(hn::Mul(hn::Set(d, terms.dot_factor), dot),
                        hn::Mul(hn::Set(d, terms.extra_factor), field(offsetof(CodeTail, extra)))),
                hn::Set(d, terms.constant));
    const auto distance = hn::Add(
        hn::Add(hn::Set(d, terms.base), field(offsetof(CodeTail, offset))),
        hn::Mul(hn::Mul(hn::Set(d, terms.weight), field(offsetof(CodeTail, factor))), estimate));
    hn::StoreU(hn::IfThenElse(hn::Lt(distance, farthest), distance, farthest), d, out + i);
  }
  for (; i < count; ++i) {
    out[i] = FinishCode(terms, dots[i], tails + i * stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace alidade
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alidade {

HWY_EXPORT(FinishCodeRowsImpl);

void FinishCodeRows(const FinishTerms& terms,
                    const uint8_t* tails,
                    size_t stride,
                    const int32_t* dots,
                    size_t count,
                    float* out) {
  HWY_DYNAMIC_DISPATCH(FinishCodeRowsImpl)(terms, tails, stride, dots, count, out);
}

}  // namespace alidade
#endif  // HWY_ONCE
