// Which of many distances are the nearest, a vector of them at a time. Compiled for every
// instruction set and chosen at run time (Google Highway).
//
// Requires: no distance is NaN.
// Ensures:  the same on every instruction set.
// Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace alidade {

// A bound that at least k of the distances do not exceed, and few more than k: the k-th least of
// the least distances of some groups. Infinite where `count` is not worth it. `scratch` is reused.
// Requires: 1 <= k <= count.
float BoundOfNearest(const float* distances, size_t count, size_t k, std::vector<float>& scratch);

// Writes the places of the distances up to a bound, rising, to `places`, which has room for
// kSelectRoom more than `count`; how many they are.
inline constexpr size_t kSelectRoom = 16;
size_t SelectUpTo(const float* distances, size_t count, float bound, uint32_t* places);

}  // namespace alidade
