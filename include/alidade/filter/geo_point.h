// Places in payloads, and how far they are from each other.
//
// Threads:  pure.
#pragma once

#include <optional>
#include <string>

#include "alidade/common/payload_codec.h"
#include "alidade/common/status.h"
#include "alidade/filter/filter.h"

namespace alidade {

inline constexpr double kEarthRadiusMetres = 6'371'008.8;  // mean radius, IUGG 1980

// The place that a value is; nothing unless it is an object with numbers "lat" and "lon" in their
// ranges.
std::optional<GeoPoint> GeoPointOf(const ValueView& value);

// Errors: INVALID_ARGUMENT naming the number below `path` that is not in its range.
Status CheckGeoPoint(const GeoPoint& point, const std::string& path);

// sin^2(radians / 2): rises with the angle, from 0 to 1 at half way round.
double Haversine(double radians);

// Of the angle between two places, seen from the centre of the earth.
double HaversineBetween(const GeoPoint& a, const GeoPoint& b);

// Along a great circle of a sphere of that radius.
double MetresBetween(const GeoPoint& a, const GeoPoint& b);

}  // namespace alidade
