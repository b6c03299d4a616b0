#include "value_codec.h"

#include <cmath>
#include <utility>
#include <variant>

#include "alidade/common/payload_codec.h"

namespace alidade {
namespace {

Status DecodeFields(
    const v1::Object& in, const Limits& limits, uint32_t depth, const FieldPath& path, Object& out);

Status CheckDepth(const Limits& limits, uint32_t depth, const FieldPath& path) {
  if (depth > limits.payload_depth_max) {
    return FieldError(path.ToString(), "is nested deeper than {} levels", limits.payload_depth_max);
  }
  return OkStatus();
}

Status DecodeValue(
    const v1::Value& in, const Limits& limits, uint32_t depth, const FieldPath& path, Value& out) {
  switch (in.kind_case()) {
    case v1::Value::kListValue: {
      ALIDADE_RETURN_IF_ERROR(CheckDepth(limits, depth, path));
      List list(static_cast<size_t>(in.list_value().values_size()));
      for (int i = 0; i < in.list_value().values_size(); ++i) {
        const auto at = static_cast<size_t>(i);
        ALIDADE_RETURN_IF_ERROR(
            DecodeValue(in.list_value().values(i), limits, depth + 1, path.At(at), list[at]));
      }
      out = Value(std::move(list));
      return OkStatus();
    }
    case v1::Value::kObjectValue: {
      Object object;
      ALIDADE_RETURN_IF_ERROR(DecodeFields(in.object_value(), limits, depth, path, object));
      out = Value(std::move(object));
      return OkStatus();
    }
    default: {
      ALIDADE_ASSIGN_OR_RETURN(out, DecodeScalar(in, path));
      return OkStatus();
    }
  }
}

Status DecodeFields(const v1::Object& in,
                    const Limits& limits,
                    uint32_t depth,
                    const FieldPath& path,
                    Object& out) {
  ALIDADE_RETURN_IF_ERROR(CheckDepth(limits, depth, path));
  for (const auto& [key, value] : in.fields()) {
    if (key.empty()) {
      return FieldError(path.ToString(), "has an empty key");
    }
    ALIDADE_RETURN_IF_ERROR(DecodeValue(value, limits, depth + 1, path.Key(key), out[key]));
  }
  return OkStatus();
}

}  // namespace

StatusOr<Value> DecodeScalar(const v1::Value& in, const FieldPath& path) {
  switch (in.kind_case()) {
    case v1::Value::kNullValue:
      return Value();
    case v1::Value::kBoolValue:
      return Value(in.bool_value());
    case v1::Value::kInt64Value:
      return Value(static_cast<int64_t>(in.int64_value()));
    case v1::Value::kDoubleValue:
      if (!std::isfinite(in.double_value())) {
        return FieldError(path.ToString(), "is not a finite number");
      }
      return Value(in.double_value());
    case v1::Value::kStringValue:
      return Value(in.string_value());
    case v1::Value::kListValue:
    case v1::Value::kObjectValue:
      return FieldError(path.ToString(), "must be null, a bool, a number or a string");
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return FieldError(path.ToString(), "has no value set; null is written as null_value");
}

StatusOr<Object> DecodePayload(const v1::Object& in, const Limits& limits, const FieldPath& path) {
  Object object;
  ALIDADE_RETURN_IF_ERROR(DecodeFields(in, limits, 1, path, object));
  return object;
}

StatusOr<std::string> DecodePayloadBytes(const v1::Object& in,
                                         const Limits& limits,
                                         const FieldPath& path) {
  ALIDADE_ASSIGN_OR_RETURN(const Object object, DecodePayload(in, limits, path));
  std::string bytes;
  EncodeObject(object, bytes);
  if (bytes.size() > limits.payload_bytes_max) {
    return FieldError(path.ToString(),
                      "takes {} bytes encoded, the limit is {}",
                      bytes.size(),
                      limits.payload_bytes_max);
  }
  return bytes;
}

void EncodePayload(const Object& in, v1::Object& out) {
  for (const auto& [key, value] : in) {
    EncodeValue(value, (*out.mutable_fields())[key]);
  }
}

void EncodeValue(const Value& in, v1::Value& out) {
  if (const auto* flag = in.As<bool>()) {
    out.set_bool_value(*flag);
  } else if (const auto* integer = in.As<int64_t>()) {
    out.set_int64_value(*integer);
  } else if (const auto* number = in.As<double>()) {
    out.set_double_value(*number);
  } else if (const auto* text = in.As<std::string>()) {
    out.set_string_value(*text);
  } else if (const auto* list = in.As<List>()) {
    auto* values = out.mutable_list_value();
    for (const Value& element : *list) {
      EncodeValue(element, *values->add_values());
    }
  } else if (const auto* object = in.As<Object>()) {
    EncodePayload(*object, *out.mutable_object_value());
  } else {
    out.set_null_value(google::protobuf::NULL_VALUE);
  }
}

}  // namespace alidade
