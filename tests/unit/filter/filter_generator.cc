#include <cstdlib>
#include <limits>

#include "filter_case.h"
#include "known_texts.h"

namespace alidade {

uint64_t TestSeed() {
  const char* text = std::getenv("ALIDADE_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
}

size_t FilterGenerator::Below(size_t bound) {
  return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
}

std::string FilterGenerator::Key() {
  static const std::vector<std::string> keys = {
      "a", "b", "c", "a.b", "a.b.c", "b.a", "x.y", "p", "zz", "odd key`", "id", "not", "\xC3\xA9"};
  return OneOf(keys);
}

// Few and short ones, so that phrases are met.
std::string FilterGenerator::Words() {
  static const std::vector<std::string> words = {
      "a", "A", "b", "\xC3\x89", "\xC3\xA9", "\xC3\x9F", "S\xC5\xBF", "\xE2\x84\xAA", "k", "aB"};
  std::string text = OneOf(words);
  for (size_t count = Below(4); count > 0; --count) {
    text += (Below(4) == 0 ? "% " : " ") + OneOf(words);
  }
  return text;
}

AnalyzerConfig FilterGenerator::Analysis() {
  AnalyzerConfig config;
  if (Below(3) == 0) {
    config.fold_case = Below(2) == 0;
    if (Below(2) == 0) {
      config.stop_words = StopWords::kCustom;
      config.custom_stop_words = {"A", "b"};
    }
    config.token_bytes_min = Below(3) == 0 ? 2 : 1;
    config.token_bytes_max = Below(3) == 0 ? 2 : 128;
  }
  return config;
}

std::string FilterGenerator::Text() {
  if (Below(4) == 0) {
    return Words();
  }
  if (Below(3) == 0) {
    return KnownDatetimes()[Below(KnownDatetimes().size())].text;
  }
  std::string text;
  for (size_t count = Below(4); count > 0; --count) {
    text += KnownLetters()[Below(KnownLetters().size())].text;
  }
  return text;
}

Value FilterGenerator::Scalar() {
  static const std::vector<int64_t> integers = {0,
                                                1,
                                                -1,
                                                2,
                                                int64_t{1} << 53,
                                                (int64_t{1} << 53) + 1,
                                                std::numeric_limits<int64_t>::max(),
                                                std::numeric_limits<int64_t>::min()};
  static const std::vector<double> doubles = {0.0,
                                              -0.0,
                                              0.5,
                                              1.0,
                                              -1.0,
                                              2.0,
                                              9007199254740992.0,
                                              9223372036854775808.0,
                                              -9223372036854775808.0,
                                              1e300,
                                              -1.5e-7,
                                              std::numeric_limits<double>::infinity(),
                                              -std::numeric_limits<double>::infinity(),
                                              std::numeric_limits<double>::quiet_NaN()};
  switch (Below(5)) {
    case 0:
      return Value();
    case 1:
      return Value(Below(2) == 1);
    case 2:
      return Value(OneOf(integers));
    case 3:
      return Value(doubles[Below(doubles.size() - (any_double_ ? 0 : 3))]);
    default:
      return Value(Text());
  }
}

// On a grid of whole degrees, so that edges and corners are met.
GeoPoint FilterGenerator::Corner() {
  static const std::vector<double> lons = {-180, -179, -90, 89, 179, 180};
  GeoPoint corner{.lat = static_cast<double>(Below(7)) - 3,
                  .lon = static_cast<double>(Below(7)) - 3};
  if (Below(8) == 0) {
    corner.lon = OneOf(lons);
  }
  if (Below(16) == 0) {
    corner.lat = Below(2) == 0 ? 90 : -90;
  }
  return corner;
}

Value FilterGenerator::Place() {
  const GeoPoint corner = Corner();
  Object place = {{"lat", Value(corner.lat)}, {"lon", Value(corner.lon)}};
  switch (Below(8)) {
    case 0:
      place["lat"] = Value(static_cast<int64_t>(corner.lat));
      break;
    case 1:
      place["lon"] = Value("0");
      break;
    case 2:
      place["lat"] = Value(90.5);
      break;
    case 3:
      place.erase("lon");
      break;
    default:
      break;
  }
  return Value(std::move(place));
}

Value FilterGenerator::Any(int depth) {
  const size_t kind = Below(depth < 3 ? 9 : 6);
  if (kind < 5) {
    return Scalar();
  }
  if (kind == 5) {
    return Place();
  }
  if (kind < 8) {
    List list;
    for (size_t count = Below(4); count > 0; --count) {
      list.push_back(Any(depth + 1));
    }
    return Value(std::move(list));
  }
  return Value(Payload(depth + 1));
}

Object FilterGenerator::Payload(int depth) {
  static const std::vector<std::string> keys = {
      "a", "b", "c", "x.y", "p", "id", "not", "odd key`", "a.b", ""};
  Object object;
  for (const std::string& key : keys) {
    if (Below(3) != 0) {
      object.emplace(key, key == "p" && Below(2) == 0 ? Place() : Any(depth));
    }
  }
  return object;
}

PointId FilterGenerator::Id() {
  return Below(2) == 0 ? PointId(Below(3) == 0 ? std::numeric_limits<uint64_t>::max() : Below(3))
                       : PointId(std::string(Below(2) == 0 ? "1" : "\xC3\xA9"));
}

FilterPoint FilterGenerator::Point() {
  FilterPoint point{.payload = Payload(0), .id = Id()};
  for (const std::string_view field : kVectorFields) {
    if (Below(2) == 0) {
      point.vectors.emplace(field);
    }
  }
  return point;
}

std::vector<Value> FilterGenerator::Values(size_t least) {
  // Sometimes more than fit the bits of a machine word, or a handful of strings.
  const size_t count = least + (Below(20) == 0 ? 70 + Below(20) : Below(4));
  std::vector<Value> values;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(Scalar());
  }
  return values;
}

Value FilterGenerator::Bound(bool text) {
  while (true) {
    Value value = Scalar();
    const bool is_text = value.As<std::string>() != nullptr;
    const bool is_number = value.As<int64_t>() != nullptr || value.As<double>() != nullptr;
    if (text ? is_text : is_number) {
      return Below(16) == 0 ? Value() : value;
    }
  }
}

// At least one bound, at most one on each side.
template <typename AnyRange, typename Fn>
AnyRange FilterGenerator::Bounds(const Fn& bound) {
  AnyRange range{.key = Key()};
  const size_t low = Below(3);
  if (low < 2) {
    (low == 0 ? range.gt : range.gte) = bound();
  }
  const size_t high = low == 2 ? Below(2) : Below(3);
  if (high < 2) {
    (high == 0 ? range.lt : range.lte) = bound();
  }
  return range;
}

std::vector<GeoPoint> FilterGenerator::Ring() {
  std::vector<GeoPoint> ring = {{.lat = 0, .lon = 0}, {.lat = 0, .lon = 1}};
  ring.push_back({.lat = 1, .lon = 0});
  for (size_t count = Below(5); count > 0; --count) {
    ring.push_back(Corner());
  }
  for (GeoPoint& point : ring) {
    if (Below(2) == 0) {
      point = Corner();
    }
  }
  while (ring.size() == 3 && ring.back() == ring.front()) {
    ring.back() = Corner();
  }
  return ring;
}

Filter FilterGenerator::Leaf(bool in_element) {
  const size_t about_points = in_element ? 0 : 2;
  switch (Below(15 + about_points)) {
    case 0:
    case 1:
      return Filter{In{Key(), Values(0)}};
    case 2:
      return Filter{ContainsAll{Key(), Values(1)}};
    case 3:
    case 4: {
      const bool text = Below(3) == 0;
      return Filter{Bounds<Range>([&] { return Bound(text); })};
    }
    case 5:
      return Filter{Bounds<DatetimeRange>([this] {
        while (true) {
          const auto& known = KnownDatetimes()[Below(KnownDatetimes().size())];
          if (known.instant.has_value()) {
            return known.text;
          }
        }
      })};
    case 6:
      return Filter{Bounds<CountRange>([this] {
        return Below(30) == 0 ? std::numeric_limits<uint64_t>::max() : uint64_t{Below(4)};
      })};
    case 7:
      return Filter{Exists{Key()}};
    case 8:
      return Filter{IsNull{Key()}};
    case 9:
      return Filter{IsEmpty{Key()}};
    case 10: {
      static const std::vector<StringMatchKind> kinds = {
          StringMatchKind::kPrefix, StringMatchKind::kSubstring, StringMatchKind::kFolded};
      std::string text = Text();
      return Filter{StringMatch{Key(), OneOf(kinds), text.empty() ? "a" : std::move(text)}};
    }
    case 11: {
      static const std::vector<double> metres = {1, 123'456.7, 300'000, 7'000'000, 19'000'000, 3e7};
      return Filter{GeoRadius{"p", Corner(), OneOf(metres)}};
    }
    case 12: {
      GeoBox box{"p", Corner(), Corner()};
      if (box.south_west.lat > box.north_east.lat) {
        std::swap(box.south_west.lat, box.north_east.lat);
      }
      return Filter{std::move(box)};
    }
    case 13: {
      GeoPolygon polygon{"p", Ring()};
      if (Below(3) == 0) {
        polygon.holes.push_back(Ring());
      }
      return Filter{std::move(polygon)};
    }
    case 14: {
      static const std::vector<TextMatchKind> kinds = {
          TextMatchKind::kAllWords, TextMatchKind::kAnyWord, TextMatchKind::kPhrase};
      std::string text = Below(4) == 0 ? Text() : Words();
      return Filter{
          TextMatch{Key(), OneOf(kinds), text.empty() ? "%" : std::move(text), Analysis()}};
    }
    case 15: {
      IdIn condition;
      for (size_t count = Below(3); count > 0; --count) {
        condition.ids.push_back(Id());
      }
      return Filter{std::move(condition)};
    }
    default:
      return Filter{HasVector{std::string(kVectorFields[Below(std::size(kVectorFields))])}};
  }
}

std::vector<Filter> FilterGenerator::Children(int depth, bool in_element, size_t least) {
  std::vector<Filter> children;
  for (size_t count = least + Below(4 - least); count > 0; --count) {
    children.push_back(Tree(depth + 1, in_element));
  }
  return children;
}

Filter FilterGenerator::Tree(int depth, bool in_element) {
  switch (depth < 4 ? Below(9) : 0) {
    case 8:
      return Filter{Nested{Key(), Children(depth, /*in_element=*/true, /*least=*/1)}};
    case 7:
      return Filter{AllOf{Children(depth, in_element, 0)}};
    case 6:
      return Filter{AnyOf{Children(depth, in_element, 0)}};
    case 5:
      return Filter{NoneOf{Children(depth, in_element, 0)}};
    default:
      return Leaf(in_element);
  }
}

}  // namespace alidade
