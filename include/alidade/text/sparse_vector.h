// SparseVector: a weight for each of a few dimensions out of 2^32; and its bytes.
//
// Threads:  pure.
// Format:   of the bytes: src/text/sparse_vector.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/status.h"

namespace alidade {

// Chosen: as many as a search can look for (posting_search.h).
inline constexpr size_t kSparseValuesMax = 4'096;

struct SparseVector {
  std::vector<uint32_t> dimensions;  // rising
  std::vector<float> weights;        // one each, finite; below 0 is allowed
  friend bool operator==(const SparseVector&, const SparseVector&) = default;
};

// Sorts by dimension.
// Errors: INVALID_ARGUMENT with the path of an alidade.v1.SparseVector at `path`: no dimension, not
//         as many weights as dimensions, a dimension twice, a weight that is not finite, too many.
StatusOr<SparseVector> MakeSparseVector(std::vector<uint32_t> dimensions,
                                        std::vector<float> weights,
                                        const std::string& path);

// As the store and the segments keep it. Never empty.
std::string EncodeSparseVector(const SparseVector& vector);
// DATA_LOSS if the bytes are no vector as MakeSparseVector gives it.
StatusOr<SparseVector> DecodeSparseVector(std::string_view bytes);

}  // namespace alidade
