// SealedPostings: the postings of a sealed segment, read where they lie in a mapped body; and what
// makes such a body.
//
// Threads:  SealedPostings immutable; PostingsBuilder thread-compatible.
// Format:   src/text/sealed_postings.cc
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "alidade/text/postings.h"

namespace alidade {

class SealedPostings final : public Postings {
 public:
  // Checks every offset, count and bound that reading relies on, but not the postings themselves:
  // a block is checked when it is read. `body` must outlive this; `fingerprint` is that of the
  // Analyzer (0 for sparse vectors).
  // Requires: body begins at a multiple of 8 bytes.
  // Errors: DATA_LOSS.
  // Cost: of terms, blocks and documents, not of postings.
  static StatusOr<SealedPostings> Parse(PostingsKind kind,
                                        uint64_t fingerprint,
                                        std::string_view body,
                                        uint32_t documents);

  std::unique_ptr<TermPostings> Find(std::string_view term) const override;

  uint64_t terms() const { return terms_; }
  uint64_t body_bytes() const { return body_bytes_; }

  // As they lie on disk.
  struct Term {
    uint64_t data_at = 0;
    uint32_t documents = 0;
    // One block: its last document. More: number of its first one among the skips.
    uint32_t last_or_skip = 0;
  };
  struct Skip {
    uint32_t last_document = 0;
    uint32_t data_at = 0;  // from the beginning of the term's data
  };

 private:
  friend class SealedTerm;
  SealedPostings() = default;

  Status CheckDictionary() const;
  Status CheckTerms(uint64_t skips) const;
  Status CheckTerm(const Term& term, std::string_view data) const;
  std::string_view DataOf(uint64_t term) const;
  std::string_view FirstOfGroup(uint64_t group) const;
  // The number of the term among all, or terms().
  uint64_t FindNumber(std::string_view term) const;

  uint64_t terms_ = 0;
  uint64_t body_bytes_ = 0;
  const uint64_t* groups_ = nullptr;  // where each begins in the dictionary
  uint64_t group_count_ = 0;
  std::string_view dictionary_;
  const Term* term_records_ = nullptr;
  const Skip* skips_ = nullptr;
  std::string_view data_;
};

using BodySink = std::function<Status(std::string_view bytes)>;

// Holds postings as they will lie on disk: memory is that of the body and its terms.
class PostingsBuilder {
 public:
  PostingsBuilder(PostingsKind kind, uint64_t fingerprint);
  ~PostingsBuilder();
  PostingsBuilder(const PostingsBuilder&) = delete;
  PostingsBuilder& operator=(const PostingsBuilder&) = delete;

  // Requires: documents rise; no term twice. `length`: tokens of the document (text).
  void Add(uint32_t document, uint32_t length, std::span<const TermValue> terms);
  // Gives the body, piece by piece, to the sink. `documents`: of the segment, those without a term
  // too. At most once.
  // Errors: those of the sink; RESOURCE_EXHAUSTED if a term has more postings than the format
  // holds.
  Status Finish(uint32_t documents, const BodySink& sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
