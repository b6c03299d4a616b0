#include "alidade/filter/scalar.h"

#include <algorithm>
#include <cmath>

#include "condition.h"
#include "index_keys.h"
#include "key_path.h"
#include "scalar_order.h"

namespace alidade {
namespace {

// First bytes of sort keys.
constexpr char kBoolClass = 0;
constexpr char kNumberClass = 1;
constexpr char kTextClass = 2;

}  // namespace

std::optional<Scalar> ScalarOf(const ValueView& value) {
  switch (value.tag()) {
    case ValueTag::kBool:
      return Scalar(value.AsBool());
    case ValueTag::kInt64:
      return Scalar(value.AsInt64());
    case ValueTag::kDouble:
      if (const auto whole = WholeNumber(value.AsDouble()); whole.has_value()) {
        return Scalar(*whole);
      }
      return std::isnan(value.AsDouble()) ? std::nullopt : std::optional<Scalar>(value.AsDouble());
    case ValueTag::kString:
      return Scalar(value.AsString());
    case ValueTag::kNull:
    case ValueTag::kList:
    case ValueTag::kObject:
      break;
  }
  return std::nullopt;
}

Value ValueOf(const Scalar& scalar) {
  if (const auto* text = std::get_if<std::string_view>(&scalar)) {
    return Value(std::string(*text));
  }
  if (const auto* integer = std::get_if<int64_t>(&scalar)) {
    return Value(*integer);
  }
  if (const auto* number = std::get_if<double>(&scalar)) {
    return Value(*number);
  }
  return Value(std::get<bool>(scalar));
}

std::string SortKey(const Scalar& scalar) {
  if (const auto* text = std::get_if<std::string_view>(&scalar)) {
    std::string key(1, kTextClass);
    return key.append(*text);
  }
  if (const auto* integer = std::get_if<int64_t>(&scalar)) {
    return std::string(1, kNumberClass) + IndexKeyOfInteger(*integer);
  }
  if (const auto* number = std::get_if<double>(&scalar)) {
    return std::string(1, kNumberClass) + IndexKeyOfDouble(*number).value_or("");
  }
  return std::string(1, kBoolClass) + (std::get<bool>(scalar) ? '\1' : '\0');
}

std::span<const Scalar> ScalarReader::Of(std::string_view payload) {
  scalars_.clear();
  const std::optional<ValueView> value = KeyPath(key_).Find(payload);
  if (!value.has_value()) {
    return {};
  }
  AnyLeaf(*value, [this](const ValueView& leaf) {
    if (const std::optional<Scalar> scalar = ScalarOf(leaf); scalar.has_value()) {
      scalars_.push_back(*scalar);
    }
    return false;
  });
  if (scalars_.size() > 1) {
    std::ranges::sort(scalars_, [](const Scalar& a, const Scalar& b) { return a < b; });
    const auto repeated = std::ranges::unique(scalars_);
    scalars_.erase(repeated.begin(), repeated.end());
  }
  return scalars_;
}

}  // namespace alidade
