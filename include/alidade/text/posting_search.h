// What searches over postings have in common, BM25 and sparse vectors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/row_bitmap.h"
#include "alidade/text/postings.h"

namespace alidade {

// A segment or the delta.
struct PostingsPart {
  const Postings* postings = nullptr;
  // Null: every document; else only these. At least as many rows as documents.
  const RowBitmap* allowed = nullptr;
};

struct QueryTerm {
  std::string term;
  double weight = 1;
};

// Chosen: each takes a KiB for its present block.
inline constexpr size_t kQueryTermsMax = 4'096;

struct PostingSearch {
  std::span<const PostingsPart> parts;
  uint32_t k = 10;
  // Hits below it are left out.
  std::optional<double> score_min = std::nullopt;
  const Deadline* deadline = nullptr;  // null: none
  // Passes nothing over: to compare with.
  bool exhaustive = false;
};

struct DocumentHit {
  double score = 0;
  uint32_t part = 0;
  uint32_t document = 0;
  friend bool operator==(const DocumentHit&, const DocumentHit&) = default;
};

// Added to; of all parts together.
struct PostingCounters {
  uint64_t documents_scored = 0;
  uint64_t postings_scored = 0;
  uint64_t blocks_read = 0;
  uint64_t blocks_skipped = 0;
};

// Documents with a term of N, as Lucene weighs it: ln(1 + (N - n + 0.5) / (n + 0.5)); never below
// 0.
double InverseDocumentFrequency(uint64_t documents_filled, uint64_t documents_with_term);

}  // namespace alidade
