// ExecuteSparseSearch: a sparse vector against one sparse field, over one immutable view.
//
// Path:     search 5/8 (from collection/search_path.cc, to segment/* and text/sparse.h)
// Threads:  pure over its arguments; runs in the caller's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "alidade/common/deadline.h"
#include "alidade/query/executor.h"
#include "alidade/text/sparse_vector.h"

namespace alidade {

struct SparseQuery {
  SparseIndex field = 0;  // of the view's schema
  const SparseVector* vector = nullptr;
  uint32_t k = 10;                 // at least 1
  const Filter* filter = nullptr;  // null: all
  std::optional<double> score_min = std::nullopt;
  // Encoded ids that are not hits, ascending.
  std::span<const std::string> excluded_ids = {};
  bool explain = false;
};

// Points that share a dimension with the query, ranked by dot product (under IDF as SearchSparse
// says). Hits are ascending by (distance, id bytes); the distance is the score below zero, as a
// float. Always exact: the answer is the one that an unlimited search cut to k would give, ties
// included. Errors: DEADLINE_EXCEEDED, CANCELLED; what CompileFilter and SearchSparse answer.
StatusOr<QueryOutcome> ExecuteSparseSearch(const SegmentSet& view,
                                           const SparseQuery& query,
                                           const Deadline& deadline);

}  // namespace alidade
