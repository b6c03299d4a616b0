// Filter: a condition on the payload of a point, as a tree, and its evaluation.
//
// Keys:     a key is a dotted path (PayloadView::Find). A missing key fails every condition but
//           is_null (missing counts as null) and none_of around it.
// Values:   integers and doubles compare by value (1 equals 1.0, exactly, without rounding through
//           double); bool, string and null equal only their own kind; NaN matches nothing. Ranges
//           hold for numbers against numbers and strings against strings (byte order).
// Lists:    a condition on a list holds if it holds for any element; the bounds of a range for one
//           and the same element; elements that are lists count with theirs; is_null for a list
//           with a null in it. exists asks for the key only, so an empty list exists.
// Threads:  pure functions over immutable values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "alidade/common/limits.h"
#include "alidade/common/status.h"
#include "alidade/common/value.h"

namespace alidade {

struct Filter;

struct AllOf {
  std::vector<Filter> children;  // empty: true
};
struct AnyOf {
  std::vector<Filter> children;  // empty: false
};
struct NoneOf {
  std::vector<Filter> children;  // empty: true
};
// key == one of the values (scalars only); no values: false
struct In {
  std::string key;
  std::vector<Value> values;
};
// Bounds are int64, double or string, all of one kind (numbers count as one kind).
struct Range {
  std::string key;
  std::optional<Value> gt = std::nullopt;
  std::optional<Value> gte = std::nullopt;
  std::optional<Value> lt = std::nullopt;
  std::optional<Value> lte = std::nullopt;
};
struct Exists {
  std::string key;  // present, whatever its value (null too)
};
struct IsNull {
  std::string key;  // missing or null
};

// Immutable once made.
struct Filter {
  std::variant<AllOf, AnyOf, NoneOf, In, Range, Exists, IsNull> node;
};

// Longest key (dotted path) of a condition, in bytes (chosen).
inline constexpr size_t kFilterKeyBytesMax = 256;

// `payload` is an encoded object (common/payload_codec.h).
// Requires: the filter passed ValidateFilter (its depth bounds the recursion).
bool Matches(const Filter& filter, std::string_view payload);

// Depth, number of nodes and of values within the limits (the root has depth 1); keys of 1 to
// kFilterKeyBytesMax bytes; values of `In` scalar; bounds of `Range` numbers or strings, of one
// kind, at least one, at most one on each side.
// Errors: INVALID_ARGUMENT with the path of the offending part below `path`, e.g.
//         `filter.all_of[1].range.lt`.
Status ValidateFilter(const Filter& filter, const Limits& limits, const std::string& path);

// One line for plans and logs, e.g. `all(pos in ["noun"], length in [10, 20))`. Long strings and
// value lists are cut, control bytes escaped.
std::string DescribeFilter(const Filter& filter);

}  // namespace alidade
