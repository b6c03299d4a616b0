#include "value_set.h"

#include <algorithm>
#include <cmath>

#include "scalar_order.h"

namespace alidade {
namespace {

// Up to so many strings are compared one by one: their lengths tell most apart (chosen).
constexpr size_t kFewTexts = 8;

template <typename Key>
std::optional<uint32_t> FindSorted(const std::vector<Key>& keys, Key key, uint32_t first) {
  const auto at = std::lower_bound(keys.begin(), keys.end(), key);
  if (at == keys.end() || *at != key) {
    return std::nullopt;
  }
  return first + static_cast<uint32_t>(at - keys.begin());
}

template <typename Key>
void SortDistinct(std::vector<Key>& keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

}  // namespace

ValueSet::ValueSet(std::span<const Value> values) {
  for (const Value& value : values) {
    Add(value);
  }
  SortDistinct(integers_);
  SortDistinct(doubles_);
  first_integer_ = size_;
  first_double_ = first_integer_ + static_cast<uint32_t>(integers_.size());
  size_ = first_double_ + static_cast<uint32_t>(doubles_.size());
  if (texts_.size() <= kFewTexts) {
    few_texts_.assign(texts_.begin(), texts_.end());
    texts_.clear();
  }
}

// Numbers are numbered later, when they are in order.
void ValueSet::Add(const Value& value) {
  if (value.As<Value::Null>() != nullptr) {
    Number(null_);
  } else if (const auto* flag = value.As<bool>()) {
    Number(bools_[*flag ? 1 : 0]);
  } else if (const auto* integer = value.As<int64_t>()) {
    integers_.push_back(*integer);
  } else if (const auto* number = value.As<double>()) {
    if (const std::optional<int64_t> whole = WholeNumber(*number); whole.has_value()) {
      integers_.push_back(*whole);
    } else if (!std::isnan(*number)) {
      doubles_.push_back(*number);
    }
  } else if (const auto* text = value.As<std::string>()) {
    size_ += texts_.emplace(*text, size_).second ? 1U : 0U;
  }
}

// Gives the next number to what has none.
void ValueSet::Number(std::optional<uint32_t>& number) {
  if (!number.has_value()) {
    number = size_++;
  }
}

std::optional<uint32_t> ValueSet::FindNumber(double value) const {
  if (const std::optional<int64_t> whole = WholeNumber(value); whole.has_value()) {
    return FindSorted(integers_, *whole, first_integer_);
  }
  return std::isnan(value) ? std::nullopt : FindSorted(doubles_, value, first_double_);
}

std::optional<uint32_t> ValueSet::FindText(std::string_view value) const {
  for (const auto& [text, number] : few_texts_) {
    if (text == value) {
      return number;
    }
  }
  if (!texts_.empty()) {
    if (const auto found = texts_.find(value); found != texts_.end()) {
      return found->second;
    }
  }
  return std::nullopt;
}

std::optional<uint32_t> ValueSet::Find(const ValueView& value) const {
  switch (value.tag()) {
    case ValueTag::kNull:
      return null_;
    case ValueTag::kBool:
      return bools_[value.AsBool() ? 1 : 0];
    case ValueTag::kInt64:
      return FindSorted(integers_, value.AsInt64(), first_integer_);
    case ValueTag::kDouble:
      return FindNumber(value.AsDouble());
    case ValueTag::kString:
      return FindText(value.AsString());
    case ValueTag::kList:
    case ValueTag::kObject:
      break;
  }
  return std::nullopt;
}

}  // namespace alidade
