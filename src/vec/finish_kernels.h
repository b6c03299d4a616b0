// From whole-number dot products to distances: the numbers behind each code, applied to many
// records at once. Compiled for every instruction set and chosen at run time (Google Highway).
//
// Ensures:  the operations and their order are those of FinishCode, none of them fused: distances
//           are equal on every instruction set.
// Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "alidade/vec/codes.h"

namespace alidade {

// What a query brings: estimate = dot * dot_factor + extra * extra_factor + constant, and
// distance = base + offset + weight * factor * estimate; factor, offset and extra are the record's.
struct FinishTerms {
  float dot_factor = 0;
  float extra_factor = 0;
  float constant = 0;
  float base = 0;
  float weight = 0;
};

// NaN can come of inf - inf, where vectors are so long that squares overflow: such a record is as
// far as can be.
inline float FinishCode(const FinishTerms& terms, int32_t dot, const uint8_t* tail_bytes) {
  CodeTail tail;
  std::memcpy(&tail, tail_bytes, sizeof(tail));
  const float estimate =
      terms.dot_factor * static_cast<float>(dot) + terms.extra_factor * tail.extra + terms.constant;
  const float distance = terms.base + tail.offset + terms.weight * tail.factor * estimate;
  constexpr float kFarthest = std::numeric_limits<float>::max();
  return distance < kFarthest ? distance : kFarthest;
}

// out[i] is of dots[i] and of the tail at `tails` + i * `stride`.
// Requires: `stride` below 2^26, a multiple of 4.
void FinishCodeRows(const FinishTerms& terms,
                    const uint8_t* tails,
                    size_t stride,
                    const int32_t* dots,
                    size_t count,
                    float* out);

}  // namespace alidade
