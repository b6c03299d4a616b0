// Rotation: a fixed random orthogonal map, so that no dimension carries more than its share.
//
// Source:   signs and fast Walsh-Hadamard transforms (Ailon & Chazelle 2009). Where `dim` is no
//           power of two, transforms of the largest one below act on the first and the last
//           coordinates in turn, with a butterfly between both halves after each.
// Ensures:  the same for a `dim` on every machine and every instruction set: codes of rotated
//           vectors are on disk.
// Cost:     O(dim log dim): under a microsecond at 768.
// Threads:  immutable.
#pragma once

#include <cstdint>
#include <vector>

namespace alidade {

class Rotation {
 public:
  explicit Rotation(uint32_t dim);
  // Turns `dim` values in place; lengths and dot products stay, but for rounding.
  void Apply(float* values) const;
  uint32_t dim() const { return dim_; }

 private:
  uint32_t dim_;
  uint32_t block_;            // the largest power of two up to dim
  std::vector<float> signs_;  // kRounds x dim: 1 or -1
};

}  // namespace alidade
