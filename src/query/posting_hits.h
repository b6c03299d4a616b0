// SearchPostings: the hits of a view, given its parts as postings and a way to rank their
// documents: what searches for words and for sparse vectors have in common.
//
// Threads:  pure over its arguments.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alidade/query/merger.h"
#include "alidade/segment/segment_set.h"
#include "alidade/text/posting_search.h"

namespace alidade {

// Rows of one segment of the view.
struct PostingHits {
  uint32_t segment = 0;
  const Postings* postings = nullptr;
  const RowBitmap* allowed = nullptr;        // documents that can be hits
  const std::vector<RowId>* rows = nullptr;  // of each document; null: it is the document
};

struct PostingQuery {
  uint32_t k = 10;
  std::optional<double> score_min =
      std::nullopt;  // hits with a lower score, as a float, are left out
  std::span<const std::string> excluded_ids = {};  // encoded, ascending
};

// Ranks the documents of the parts, falling; equal ones as in SearchBm25.
using RankDocuments = std::function<StatusOr<std::vector<DocumentHit>>(const PostingSearch& search,
                                                                       PostingCounters* counters)>;

// Distances are scores below zero, as floats. Always exact: the answer is the one that an unlimited
// search cut to k would give, ties included.
// Errors: those of `rank`.
StatusOr<std::vector<GlobalHit>> SearchPostings(const SegmentSet& view,
                                                const std::vector<PostingHits>& parts,
                                                const PostingQuery& query,
                                                const RankDocuments& rank,
                                                const Deadline& deadline,
                                                PostingCounters& counters);

// "3 documents and 8 postings scored, 2 blocks read, 0 passed over"
std::string DescribeCounters(const PostingCounters& counters);

}  // namespace alidade
