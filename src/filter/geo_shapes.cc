#include "geo_shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "alidade/filter/geo_point.h"

namespace alidade {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180;

// Makes up for whatever Contains rounds (chosen: a thousandth is a hundred metres on a degree).
constexpr double kReachMargin = 1.001;

enum class Side { kOutside, kEdge, kInside };

// Even-odd rule, by a ray towards east.
Side Locate(const std::vector<GeoPoint>& ring, const GeoPoint& p) {
  bool inside = false;
  for (size_t i = 0; i < ring.size(); ++i) {
    const GeoPoint& a = ring[i];
    const GeoPoint& b = ring[i + 1 == ring.size() ? 0 : i + 1];
    // Twice the area of a, b, p: 0 on their line, above 0 if p lies left of a -> b.
    const double area = (b.lon - a.lon) * (p.lat - a.lat) - (b.lat - a.lat) * (p.lon - a.lon);
    if (area == 0 && p.lat >= std::min(a.lat, b.lat) && p.lat <= std::max(a.lat, b.lat) &&
        p.lon >= std::min(a.lon, b.lon) && p.lon <= std::max(a.lon, b.lon)) {
      return Side::kEdge;
    }
    // A vertex belongs to the edge that goes up from it, so that a ray through it counts right.
    if ((a.lat <= p.lat) != (b.lat <= p.lat)) {
      const bool upwards = b.lat > a.lat;
      inside = inside != ((area > 0) == upwards && area != 0);
    }
  }
  return inside ? Side::kInside : Side::kOutside;
}

bool IsFurtherSouth(const GeoPoint& a, const GeoPoint& b) { return a.lat < b.lat; }

// The other way to write a point on the antimeridian, or the point itself.
GeoPoint Twin(const GeoPoint& point) {
  return std::abs(point.lon) == 180 ? GeoPoint{.lat = point.lat, .lon = -point.lon} : point;
}

}  // namespace

Disc::Disc(const GeoRadius& radius)
    : center_(radius.center),
      reach_(radius.metres / kEarthRadiusMetres / kRadiansPerDegree * kReachMargin + kReachMargin -
             1),
      // From half way round the earth on, everything is in it; no haversine is above 1.
      haversine_max_(radius.metres >= kEarthRadiusMetres * std::numbers::pi
                         ? 2
                         : Haversine(radius.metres / kEarthRadiusMetres)) {}

bool Disc::Contains(const GeoPoint& point) const {
  return point.lat >= south() && point.lat <= north() &&
         HaversineBetween(center_, point) <= haversine_max_;
}

bool Box::Contains(const GeoPoint& point) const {
  if (point.lat < low_.lat || point.lat > high_.lat) {
    return false;
  }
  const auto between = [this](double lon) {
    return low_.lon <= high_.lon ? low_.lon <= lon && lon <= high_.lon
                                 : low_.lon <= lon || lon <= high_.lon;
  };
  return between(point.lon) || between(Twin(point).lon);
}

bool Polygon::ContainsHere(const GeoPoint& point) const {
  const Side side = Locate(exterior_, point);
  if (side != Side::kInside) {
    return side == Side::kEdge;
  }
  return std::ranges::none_of(
      holes_, [&](const auto& hole) { return Locate(hole, point) == Side::kInside; });
}

double Polygon::south() const { return std::ranges::min(exterior_, IsFurtherSouth).lat; }
double Polygon::north() const { return std::ranges::max(exterior_, IsFurtherSouth).lat; }

bool Polygon::Contains(const GeoPoint& point) const {
  return ContainsHere(point) || (std::abs(point.lon) == 180 && ContainsHere(Twin(point)));
}

}  // namespace alidade
