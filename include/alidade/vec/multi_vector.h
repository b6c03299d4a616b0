// MultiVector: several vectors of one point in one field, one for each token of a text or patch of
// an image; its bytes; and how well one answers another (late interaction).
//
// Threads:  pure.
// Source:   Khattab, Zaharia 2020 (ColBERT).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/vec/metric.h"

namespace alidade {

// Chosen: several times what encoders of documents and of pages give.
inline constexpr size_t kMultiVectorRowsMax = 4'096;
inline constexpr size_t kMultiVectorBytesMax = size_t{4} << 20;

struct MultiVector {
  uint32_t rows = 0;
  std::vector<float> values;  // rows x dim, row-major
  friend bool operator==(const MultiVector&, const MultiVector&) = default;
};

// With its number of rows, which the wire leaves out where values are packed.
MultiVector WithRows(MultiVector vector, uint32_t dim);

// OK if there are 1..kMultiVectorRowsMax rows of `dim` values, of kMultiVectorBytesMax together,
// and each passes ValidateVector. Errors: INVALID_ARGUMENT with the path of an
// alidade.v1.MultiVector at `path`, or of a row.
Status ValidateMultiVector(const MultiVector& vector,
                           uint32_t dim,
                           Metric metric,
                           const std::string& path);

// As the store keeps it. Never empty.
std::string EncodeMultiVector(const MultiVector& vector);
// DATA_LOSS if the bytes are not of 1..kMultiVectorRowsMax rows of `dim` values.
StatusOr<MultiVector> DecodeMultiVector(std::string_view bytes, uint32_t dim);

// The sum over the rows of the query of the largest similarity that a row of the document has to
// it: dot product, or cosine similarity. Larger is better.
// Requires: kDot or kCosine; vectors that passed ValidateMultiVector with this dim and metric.
// Cost:     query.rows * document.rows products of dim.
double MaxSim(const MultiVector& query, const MultiVector& document, uint32_t dim, Metric metric);

}  // namespace alidade
