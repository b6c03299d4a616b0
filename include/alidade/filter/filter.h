// Filter: a condition on a point (its payload, its id, which vectors it has), as a tree.
//
// Keys:     a key is a dotted path (PayloadView::Find). A missing key counts as null where a
//           condition asks for null, and as zero values where it asks for their number; it fails
//           every other condition. none_of is the exact complement: "not equal" and "not in" hold
//           for a missing key.
// Values:   integers and doubles compare by value (1 equals 1.0, exactly, without rounding through
//           double); bool, string and null equal only their own kind; NaN matches nothing. Ranges
//           hold for numbers against numbers and strings against strings (byte order).
// Lists:    a condition on a list holds if it holds for any element; the bounds of a range for one
//           and the same element; elements that are lists count with theirs. Exists, IsEmpty and
//           CountRange look at the list itself.
// Text:     filter_text.h; Evaluation: compiled_filter.h.
// Threads:  immutable once made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "alidade/common/limits.h"
#include "alidade/common/point_id.h"
#include "alidade/common/status.h"
#include "alidade/common/value.h"
#include "alidade/filter/text_match.h"

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

// key == one of the values (scalars only); no values: false. Null among them: a missing key too.
struct In {
  std::string key;
  std::vector<Value> values;
  friend bool operator==(const In&, const In&) = default;
};
// Every value equals some element (a scalar counts as a list of one); at least one value.
struct ContainsAll {
  std::string key;
  std::vector<Value> values;
  friend bool operator==(const ContainsAll&, const ContainsAll&) = default;
};
// Bounds are int64, double or string, all of one kind (numbers count as one kind), or null: then
// the range holds for nothing.
struct Range {
  std::string key;
  std::optional<Value> gt = std::nullopt;
  std::optional<Value> gte = std::nullopt;
  std::optional<Value> lt = std::nullopt;
  std::optional<Value> lte = std::nullopt;
  friend bool operator==(const Range&, const Range&) = default;
};
// Strings that ParseInstant takes (instant.h), compared as instants; other values match nothing.
struct DatetimeRange {
  std::string key;
  std::optional<std::string> gt = std::nullopt;
  std::optional<std::string> gte = std::nullopt;
  std::optional<std::string> lt = std::nullopt;
  std::optional<std::string> lte = std::nullopt;
  friend bool operator==(const DatetimeRange&, const DatetimeRange&) = default;
};
// The number of values: elements of a list (a list inside counts as one, null too), 0 for a missing
// key or null, 1 for anything else.
struct CountRange {
  std::string key;
  std::optional<uint64_t> gt = std::nullopt;
  std::optional<uint64_t> gte = std::nullopt;
  std::optional<uint64_t> lt = std::nullopt;
  std::optional<uint64_t> lte = std::nullopt;
  friend bool operator==(const CountRange&, const CountRange&) = default;
};

struct Exists {
  std::string key;  // present, whatever its value (null too)
  friend bool operator==(const Exists&, const Exists&) = default;
};
struct IsNull {
  std::string key;  // missing, null, or a list with a null in it
  friend bool operator==(const IsNull&, const IsNull&) = default;
};
struct IsEmpty {
  std::string key;  // missing, null or a list without elements
  friend bool operator==(const IsEmpty&, const IsEmpty&) = default;
};

enum class StringMatchKind : uint8_t {
  kPrefix,     // begins with the text, by bytes
  kSubstring,  // contains it, by bytes
  kFolded,     // contains it, both under Unicode simple case folding
};
struct StringMatch {
  std::string key;
  StringMatchKind kind = StringMatchKind::kPrefix;
  std::string text;  // not empty
  friend bool operator==(const StringMatch&, const StringMatch&) = default;
};

// In degrees; north and east are positive.
struct GeoPoint {
  double lat = 0;
  double lon = 0;
  friend bool operator==(const GeoPoint&, const GeoPoint&) = default;
};
// The three geo conditions hold for objects with numbers "lat" (-90..90) and "lon" (-180..180), and
// for lists of them. Longitudes 180 and -180 are the same.
//
// At most this far on a sphere of 6,371,008.8 m radius.
struct GeoRadius {
  std::string key;
  GeoPoint center;
  double metres = 0;
  friend bool operator==(const GeoRadius&, const GeoRadius&) = default;
};
// Edges belong to the box. South-west east of north-east: the box crosses the antimeridian.
struct GeoBox {
  std::string key;
  GeoPoint south_west;
  GeoPoint north_east;
  friend bool operator==(const GeoBox&, const GeoBox&) = default;
};
// A ring has at least 3 points; the last is joined to the first. Edges are straight in (lon, lat),
// do not cross the antimeridian, and belong to the polygon, those of its holes too. Where edges of
// one ring cross each other, inside is where a line outwards crosses an odd number of them.
struct GeoPolygon {
  std::string key;
  std::vector<GeoPoint> exterior;
  std::vector<std::vector<GeoPoint>> holes = {};
  friend bool operator==(const GeoPolygon&, const GeoPolygon&) = default;
};

// The value is an object, or a list with an object, for which every child holds; keys of the
// children begin there. At least one child; no IdIn or HasVector below.
struct Nested {
  std::string key;
  std::vector<Filter> children;
};

struct IdIn {
  std::vector<PointId> ids;  // empty: false
  friend bool operator==(const IdIn&, const IdIn&) = default;
};
struct HasVector {
  std::string field;  // a vector field, sparse field or multi-vector field of the collection
  friend bool operator==(const HasVector&, const HasVector&) = default;
};

struct Filter {
  std::variant<AllOf,
               AnyOf,
               NoneOf,
               In,
               ContainsAll,
               Range,
               DatetimeRange,
               CountRange,
               Exists,
               IsNull,
               IsEmpty,
               StringMatch,
               TextMatch,
               GeoRadius,
               GeoBox,
               GeoPolygon,
               Nested,
               IdIn,
               HasVector>
      node;
};

// The same tree: integers differ from doubles here. (NaN is unequal to itself.)
bool operator==(const Filter& a, const Filter& b);

// Longest key (dotted path) of a condition, in bytes (chosen).
inline constexpr size_t kFilterKeyBytesMax = 256;

// Everything that is said above, and depth, number of nodes, values, bytes of text and points of
// polygons within the limits (the root has depth 1). Names of vector fields are checked by
// CompiledFilter::Make.
// Errors: INVALID_ARGUMENT with the path of the offending part of an alidade.v1.Filter below
//         `path`, e.g. `filter.all_of.filters[1].range.lt`.
Status ValidateFilter(const Filter& filter, const Limits& limits, const std::string& path);

}  // namespace alidade
