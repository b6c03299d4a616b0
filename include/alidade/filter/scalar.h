// Scalar: one of the values that payloads have at a key, as filters tell values apart.
//
// Threads:  pure functions; ScalarReader is thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "alidade/common/payload_codec.h"
#include "alidade/common/value.h"

namespace alidade {

// Two are equal if a filter for one finds the other: a number that is whole and fits is an int64, 1
// and 1.0 are one. Never NaN. Strings are borrowed.
using Scalar = std::variant<bool, int64_t, double, std::string_view>;

// Nothing for null, lists, objects and NaN.
std::optional<Scalar> ScalarOf(const ValueView& value);
Value ValueOf(const Scalar& scalar);
// Bytes that compare as the values do: false, true, then numbers, then strings by their bytes.
std::string SortKey(const Scalar& scalar);

// The scalars of one payload after the other at one key.
class ScalarReader {
 public:
  explicit ScalarReader(std::string_view key) : key_(key) {}

  // Those of a list too, each once, in no order; they borrow the payload, the span lasts until the
  // next call. Malformed payload bytes have none.
  std::span<const Scalar> Of(std::string_view payload);

 private:
  std::string key_;
  std::vector<Scalar> scalars_;
};

}  // namespace alidade
