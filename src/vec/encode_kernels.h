// What making codes takes: floats to whole numbers, and how well those stand for them. Compiled for
// every instruction set and chosen at run time (Google Highway). Elements are the same on all of
// them; sums are added up in another order on each.
//
// Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace alidade {

// 0 of none.
float LargestMagnitude(const float* values, size_t count);

// out[i] = values[i] * scale, rounded to the nearest whole number, halves away from 0, cut to
// -127..127; the same into `numbers`.
void RoundToInt8(const float* values, size_t count, float scale, int8_t* out, float* numbers);

// A grid of the 16 odd multiples -15..15 of `step` > 0. levels[i] = which of them, 0..15, is the
// nearest to values[i]; the multiples themselves into `numbers`.
void RoundToInt4(const float* values, size_t count, float step, uint8_t* levels, float* numbers);

// How that grid would fit: sums of the multiples times the values, and of their squares.
struct GridSums {
  float dot = 0;
  float square = 0;
};
GridSums SumsOfInt4(const float* values, size_t count, float step);

// Sum of (values[i] - factor * numbers[i])^2.
float SquaredError(const float* values, const float* numbers, size_t count, float factor);

}  // namespace alidade
