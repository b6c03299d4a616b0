// How numbers of payloads and of filters compare: by value, exactly.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

namespace alidade {

// Exact: 2^53 + 1 is greater than 2^53 as a double. NaN is unordered.
std::partial_ordering CompareNumbers(int64_t a, double b);

// The int64 of the same value, if there is one.
std::optional<int64_t> WholeNumber(double x);

}  // namespace alidade
