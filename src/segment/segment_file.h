// The envelope of every segment file: a 4 KiB header that says what the body is and how it hashes,
// then the body.
//
// Threads:  SegmentFileWriter is thread-compatible; an opened file is immutable.
// Format:   all integers little-endian
//   0     8  magic "ALIDSEG1"
//   8     4  format, 1
//   12    1  kind (SegmentFileKind)
//   13    1  index kind (IndexKind)
//   14    1  metric, 0 for rows
//   15    1  zero
//   16    4  collection
//   20    2  field, or payload index
//   22    2  zero
//   24    8  segment
//   32    8  first row
//   40    8  last row
//   48    4  rows of the segment
//   52    4  count: rows or vectors in this file
//   56    4  dimension, 0 for rows
//   60    4  zero
//   64    8  body length
//   72   16  XXH3-128 of the body
//   88    4  length of the store's uuid, then the uuid, then zeros
//   4088  8  XXH3-64 of the 4088 bytes before
// Sections of a body start at multiples of 64 bytes, zeros between them. See rows_file.h and
// vectors_file.h; the body of an index is the business of `index`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "alidade/common/checksum.h"
#include "alidade/common/file.h"
#include "alidade/index/byte_sink.h"
#include "alidade/segment/manifest.h"
#include "alidade/vec/metric.h"

namespace alidade {

inline constexpr size_t kSegmentHeaderBytes = 4096;
inline constexpr size_t kSectionAlignment = 64;  // one cache line, and what the kernels like

// Rows written between two looks whether the build goes on (chosen: some milliseconds).
inline constexpr RowId kCancelEveryRows = 4096;

inline uint64_t AlignSectionUp(uint64_t bytes) {
  return (bytes + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

// Numbers as they lie in memory, which is how they lie on disk (common/bytes.h: little-endian
// only).
template <typename T>
std::string_view RawBytes(const T* values, size_t count) {
  static_assert(std::is_arithmetic_v<T>);
  return {reinterpret_cast<const char*>(values), count * sizeof(T)};
}

// "rows.seg", "field_<id>.vec", "field_<id>.idx", "field_<id>.codes", "field_<id>.subsets",
// "payload_<id>.idx", "sparse_<id>.seg".
std::string SegmentFileName(SegmentFileKind kind, FieldId field);

// Whose file it is and what it holds: the part of the header that is known before the body.
struct SegmentFileIdentity {
  SegmentFileKind kind = SegmentFileKind::kRows;
  IndexKind index_kind = IndexKind::kFlat;  // of kIndex
  uint8_t metric = 0;                       // of a vector field's files
  std::string store_uuid;
  CollectionId collection;
  SegmentId segment;
  FieldId field;  // kPayloadIndex: the number of its id
  RowNo first_row;
  RowNo last_row;
  uint32_t rows = 0;   // of the segment
  uint32_t count = 0;  // rows or vectors in this file
  uint32_t dim = 0;

  void SetField(FieldId id, Metric field_metric, uint32_t field_dim) {
    field = id;
    metric = static_cast<uint8_t>(field_metric);
    dim = field_dim;
  }
};

// Writes one file. An index writes its body through it as a ByteSink.
class SegmentFileWriter final : public ByteSink {
 public:
  static StatusOr<std::unique_ptr<SegmentFileWriter>> Create(const std::string& directory,
                                                             const SegmentFileIdentity& identity);

  Status Append(std::string_view bytes) override;
  // Zeros up to the start of the next section.
  Status AlignSection();
  // Writes the header, fsyncs and closes. The file's entry for the manifest.
  StatusOr<SegmentFile> Finish();

 private:
  SegmentFileWriter(std::unique_ptr<FileWriter> file, const SegmentFileIdentity& identity)
      : file_(std::move(file)), identity_(identity) {}

  std::unique_ptr<FileWriter> file_;
  SegmentFileIdentity identity_;
  Hasher128 hasher_;
  uint64_t body_bytes_ = 0;
};

// A verified, mapped file.
struct SegmentFileMap {
  std::unique_ptr<MappedFile> file;
  uint32_t count = 0;     // from the header
  std::string_view body;  // inside `file`
};

// Maps `<directory>/<entry.name>` and verifies all of it: length, header and body hash, and that it
// is the file that `expected` (its count is not looked at) and the manifest's entry speak of.
// Errors: DATA_LOSS (missing or anything wrong; names the file and the fault), INTERNAL (system).
StatusOr<SegmentFileMap> OpenSegmentFile(const std::string& directory,
                                         const SegmentFile& entry,
                                         const SegmentFileIdentity& expected);

// The same for a file that no manifest names: its header alone says how the body hashes.
// Errors: NOT_FOUND, DATA_LOSS, INTERNAL.
StatusOr<SegmentFileMap> OpenUnlistedSegmentFile(const std::string& directory,
                                                 const SegmentFileIdentity& expected);

}  // namespace alidade
