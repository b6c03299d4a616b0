#include "index_keys.h"

#include <bit>
#include <cmath>

#include "alidade/common/bytes.h"
#include "alidade/filter/geo_point.h"

#include "scalar_order.h"

namespace alidade {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;

enum class NumberClass : uint8_t { kBelow = 0, kBetween = 1, kAbove = 2 };
enum class Fraction : uint8_t { kNegative = 0, kNone = 1, kPositive = 2 };

uint64_t Sortable(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);  // without the negative zero
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double Unsort(uint64_t sortable) {
  return std::bit_cast<double>((sortable & kSign) != 0 ? sortable & ~kSign : ~sortable);
}

std::string NumberKey(NumberClass number_class, uint64_t body) {
  std::string key(1, static_cast<char>(number_class));
  AppendBigEndian(key, body);
  return key;
}

std::string WholeKey(int64_t whole, Fraction fraction) {
  std::string key = NumberKey(NumberClass::kBetween, static_cast<uint64_t>(whole) ^ kSign);
  key.push_back(static_cast<char>(fraction));
  return key;
}

}  // namespace

std::string_view PayloadIndexTypeName(PayloadIndexType type) {
  switch (type) {
    case PayloadIndexType::kKeyword:
      return "keyword";
    case PayloadIndexType::kInteger:
      return "integer";
    case PayloadIndexType::kFloat:
      return "float";
    case PayloadIndexType::kBool:
      return "bool";
    case PayloadIndexType::kDatetime:
      return "datetime";
    case PayloadIndexType::kUuid:
      return "uuid";
    case PayloadIndexType::kGeo:
      return "geo";
    case PayloadIndexType::kText:
      return "text";
  }
  return "unknown";
}

std::optional<PayloadIndexType> FindPayloadIndexType(std::string_view name) {
  for (const auto type : {PayloadIndexType::kKeyword,
                          PayloadIndexType::kInteger,
                          PayloadIndexType::kFloat,
                          PayloadIndexType::kBool,
                          PayloadIndexType::kDatetime,
                          PayloadIndexType::kUuid,
                          PayloadIndexType::kGeo,
                          PayloadIndexType::kText}) {
    if (PayloadIndexTypeName(type) == name) {
      return type;
    }
  }
  return std::nullopt;
}

std::string IndexKeyOfInteger(int64_t value) { return WholeKey(value, Fraction::kNone); }

std::optional<std::string> IndexKeyOfDouble(double value) {
  if (std::isnan(value)) {
    return std::nullopt;
  }
  const std::optional<int64_t> whole = WholeNumber(std::trunc(value));
  if (!whole.has_value()) {
    return NumberKey(value < 0 ? NumberClass::kBelow : NumberClass::kAbove, Sortable(value));
  }
  const double fraction = value - std::trunc(value);  // exact
  if (fraction == 0) {
    return IndexKeyOfInteger(*whole);
  }
  std::string key = WholeKey(*whole, fraction < 0 ? Fraction::kNegative : Fraction::kPositive);
  AppendBigEndian(key, Sortable(fraction));
  return key;
}

std::string IndexKeyOfInstant(const Instant& instant) {
  std::string key;
  AppendBigEndian(key, static_cast<uint64_t>(instant.seconds) ^ kSign);
  AppendBigEndian(key, instant.nanoseconds);
  return key;
}

std::string IndexKeyOfPoint(const GeoPoint& point) {
  std::string key;
  AppendBigEndian(key, Sortable(point.lat));
  AppendBigEndian(key, Sortable(point.lon));
  return key;
}

std::optional<std::variant<int64_t, double>> NumberOfIndexKey(std::string_view key) {
  ByteReader in(key);
  const auto number_class = static_cast<NumberClass>(in.Big<uint8_t>());
  const auto body = in.Big<uint64_t>();
  if (number_class != NumberClass::kBetween) {
    return in.done() ? std::optional<std::variant<int64_t, double>>(Unsort(body)) : std::nullopt;
  }
  const auto whole = static_cast<int64_t>(body ^ kSign);
  if (static_cast<Fraction>(in.Big<uint8_t>()) == Fraction::kNone) {
    return in.done() ? std::optional<std::variant<int64_t, double>>(whole) : std::nullopt;
  }
  const double fraction = Unsort(in.Big<uint64_t>());
  // Exact: the two are parts of one double.
  return in.done()
             ? std::optional<std::variant<int64_t, double>>(static_cast<double>(whole) + fraction)
             : std::nullopt;
}

GeoPoint PointOfIndexKey(std::string_view key) {
  return {.lat = Unsort(LoadBigEndian<uint64_t>(key.data())),
          .lon = Unsort(LoadBigEndian<uint64_t>(key.data() + sizeof(uint64_t)))};
}

size_t IndexKeyBytes(PayloadIndexType type) {
  switch (type) {
    case PayloadIndexType::kBool:
      return 1;
    case PayloadIndexType::kDatetime:
      return sizeof(uint64_t) + sizeof(uint32_t);
    case PayloadIndexType::kGeo:
      return 2 * sizeof(uint64_t);
    case PayloadIndexType::kKeyword:
    case PayloadIndexType::kUuid:
    case PayloadIndexType::kInteger:
    case PayloadIndexType::kFloat:
    case PayloadIndexType::kText:
      break;
  }
  return 0;
}

std::optional<std::string> IndexKeyOf(PayloadIndexType type, const ValueView& value) {
  switch (type) {
    case PayloadIndexType::kKeyword:
    case PayloadIndexType::kUuid:
      return value.tag() == ValueTag::kString ? std::optional<std::string>(value.AsString())
                                              : std::nullopt;
    case PayloadIndexType::kInteger:
    case PayloadIndexType::kFloat:
      if (value.tag() == ValueTag::kInt64) {
        return IndexKeyOfInteger(value.AsInt64());
      }
      return value.tag() == ValueTag::kDouble ? IndexKeyOfDouble(value.AsDouble()) : std::nullopt;
    case PayloadIndexType::kBool:
      return value.tag() == ValueTag::kBool
                 ? std::optional<std::string>(std::string(1, value.AsBool() ? '\1' : '\0'))
                 : std::nullopt;
    case PayloadIndexType::kDatetime: {
      const std::optional<Instant> instant =
          value.tag() == ValueTag::kString ? ParseInstant(value.AsString()) : std::nullopt;
      return instant.has_value() ? std::optional(IndexKeyOfInstant(*instant)) : std::nullopt;
    }
    case PayloadIndexType::kGeo: {
      const std::optional<GeoPoint> point = GeoPointOf(value);
      return point.has_value() ? std::optional(IndexKeyOfPoint(*point)) : std::nullopt;
    }
    case PayloadIndexType::kText:  // words are terms of postings, not keys
      break;
  }
  return std::nullopt;
}

}  // namespace alidade
