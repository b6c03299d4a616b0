// CollectionStats: counts and sizes of a collection and its segments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alidade/common/types.h"

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
  double build_seconds = 0;      // spent in finished builds
  double build_progress = 0;     // of the running one, 0..1; 0 if none
  uint64_t healed_segments = 0;  // damaged or missing files found and replaced since start
  SeqNo seq;
  std::vector<SegmentInfo> segments;
};

}  // namespace alidade
