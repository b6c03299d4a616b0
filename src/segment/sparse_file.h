// The file of one sparse field of a sealed segment: the vectors, and the postings made of them.
//
// No manifest names it: its header says whose it is and how its body hashes. Every segment has one
// for each sparse field of its schema; one that is missing or damaged is made anew from the store.
//
// Format:   the body, each section from a multiple of 64 bytes on:
//             starts    u64[rows + 1]: where each row's vector begins among the vectors
//             vectors   encoded (text/sparse_vector.h); no bytes: the row has none
//             postings  text/sealed_postings.h
// Threads:  SparseFile is immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "alidade/index/vector_index.h"
#include "alidade/segment/sealed_segment.h"
#include "alidade/text/sealed_postings.h"

#include "segment_file.h"

namespace alidade {

// The identity of the field's file, from that of its segment's rows.
SegmentFileIdentity SparseIdentity(SegmentFileIdentity rows, FieldId field);

// Writes the file under its own name, in place of one that may be there; its name is durable when
// the directory is synced. `source` is asked twice.
// Errors: those of the source; DATA_LOSS if a vector does not decode; CANCELLED when `progress`
// (may be null) says so; RESOURCE_EXHAUSTED, INTERNAL.
Status WriteSparseFile(const std::string& directory,
                       const SegmentFileIdentity& identity,
                       const SparseSource& source,
                       const BuildProgress* progress);

class SparseFile {
 public:
  // Errors: NOT_FOUND if there is none; DATA_LOSS if there is something else.
  static StatusOr<SparseFile> Open(const std::string& directory,
                                   const SegmentFileIdentity& identity);

  std::string_view vector(RowId row) const {
    return vectors_.substr(starts_[row], starts_[row + 1] - starts_[row]);
  }
  const SealedPostings& postings() const { return *postings_; }
  uint64_t vector_bytes() const { return vectors_.size() + starts_bytes_; }
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  SparseFile() = default;
  Status Parse(uint32_t rows);

  SegmentFileMap map_;
  uint64_t body_bytes_ = 0;
  const uint64_t* starts_ = nullptr;
  uint64_t starts_bytes_ = 0;
  std::string_view vectors_;
  std::unique_ptr<const SealedPostings> postings_;
};

}  // namespace alidade
