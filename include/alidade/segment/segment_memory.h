// SegmentMemory: how many bytes the parts of a segment take, and whether they are memory of the
// process's own or read through a mapped file.
#pragma once

#include <cstdint>

namespace alidade {

// Bytes of one part.
struct PartBytes {
  // What lies in anonymous memory: the delta, and copies in huge pages (a wish that the kernel may
  // not grant). It cannot be dropped.
  uint64_t anonymous = 0;
  // What is read through a mapped file: in memory as far as the page cache has it.
  uint64_t mapped = 0;
  uint64_t count = 0;  // vectors, or rows, that these are the bytes of

  uint64_t bytes() const { return anonymous + mapped; }
  double BytesEach() const {
    return count == 0 ? 0 : static_cast<double>(bytes()) / static_cast<double>(count);
  }
  PartBytes& operator+=(const PartBytes& other) {
    anonymous += other.anonymous;
    mapped += other.mapped;
    count += other.count;
    return *this;
  }
  friend bool operator==(const PartBytes&, const PartBytes&) = default;
};

// Of one field. Once something is copied, the part of the file it was copied from is not
// counted any more: searches do not read it.
struct FieldMemory {
  PartBytes walk_codes;  // what a walk of the graph reads
  PartBytes rank_codes;  // what ranks its finds, if the walk does not read the best codes itself
  PartBytes scan_codes;  // what exact searches made for themselves where there are no other codes
  PartBytes
      links;  // of the graph; IVF: its lists, with their codes and centroids; sparse: postings
  PartBytes vectors;  // as the field stores them

  uint64_t anonymous() const {
    return walk_codes.anonymous + rank_codes.anonymous + scan_codes.anonymous + links.anonymous +
           vectors.anonymous;
  }
};

}  // namespace alidade
