// ExecuteTextSearch: the words of a query against one text index, over one immutable view.
//
// Path:     search 5/8 (from collection/search_path.cc, to segment/* and text/bm25.h)
// Threads:  pure over its arguments; runs in the caller's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alidade/common/deadline.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/query/executor.h"

namespace alidade {

struct TextQuery {
  const PayloadIndexSpec* index = nullptr;  // of the view's schema, kText
  std::string_view words;
  uint32_t k = 10;                 // at least 1
  const Filter* filter = nullptr;  // null: all
  std::optional<double> score_min = std::nullopt;
  bool explain = false;
};

// Hits are ascending by (distance, id bytes); the distance is the BM25 score below zero, as a
// float. Always exact: the answer is the one that an unlimited search cut to k would give, ties
// included. Rows that postings do not know, because their payload was changed, their segment has no
// index yet or the index is newer than their delta, are analysed on the way. Errors:
// DEADLINE_EXCEEDED, CANCELLED; what CompileFilter and SearchBm25 answer.
StatusOr<QueryOutcome> ExecuteTextSearch(const SegmentSet& view,
                                         const TextQuery& query,
                                         const Deadline& deadline);

}  // namespace alidade
