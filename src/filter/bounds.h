// Bounds: what a range lets through, made ready for one kind of value.
//
// Threads:  immutable.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/instant.h"

namespace alidade {

// Bounds of one ordered type; what is not set lets everything through.
template <typename T>
struct Bounds {
  std::optional<T> gt = std::nullopt;
  std::optional<T> gte = std::nullopt;
  std::optional<T> lt = std::nullopt;
  std::optional<T> lte = std::nullopt;

  template <typename U>
  bool Contains(const U& value) const {
    return (!gt.has_value() || value > *gt) && (!gte.has_value() || value >= *gte) &&
           (!lt.has_value() || value < *lt) && (!lte.has_value() || value <= *lte);
  }
};

// Calls fn(name, bound) for gt, gte, lt and lte of a Range, DatetimeRange or CountRange, those that
// are set.
template <typename AnyRange, typename Fn>
void ForEachBound(const AnyRange& range, const Fn& fn) {
  for (const auto& [name, bound] : {std::pair("gt", &range.gt),
                                    std::pair("gte", &range.gte),
                                    std::pair("lt", &range.lt),
                                    std::pair("lte", &range.lte)}) {
    if (bound->has_value()) {
      fn(name, **bound);
    }
  }
}

// Each bound of the range turned by `convert` (to an optional).
template <typename T, typename AnyRange, typename Fn>
Bounds<T> ConvertBounds(const AnyRange& range, const Fn& convert) {
  const auto turned = [&](const auto& bound) {
    return bound.has_value() ? std::optional<T>(convert(*bound)) : std::nullopt;
  };
  return {turned(range.gt), turned(range.gte), turned(range.lt), turned(range.lte)};
}

// Numbers, exactly. Every bound is an int64 or a double.
class NumberBounds {
 public:
  explicit NumberBounds(const Range& range);
  bool operator()(const ValueView& value) const;

 private:
  Range range_;  // as given, for doubles
  // The integers between the bounds; none: low above high.
  int64_t low_ = std::numeric_limits<int64_t>::min();
  int64_t high_ = std::numeric_limits<int64_t>::max();
};

struct TextBounds {
  Bounds<std::string> bounds;
  bool operator()(const ValueView& value) const {
    return value.tag() == ValueTag::kString && bounds.Contains(value.AsString());
  }
};

struct InstantBounds {
  Bounds<Instant> bounds;
  bool operator()(const ValueView& value) const {
    if (value.tag() != ValueTag::kString) {
      return false;
    }
    const std::optional<Instant> instant = ParseInstant(value.AsString());
    return instant.has_value() && bounds.Contains(*instant);
  }
};

// The number of values at a key.
struct CountBounds {
  Bounds<uint64_t> bounds;
  bool operator()(const std::optional<ValueView>& value) const {
    const bool none = !value.has_value() || value->tag() == ValueTag::kNull;
    const uint64_t count = none ? 0 : value->tag() == ValueTag::kList ? value->ListSize() : 1;
    return bounds.Contains(count);
  }
};

}  // namespace alidade
