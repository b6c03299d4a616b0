// How the scalars of payloads and of filters compare: by value, exactly, and only within one kind.
#pragma once

#include <compare>
#include <cstdint>

#include "alidade/common/payload_codec.h"
#include "alidade/common/value.h"

namespace alidade {

// Exact: 2^53 + 1 is greater than 2^53 as a double. NaN is unordered.
std::partial_ordering CompareNumbers(int64_t a, double b);

// Integers and doubles by value, strings by bytes, false before true, null equal to null; unordered
// if the kinds differ or either is NaN, a list or an object. Pure.
std::partial_ordering CompareScalars(const ValueView& a, const Value& b);

}  // namespace alidade
