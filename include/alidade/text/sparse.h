// Sparse vectors: a weight for each of a few dimensions out of 2^32; ranked by dot product.
//
// Threads:  pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/text/posting_search.h"

namespace alidade {

inline constexpr size_t kSparseValuesMax = kQueryTermsMax;

struct SparseVector {
  std::vector<uint32_t> dimensions;  // rising
  std::vector<float> weights;        // one each, finite; below 0 is allowed
  friend bool operator==(const SparseVector&, const SparseVector&) = default;
};

// Sorts by dimension.
// Errors: INVALID_ARGUMENT with the path of an alidade.v1.SparseVector at `path`: not as many
//         weights as dimensions, a dimension twice, a weight that is not finite, too many.
StatusOr<SparseVector> MakeSparseVector(std::vector<uint32_t> dimensions,
                                        std::vector<float> weights,
                                        const std::string& path);

// As postings have it: big-endian, so that terms are in the order of their dimensions.
std::string SparseTerm(uint32_t dimension);

// A vector as what PostingsBuilder and GrowingPostings take. Thread-compatible; for reuse.
class SparseTerms {
 public:
  // Borrowed until the next call.
  std::span<const TermValue> Of(const SparseVector& vector);

 private:
  std::string bytes_;
  std::vector<TermValue> terms_;
};

// The k documents with the highest dot product among those that share a dimension with the query
// and are allowed, falling; equal ones as in SearchBm25. With `idf` each weight of the query is
// multiplied by the InverseDocumentFrequency of its dimension, over all parts together.
// Weights below 0 work like others: what is passed over has no share above 0 to gain.
// Requires: parts of sparse vectors; a vector as MakeSparseVector gives it; k >= 1.
// Ensures:  exact: equal, to the last bit, to the products summed in the order of dimensions, in
//           double precision, for every document.
// Errors:   DEADLINE_EXCEEDED, CANCELLED, DATA_LOSS.
StatusOr<std::vector<DocumentHit>> SearchSparse(const PostingSearch& search,
                                                const SparseVector& query,
                                                bool idf,
                                                PostingCounters* counters);

}  // namespace alidade
