#include "bounds.h"

#include <cmath>

#include "scalar_order.h"

namespace alidade {
namespace {

// A double against an int64 or double bound.
std::partial_ordering CompareWithBound(double value, const Value& bound) {
  if (const auto* integer = bound.As<int64_t>()) {
    // NOLINTNEXTLINE(modernize-use-nullptr): 0 is the number of the reversed order
    return 0 <=> CompareNumbers(*integer, value);
  }
  return value <=> *bound.As<double>();
}

// The first integer at or above the bound, or above it if `open`; nothing if there is none.
std::optional<int64_t> FirstInteger(const Value& bound, bool open) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t first = 0;
  if (const auto* integer = bound.As<int64_t>()) {
    first = *integer;
  } else {
    const double number = *bound.As<double>();
    const double up = std::ceil(number);
    const std::optional<int64_t> whole = WholeNumber(up);
    if (!whole.has_value()) {
      // Below all integers, above all of them, or NaN, which lets nothing through.
      return up < 0 ? std::optional(std::numeric_limits<int64_t>::min()) : std::nullopt;
    }
    if (up > number) {
      return whole;
    }
    first = *whole;
  }
  if (!open) {
    return first;
  }
  return first == kMax ? std::nullopt : std::optional(first + 1);
}

std::optional<int64_t> LastInteger(const Value& bound, bool open) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  int64_t last = 0;
  if (const auto* integer = bound.As<int64_t>()) {
    last = *integer;
  } else {
    const double number = *bound.As<double>();
    const double down = std::floor(number);
    const std::optional<int64_t> whole = WholeNumber(down);
    if (!whole.has_value()) {
      return down > 0 ? std::optional(std::numeric_limits<int64_t>::max()) : std::nullopt;
    }
    if (down < number) {
      return whole;
    }
    last = *whole;
  }
  if (!open) {
    return last;
  }
  return last == kMin ? std::nullopt : std::optional(last - 1);
}

}  // namespace

NumberBounds::NumberBounds(const Range& range) : range_(range) {
  bool none = false;
  const auto raise = [&](const std::optional<Value>& bound, bool open) {
    if (bound.has_value()) {
      const std::optional<int64_t> first = FirstInteger(*bound, open);
      none = none || !first.has_value();
      low_ = std::max(low_, first.value_or(low_));
    }
  };
  const auto lower = [&](const std::optional<Value>& bound, bool open) {
    if (bound.has_value()) {
      const std::optional<int64_t> last = LastInteger(*bound, open);
      none = none || !last.has_value();
      high_ = std::min(high_, last.value_or(high_));
    }
  };
  raise(range.gt, /*open=*/true);
  raise(range.gte, /*open=*/false);
  lower(range.lt, /*open=*/true);
  lower(range.lte, /*open=*/false);
  if (none) {
    low_ = 1;
    high_ = 0;
  }
}

bool NumberBounds::operator()(const ValueView& value) const {
  if (value.tag() == ValueTag::kInt64) {
    const int64_t integer = value.AsInt64();
    return low_ <= integer && integer <= high_;
  }
  if (value.tag() != ValueTag::kDouble) {
    return false;
  }
  const double number = value.AsDouble();
  const Range& range = range_;
  return (!range.gt.has_value() || std::is_gt(CompareWithBound(number, *range.gt))) &&
         (!range.gte.has_value() || std::is_gteq(CompareWithBound(number, *range.gte))) &&
         (!range.lt.has_value() || std::is_lt(CompareWithBound(number, *range.lt))) &&
         (!range.lte.has_value() || std::is_lteq(CompareWithBound(number, *range.lte)));
}

}  // namespace alidade
