#include "scalar_order.h"

#include <cmath>
#include <string>

namespace alidade {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;  // first double above every int64

std::partial_ordering CompareToInteger(const ValueView& a, int64_t b) {
  if (a.tag() == ValueTag::kInt64) {
    return a.AsInt64() <=> b;
  }
  if (a.tag() == ValueTag::kDouble) {
    // NOLINTNEXTLINE(modernize-use-nullptr): 0 is the number of the reversed order
    return 0 <=> CompareNumbers(b, a.AsDouble());
  }
  return std::partial_ordering::unordered;
}

std::partial_ordering CompareToDouble(const ValueView& a, double b) {
  if (a.tag() == ValueTag::kInt64) {
    return CompareNumbers(a.AsInt64(), b);
  }
  if (a.tag() == ValueTag::kDouble) {
    return a.AsDouble() <=> b;
  }
  return std::partial_ordering::unordered;
}

}  // namespace

std::partial_ordering CompareNumbers(int64_t a, double b) {
  if (std::isnan(b)) {
    return std::partial_ordering::unordered;
  }
  if (b >= kTwoTo63) {
    return std::partial_ordering::less;
  }
  if (b < -kTwoTo63) {
    return std::partial_ordering::greater;
  }
  // The integral part fits an int64, and where it is not the whole of b it is below 2^53, so
  // nothing is rounded.
  const double whole = std::trunc(b);
  const auto integer = static_cast<int64_t>(whole);
  if (a != integer) {
    return a <=> integer;
  }
  return 0.0 <=> b - whole;
}

std::partial_ordering CompareScalars(const ValueView& a, const Value& b) {
  if (const auto* integer = b.As<int64_t>(); integer != nullptr) {
    return CompareToInteger(a, *integer);
  }
  if (const auto* number = b.As<double>(); number != nullptr) {
    return CompareToDouble(a, *number);
  }
  if (const auto* text = b.As<std::string>(); text != nullptr) {
    if (a.tag() != ValueTag::kString) {
      return std::partial_ordering::unordered;
    }
    return a.AsString().compare(*text) <=> 0;
  }
  if (const auto* flag = b.As<bool>(); flag != nullptr) {
    if (a.tag() != ValueTag::kBool) {
      return std::partial_ordering::unordered;
    }
    return a.AsBool() <=> *flag;
  }
  if (b.As<Value::Null>() != nullptr && a.tag() == ValueTag::kNull) {
    return std::partial_ordering::equivalent;
  }
  return std::partial_ordering::unordered;
}

}  // namespace alidade
