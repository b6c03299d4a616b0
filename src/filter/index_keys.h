// The values of a payload index as bytes whose order is the order of the values.
//
// Format:   strings  as they are
//           numbers  u8 class (0 below every int64, 1 between, 2 above), then: 0 and 2: the double;
//                    1: the whole part, an int64, then u8 0, 1 or 2 for what is left of it,
//                    nothing, or what is more; if there is something, a double
//           bools    u8
//           instants i64 seconds, u32 nanoseconds
//           points   double lat, double lon
//           Big-endian, signs turned so that bytes sort as numbers do; 1 and 1.0 are one number.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "alidade/common/payload_codec.h"
#include "alidade/common/value.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/instant.h"
#include "alidade/filter/payload_index_spec.h"

namespace alidade {

// What an index of this type holds of a value that is no list; nothing if it does not hold it.
std::optional<std::string> IndexKeyOf(PayloadIndexType type, const ValueView& value);

// Of single values; nothing for NaN.
std::string IndexKeyOfInteger(int64_t value);
std::optional<std::string> IndexKeyOfDouble(double value);
std::string IndexKeyOfInstant(const Instant& instant);
std::string IndexKeyOfPoint(const GeoPoint& point);
// The number back: an int64 if it is whole and fits. Nothing if the bytes are not those of one.
std::optional<std::variant<int64_t, double>> NumberOfIndexKey(std::string_view key);
// The point back; its bytes must be those of one.
GeoPoint PointOfIndexKey(std::string_view key);

// Bytes of a key, if all of the type have as many; 0: they differ.
size_t IndexKeyBytes(PayloadIndexType type);

}  // namespace alidade
