#include "alidade/query/grouping.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "alidade/common/payload_codec.h"

namespace alidade {
namespace {

std::optional<Value> GroupValueOf(const ValueView& value) {
  switch (value.tag()) {
    case ValueTag::kBool:
      return Value(value.AsBool());
    case ValueTag::kInt64:
      return Value(value.AsInt64());
    case ValueTag::kString:
      return Value(std::string(value.AsString()));
    case ValueTag::kNull:
    case ValueTag::kDouble:
    case ValueTag::kList:
    case ValueTag::kObject:
      break;
  }
  return std::nullopt;
}

// Each once, as they come.
std::vector<Value> GroupValuesAt(std::string_view payload, const std::string& key) {
  std::vector<Value> values;
  const auto add = [&values](const ValueView& at) {
    std::optional<Value> value = GroupValueOf(at);
    if (value.has_value() && std::ranges::find(values, *value) == values.end()) {
      values.push_back(std::move(*value));
    }
    return false;
  };
  if (const std::optional<ValueView> found = PayloadView(payload).Find(key); found.has_value()) {
    add(*found);
    found->AnyElement(add);
  }
  return values;
}

struct ValueOrder {
  bool operator()(const Value& a, const Value& b) const {
    return a.data().index() != b.data().index() ? a.data().index() < b.data().index() : Less(a, b);
  }

 private:
  // Of one kind.
  static bool Less(const Value& a, const Value& b) {
    if (const auto* text = a.As<std::string>()) {
      return *text < *b.As<std::string>();
    }
    if (const auto* number = a.As<int64_t>()) {
      return *number < *b.As<int64_t>();
    }
    return *a.As<bool>() < *b.As<bool>();
  }
};

}  // namespace

std::vector<HitGroup> GroupHits(const SegmentSet& view,
                                const Ranking& ranking,
                                const GroupBy& by,
                                size_t groups) {
  std::vector<HitGroup> out;
  std::map<Value, size_t, ValueOrder> places;
  for (size_t i = 0; i < ranking.size(); ++i) {
    const GlobalHit& place = ranking[i].place;
    const std::string_view payload =
        view.segments[place.segment].segment->payload(place.row, view.at);
    for (Value& value : GroupValuesAt(payload, by.key)) {
      auto found = places.find(value);
      if (found == places.end()) {
        if (out.size() == groups) {
          continue;
        }
        found = places.emplace(value, out.size()).first;
        out.push_back({std::move(value), {}});
      }
      std::vector<size_t>& hits = out[found->second].hits;
      if (hits.size() < by.group_size) {
        hits.push_back(i);
      }
    }
  }
  return out;
}

}  // namespace alidade
