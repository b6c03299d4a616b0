// GrowingPostings: the postings of a delta: one writer adds documents while readers search.
//
// Threads:  Add from one thread at a time; GrowingView from any number. A reader sees documents
//           below the count of its view, which must have been published to it after they were added
//           (as Delta::rows is). No locks: what readers look at never moves; a table of terms that
//           became too small is kept until the end.
// Limits:   `capacity` documents, which take address space from the beginning and memory as they
//           come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "alidade/text/postings.h"

namespace alidade {

class GrowingPostings {
 public:
  GrowingPostings(PostingsKind kind, uint32_t capacity);
  ~GrowingPostings();
  GrowingPostings(const GrowingPostings&) = delete;
  GrowingPostings& operator=(const GrowingPostings&) = delete;

  // Requires: document is the number of those added before; no term twice.
  // Throws:   std::bad_alloc; nothing is added then.
  void Add(uint32_t document, uint32_t length, std::span<const TermValue> terms);
  // The same in two steps, the first of which may throw and the second does not: for what is added
  // to several places or none. A document that was prepared need not be put.
  void Prepare(uint32_t document, std::span<const TermValue> terms);
  void Put(uint32_t document, uint32_t length, std::span<const TermValue> terms);

  size_t memory_bytes() const;

 private:
  friend class GrowingView;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The first `documents` of it; borrows.
class GrowingView final : public Postings {
 public:
  GrowingView(const GrowingPostings& postings, uint32_t documents);
  std::unique_ptr<TermPostings> Find(std::string_view term) const override;

 private:
  const GrowingPostings::Impl* impl_;
};

}  // namespace alidade
