// Places: the nodes of a graph by where they lie. A search under a filter that few pass looks at
// the allowed nodes of the places around its query, where a walk would have to step over all the
// others.
//
// Source:   the inverted lists of Jegou et al. 2011 (doi 10.1109/TPAMI.2010.57); where the search
//           ends follows from what it has found, not from a number of lists.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/common/zeroed_memory.h"
#include "alidade/index/vector_codes.h"
#include "alidade/index/vector_index.h"
#include "alidade/vec/codes.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

// Chosen by bench/micro/filtered_search.cc; the centres are looked at in each search.
inline constexpr uint32_t kRowsPerPlace = 96;
inline constexpr uint32_t kPlacesMax = 4'096;

// Puts those of some slots that the filter allows behind the first `count` of `kept`, which has
// room for all of them; how many there are then.
uint32_t KeepAllowed(const SlotFilter& filter,
                     const uint32_t* slot,
                     const uint32_t* end,
                     uint32_t* kept,
                     uint32_t count);

// As they lie in a body (hnsw_format.h).
struct PlacesView {
  // DATA_LOSS if they do not hold each of so many nodes once, or if a centre is none.
  Status Check(uint32_t nodes_count, uint32_t dim) const;
  // Those of so many nodes that the filter allows; in one place if there are none.
  PlacedSlots Allowed(const SlotFilter& filter, uint32_t nodes_count) const;

  uint32_t count = 0;
  float radius = 0;
  const float* centres = nullptr;
  const uint32_t* starts = nullptr;
  const uint32_t* nodes = nullptr;
};

struct Places {
  uint32_t count() const { return starts.empty() ? 0 : static_cast<uint32_t>(starts.size() - 1); }

  float radius = 0;  // root of the mean distance of a row from its centre
  std::vector<float> centres;
  std::vector<uint32_t> starts;
  std::vector<uint32_t> nodes;
};

// Places of the rows of a matrix; none if these are few (BuildOptions), have no codes of 8
// bits, or if their metric is dot, which knows no places. The same each time.
// Errors: CANCELLED. Throws std::bad_alloc.
StatusOr<Places> MakePlaces(const VectorMatrix& matrix,
                            const VectorCodes& codes,
                            const BuildOptions& options);

// Records of centres, as codes see them.
class CentreCodes {
 public:
  // Throws std::bad_alloc.
  CentreCodes(const CodeSpace& space, CodeKind kind, const float* centres, uint32_t count);
  const CodeMatrix& matrix() const { return matrix_; }

 private:
  ZeroedMemory records_;
  CodeMatrix matrix_;
};

// The slack that so many steps stand for (IndexSearchOptions), as a root of a distance.
inline float PlaceSlack(uint32_t steps, float radius) {
  constexpr float kStep = 1.0F / 64;
  constexpr float kNoSlack = 65;
  return (static_cast<float>(steps) - kNoSlack) * kStep * radius;
}

// Squares of distances, and half of such squares under cosine, are not added up: their roots are.
// Estimates may be below zero.
inline float RootDistance(float distance) { return std::sqrt(std::max(distance, 0.0F)); }

}  // namespace alidade
