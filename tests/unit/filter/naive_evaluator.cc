// Works on decoded values, compares numbers as 80-bit floating point (which holds every int64 and
// every double), and knows texts from tables.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "filter_case.h"
#include "known_texts.h"

namespace alidade {
namespace {

static_assert(std::numeric_limits<long double>::digits >= 64);

const Value* FindNaively(const Object& object, const std::string& path) {
  if (const auto found = object.find(path); found != object.end()) {
    return &found->second;
  }
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    const auto found = object.find(path.substr(0, dot));
    if (found == object.end() || found->second.As<Object>() == nullptr) {
      continue;
    }
    if (const Value* inner = FindNaively(*found->second.As<Object>(), path.substr(dot + 1))) {
      return inner;
    }
  }
  return nullptr;
}

// The value and, if it is a list, all its elements at any depth instead.
std::vector<Value> Leaves(const Value& value) {
  const List* list = value.As<List>();
  if (list == nullptr) {
    return {value};
  }
  std::vector<Value> leaves;
  for (const Value& element : *list) {
    for (Value& leaf : Leaves(element)) {
      leaves.push_back(std::move(leaf));
    }
  }
  return leaves;
}

std::optional<long double> NumberOf(const Value& value) {
  if (const auto* integer = value.As<int64_t>()) {
    return static_cast<long double>(*integer);
  }
  if (const auto* number = value.As<double>()) {
    return static_cast<long double>(*number);
  }
  return std::nullopt;
}

bool EqualNaively(const Value& a, const Value& b) {
  const auto x = NumberOf(a);
  const auto y = NumberOf(b);
  if (x.has_value() && y.has_value()) {
    return *x == *y;
  }
  return a.data().index() == b.data().index() && a.As<List>() == nullptr &&
         a.As<Object>() == nullptr && a == b;
}

// a < b, and nothing where they do not compare.
std::optional<bool> LessNaively(const Value& a, const Value& b) {
  const auto x = NumberOf(a);
  const auto y = NumberOf(b);
  if (x.has_value() && y.has_value()) {
    if (*x != *x || *y != *y) {
      return std::nullopt;
    }
    return *x < *y;
  }
  if (a.As<std::string>() != nullptr && b.As<std::string>() != nullptr) {
    return *a.As<std::string>() < *b.As<std::string>();
  }
  return std::nullopt;
}

bool InRangeNaively(const Value& value, const Range& range) {
  const auto holds = [](const std::optional<bool>& less, bool wanted) {
    return less.has_value() && *less == wanted;
  };
  return (!range.gt.has_value() || holds(LessNaively(*range.gt, value), true)) &&
         (!range.gte.has_value() || holds(LessNaively(value, *range.gte), false)) &&
         (!range.lt.has_value() || holds(LessNaively(value, *range.lt), true)) &&
         (!range.lte.has_value() || holds(LessNaively(*range.lte, value), false));
}

std::optional<std::pair<int64_t, int64_t>> InstantOf(const std::string& text) {
  for (const KnownDatetime& known : KnownDatetimes()) {
    if (known.text == text) {
      return known.instant;
    }
  }
  return std::nullopt;
}

bool InInstantsNaively(const Value& value, const DatetimeRange& range) {
  const auto* text = value.As<std::string>();
  const auto instant = text == nullptr ? std::nullopt : InstantOf(*text);
  if (!instant.has_value()) {
    return false;
  }
  return (!range.gt.has_value() || *instant > *InstantOf(*range.gt)) &&
         (!range.gte.has_value() || *instant >= *InstantOf(*range.gte)) &&
         (!range.lt.has_value() || *instant < *InstantOf(*range.lt)) &&
         (!range.lte.has_value() || *instant <= *InstantOf(*range.lte));
}

bool CountsNaively(const Value* value, const CountRange& range) {
  const uint64_t count = value == nullptr || *value == Value() ? 0
                         : value->As<List>() != nullptr        ? value->As<List>()->size()
                                                               : 1;
  return (!range.gt.has_value() || count > *range.gt) &&
         (!range.gte.has_value() || count >= *range.gte) &&
         (!range.lt.has_value() || count < *range.lt) &&
         (!range.lte.has_value() || count <= *range.lte);
}

// The numbers of the letters; texts consist of known ones or are known datetimes, which are ASCII.
std::vector<int> FoldNaively(const std::string& text) {
  std::vector<int> folded;
  for (size_t at = 0; at < text.size();) {
    const auto& letters = KnownLetters();
    const auto letter = std::find_if(letters.begin(), letters.end(), [&](const KnownLetter& x) {
      return text.compare(at, x.text.size(), x.text) == 0;
    });
    if (letter != letters.end()) {
      folded.push_back(letter->folded);
      at += letter->text.size();
    } else {
      folded.push_back(1'000 + std::tolower(text[at]));
      ++at;
    }
  }
  return folded;
}

bool MatchNaively(const Value& value, const StringMatch& match) {
  const auto* text = value.As<std::string>();
  if (text == nullptr) {
    return false;
  }
  if (match.kind == StringMatchKind::kPrefix) {
    return text->compare(0, match.text.size(), match.text) == 0;
  }
  if (match.kind == StringMatchKind::kSubstring) {
    return text->find(match.text) != std::string::npos;
  }
  const std::vector<int> where = FoldNaively(*text);
  const std::vector<int> what = FoldNaively(match.text);
  return std::search(where.begin(), where.end(), what.begin(), what.end()) != where.end();
}

// The words by position; nothing where one is left out. ASCII but for the known letters.
std::vector<std::optional<std::string>> TokensNaively(const std::string& text,
                                                      const AnalyzerConfig& config) {
  const auto in_word = [&config](const std::string& from, size_t at, size_t& bytes) -> std::string {
    for (const KnownLetter& letter : KnownLetters()) {
      if (from.compare(at, letter.text.size(), letter.text) == 0) {
        bytes = letter.text.size();
        return config.fold_case ? letter.in_word : letter.in_word_kept;
      }
    }
    bytes = 1;
    if (std::isalnum(static_cast<unsigned char>(from[at])) == 0) {
      return "";
    }
    return std::string(1, static_cast<char>(config.fold_case ? std::tolower(from[at]) : from[at]));
  };
  std::vector<std::string> words(1);
  size_t bytes = 0;
  for (size_t at = 0; at < text.size(); at += bytes) {
    const std::string letter = in_word(text, at, bytes);
    words.back() += letter;
    if (letter.empty() && !words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) {
    words.pop_back();
  }
  std::vector<std::optional<std::string>> tokens;
  for (const std::string& word : words) {
    const bool stop = std::any_of(
        config.custom_stop_words.begin(), config.custom_stop_words.end(), [&](std::string stopped) {
          if (config.fold_case) {
            std::transform(stopped.begin(), stopped.end(), stopped.begin(), [](unsigned char c) {
              return static_cast<char>(std::tolower(c));
            });
          }
          return stopped == word;
        });
    const bool kept =
        !stop && word.size() >= config.token_bytes_min && word.size() <= config.token_bytes_max;
    tokens.push_back(kept ? std::optional(word) : std::nullopt);
  }
  return tokens;
}

bool MatchNaively(const Value& value, const TextMatch& match) {
  const auto* text = value.As<std::string>();
  auto wanted = TokensNaively(match.text, match.analyzer);
  while (!wanted.empty() && !wanted.back().has_value()) {
    wanted.pop_back();
  }
  while (!wanted.empty() && !wanted.front().has_value()) {
    wanted.erase(wanted.begin());
  }
  if (text == nullptr || wanted.empty()) {
    return false;
  }
  const auto there = TokensNaively(*text, match.analyzer);
  const auto stands = [&](const auto& token) {
    return std::find(there.begin(), there.end(), token) != there.end();
  };
  if (match.kind == TextMatchKind::kAllWords) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& token) {
      return !token.has_value() || stands(token);
    });
  }
  if (match.kind == TextMatchKind::kAnyWord) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const auto& token) {
      return token.has_value() && stands(token);
    });
  }
  return std::search(there.begin(),
                     there.end(),
                     wanted.begin(),
                     wanted.end(),
                     [](const auto& word, const auto& place) {
                       return !place.has_value() || word == place;
                     }) != there.end();
}

std::optional<GeoPoint> PlaceOf(const Value& value) {
  const auto* object = value.As<Object>();
  if (object == nullptr || !object->contains("lat") || !object->contains("lon")) {
    return std::nullopt;
  }
  const auto lat = NumberOf(object->at("lat"));
  const auto lon = NumberOf(object->at("lon"));
  if (!lat.has_value() || !lon.has_value() || !(*lat >= -90) || !(*lat <= 90) || !(*lon >= -180) ||
      !(*lon <= 180)) {
    return std::nullopt;
  }
  return GeoPoint{.lat = static_cast<double>(*lat), .lon = static_cast<double>(*lon)};
}

// By unit vectors, not by haversines.
bool NearNaively(const GeoPoint& place, const GeoRadius& radius) {
  const auto unit = [](const GeoPoint& p) {
    const long double lat = static_cast<long double>(p.lat) * std::numbers::pi_v<long double> / 180;
    const long double lon = static_cast<long double>(p.lon) * std::numbers::pi_v<long double> / 180;
    return std::vector<long double>{
        std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)};
  };
  const auto a = unit(place);
  const auto b = unit(radius.center);
  const long double dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const long double cross =
      std::hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]);
  return std::atan2(cross, dot) * 6'371'008.8L <= static_cast<long double>(radius.metres);
}

bool InBoxNaively(const GeoPoint& place, const GeoBox& box) {
  const double west = box.south_west.lon;
  const double east = box.north_east.lon + (west > box.north_east.lon ? 360 : 0);
  for (const double lon : {place.lon - 360, place.lon, place.lon + 360}) {
    if (west <= lon && lon <= east) {
      return box.south_west.lat <= place.lat && place.lat <= box.north_east.lat;
    }
  }
  return false;
}

struct GridPoint {
  int64_t x;
  int64_t y;
};
GridPoint OnGrid(const GeoPoint& point) {
  return {std::llround(point.lon), std::llround(point.lat)};
}

// Whole degrees only: exact. -1 outside, 0 on an edge, 1 inside, by a ray towards north.
int LocateNaively(const std::vector<GeoPoint>& ring, const GridPoint& p) {
  int crossed = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const GridPoint a = OnGrid(ring[i]);
    const GridPoint b = OnGrid(ring[(i + 1) % ring.size()]);
    const int64_t dx = b.x - a.x;
    const int64_t dy = b.y - a.y;
    if ((p.x - a.x) * dy == (p.y - a.y) * dx && std::min(a.x, b.x) <= p.x &&
        p.x <= std::max(a.x, b.x) && std::min(a.y, b.y) <= p.y && p.y <= std::max(a.y, b.y)) {
      return 0;
    }
    if ((a.x < p.x) != (b.x < p.x)) {
      // The edge's y at p.x, times dx, against p.y times dx.
      const int64_t above = a.y * dx + (p.x - a.x) * dy - p.y * dx;
      crossed += (dx > 0 ? above > 0 : above < 0) ? 1 : 0;
    }
  }
  return crossed % 2 == 1 ? 1 : -1;
}

bool InPolygonNaively(const GeoPoint& place, const GeoPolygon& polygon) {
  std::vector<GridPoint> ways = {OnGrid(place)};
  if (std::abs(ways[0].x) == 180) {
    ways.push_back({-ways[0].x, ways[0].y});
  }
  return std::any_of(ways.begin(), ways.end(), [&](const GridPoint& p) {
    const int outer = LocateNaively(polygon.exterior, p);
    return outer == 0 ||
           (outer == 1 &&
            std::none_of(polygon.holes.begin(), polygon.holes.end(), [&](const auto& hole) {
              return LocateNaively(hole, p) == 1;
            }));
  });
}

struct NaiveEvaluator {
  const Object& object;
  const FilterPoint& point;

  bool Holds(const Filter& filter) const { return std::visit(*this, filter.node); }
  size_t Holding(const std::vector<Filter>& filters) const {
    size_t count = 0;
    for (const Filter& filter : filters) {
      count += Holds(filter) ? size_t{1} : size_t{0};
    }
    return count;
  }
  // Of a missing key: none.
  std::vector<Value> At(const std::string& key) const {
    const Value* value = FindNaively(object, key);
    return value == nullptr ? std::vector<Value>() : Leaves(*value);
  }
  // Of a missing key: null.
  std::vector<Value> OrNull(const std::string& key) const {
    return FindNaively(object, key) == nullptr ? std::vector<Value>(1) : At(key);
  }
  template <typename Fn>
  static bool Any(const std::vector<Value>& values, const Fn& holds) {
    return std::any_of(values.begin(), values.end(), holds);
  }

  bool operator()(const AllOf& x) const { return Holding(x.children) == x.children.size(); }
  bool operator()(const AnyOf& x) const { return Holding(x.children) > 0; }
  bool operator()(const NoneOf& x) const { return Holding(x.children) == 0; }
  bool operator()(const In& x) const {
    return Any(OrNull(x.key), [&](const Value& leaf) {
      return Any(x.values, [&](const Value& wanted) { return EqualNaively(leaf, wanted); });
    });
  }
  bool operator()(const ContainsAll& x) const {
    const std::vector<Value> leaves = OrNull(x.key);
    return std::all_of(x.values.begin(), x.values.end(), [&](const Value& wanted) {
      return Any(leaves, [&](const Value& leaf) { return EqualNaively(leaf, wanted); });
    });
  }
  bool operator()(const Range& x) const {
    return Any(At(x.key), [&](const Value& leaf) { return InRangeNaively(leaf, x); });
  }
  bool operator()(const DatetimeRange& x) const {
    return Any(At(x.key), [&](const Value& leaf) { return InInstantsNaively(leaf, x); });
  }
  bool operator()(const CountRange& x) const {
    return CountsNaively(FindNaively(object, x.key), x);
  }
  bool operator()(const Exists& x) const { return FindNaively(object, x.key) != nullptr; }
  bool operator()(const IsNull& x) const {
    return Any(OrNull(x.key), [](const Value& leaf) { return leaf == Value(); });
  }
  bool operator()(const IsEmpty& x) const {
    const Value* value = FindNaively(object, x.key);
    return value == nullptr || *value == Value() || *value == Value(List{});
  }
  bool operator()(const StringMatch& x) const {
    return Any(At(x.key), [&](const Value& leaf) { return MatchNaively(leaf, x); });
  }
  bool operator()(const TextMatch& x) const {
    return Any(At(x.key), [&](const Value& leaf) { return MatchNaively(leaf, x); });
  }
  template <typename Fn>
  bool AnyPlace(const std::string& key, const Fn& holds) const {
    return Any(At(key), [&](const Value& leaf) {
      const auto place = PlaceOf(leaf);
      return place.has_value() && holds(*place);
    });
  }
  bool operator()(const GeoRadius& x) const {
    return AnyPlace(x.key, [&](const GeoPoint& place) { return NearNaively(place, x); });
  }
  bool operator()(const GeoBox& x) const {
    return AnyPlace(x.key, [&](const GeoPoint& place) { return InBoxNaively(place, x); });
  }
  bool operator()(const GeoPolygon& x) const {
    return AnyPlace(x.key, [&](const GeoPoint& place) { return InPolygonNaively(place, x); });
  }
  bool operator()(const Nested& x) const {
    return Any(At(x.key), [&](const Value& leaf) {
      const auto* element = leaf.As<Object>();
      return element != nullptr &&
             NaiveEvaluator{*element, point}.Holding(x.children) == x.children.size();
    });
  }
  bool operator()(const IdIn& x) const {
    return std::find(x.ids.begin(), x.ids.end(), point.id) != x.ids.end();
  }
  bool operator()(const HasVector& x) const { return point.vectors.contains(x.field); }
};

}  // namespace

bool MatchesNaively(const Filter& filter, const FilterPoint& point) {
  return NaiveEvaluator{point.payload, point}.Holds(filter);
}

}  // namespace alidade
