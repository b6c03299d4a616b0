#include "alidade/filter/geo_point.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "key_path.h"

namespace alidade {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180;

std::optional<double> NumberOf(const std::optional<ValueView>& value) {
  if (value.has_value() && value->tag() == ValueTag::kDouble) {
    return value->AsDouble();
  }
  if (value.has_value() && value->tag() == ValueTag::kInt64) {
    return static_cast<double>(value->AsInt64());
  }
  return std::nullopt;
}

}  // namespace

std::optional<GeoPoint> GeoPointOf(const ValueView& value) {
  static const KeyPath lat_path("lat");
  static const KeyPath lon_path("lon");
  if (value.tag() != ValueTag::kObject) {
    return std::nullopt;
  }
  const auto lat = NumberOf(lat_path.Find(value.AsObject()));
  const auto lon = NumberOf(lon_path.Find(value.AsObject()));
  if (!lat.has_value() || !lon.has_value() || !(*lat >= -90 && *lat <= 90) ||
      !(*lon >= -180 && *lon <= 180)) {
    return std::nullopt;
  }
  return GeoPoint{.lat = *lat, .lon = *lon};
}

Status CheckGeoPoint(const GeoPoint& point, const std::string& path) {
  if (!(std::abs(point.lat) <= 90)) {
    return FieldError(path + ".lat", "is {}; -90..90 are allowed", point.lat);
  }
  if (!(std::abs(point.lon) <= 180)) {
    return FieldError(path + ".lon", "is {}; -180..180 are allowed", point.lon);
  }
  return OkStatus();
}

double Haversine(double radians) {
  const double half = std::sin(radians / 2);
  return half * half;
}

double HaversineBetween(const GeoPoint& a, const GeoPoint& b) {
  return Haversine((b.lat - a.lat) * kRadiansPerDegree) +
         std::cos(a.lat * kRadiansPerDegree) * std::cos(b.lat * kRadiansPerDegree) *
             Haversine((b.lon - a.lon) * kRadiansPerDegree);
}

double MetresBetween(const GeoPoint& a, const GeoPoint& b) {
  const double haversine = std::min(1.0, HaversineBetween(a, b));  // no more than rounding above 1
  return 2 * kEarthRadiusMetres * std::asin(std::sqrt(haversine));
}

}  // namespace alidade
