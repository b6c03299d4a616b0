#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "alidade/common/check.h"
#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter_text.h"

#include "filter_case.h"

namespace alidade {
namespace {

// Every list that is shorter by one.
template <typename T>
std::vector<std::vector<T>> Shorter(const std::vector<T>& list) {
  std::vector<std::vector<T>> shorter;
  for (size_t i = 0; i < list.size(); ++i) {
    shorter.push_back(list);
    shorter.back().erase(shorter.back().begin() + static_cast<std::ptrdiff_t>(i));
  }
  return shorter;
}

std::vector<Filter> SmallerFilters(const Filter& filter);

// The parts of a group in its place, the group without one, and the group with one made smaller.
template <typename Group>
void AddSmallerGroups(const Group& group, size_t least, std::vector<Filter>& out) {
  if constexpr (!std::is_same_v<Group, Nested>) {
    out.insert(out.end(), group.children.begin(), group.children.end());
  }
  for (std::vector<Filter>& children : Shorter(group.children)) {
    if (children.size() >= least) {
      Group smaller = group;
      smaller.children = std::move(children);
      out.push_back(Filter{std::move(smaller)});
    }
  }
  for (size_t i = 0; i < group.children.size(); ++i) {
    for (Filter& child : SmallerFilters(group.children[i])) {
      Group smaller = group;
      smaller.children[i] = std::move(child);
      out.push_back(Filter{std::move(smaller)});
    }
  }
}

template <typename Condition>
void AddFewerValues(const Condition& condition, size_t least, std::vector<Filter>& out) {
  for (std::vector<Value>& values : Shorter(condition.values)) {
    if (values.size() >= least) {
      out.push_back(Filter{Condition{condition.key, std::move(values)}});
    }
  }
}

// One step smaller each, all still valid.
std::vector<Filter> SmallerFilters(const Filter& filter) {
  std::vector<Filter> out;
  if (const auto* all = std::get_if<AllOf>(&filter.node)) {
    AddSmallerGroups(*all, 0, out);
  } else if (const auto* any = std::get_if<AnyOf>(&filter.node)) {
    AddSmallerGroups(*any, 0, out);
  } else if (const auto* none = std::get_if<NoneOf>(&filter.node)) {
    AddSmallerGroups(*none, 0, out);
  } else if (const auto* nested = std::get_if<Nested>(&filter.node)) {
    AddSmallerGroups(*nested, 1, out);
  } else if (const auto* in = std::get_if<In>(&filter.node)) {
    AddFewerValues(*in, 0, out);
  } else if (const auto* contains = std::get_if<ContainsAll>(&filter.node)) {
    AddFewerValues(*contains, 1, out);
  }
  return out;
}

std::vector<Object> SmallerObjects(const Object& object);

std::vector<Value> SmallerValues(const Value& value) {
  std::vector<Value> out;
  if (const auto* list = value.As<List>()) {
    out.insert(out.end(), list->begin(), list->end());
    for (List& shorter : Shorter(*list)) {
      out.emplace_back(std::move(shorter));
    }
    for (size_t i = 0; i < list->size(); ++i) {
      for (Value& element : SmallerValues((*list)[i])) {
        List smaller = *list;
        smaller[i] = std::move(element);
        out.emplace_back(std::move(smaller));
      }
    }
  } else if (const auto* object = value.As<Object>()) {
    for (Object& smaller : SmallerObjects(*object)) {
      out.emplace_back(std::move(smaller));
    }
  }
  return out;
}

std::vector<Object> SmallerObjects(const Object& object) {
  std::vector<Object> out;
  for (const auto& [key, value] : object) {
    out.push_back(object);
    out.back().erase(key);
    for (Value& smaller : SmallerValues(value)) {
      out.push_back(object);
      out.back()[key] = std::move(smaller);
    }
  }
  return out;
}

std::vector<FilterCase> SmallerCases(const FilterCase& found) {
  std::vector<FilterCase> out;
  for (Filter& filter : SmallerFilters(found.filter)) {
    out.push_back({std::move(filter), found.point});
  }
  for (Object& payload : SmallerObjects(found.point.payload)) {
    out.push_back(found);
    out.back().point.payload = std::move(payload);
  }
  if (!found.point.vectors.empty()) {
    out.push_back(found);
    out.back().point.vectors.clear();
  }
  return out;
}

std::string ValueText(const Value& value);

std::string ObjectText(const Object& object) {
  std::string text;
  for (const auto& [key, value] : object) {
    text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", key, ValueText(value));
  }
  return "{" + text + "}";
}

std::string ValueText(const Value& value) {
  if (const auto* list = value.As<List>()) {
    std::string text;
    for (const Value& element : *list) {
      text += (text.empty() ? "" : ", ") + ValueText(element);
    }
    return "[" + text + "]";
  }
  if (const auto* object = value.As<Object>()) {
    return ObjectText(*object);
  }
  return FilterText(Filter{In{"x", {value}}}).substr(4);  // behind "x = "
}

}  // namespace

FilterCase Shrink(FilterCase found, const std::function<bool(const FilterCase&)>& fails) {
  bool smaller = true;
  while (smaller) {
    smaller = false;
    for (FilterCase& next : SmallerCases(found)) {
      if (fails(next)) {
        found = std::move(next);
        smaller = true;
        break;
      }
    }
  }
  return found;
}

bool MatchesCompiled(const Filter& filter, const FilterPoint& point) {
  const auto compiled = CompiledFilter::Make(filter, kVectorFields, "filter");
  ALIDADE_CHECK(compiled.ok(), "{}", MessageOf(compiled.status()));
  std::string payload;
  EncodeObject(point.payload, payload);
  const std::string id = point.id.Encode();
  FilterSubject subject{.payload = payload};
  // Nothing that was not asked for, so that a wrong answer to "asks" shows.
  if (compiled->asks_id()) {
    subject.encoded_id = id;
  }
  for (size_t i = 0; i < std::size(kVectorFields); ++i) {
    const uint32_t bit = uint32_t{1} << i;
    if ((compiled->asks_vectors() & bit) != 0 &&
        point.vectors.contains(std::string(kVectorFields[i]))) {
      subject.vectors |= bit;
    }
  }
  return compiled->Matches(subject);
}

std::string Describe(const FilterCase& found) {
  return fmt::format("{}\n  on {} with id {} and vectors [{}]",
                     FilterText(found.filter),
                     ObjectText(found.point.payload),
                     found.point.id.ToString(),
                     fmt::join(found.point.vectors, ", "));
}

}  // namespace alidade
