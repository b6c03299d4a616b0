// Where the sections of a body of postings lie (sealed_postings.cc describes them).
//
// Threads:  pure.
#pragma once

#include <cstdint>

#include "alidade/text/sealed_postings.h"

namespace alidade {

inline constexpr uint32_t kPostingsFormat = 1;
inline constexpr uint64_t kPostingsHeaderBytes = 64;
// Terms that share a beginning with each other; chosen: a search scans eight of them.
inline constexpr uint64_t kTermGroup = 16;

struct PostingsHeader {
  uint32_t format = kPostingsFormat;
  uint32_t kind = 0;
  uint32_t documents = 0;
  uint32_t documents_filled = 0;
  uint64_t length = 0;
  uint64_t fingerprint = 0;
  uint64_t terms = 0;
  uint64_t skips = 0;
  uint64_t dictionary_bytes = 0;
  uint64_t data_bytes = 0;  // with kUnpackSlack bytes behind the last block
};
static_assert(sizeof(PostingsHeader) == kPostingsHeaderBytes);

// Requires counts below 2^56.
struct PostingsLayout {
  uint64_t lengths = 0;
  uint64_t groups = 0;
  uint64_t terms = 0;
  uint64_t skips = 0;
  uint64_t dictionary = 0;
  uint64_t data = 0;
  uint64_t end = 0;

  explicit PostingsLayout(const PostingsHeader& header) {
    const auto align = [](uint64_t at) { return (at + 63) / 64 * 64; };
    const bool text = header.kind == static_cast<uint32_t>(PostingsKind::kText);
    lengths = kPostingsHeaderBytes;
    groups = align(lengths + (text ? uint64_t{header.documents} * sizeof(uint32_t) : 0));
    terms = align(groups + GroupStarts(header.terms) * sizeof(uint64_t));
    skips = align(terms + header.terms * sizeof(SealedPostings::Term));
    dictionary = align(skips + header.skips * sizeof(SealedPostings::Skip));
    data = align(dictionary + header.dictionary_bytes);
    end = data + header.data_bytes;
  }
  static uint64_t Groups(uint64_t terms) { return (terms + kTermGroup - 1) / kTermGroup; }
  // One more than there are groups.
  static uint64_t GroupStarts(uint64_t terms) { return Groups(terms) + 1; }
};

}  // namespace alidade
