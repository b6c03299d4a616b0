// The shapes of geo conditions, made ready; see filter.h for what belongs to them.
//
// Threads:  immutable.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter.h"

#include "key_path.h"

namespace alidade {

class Disc {
 public:
  explicit Disc(const GeoRadius& radius);
  bool Contains(const GeoPoint& point) const;

 private:
  GeoPoint center_;
  double cos_lat_;
  double haversine_max_;  // of the angle that the radius spans
};

class Box {
 public:
  explicit Box(const GeoBox& box) : low_(box.south_west), high_(box.north_east) {}
  bool Contains(const GeoPoint& point) const;

 private:
  GeoPoint low_;
  GeoPoint high_;
};

// Cost: looks at every edge of the exterior for each point, at those of the holes for points in it.
class Polygon {
 public:
  explicit Polygon(const GeoPolygon& polygon)
      : exterior_(polygon.exterior), holes_(polygon.holes) {}
  bool Contains(const GeoPoint& point) const;

 private:
  bool ContainsHere(const GeoPoint& point) const;

  std::vector<GeoPoint> exterior_;
  std::vector<std::vector<GeoPoint>> holes_;
};

// Reads {lat, lon} and asks the shape.
template <typename Shape>
class ShapeTest {
 public:
  explicit ShapeTest(Shape shape) : shape_(std::move(shape)) {}
  bool operator()(const ValueView& value) const {
    const std::optional<GeoPoint> point = PointOf(value);
    return point.has_value() && shape_.Contains(*point);
  }

 private:
  // Nothing unless it is an object with numbers in their range.
  std::optional<GeoPoint> PointOf(const ValueView& value) const {
    if (value.tag() != ValueTag::kObject) {
      return std::nullopt;
    }
    const auto lat = NumberOf(lat_.Find(value.AsObject()));
    const auto lon = NumberOf(lon_.Find(value.AsObject()));
    if (!lat.has_value() || !lon.has_value() || !(*lat >= -90 && *lat <= 90) ||
        !(*lon >= -180 && *lon <= 180)) {
      return std::nullopt;
    }
    return GeoPoint{.lat = *lat, .lon = *lon};
  }
  static std::optional<double> NumberOf(const std::optional<ValueView>& value) {
    if (value.has_value() && value->tag() == ValueTag::kDouble) {
      return value->AsDouble();
    }
    if (value.has_value() && value->tag() == ValueTag::kInt64) {
      return static_cast<double>(value->AsInt64());
    }
    return std::nullopt;
  }

  Shape shape_;
  KeyPath lat_{"lat"};
  KeyPath lon_{"lon"};
};

}  // namespace alidade
