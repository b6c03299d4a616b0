// QueryPostings: the terms of a query in all parts, and what the parts say together.
//
// Threads:  thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "alidade/common/check.h"
#include "alidade/text/posting_search.h"

#include "top_documents.h"

namespace alidade {

class QueryPostings {
 public:
  QueryPostings(const PostingSearch& search, PostingsKind kind, std::span<const QueryTerm> terms)
      : search_(search), frequencies_(terms.size()), found_(search.parts.size()) {
    for (size_t part = 0; part < search.parts.size(); ++part) {
      const Postings& postings = *search.parts[part].postings;
      ALIDADE_CHECK(postings.kind() == kind, "part {} has postings of another kind", part);
      documents_filled_ += postings.documents_filled();
      length_ += postings.length();
      for (size_t term = 0; term < terms.size(); ++term) {
        if (auto found = postings.Find(terms[term].term); found != nullptr) {
          frequencies_[term] += found->documents();
          found_[part].emplace_back(term, std::move(found));
        }
      }
    }
  }

  uint64_t documents_filled() const { return documents_filled_; }
  uint64_t length() const { return length_; }
  double Idf(size_t term) const {
    return InverseDocumentFrequency(documents_filled_, frequencies_[term]);
  }

  // `scorer_of(part)`. At most once.
  template <typename ScorerOf>
  StatusOr<std::vector<DocumentHit>> Search(const ScorerOf& scorer_of, PostingCounters* counters) {
    PostingCounters unwanted;
    HitHeap heap(search_.k, search_.score_min);
    for (uint32_t part = 0; part < search_.parts.size(); ++part) {
      const auto scorer = scorer_of(part);
      ALIDADE_RETURN_IF_ERROR(TopDocuments(search_,
                                           part,
                                           scorer,
                                           MakeCursors(part),
                                           heap,
                                           counters == nullptr ? unwanted : *counters)
                                  .Run());
    }
    return heap.Take();
  }

 private:
  // Only while the part is searched: they are large.
  std::vector<std::unique_ptr<TermCursor>> MakeCursors(uint32_t part) {
    std::vector<std::unique_ptr<TermCursor>> cursors;
    for (auto& [term, postings] : found_[part]) {
      cursors.push_back(std::make_unique<TermCursor>());
      cursors.back()->term = term;
      cursors.back()->postings = std::move(postings);
    }
    return cursors;
  }

  const PostingSearch& search_;
  uint64_t documents_filled_ = 0;
  uint64_t length_ = 0;
  std::vector<uint64_t> frequencies_;  // by term
  // By part: the terms it has, by number.
  std::vector<std::vector<std::pair<size_t, std::unique_ptr<TermPostings>>>> found_;
};

}  // namespace alidade
