#include <cstdint>

#include "alidade/filter/filter.h"

namespace alidade {
namespace {

class Validator {
 public:
  explicit Validator(const Limits& limits) : limits_(limits) {}

  Status Check(const Filter& filter, uint32_t depth, const std::string& path) {
    if (depth > limits_.filter_depth_max) {
      return FieldError(path, "is nested deeper than {} levels", limits_.filter_depth_max);
    }
    if (++nodes_ > limits_.filter_nodes_max) {
      return FieldError(path, "is one node too many, the limit is {}", limits_.filter_nodes_max);
    }
    return std::visit([&](const auto& node) { return CheckNode(node, depth, path); }, filter.node);
  }

 private:
  Status CheckNode(const AllOf& group, uint32_t depth, const std::string& path) {
    return CheckChildren(group.children, depth, path + ".all_of");
  }
  Status CheckNode(const AnyOf& group, uint32_t depth, const std::string& path) {
    return CheckChildren(group.children, depth, path + ".any_of");
  }
  Status CheckNode(const NoneOf& group, uint32_t depth, const std::string& path) {
    return CheckChildren(group.children, depth, path + ".none_of");
  }
  Status CheckNode(const In& condition, uint32_t /*depth*/, const std::string& path) const {
    return CheckIn(condition, path + ".is_in");
  }
  Status CheckNode(const Range& range, uint32_t /*depth*/, const std::string& path) const {
    return CheckRange(range, path + ".range");
  }
  Status CheckNode(const Exists& condition, uint32_t /*depth*/, const std::string& path) const {
    return CheckKey(condition.key, path + ".exists");
  }
  Status CheckNode(const IsNull& condition, uint32_t /*depth*/, const std::string& path) const {
    return CheckKey(condition.key, path + ".is_null");
  }

  Status CheckChildren(const std::vector<Filter>& children,
                       uint32_t depth,
                       const std::string& path) {
    for (size_t i = 0; i < children.size(); ++i) {
      ALIDADE_RETURN_IF_ERROR(Check(children[i], depth + 1, fmt::format("{}[{}]", path, i)));
    }
    return OkStatus();
  }

  static Status CheckKey(const std::string& key, const std::string& path) {
    if (key.empty() || key.size() > kFilterKeyBytesMax) {
      return FieldError(
          path + ".key", "has {} bytes, 1 to {} are allowed", key.size(), kFilterKeyBytesMax);
    }
    return OkStatus();
  }

  Status CheckIn(const In& condition, const std::string& path) const {
    ALIDADE_RETURN_IF_ERROR(CheckKey(condition.key, path));
    const size_t count = condition.values.size();
    if (count > limits_.filter_values_max) {
      return FieldError(
          path + ".values", "has {} values, the limit is {}", count, limits_.filter_values_max);
    }
    for (size_t i = 0; i < count; ++i) {
      const Value& value = condition.values[i];
      if (value.As<List>() != nullptr || value.As<Object>() != nullptr) {
        return FieldError(fmt::format("{}.values[{}]", path, i),
                          "must be null, a bool, a number or a string");
      }
    }
    return OkStatus();
  }

  static Status CheckRange(const Range& range, const std::string& path) {
    ALIDADE_RETURN_IF_ERROR(CheckKey(range.key, path));
    struct Bound {
      const char* name;
      const std::optional<Value>& value;
    };
    const Value* first = nullptr;
    for (const Bound& bound : {Bound{"gt", range.gt},
                               Bound{"gte", range.gte},
                               Bound{"lt", range.lt},
                               Bound{"lte", range.lte}}) {
      if (!bound.value.has_value()) {
        continue;
      }
      const bool is_text = bound.value->As<std::string>() != nullptr;
      if (!is_text && bound.value->As<int64_t>() == nullptr &&
          bound.value->As<double>() == nullptr) {
        return FieldError(path + "." + bound.name, "must be a number or a string");
      }
      if (first != nullptr && is_text != (first->As<std::string>() != nullptr)) {
        return FieldError(path + "." + bound.name,
                          "must be of the same kind as the other bounds: numbers or strings");
      }
      first = first == nullptr ? &*bound.value : first;
    }
    if (first == nullptr) {
      return FieldError(path, "has no bound");
    }
    if (range.gt.has_value() && range.gte.has_value()) {
      return FieldError(path + ".gte", "must not be set together with gt");
    }
    if (range.lt.has_value() && range.lte.has_value()) {
      return FieldError(path + ".lte", "must not be set together with lt");
    }
    return OkStatus();
  }

  const Limits& limits_;
  uint32_t nodes_ = 0;
};

}  // namespace

Status ValidateFilter(const Filter& filter, const Limits& limits, const std::string& path) {
  return Validator(limits).Check(filter, /*depth=*/1, path);
}

}  // namespace alidade
