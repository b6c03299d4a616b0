// Postings: which documents of one part of a collection have a term, and how much of it: the face
// that searches read, whether the part is sealed or growing.
//
// Document: position of a row in its part (RowId).
// Term:     bytes: a token of text, or a dimension of sparse vectors (sparse.h).
// Value:    of text the number of times that the document has the term; of sparse vectors the bits
//           of its weight, a float.
// Blocks:   the postings of a term come in blocks; what a block can add to a score at most is known
//           before it is read, so that most are passed over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "alidade/common/status.h"

namespace alidade {

enum class PostingsKind : uint8_t {  // on disk: numbers are never reused
  kText = 1,
  kSparse = 2,
};

// Chosen: what Lucene and others take; the bounds of a block cost little beside it.
inline constexpr uint32_t kPostingBlock = 128;
inline constexpr size_t kTermBytesMax = 255;

// Bounds what any posting of a block can be. Text: `value` at least its number of times and `other`
// at most the length of its document. Sparse: the bits of the largest and the smallest weight.
struct Impact {
  uint32_t value = 0;
  uint32_t other = 0;
  friend bool operator==(const Impact&, const Impact&) = default;
};
// Each posting is bounded by one of them at least. More would seldom be tighter (chosen).
inline constexpr size_t kImpactsMax = 8;

struct PostingBlock {
  uint32_t count = 0;
  std::array<uint32_t, kPostingBlock> documents;  // rising
  std::array<uint32_t, kPostingBlock> values;
};

// The postings of one term, block by block. Thread-compatible; borrows its Postings.
class TermPostings {
 public:
  virtual ~TermPostings() = default;
  // Goes on to the first block whose last document is `document` or later; false: none, now and
  // later. Stays where it is if that block is one already; never goes back.
  virtual bool SeekBlock(uint32_t document) = 0;
  // Reads the block it is at. False: the bytes are damaged.
  [[nodiscard]] virtual bool Read(PostingBlock& out) const = 0;

  // Documents that have the term.
  uint32_t documents() const { return documents_; }
  uint32_t blocks() const { return blocks_; }
  // Of the block it is at.
  uint32_t last_document() const { return last_document_; }
  std::span<const Impact> impacts() const { return {impacts_.data(), impacts_count_}; }

 protected:
  uint32_t documents_ = 0;
  uint32_t blocks_ = 0;
  uint32_t last_document_ = 0;
  size_t impacts_count_ = 0;
  std::array<Impact, kImpactsMax> impacts_;
};

// Immutable; any number of readers.
class Postings {
 public:
  virtual ~Postings() = default;
  // Null if no document has it. At no block until SeekBlock.
  virtual std::unique_ptr<TermPostings> Find(std::string_view term) const = 0;

  PostingsKind kind() const { return kind_; }
  // Every document is before this.
  uint32_t documents() const { return documents_; }
  // Those with a term.
  uint32_t documents_filled() const { return documents_filled_; }
  // Text: tokens of each document, and of all together.
  std::span<const uint32_t> lengths() const { return lengths_; }
  uint64_t length() const { return length_; }

 protected:
  PostingsKind kind_ = PostingsKind::kText;
  uint32_t documents_ = 0;
  uint32_t documents_filled_ = 0;
  uint64_t length_ = 0;
  std::span<const uint32_t> lengths_;
};

// A term of a document that is added, and its value.
struct TermValue {
  std::string_view term;  // 1..kTermBytesMax bytes
  uint32_t value = 0;     // text: at least 1
};

}  // namespace alidade
