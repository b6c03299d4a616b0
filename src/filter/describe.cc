#include <algorithm>

#include <fmt/format.h>

#include "alidade/filter/filter.h"

namespace alidade {
namespace {

// Chosen: a plan stays readable.
constexpr size_t kValuesShown = 8;
constexpr size_t kTextBytesShown = 64;

std::string DescribeText(const std::string& text) {
  size_t shown = std::min(text.size(), kTextBytesShown);
  // Not in the middle of a UTF-8 sequence.
  while (shown > 0 && shown < text.size() && (static_cast<uint8_t>(text[shown]) & 0xC0) == 0x80) {
    --shown;
  }
  std::string out = "\"";
  for (const char c : text.substr(0, shown)) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + (shown < text.size() ? "...\"" : "\"");
}

struct ValueDescriber {
  std::string operator()(const Value::Null&) const { return "null"; }
  std::string operator()(bool x) const { return x ? "true" : "false"; }
  std::string operator()(int64_t x) const { return fmt::format("{}", x); }
  std::string operator()(double x) const { return fmt::format("{}", x); }
  std::string operator()(const std::string& x) const { return DescribeText(x); }
  std::string operator()(const List& x) const { return fmt::format("list of {}", x.size()); }
  std::string operator()(const Object& x) const { return fmt::format("object of {}", x.size()); }
};

std::string DescribeValue(const Value& value) { return std::visit(ValueDescriber{}, value.data()); }

// A key is shown bare if it cannot be taken for something else.
std::string DescribeKey(const std::string& key) {
  const bool plain = !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || c == '-';
  });
  return plain ? key : DescribeText(key);
}

struct Describer {
  std::string Group(const char* name, const std::vector<Filter>& children) const {
    std::string out = name;
    out += "(";
    for (size_t i = 0; i < children.size(); ++i) {
      out += i == 0 ? "" : ", ";
      out += std::visit(*this, children[i].node);
    }
    return out + ")";
  }
  std::string operator()(const AllOf& group) const { return Group("all", group.children); }
  std::string operator()(const AnyOf& group) const { return Group("any", group.children); }
  std::string operator()(const NoneOf& group) const { return Group("none", group.children); }

  std::string operator()(const In& condition) const {
    std::string out = DescribeKey(condition.key) + " in [";
    const size_t count = condition.values.size();
    for (size_t i = 0; i < std::min(count, kValuesShown); ++i) {
      out += i == 0 ? "" : ", ";
      out += DescribeValue(condition.values[i]);
    }
    if (count > kValuesShown) {
      out += fmt::format(", {} more", count - kValuesShown);
    }
    return out + "]";
  }

  std::string operator()(const Range& range) const {
    const auto& low = range.gte.has_value() ? range.gte : range.gt;
    const auto& high = range.lte.has_value() ? range.lte : range.lt;
    const std::string key = DescribeKey(range.key);
    if (low.has_value() && high.has_value()) {
      return fmt::format("{} in {}{}, {}{}",
                         key,
                         range.gte.has_value() ? '[' : '(',
                         DescribeValue(*low),
                         DescribeValue(*high),
                         range.lte.has_value() ? ']' : ')');
    }
    if (low.has_value()) {
      return fmt::format("{} {} {}", key, range.gte.has_value() ? ">=" : ">", DescribeValue(*low));
    }
    if (high.has_value()) {
      return fmt::format("{} {} {}", key, range.lte.has_value() ? "<=" : "<", DescribeValue(*high));
    }
    return key + " in any range";
  }

  std::string operator()(const Exists& condition) const {
    return "exists(" + DescribeKey(condition.key) + ")";
  }
  std::string operator()(const IsNull& condition) const {
    return "is_null(" + DescribeKey(condition.key) + ")";
  }
};

}  // namespace

std::string DescribeFilter(const Filter& filter) { return std::visit(Describer{}, filter.node); }

}  // namespace alidade
