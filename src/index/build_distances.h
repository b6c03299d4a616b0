// BuildDistances: the distances between rows by which a graph is built. They differ from those of a
// search in three ways.
//
// Where there are codes, they are estimated by those of 8 bits: a fourth of the bytes.
//
// Dot is no distance between rows: short vectors are nobody's neighbours, and a graph by it leaves
// them out of reach. Each row gets one more coordinate that makes all of them equally long; a query
// has zero there, so the order in which it sees the rows stays that of dot (Bachrach et al. 2014).
//
// Equal rows would keep only each other as neighbours, since a link is dropped only for a strictly
// nearer one. A difference of a few units in the last place, fixed for each pair, breaks such ties.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "alidade/index/vector_codes.h"
#include "alidade/vec/codes.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

// Immutable; borrows matrix, codes and slots.
class BuildDistances {
 public:
  // `codes`, if not null, have some of 8 bits. Rows are those of the matrix or, if some are named,
  // only these: row i is then the i-th of `slots`.
  BuildDistances(const VectorMatrix& matrix,
                 const VectorCodes* codes,
                 std::span<const uint32_t> slots = {});

 private:
  friend class RowDistance;

  // What dot adds for a row.
  struct Lift {
    float extra = 0;       // its additional coordinate
    float along_mean = 0;  // dot(row, mean), where there are codes
  };

  uint32_t SlotOf(uint32_t row) const { return slots_.empty() ? row : slots_[row]; }

  const VectorMatrix matrix_;
  std::optional<CodeMatrix> codes_;
  const std::span<const uint32_t> slots_;
  std::vector<Lift> lifts_;  // for dot only
  float mean_square_ = 0;
};

// Distances from one row. Reusable without allocating; thread-compatible. As a walk wants it.
class RowDistance {
 public:
  explicit RowDistance(const BuildDistances& distances) : from_(distances) {}
  // Required before anything else.
  void Set(uint32_t row);

  float operator()(uint32_t row) const;
  // out[i] = distance to rows[i]
  void Many(const uint32_t* rows, size_t count, float* out) const;
  void Prefetch(uint32_t row) const {
    if (estimate_.has_value()) {
      estimate_->Prefetch(from_.SlotOf(row));
    }
  }

 private:
  const BuildDistances& from_;
  uint32_t row_ = 0;
  std::vector<float> wide_;  // the row, of narrow numbers
  mutable std::vector<uint32_t> slots_;
  CodeQuery query_;
  std::optional<CodeDistance> estimate_;
  std::optional<QueryDistance> exact_;
};

}  // namespace alidade
