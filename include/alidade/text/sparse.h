// Sparse vectors as postings, ranked by dot product.
//
// Threads:  pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/text/posting_search.h"
#include "alidade/text/sparse_vector.h"

namespace alidade {

static_assert(kSparseValuesMax <= kQueryTermsMax);

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
