#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "alidade/filter/filter_text.h"
#include "alidade/text/characters.h"

#include "text_words.h"

namespace alidade {
namespace {

// How much of a filter is shown.
struct Shown {
  size_t values = std::numeric_limits<size_t>::max();
  size_t text_bytes = std::numeric_limits<size_t>::max();
  size_t bytes = std::numeric_limits<size_t>::max();
};

// Chosen: a plan stays readable.
constexpr Shown kShownInLogs = {.values = 8, .text_bytes = 64, .bytes = 2'048};

// The longest beginning of at most `bytes` that does not end inside a character.
std::string_view CutText(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) {
    return text;
  }
  while (bytes > 0 && (static_cast<uint8_t>(text[bytes]) & 0xC0) == 0x80) {
    --bytes;
  }
  return text.substr(0, bytes);
}

class Printer {
 public:
  explicit Printer(const Shown& shown) : shown_(shown) {}

  std::string Print(const Filter& filter) {
    Any(filter, kNothing);
    if (out_.size() > shown_.bytes) {
      out_ = std::string(CutText(out_, shown_.bytes)) + "...";
    }
    return std::move(out_);
  }

  void operator()(const AllOf& group) { Group("all_of", " AND ", kAnd, group.children); }
  void operator()(const AnyOf& group) { Group("any_of", " OR ", kOr, group.children); }
  void operator()(const NoneOf& group) {
    if (group.children.size() != 1) {
      Call("none_of", group.children);
    } else if (const auto* in = std::get_if<In>(&group.children[0].node)) {
      Membership(*in, "!=", "NOT IN");
    } else if (const auto* ids = std::get_if<IdIn>(&group.children[0].node)) {
      Ids(*ids, "!=", "NOT IN");
    } else {
      out_ += "NOT ";
      Any(group.children[0], kNot);
    }
  }
  void operator()(const In& condition) { Membership(condition, "=", "IN"); }
  void operator()(const ContainsAll& condition) {
    out_ += "contains_all(" + Key(condition.key) + ", ";
    Values(condition.values);
    out_ += ")";
  }
  void operator()(const Range& range) {
    Bounds(Key(range.key), range, [this](const Value& x) { return Literal(x); });
  }
  void operator()(const DatetimeRange& range) {
    Bounds("datetime(" + Key(range.key) + ")", range, [this](const std::string& x) {
      return Quoted(x, '"');
    });
  }
  void operator()(const CountRange& range) {
    Bounds("count(" + Key(range.key) + ")", range, [](uint64_t x) { return std::to_string(x); });
  }
  void operator()(const Exists& condition) { out_ += "exists(" + Key(condition.key) + ")"; }
  void operator()(const IsNull& condition) { out_ += "is_null(" + Key(condition.key) + ")"; }
  void operator()(const IsEmpty& condition) { out_ += "is_empty(" + Key(condition.key) + ")"; }
  void operator()(const StringMatch& match) {
    out_ += match.kind == StringMatchKind::kPrefix      ? "starts_with("
            : match.kind == StringMatchKind::kSubstring ? "contains("
                                                        : "icontains(";
    out_ += Key(match.key) + ", " + Quoted(match.text, '"') + ")";
  }
  void operator()(const TextMatch& match) {
    out_ += match.kind == TextMatchKind::kAllWords  ? "match("
            : match.kind == TextMatchKind::kAnyWord ? "match_any("
                                                    : "match_phrase(";
    out_ += Key(match.key) + ", " + Quoted(match.text, '"');
    if (match.analyzer != AnalyzerConfig()) {
      out_ += ", " + Quoted(AnalyzerText(match.analyzer), '"');
    }
    out_ += ")";
  }
  void operator()(const GeoRadius& radius) {
    out_ += fmt::format("geo_radius({}, {}, {}, {})",
                        Key(radius.key),
                        radius.center.lat,
                        radius.center.lon,
                        radius.metres);
  }
  void operator()(const GeoBox& box) {
    out_ += fmt::format("geo_box({}, {}, {}, {}, {})",
                        Key(box.key),
                        box.south_west.lat,
                        box.south_west.lon,
                        box.north_east.lat,
                        box.north_east.lon);
  }
  void operator()(const GeoPolygon& polygon) {
    out_ += "geo_polygon(" + Key(polygon.key) + ", ";
    Ring(polygon.exterior);
    for (const auto& hole : polygon.holes) {
      out_ += ", ";
      Ring(hole);
    }
    out_ += ")";
  }
  void operator()(const Nested& nested) {
    out_ += "nested(" + Key(nested.key);
    for (const Filter& child : nested.children) {
      out_ += ", ";
      Any(child, kNothing);
    }
    out_ += ")";
  }
  void operator()(const IdIn& condition) { Ids(condition, "=", "IN"); }
  void operator()(const HasVector& condition) {
    out_ += "has_vector(" + Quoted(condition.field, '"') + ")";
  }

 private:
  // How tight the surroundings bind: what binds looser goes into parentheses.
  enum Binding { kNothing, kOr, kAnd, kNot };

  void Any(const Filter& filter, Binding around) {
    if (out_.size() > shown_.bytes) {
      return;
    }
    const auto* all = std::get_if<AllOf>(&filter.node);
    const auto* any = std::get_if<AnyOf>(&filter.node);
    const bool loose = (any != nullptr && any->children.size() > 1 && around >= kOr) ||
                       (all != nullptr && all->children.size() > 1 && around >= kAnd);
    out_ += loose ? "(" : "";
    std::visit(*this, filter.node);
    out_ += loose ? ")" : "";
  }

  void Group(const char* name,
             const char* word,
             Binding binding,
             const std::vector<Filter>& parts) {
    if (parts.size() < 2) {
      Call(name, parts);
      return;
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      out_ += i == 0 ? "" : word;
      Any(parts[i], binding);
    }
  }

  void Call(const char* name, const std::vector<Filter>& parts) {
    out_ += name;
    out_ += "(";
    for (size_t i = 0; i < parts.size(); ++i) {
      out_ += i == 0 ? "" : ", ";
      Any(parts[i], kNothing);
    }
    out_ += ")";
  }

  void Membership(const In& in, const char* sign, const char* word) {
    out_ += Key(in.key) + " ";
    if (in.values.size() == 1) {
      out_ += std::string(sign) + " " + Literal(in.values[0]);
    } else {
      out_ += std::string(word) + " ";
      Values(in.values);
    }
  }

  void Ids(const IdIn& condition, const char* sign, const char* word) {
    const auto id = [this](const PointId& x) {
      return x.is_number() ? std::to_string(x.number()) : Quoted(x.text(), '"');
    };
    if (condition.ids.size() == 1) {
      out_ += fmt::format("id {} {}", sign, id(condition.ids[0]));
      return;
    }
    out_ += fmt::format("id {} ", word);
    Listed(condition.ids, id);
  }

  void Values(const std::vector<Value>& values) {
    Listed(values, [this](const Value& x) { return Literal(x); });
  }

  void Ring(const std::vector<GeoPoint>& ring) {
    Listed(ring, [](const GeoPoint& x) { return fmt::format("[{}, {}]", x.lat, x.lon); });
  }

  template <typename T, typename Fn>
  void Listed(const std::vector<T>& values, const Fn& text) {
    out_ += "[";
    for (size_t i = 0; i < std::min(values.size(), shown_.values); ++i) {
      out_ += (i == 0 ? "" : ", ") + text(values[i]);
    }
    if (values.size() > shown_.values) {
      out_ += fmt::format(", ... {} more", values.size() - shown_.values);
    }
    out_ += "]";
  }

  template <typename AnyRange, typename Fn>
  void Bounds(const std::string& measure, const AnyRange& range, const Fn& text) {
    const auto& low = range.gte.has_value() ? range.gte : range.gt;
    const auto& high = range.lte.has_value() ? range.lte : range.lt;
    const char* above = range.gte.has_value() ? ">=" : ">";
    const char* below = range.lte.has_value() ? "<=" : "<";
    if (!low.has_value() || !high.has_value()) {
      const auto& bound = low.has_value() ? low : high;
      out_ += fmt::format("{} {} {}",
                          measure,
                          low.has_value() ? above : below,
                          bound.has_value() ? text(*bound) : "?");
    } else if (range.gte.has_value() && range.lte.has_value()) {
      out_ += fmt::format("{} BETWEEN {} AND {}", measure, text(*low), text(*high));
    } else {
      out_ += fmt::format("{} {} {} {} {}",
                          text(*low),
                          range.gte.has_value() ? "<=" : "<",
                          measure,
                          below,
                          text(*high));
    }
  }

  std::string Literal(const Value& value) const {
    if (const auto* flag = value.As<bool>()) {
      return *flag ? "true" : "false";
    }
    if (const auto* integer = value.As<int64_t>()) {
      return std::to_string(*integer);
    }
    if (const auto* number = value.As<double>()) {
      const std::string text = fmt::format("{}", *number);
      // What has neither is an integer when it is read again.
      return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
    }
    if (const auto* text = value.As<std::string>()) {
      return Quoted(*text, '"');
    }
    return value.As<Value::Null>() != nullptr ? "null" : "?";  // no other is valid
  }

  std::string Key(const std::string& key) const { return IsBareKey(key) ? key : Quoted(key, '`'); }

  std::string Quoted(std::string_view text, char quote) const {
    std::string_view rest = CutText(text, shown_.text_bytes);
    const bool cut = rest.size() < text.size();
    std::string out(1, quote);
    while (!rest.empty()) {
      const std::string_view before = rest;
      const char32_t character = TakeCharacter(rest);
      const std::string_view bytes = before.substr(0, before.size() - rest.size());
      if (bytes[0] == quote || bytes[0] == '\\') {
        out.push_back('\\');
        out.push_back(bytes[0]);
      } else if (character < 0x20 || character == 0x7F || character > kLastCharacter) {
        out += fmt::format("\\x{:02x}", static_cast<uint8_t>(bytes[0]));
      } else {
        out += bytes;
      }
    }
    out += cut ? "..." : "";
    out.push_back(quote);
    return out;
  }

  Shown shown_;
  std::string out_;
};

}  // namespace

std::string FilterText(const Filter& filter) { return Printer(Shown()).Print(filter); }

std::string DescribeFilter(const Filter& filter) { return Printer(kShownInLogs).Print(filter); }

}  // namespace alidade
