#include "scalar_order.h"

#include <cmath>

namespace alidade {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;  // first double above every int64

}  // namespace

std::partial_ordering CompareNumbers(int64_t a, double b) {
  if (std::isnan(b)) {
    return std::partial_ordering::unordered;
  }
  if (b >= kTwoTo63) {
    return std::partial_ordering::less;
  }
  if (b < -kTwoTo63) {
    return std::partial_ordering::greater;
  }
  // The integral part fits an int64, and where it is not the whole of b it is below 2^53, so
  // nothing is rounded.
  const double whole = std::trunc(b);
  const auto integer = static_cast<int64_t>(whole);
  if (a != integer) {
    return a <=> integer;
  }
  return 0.0 <=> b - whole;
}

std::optional<int64_t> WholeNumber(double x) {
  if (!(x >= -kTwoTo63 && x < kTwoTo63) || std::trunc(x) != x) {
    return std::nullopt;
  }
  return static_cast<int64_t>(x);
}

}  // namespace alidade
