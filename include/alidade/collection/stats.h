// CollectionStats: counts and sizes of a collection and its segments.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "alidade/common/types.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/index/index_spec.h"
#include "alidade/segment/segment_memory.h"

namespace alidade {

struct SegmentInfo {
  SegmentId id;  // 0 of a delta
  bool sealed = false;
  uint64_t first_row = 0;
  uint64_t last_row = 0;
  uint64_t rows = 0;
  uint64_t deleted_rows = 0;
  uint64_t disk_bytes = 0;
  uint64_t memory_bytes = 0;
  std::vector<std::string> indexes;  // by field, e.g. "hnsw"
  std::vector<CodesSetting> codes;   // by field; kNone: searches read the vectors
};

// One vector field in all segments, or one sparse field, whose links are its postings.
struct FieldStats {
  std::string name;
  FieldMemory sealed;
  PartBytes delta_vectors;
  PartBytes scan_codes;  // of both
  // Of the vectors in graphs, by what their graph is walked by: the bytes of those codes (for walk
  // and rank together).
  std::map<CodesSetting, PartBytes> codes;

  // Of codes and links, for each vector in an index.
  double IndexBytesEach() const {
    return sealed.links.BytesEach() +
           (sealed.links.count == 0
                ? 0
                : static_cast<double>(sealed.walk_codes.bytes() + sealed.rank_codes.bytes()) /
                      static_cast<double>(sealed.links.count));
  }
};

// One payload index in all segments.
struct PayloadIndexStats {
  PayloadIndexSpec spec;
  uint64_t indexed_rows = 0;  // dead ones too
  uint64_t pending_rows = 0;  // in deltas, or in segments that wait for it
  uint64_t values = 0;        // distinct, of each segment apart
  uint64_t disk_bytes = 0;
};

struct CollectionStats {
  std::string name;
  uint64_t points = 0;
  uint64_t indexed_rows = 0;  // live rows whose segments have the indexes that the schema asks for
  uint64_t pending_rows = 0;  // live rows still searched exactly until background work is done
  uint64_t delta_rows = 0;
  uint64_t delta_bytes = 0;
  uint64_t disk_bytes = 0;
  uint64_t memory_bytes = 0;
  uint64_t builds_done = 0;
  uint64_t builds_failed = 0;
  double build_seconds = 0;       // spent in finished builds
  double build_progress = 0;      // of the running one, 0..1; 0 if none
  uint64_t build_rows_done = 0;   // vectors that the running build has put into an index
  uint64_t build_rows_total = 0;  // of how many; 0: no build runs
  uint64_t healed_segments = 0;   // damaged or missing files found and replaced since start
  SeqNo seq;
  std::vector<SegmentInfo> segments;
  std::vector<FieldStats> fields;  // in schema order, sparse ones last
  std::vector<PayloadIndexStats> payload_indexes;
  PartBytes rows;               // of sealed segments: ids, payloads, times of deletion
  PartBytes delta_rows_memory;  // the same in deltas
  // Copies of codes and links of all collections, against `limits.resident_bytes_max`.
  uint64_t resident_bytes_used = 0;
  uint64_t resident_bytes_max = 0;
};

}  // namespace alidade
