// TermCursor: one term of a query in one part, on its way through the documents; AllowedRows: those
// that may be hits.
//
// Threads:  thread-compatible.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <memory>

#include "alidade/text/posting_search.h"

namespace alidade {

inline constexpr uint32_t kNoDocument = std::numeric_limits<uint32_t>::max();

// What a term can add to a score within a block.
struct ShareBound {
  double most = 0;       // at least 0: a document may not have the term
  double magnitude = 0;  // at least the share without its sign
};

struct TermCursor {
  std::unique_ptr<TermPostings> postings;
  size_t term = 0;            // number in the query
  ShareBound bound;           // of the present block
  uint32_t bounded_last = 0;  // last document of the block that `bound` is of
  bool bounded = false;
  bool read = false;  // whether `block` is the present one
  uint32_t at = 0;
  PostingBlock block;

  // Goes on to the block that has `document` or ends behind it. False: there is none.
  template <typename Scorer>
  bool Enter(uint32_t document, const Scorer& scorer) {
    if (!postings->SeekBlock(document)) {
      return false;
    }
    if (!bounded || bounded_last != postings->last_document()) {
      bound = scorer.Bound(term, postings->impacts());
      bounded_last = postings->last_document();
      bounded = true;
      read = false;
    }
    return true;
  }
  // Of a block that was read; kNoDocument behind its end.
  uint32_t document() const { return at < block.count ? block.documents[at] : kNoDocument; }
  // Within a block that was read.
  void Seek(uint32_t document) {
    const auto* begin = block.documents.data();
    at = static_cast<uint32_t>(std::lower_bound(begin + at, begin + block.count, document) - begin);
  }
  // Reads the present block, unless it is, and goes to `document` or behind it.
  Status Read(uint32_t document, PostingCounters& counters) {
    if (!read) {
      if (!postings->Read(block)) {
        return DataLoss("a block of postings is damaged");
      }
      ++counters.blocks_read;
      read = true;
      at = 0;
    }
    Seek(document);
    return OkStatus();
  }
};

class AllowedRows {
 public:
  // Null: all.
  explicit AllowedRows(const RowBitmap* rows) : rows_(rows) {}

  // The first allowed document from `document` on; one beyond `last` if there is none up to it.
  // Requires: document <= last.
  uint32_t NextFrom(uint32_t document, uint32_t last) const {
    if (rows_ == nullptr) {
      return document;
    }
    const auto words = rows_->words();
    size_t at = document / 64;
    uint64_t word = words[at] & (~uint64_t{0} << (document % 64));
    while (word == 0 && at < last / 64) {
      word = words[++at];
    }
    return word == 0 ? kNoDocument
                     : static_cast<uint32_t>(at * 64 + static_cast<size_t>(std::countr_zero(word)));
  }

 private:
  const RowBitmap* rows_;
};

}  // namespace alidade
