#include "json_value.h"

#include <charconv>
#include <limits>
#include <map>

#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 64;

Status ToValue(const Json& json, int depth, alidade::v1::Value& value);

Status ToObject(const Json& json, int depth, alidade::v1::Object& object) {
  for (const auto& [key, child] : json.items()) {
    ALIDADE_RETURN_IF_ERROR(ToValue(child, depth, (*object.mutable_fields())[key]));
  }
  return OkStatus();
}

Status ToValue(const Json& json, int depth, alidade::v1::Value& value) {
  if (depth > kDepthMax) {
    return InvalidArgument("JSON is nested deeper than {}", kDepthMax);
  }
  switch (json.type()) {
    case Json::value_t::null:
      value.set_null_value(google::protobuf::NULL_VALUE);
      return OkStatus();
    case Json::value_t::boolean:
      value.set_bool_value(json.get<bool>());
      return OkStatus();
    case Json::value_t::number_integer:
      value.set_int64_value(json.get<int64_t>());
      return OkStatus();
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return InvalidArgument("integer {} is beyond int64", json.get<uint64_t>());
      }
      value.set_int64_value(json.get<int64_t>());
      return OkStatus();
    case Json::value_t::number_float:
      value.set_double_value(json.get<double>());
      return OkStatus();
    case Json::value_t::string:
      value.set_string_value(json.get<std::string>());
      return OkStatus();
    case Json::value_t::array: {
      auto* list = value.mutable_list_value();
      for (const Json& child : json) {
        ALIDADE_RETURN_IF_ERROR(ToValue(child, depth + 1, *list->add_values()));
      }
      return OkStatus();
    }
    case Json::value_t::object:
      return ToObject(json, depth + 1, *value.mutable_object_value());
    default:
      return InvalidArgument("not a JSON value");
  }
}

Json FromValue(const alidade::v1::Value& value);

Json FromObject(const alidade::v1::Object& object) {
  Json json = Json::object();
  for (const auto& [key, child] : object.fields()) {
    json[key] = FromValue(child);
  }
  return json;
}

Json FromValue(const alidade::v1::Value& value) {
  using Kind = alidade::v1::Value::KindCase;
  switch (value.kind_case()) {
    case Kind::kBoolValue:
      return value.bool_value();
    case Kind::kInt64Value:
      return value.int64_value();
    case Kind::kDoubleValue:
      return value.double_value();
    case Kind::kStringValue:
      return value.string_value();
    case Kind::kListValue: {
      Json list = Json::array();
      for (const auto& child : value.list_value().values()) {
        list.push_back(FromValue(child));
      }
      return list;
    }
    case Kind::kObjectValue:
      return FromObject(value.object_value());
    default:
      return nullptr;
  }
}

// An index of a sparse vector: a number, or its digits as the key of an object.
StatusOr<uint32_t> ToIndex(const Json& json) {
  if (json.is_number_unsigned() && json.get<uint64_t>() <= std::numeric_limits<uint32_t>::max()) {
    return json.get<uint32_t>();
  }
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    uint32_t index = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (error == std::errc() && end == text.data() + text.size()) {
      return index;
    }
  }
  return InvalidArgument("{} is no index of a sparse vector, 0 to {}",
                         json.dump(),
                         std::numeric_limits<uint32_t>::max());
}

Status AddSparse(const Json& index, const Json& value, std::map<uint32_t, float>& values) {
  ALIDADE_ASSIGN_OR_RETURN(const uint32_t at, ToIndex(index));
  if (!value.is_number()) {
    return InvalidArgument("index {} of a sparse vector has no number", at);
  }
  if (!values.emplace(at, value.get<float>()).second) {
    return InvalidArgument("index {} of a sparse vector is there twice", at);
  }
  return OkStatus();
}

bool IsBound(const std::string& name) {
  return name == "gt" || name == "gte" || name == "lt" || name == "lte";
}

Status SetBound(const std::string& name, const Json& json, alidade::v1::RangeCondition& range) {
  auto& bound = name == "gt"    ? *range.mutable_gt()
                : name == "gte" ? *range.mutable_gte()
                : name == "lt"  ? *range.mutable_lt()
                                : *range.mutable_lte();
  return JsonToValue(json, bound);
}

// One key with its condition: a scalar, a list of scalars, or an object of bounds.
Status AddCondition(const std::string& key, const Json& json, alidade::v1::Filter& filter) {
  if (json.is_array()) {
    auto* is_in = filter.mutable_is_in();
    is_in->set_key(key);
    for (const Json& value : json) {
      ALIDADE_RETURN_IF_ERROR(JsonToValue(value, *is_in->add_values()));
    }
    return OkStatus();
  }
  if (!json.is_object()) {
    auto* equals = filter.mutable_equals();
    equals->set_key(key);
    return JsonToValue(json, *equals->mutable_value());
  }
  if (json == Json{{"exists", true}}) {
    filter.mutable_exists()->set_key(key);
    return OkStatus();
  }
  auto* range = filter.mutable_range();
  range->set_key(key);
  for (const auto& [name, bound] : json.items()) {
    if (!IsBound(name)) {
      return InvalidArgument(
          "filter on \"{}\": \"{}\" is none of gt, gte, lt, lte, exists", key, name);
    }
    ALIDADE_RETURN_IF_ERROR(SetBound(name, bound, *range));
  }
  return OkStatus();
}

Status AddRange(const Json& json, alidade::v1::Filter& filter) {
  auto* range = filter.mutable_range();
  for (const auto& [name, value] : json.items()) {
    if (name == "key" && value.is_string()) {
      range->set_key(value.get<std::string>());
    } else if (IsBound(name)) {
      ALIDADE_RETURN_IF_ERROR(SetBound(name, value, *range));
    } else {
      return InvalidArgument(
          "filter: \"range\" wants \"key\" and some of gt, gte, lt, lte, not \"{}\"", name);
    }
  }
  return OkStatus();
}

Status ToFilter(const Json& json, int depth, alidade::v1::Filter& filter);

Status AddParts(const Json& json, int depth, alidade::v1::FilterList& list) {
  if (!json.is_array()) {
    return InvalidArgument("filter: \"any\" wants a list of filters");
  }
  for (const Json& part : json) {
    ALIDADE_RETURN_IF_ERROR(ToFilter(part, depth, *list.add_filters()));
  }
  return OkStatus();
}

Status ToFilter(const Json& json, int depth, alidade::v1::Filter& filter) {
  if (depth > kDepthMax) {
    return InvalidArgument("the filter is nested deeper than {}", kDepthMax);
  }
  if (!json.is_object()) {
    return InvalidArgument("a filter is a JSON object, not {}", json.type_name());
  }
  auto* all = filter.mutable_all_of();
  for (const auto& [key, condition] : json.items()) {
    if (key == "not") {
      ALIDADE_RETURN_IF_ERROR(
          ToFilter(condition, depth + 1, *all->add_filters()->mutable_none_of()->add_filters()));
    } else if (key == "any") {
      ALIDADE_RETURN_IF_ERROR(
          AddParts(condition, depth + 1, *all->add_filters()->mutable_any_of()));
    } else if (key == "equals" && condition.is_object()) {
      for (const auto& [name, value] : condition.items()) {
        ALIDADE_RETURN_IF_ERROR(AddCondition(name, value, *all->add_filters()));
      }
    } else if (key == "range" && condition.is_object()) {
      ALIDADE_RETURN_IF_ERROR(AddRange(condition, *all->add_filters()));
    } else {
      ALIDADE_RETURN_IF_ERROR(AddCondition(key, condition, *all->add_filters()));
    }
  }
  return OkStatus();
}

}  // namespace

Status JsonToValue(const Json& json, alidade::v1::Value& value) { return ToValue(json, 0, value); }

Status JsonToObject(const Json& json, alidade::v1::Object& object) {
  if (!json.is_object()) {
    return InvalidArgument("a JSON object is wanted, not {}", json.type_name());
  }
  return ToObject(json, 0, object);
}

Status JsonToSparse(const Json& json, alidade::v1::SparseVector& vector) {
  if (!json.is_object()) {
    return InvalidArgument("a sparse vector is a JSON object");
  }
  std::map<uint32_t, float> values;
  if (json.contains("indices") || json.contains("values")) {
    const Json indices = json.value("indices", Json());
    const Json numbers = json.value("values", Json());
    if (!indices.is_array() || !numbers.is_array() || indices.size() != numbers.size()) {
      return InvalidArgument("a sparse vector has as many \"indices\" as \"values\"");
    }
    for (size_t i = 0; i < indices.size(); ++i) {
      ALIDADE_RETURN_IF_ERROR(AddSparse(indices[i], numbers[i], values));
    }
  } else {
    for (const auto& [index, value] : json.items()) {
      ALIDADE_RETURN_IF_ERROR(AddSparse(Json(index), value, values));
    }
  }
  for (const auto& [index, value] : values) {
    vector.add_indices(index);
    vector.add_values(value);
  }
  return OkStatus();
}

Status JsonToMultiVector(const Json& json, alidade::v1::MultiVector& vectors) {
  if (!json.is_array() || json.empty()) {
    return InvalidArgument("a multi-vector is a list of one or more vectors");
  }
  std::vector<float> values;
  for (const Json& vector : json) {
    if (!vector.is_array() || vector.empty() || vector.size() != json.front().size()) {
      return InvalidArgument("a multi-vector has a vector that is no list of numbers as the first");
    }
    for (const Json& element : vector) {
      if (!element.is_number()) {
        return InvalidArgument("a multi-vector has the element {}, which is no number",
                               element.dump(-1, ' ', false, Json::error_handler_t::replace));
      }
      values.push_back(element.get<float>());
    }
  }
  vectors.set_packed(values.data(), values.size() * sizeof(float));
  return OkStatus();
}

std::string ValueText(const alidade::v1::Value& value) {
  return FromValue(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ObjectText(const alidade::v1::Object& object) {
  return FromObject(object).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status JsonToFilter(const Json& json, alidade::v1::Filter& filter) {
  return ToFilter(json, 1, filter);
}

}  // namespace alidade
