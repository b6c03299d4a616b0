// WriteSegment: makes one sealed segment out of a run of older segments and deltas.
//
// Path:     life of a segment 2/4 (from collection/maintenance.cc)
// Threads:  one background thread per call; inputs may go on being searched, and rows deleted,
//           meanwhile.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alidade/segment/manifest.h"
#include "alidade/segment/sealed_segment.h"
#include "alidade/segment/segment.h"

namespace alidade {

struct SegmentWriteRequest {
  std::string parent_directory;  // <data>/segments/<collection>; made if missing
  std::string store_uuid;
  CollectionId collection;
  SegmentId segment;  // new, never used before
  Schema schema;
  SeqNo at;  // rows deleted at or before this are left out; payloads are those of this moment
  std::vector<std::shared_ptr<const Segment>> inputs;  // contiguous, rising; deltas frozen
  // Keep every row of the first input, dead ones too, so that its graph can be extended instead of
  // built anew. The graph is taken over where the first input is sealed, has one, and was written
  // under the same spec.
  bool extend_first = false;
  bool build_indexes = false;
  BuildOptions build;
};

struct SegmentWriteResult {
  SegmentManifest manifest;
  std::string directory;
};

// Writes under a temporary name, checks every write, fsyncs, renames, fsyncs the parent. The caller
// then commits the manifest and opens the segment. If every row is dead (extend_first or not), no
// directory is made and manifest.rows is 0.
// Errors: CANCELLED, RESOURCE_EXHAUSTED (disk full or memory), INTERNAL; nothing but a temporary
// directory is left behind, which the next start removes (and this call tries to).
StatusOr<SegmentWriteResult> WriteSegment(const SegmentWriteRequest& request);

// Directory names: "<collection as 8 hex digits>" below <data>/segments, "<segment as 16 hex
// digits>" below that, ".tmp" at the end of one that is being written.
std::string CollectionDirectoryName(CollectionId collection);
std::string SegmentDirectoryName(SegmentId segment);

}  // namespace alidade
