// SegmentSet: the immutable view of a collection that a request works on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "alidade/common/types.h"
#include "alidade/segment/segment.h"

namespace alidade {

struct SegmentView {
  std::shared_ptr<const Segment> segment;
  uint32_t visible_rows = 0;
};

// Immutable. Segments cover disjoint, rising row ranges.
struct SegmentSet {
  SeqNo at;  // the newest write this view shows
  Schema schema;
  uint64_t live_rows = 0;
  std::vector<SegmentView> segments;
};

}  // namespace alidade
