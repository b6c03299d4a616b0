// The shapes of geo conditions, made ready; see filter.h for what belongs to them.
//
// Threads:  immutable.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/geo_point.h"

namespace alidade {

class Disc {
 public:
  explicit Disc(const GeoRadius& radius);
  bool Contains(const GeoPoint& point) const;
  // Every point that it contains is between these latitudes.
  double south() const { return center_.lat - reach_; }
  double north() const { return center_.lat + reach_; }

 private:
  GeoPoint center_;
  double reach_;          // in degrees, rather too much
  double haversine_max_;  // of the angle that the radius spans
};

class Box {
 public:
  explicit Box(const GeoBox& box) : low_(box.south_west), high_(box.north_east) {}
  bool Contains(const GeoPoint& point) const;
  double south() const { return low_.lat; }
  double north() const { return high_.lat; }

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
  double south() const;
  double north() const;

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
    const std::optional<GeoPoint> point = GeoPointOf(value);
    return point.has_value() && shape_.Contains(*point);
  }

 private:
  Shape shape_;
};

}  // namespace alidade
