// TopDocuments: the k best documents of several parts by a sum of shares, one from each term.
//
// The way: documents are passed through in windows that end where some term's block ends, so that
// bounds are constant within. A window that cannot hold a hit is passed over unread. Else the terms
// of the lowest bounds, which together make no hit, only add to documents that another term found.
//
// Exact:    a share is never above its bound, by the arithmetic of the Scorer. Sums are rounded:
//           what is skipped must miss the worst hit by a margin that no rounding reaches. Scores
//           are summed in the order of the terms, whatever the order of looking.
// Threads:  thread-compatible.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "alidade/text/posting_search.h"

#include "deadline_watch.h"
#include "hit_heap.h"
#include "term_cursor.h"

namespace alidade {

// Scorer:
//   double Share(size_t term, uint32_t value, uint32_t document) const
//   ShareBound Bound(size_t term, std::span<const Impact> impacts) const
template <typename Scorer>
class TopDocuments {
 public:
  // `cursors`: rising by term, none of them null.
  TopDocuments(const PostingSearch& search,
               uint32_t part,
               const Scorer& scorer,
               std::vector<std::unique_ptr<TermCursor>> cursors,
               HitHeap& heap,
               PostingCounters& counters)
      : search_(search),
        part_(part),
        allowed_(search.parts[part].allowed),
        documents_(search.parts[part].postings->documents()),
        scorer_(scorer),
        cursors_(std::move(cursors)),
        watch_(search.deadline),
        heap_(heap),
        counters_(counters) {}

  Status Run() {
    uint64_t blocks = 0;
    for (const auto& cursor : cursors_) {
      blocks += cursor->postings->blocks();
    }
    const uint64_t read_before = counters_.blocks_read;
    uint32_t begin = 0;
    while (begin < documents_ && FindWindow(begin)) {
      ALIDADE_RETURN_IF_ERROR(watch_.Step());
      if (IsWorthReading(begin)) {
        ALIDADE_RETURN_IF_ERROR(Scan(begin));
      }
      begin = last_ + 1;
    }
    counters_.blocks_skipped += blocks - (counters_.blocks_read - read_before);
    return OkStatus();
  }

 private:
  // Far above what rounding of sums of kQueryTermsMax shares comes to.
  static constexpr double kMargin = 1e-11;

  // The window from `begin`: cursors that are not at their end, and `last_`. False: none is left.
  bool FindWindow(uint32_t begin) {
    last_ = documents_ - 1;
    std::erase_if(cursors_, [&](const std::unique_ptr<TermCursor>& owner) {
      if (!owner->Enter(begin, scorer_)) {
        return true;
      }
      last_ = std::min(last_, owner->postings->last_document());
      return false;
    });
    return !cursors_.empty();
  }

  // A document of which shares can still add up to `most` at the most.
  bool CanBeHit(double most) const { return search_.exhaustive || most + margin_ > heap_.bar(); }

  bool IsWorthReading(uint32_t begin) {
    double most = 0;
    double magnitude = 0;
    for (const auto& cursor : cursors_) {
      most += cursor->bound.most;
      magnitude += cursor->bound.magnitude;
    }
    margin_ = magnitude * kMargin;
    return CanBeHit(most) && allowed_.NextFrom(begin, last_) <= last_;
  }

  // Terms that only add come first, those with the lowest bounds.
  void Split() {
    order_.clear();
    for (const auto& cursor : cursors_) {
      order_.push_back(cursor.get());
    }
    std::ranges::stable_sort(
        order_, {}, [](const TermCursor* cursor) { return cursor->bound.most; });
    most_below_.assign(order_.size() + 1, 0);
    for (size_t i = 0; i < order_.size(); ++i) {
      most_below_[i + 1] = most_below_[i] + order_[i]->bound.most;
    }
    leading_ = 0;
    while (leading_ < order_.size() && !CanBeHit(most_below_[leading_ + 1])) {
      ++leading_;
    }
  }

  uint32_t NextCandidate() const {
    uint32_t document = kNoDocument;
    for (size_t i = leading_; i < order_.size(); ++i) {
      document = std::min(document, order_[i]->document());
    }
    return document;
  }

  Status Scan(uint32_t begin) {
    Split();
    for (size_t i = leading_; i < order_.size(); ++i) {
      ALIDADE_RETURN_IF_ERROR(order_[i]->Read(begin, counters_));
    }
    uint32_t document = NextCandidate();
    while (document <= last_) {
      const uint32_t allowed = allowed_.NextFrom(document, last_);
      if (allowed == document) {
        ALIDADE_RETURN_IF_ERROR(ScoreDocument(document));
      } else if (allowed > last_) {
        return OkStatus();
      } else {
        for (size_t i = leading_; i < order_.size(); ++i) {
          order_[i]->Seek(allowed);
        }
      }
      ALIDADE_RETURN_IF_ERROR(watch_.Step());
      document = NextCandidate();
    }
    return OkStatus();
  }

  double TakeShare(TermCursor& cursor, uint32_t document) {
    const double share = scorer_.Share(cursor.term, cursor.block.values[cursor.at], document);
    ++cursor.at;
    ++counters_.postings_scored;
    shares_.emplace_back(cursor.term, share);
    return share;
  }

  Status ScoreDocument(uint32_t document) {
    ++counters_.documents_scored;
    shares_.clear();
    double sum = 0;
    for (size_t i = leading_; i < order_.size(); ++i) {
      if (order_[i]->document() == document) {
        sum += TakeShare(*order_[i], document);
      }
    }
    for (size_t i = leading_; i-- > 0;) {
      if (!CanBeHit(sum + most_below_[i + 1])) {
        return OkStatus();
      }
      ALIDADE_RETURN_IF_ERROR(order_[i]->Read(document, counters_));
      if (order_[i]->document() == document) {
        sum += TakeShare(*order_[i], document);
      }
    }
    std::ranges::sort(shares_);
    double score = 0;
    for (const auto& [term, share] : shares_) {
      score += share;
    }
    heap_.Push({.score = score, .part = part_, .document = document});
    return OkStatus();
  }

  const PostingSearch& search_;
  const uint32_t part_;
  const AllowedRows allowed_;
  const uint32_t documents_;
  const Scorer& scorer_;
  std::vector<std::unique_ptr<TermCursor>> cursors_;  // rising by term
  DeadlineWatch watch_;
  HitHeap& heap_;
  PostingCounters& counters_;

  uint32_t last_ = 0;  // of the window
  double margin_ = 0;
  std::vector<TermCursor*> order_;                 // rising by bound
  std::vector<double> most_below_;                 // of the first n in order_
  size_t leading_ = 0;                             // the first in order_ that finds documents
  std::vector<std::pair<size_t, double>> shares_;  // of the present document, by term
};

}  // namespace alidade
