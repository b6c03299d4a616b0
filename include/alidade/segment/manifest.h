// SegmentManifest: what the server knows of a sealed segment before it opens a file; a synced row
// in `meta`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/checksum.h"
#include "alidade/common/status.h"
#include "alidade/common/types.h"
#include "alidade/index/index_spec.h"
#include "alidade/index/recall_curve.h"

namespace alidade {

enum class SegmentFileKind : uint8_t {  // on disk: numbers are never reused
  kRows = 1,
  kVectors = 2,
  kIndex = 3,
  kCodes = 4,
  kPayloadIndex = 5,  // in no manifest: src/segment/payload_index_file.h
  kSparse = 6,        // in no manifest: src/segment/sparse_file.h
  kSubsets = 7,       // alidade/index/subset_graphs.h
};

struct SegmentFile {
  std::string name;  // inside the segment's directory
  SegmentFileKind kind = SegmentFileKind::kRows;
  FieldId field;                            // of all but kRows
  IndexKind index_kind = IndexKind::kFlat;  // of kIndex
  uint64_t bytes = 0;                       // whole, with the header
  Hash128 body_hash;
  // Of kIndex; empty: not measured (written before there were curves).
  MeasuredRecall recall = {};
  // Of kSubsets: MeasureSubsets.
  std::vector<float> hardness = {};

  friend bool operator==(const SegmentFile&, const SegmentFile&) = default;
};

struct SegmentManifest {
  CollectionId collection;
  SegmentId segment;
  RowNo first_row;  // range covered, inclusive
  RowNo last_row;
  uint32_t rows = 0;
  SeqNo built_at;  // the view it was made from
  std::vector<SegmentFile> files;
  // The specs of the schema that it was written under, by field, whether or not indexes were built:
  // another spec in the schema means a rewrite is due.
  std::vector<IndexSpec> specs;

  friend bool operator==(const SegmentManifest&, const SegmentManifest&) = default;
};

// A format byte, then the fields in order, little-endian; canonical. Whoever stores it adds a
// checksum.
std::string EncodeManifest(const SegmentManifest& manifest);
// DATA_LOSS if malformed, FAILED_PRECONDITION if from a newer format.
StatusOr<SegmentManifest> DecodeManifest(std::string_view bytes);

}  // namespace alidade
