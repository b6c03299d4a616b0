#include <algorithm>
#include <compare>
#include <optional>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter.h"

#include "scalar_order.h"

namespace alidade {
namespace {

// Whether `holds(ValueView)` is true of the value, or of any element if it is a list. Depth is
// bounded here too, so that malformed bytes cannot exhaust the stack.
template <typename Fn>
bool AnyScalar(const ValueView& value, const Fn& holds, int depth = 0) {
  if (value.tag() != ValueTag::kList) {
    return holds(value);
  }
  if (depth >= kPayloadDepthHardMax) {
    return false;
  }
  return value.AnyElement(
      [&](const ValueView& element) { return AnyScalar(element, holds, depth + 1); });
}

bool IsRangeBound(const Value& bound) {
  return bound.As<int64_t>() != nullptr || bound.As<double>() != nullptr ||
         bound.As<std::string>() != nullptr;
}

// `accepts(ordering)` says whether value <=> bound is on the right side.
template <typename Fn>
bool Within(const ValueView& value, const std::optional<Value>& bound, const Fn& accepts) {
  return !bound.has_value() || (IsRangeBound(*bound) && accepts(CompareScalars(value, *bound)));
}

bool InRange(const ValueView& value, const Range& range) {
  using Order = std::partial_ordering;
  return Within(value, range.gt, [](Order order) { return std::is_gt(order); }) &&
         Within(value, range.gte, [](Order order) { return std::is_gteq(order); }) &&
         Within(value, range.lt, [](Order order) { return std::is_lt(order); }) &&
         Within(value, range.lte, [](Order order) { return std::is_lteq(order); });
}

struct Evaluator {
  PayloadView payload;

  bool Holds(const Filter& filter) const { return std::visit(*this, filter.node); }

  bool operator()(const AllOf& group) const {
    return std::ranges::all_of(group.children, [this](const Filter& x) { return Holds(x); });
  }
  bool operator()(const AnyOf& group) const {
    return std::ranges::any_of(group.children, [this](const Filter& x) { return Holds(x); });
  }
  bool operator()(const NoneOf& group) const {
    return std::ranges::none_of(group.children, [this](const Filter& x) { return Holds(x); });
  }
  bool operator()(const In& condition) const {
    const std::optional<ValueView> found = payload.Find(condition.key);
    return found.has_value() && AnyScalar(*found, [&](const ValueView& value) {
             return std::ranges::any_of(condition.values, [&](const Value& wanted) {
               return std::is_eq(CompareScalars(value, wanted));
             });
           });
  }
  bool operator()(const Range& range) const {
    const std::optional<ValueView> found = payload.Find(range.key);
    return found.has_value() &&
           AnyScalar(*found, [&](const ValueView& value) { return InRange(value, range); });
  }
  bool operator()(const Exists& condition) const { return payload.Find(condition.key).has_value(); }
  bool operator()(const IsNull& condition) const {
    const std::optional<ValueView> found = payload.Find(condition.key);
    return !found.has_value() ||
           AnyScalar(*found, [](const ValueView& value) { return value.tag() == ValueTag::kNull; });
  }
};

}  // namespace

bool Matches(const Filter& filter, std::string_view payload) {
  return Evaluator{PayloadView(payload)}.Holds(filter);
}

}  // namespace alidade
