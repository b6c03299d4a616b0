#include <cmath>
#include <cstdint>

#include "alidade/filter/filter.h"
#include "alidade/filter/geo_point.h"
#include "alidade/filter/instant.h"

#include "bounds.h"

namespace alidade {
namespace {

Status CheckKey(const std::string& key, const std::string& path) {
  if (key.empty() || key.size() > kFilterKeyBytesMax) {
    return FieldError(
        path + ".key", "has {} bytes; 1..{} are allowed", key.size(), kFilterKeyBytesMax);
  }
  return OkStatus();
}

// At least one bound, at most one on each side.
template <typename AnyRange>
Status CheckBounds(const AnyRange& range, const std::string& path) {
  if (range.gt.has_value() && range.gte.has_value()) {
    return FieldError(path + ".gte", "must not be set together with gt");
  }
  if (range.lt.has_value() && range.lte.has_value()) {
    return FieldError(path + ".lte", "must not be set together with lt");
  }
  if (!range.gt.has_value() && !range.gte.has_value() && !range.lt.has_value() &&
      !range.lte.has_value()) {
    return FieldError(path, "has no bound");
  }
  return OkStatus();
}

Status CheckRing(const std::vector<GeoPoint>& ring, const std::string& path) {
  // A ring may be closed by its first point once more.
  const size_t corners =
      ring.size() - (ring.size() > 1 && ring.front() == ring.back() ? size_t{1} : size_t{0});
  if (corners < 3) {
    return FieldError(path + ".points", "has {} corners; a ring has at least 3", corners);
  }
  for (size_t i = 0; i < ring.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(CheckGeoPoint(ring[i], fmt::format("{}.points[{}]", path, i)));
  }
  return OkStatus();
}

class Validator {
 public:
  explicit Validator(const Limits& limits) : limits_(limits) {}

  Status Check(const Filter& filter, uint32_t depth, const std::string& path) {
    if (depth > limits_.filter_depth_max) {
      return FieldError(path, "is nested deeper than {} levels", limits_.filter_depth_max);
    }
    if (++nodes_ > limits_.filter_nodes_max) {
      return FieldError(path, "is one node too many, the limit is {}", limits_.filter_nodes_max);
    }
    return std::visit([&](const auto& node) { return CheckNode(node, depth, path); }, filter.node);
  }

 private:
  Status CheckNode(const AllOf& group, uint32_t depth, const std::string& path) {
    return CheckChildren(group.children, depth, path + ".all_of");
  }
  Status CheckNode(const AnyOf& group, uint32_t depth, const std::string& path) {
    return CheckChildren(group.children, depth, path + ".any_of");
  }
  Status CheckNode(const NoneOf& group, uint32_t depth, const std::string& path) {
    return CheckChildren(group.children, depth, path + ".none_of");
  }
  Status CheckNode(const Nested& nested, uint32_t depth, const std::string& path) {
    ALIDADE_RETURN_IF_ERROR(CheckKey(nested.key, path + ".nested"));
    if (nested.children.empty()) {
      return FieldError(path + ".nested.filters", "is empty; it would hold for any element");
    }
    ++elements_;
    Status status = CheckChildren(nested.children, depth, path + ".nested");
    --elements_;
    return status;
  }
  Status CheckNode(const In& condition, uint32_t /*depth*/, const std::string& path) const {
    ALIDADE_RETURN_IF_ERROR(CheckKey(condition.key, path + ".is_in"));
    return CheckValues(condition.values, path + ".is_in");
  }
  Status CheckNode(const ContainsAll& condition,
                   uint32_t /*depth*/,
                   const std::string& path) const {
    ALIDADE_RETURN_IF_ERROR(CheckKey(condition.key, path + ".contains_all"));
    if (condition.values.empty()) {
      return FieldError(path + ".contains_all.values", "is empty; it would hold for every point");
    }
    return CheckValues(condition.values, path + ".contains_all");
  }
  Status CheckNode(const Range& range, uint32_t /*depth*/, const std::string& path) const {
    return CheckRange(range, path + ".range");
  }
  Status CheckNode(const DatetimeRange& range, uint32_t /*depth*/, const std::string& path) const {
    const std::string here = path + ".datetime_range";
    ALIDADE_RETURN_IF_ERROR(CheckKey(range.key, here));
    ALIDADE_RETURN_IF_ERROR(CheckBounds(range, here));
    Status status;
    ForEachBound(range, [&](const char* name, const std::string& bound) {
      if (status.ok() && !ParseInstant(bound).has_value()) {
        status = FieldError(here + "." + name,
                            "is no RFC 3339 datetime such as 2024-02-29T23:59:59.5+01:00");
      }
    });
    return status;
  }
  Status CheckNode(const CountRange& range, uint32_t /*depth*/, const std::string& path) const {
    ALIDADE_RETURN_IF_ERROR(CheckKey(range.key, path + ".count"));
    return CheckBounds(range, path + ".count");
  }
  Status CheckNode(const Exists& condition, uint32_t /*depth*/, const std::string& path) const {
    return CheckKey(condition.key, path + ".exists");
  }
  Status CheckNode(const IsNull& condition, uint32_t /*depth*/, const std::string& path) const {
    return CheckKey(condition.key, path + ".is_null");
  }
  Status CheckNode(const IsEmpty& condition, uint32_t /*depth*/, const std::string& path) const {
    return CheckKey(condition.key, path + ".is_empty");
  }
  Status CheckNode(const StringMatch& match, uint32_t /*depth*/, const std::string& path) const {
    const std::string here = path + (match.kind == StringMatchKind::kPrefix      ? ".starts_with"
                                     : match.kind == StringMatchKind::kSubstring ? ".contains"
                                                                                 : ".icontains");
    ALIDADE_RETURN_IF_ERROR(CheckKey(match.key, here));
    return CheckText(match.text, here);
  }
  Status CheckNode(const TextMatch& match, uint32_t /*depth*/, const std::string& path) const {
    const std::string here = path + (match.kind == TextMatchKind::kAllWords  ? ".match"
                                     : match.kind == TextMatchKind::kAnyWord ? ".match_any"
                                                                             : ".match_phrase");
    ALIDADE_RETURN_IF_ERROR(CheckKey(match.key, here));
    ALIDADE_RETURN_IF_ERROR(CheckText(match.text, here));
    return ValidateAnalyzer(match.analyzer, here + ".analyzer");
  }
  Status CheckNode(const GeoRadius& radius, uint32_t /*depth*/, const std::string& path) const {
    const std::string here = path + ".geo_radius";
    ALIDADE_RETURN_IF_ERROR(CheckKey(radius.key, here));
    ALIDADE_RETURN_IF_ERROR(CheckGeoPoint(radius.center, here + ".center"));
    if (!(radius.metres > 0) || std::isinf(radius.metres)) {
      return FieldError(here + ".metres", "is {}; more than 0 is wanted", radius.metres);
    }
    return OkStatus();
  }
  Status CheckNode(const GeoBox& box, uint32_t /*depth*/, const std::string& path) const {
    const std::string here = path + ".geo_box";
    ALIDADE_RETURN_IF_ERROR(CheckKey(box.key, here));
    ALIDADE_RETURN_IF_ERROR(CheckGeoPoint(box.south_west, here + ".south_west"));
    ALIDADE_RETURN_IF_ERROR(CheckGeoPoint(box.north_east, here + ".north_east"));
    if (box.south_west.lat > box.north_east.lat) {
      return FieldError(here + ".south_west.lat",
                        "is {}, north of north_east.lat, which is {}",
                        box.south_west.lat,
                        box.north_east.lat);
    }
    return OkStatus();
  }
  Status CheckNode(const GeoPolygon& polygon, uint32_t /*depth*/, const std::string& path) const {
    const std::string here = path + ".geo_polygon";
    ALIDADE_RETURN_IF_ERROR(CheckKey(polygon.key, here));
    size_t points = polygon.exterior.size();
    for (const auto& hole : polygon.holes) {
      points += hole.size();
    }
    if (points > limits_.filter_polygon_points_max) {
      return FieldError(
          here, "has {} points, the limit is {}", points, limits_.filter_polygon_points_max);
    }
    ALIDADE_RETURN_IF_ERROR(CheckRing(polygon.exterior, here + ".exterior"));
    for (size_t i = 0; i < polygon.holes.size(); ++i) {
      ALIDADE_RETURN_IF_ERROR(CheckRing(polygon.holes[i], fmt::format("{}.holes[{}]", here, i)));
    }
    return OkStatus();
  }
  Status CheckNode(const IdIn& condition, uint32_t /*depth*/, const std::string& path) const {
    ALIDADE_RETURN_IF_ERROR(CheckOutsideNested(path + ".id_in"));
    if (condition.ids.size() > limits_.filter_values_max) {
      return FieldError(path + ".id_in.ids",
                        "has {} ids, the limit is {}",
                        condition.ids.size(),
                        limits_.filter_values_max);
    }
    return OkStatus();
  }
  Status CheckNode(const HasVector& condition, uint32_t /*depth*/, const std::string& path) const {
    ALIDADE_RETURN_IF_ERROR(CheckOutsideNested(path + ".has_vector"));
    if (condition.field.empty() || condition.field.size() > kNameBytesMax) {
      return FieldError(path + ".has_vector.field",
                        "has {} bytes; 1..{} are allowed",
                        condition.field.size(),
                        kNameBytesMax);
    }
    return OkStatus();
  }

  Status CheckText(const std::string& text, const std::string& path) const {
    if (text.empty() || text.size() > limits_.filter_text_bytes_max) {
      return FieldError(path + ".text",
                        "has {} bytes; 1..{} are allowed",
                        text.size(),
                        limits_.filter_text_bytes_max);
    }
    return OkStatus();
  }

  Status CheckOutsideNested(const std::string& path) const {
    if (elements_ > 0) {
      return FieldError(path, "asks about the point, which has no place inside nested");
    }
    return OkStatus();
  }

  Status CheckChildren(const std::vector<Filter>& children,
                       uint32_t depth,
                       const std::string& path) {
    for (size_t i = 0; i < children.size(); ++i) {
      ALIDADE_RETURN_IF_ERROR(
          Check(children[i], depth + 1, fmt::format("{}.filters[{}]", path, i)));
    }
    return OkStatus();
  }

  Status CheckValues(const std::vector<Value>& values, const std::string& path) const {
    if (values.size() > limits_.filter_values_max) {
      return FieldError(path + ".values",
                        "has {} values, the limit is {}",
                        values.size(),
                        limits_.filter_values_max);
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].As<List>() != nullptr || values[i].As<Object>() != nullptr) {
        return FieldError(fmt::format("{}.values[{}]", path, i),
                          "must be null, a bool, a number or a string");
      }
    }
    return OkStatus();
  }

  static Status CheckRange(const Range& range, const std::string& path) {
    ALIDADE_RETURN_IF_ERROR(CheckKey(range.key, path));
    ALIDADE_RETURN_IF_ERROR(CheckBounds(range, path));
    Status status;
    const Value* first = nullptr;  // that is not null
    ForEachBound(range, [&](const char* name, const Value& bound) {
      const bool is_text = bound.As<std::string>() != nullptr;
      if (!status.ok() || bound.As<Value::Null>() != nullptr) {
        return;
      }
      if (!is_text && bound.As<int64_t>() == nullptr && bound.As<double>() == nullptr) {
        status = FieldError(path + "." + name, "must be a number, a string or null");
      } else if (first != nullptr && is_text != (first->As<std::string>() != nullptr)) {
        status = FieldError(path + "." + name,
                            "must be of the same kind as the other bounds: numbers or strings");
      }
      first = &bound;
    });
    return status;
  }

  const Limits& limits_;
  uint32_t nodes_ = 0;
  uint32_t elements_ = 0;  // Nested nodes around the present one
};

}  // namespace

Status ValidateFilter(const Filter& filter, const Limits& limits, const std::string& path) {
  return Validator(limits).Check(filter, /*depth=*/1, path);
}

}  // namespace alidade
