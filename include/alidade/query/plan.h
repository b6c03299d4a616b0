// Plan: how each segment of a view is searched for one query. Pure values, so that plans are
// compared as text.
//
// Path:     search 4/8 (from collection/read_path.cc, to query/executor.cc)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alidade/index/index_spec.h"
#include "alidade/index/recall_curve.h"

namespace alidade {

// What the planner may know of a segment.
struct SegmentFacts {
  uint32_t rows = 0;     // visible, dead ones too
  uint32_t allowed = 0;  // alive rows that pass the filter; rows if there is none
  bool filtered = false;
  IndexKind index = IndexKind::kFlat;   // kFlat: none
  const RecallCurve* recall = nullptr;  // of the index; null: not measured
  uint64_t payloads_read = 0;           // rows that the filter was tried on, for want of an index
};

struct PlanRequest {
  uint32_t k = 10;  // hits wanted of each segment
  bool exact = false;
  double recall_target = 0;  // 0: none
};

enum class SegmentMethod {
  kSkip,   // nothing can match
  kExact,  // every allowed row is compared
  kIndex,  // approximate, repeated exactly if it comes back short
};

struct SegmentStep {
  SegmentMethod method = SegmentMethod::kExact;
  const char* reason = "";  // static text for DescribePlan; empty: goes without saying
  uint32_t effort = 0;      // of kIndex, ef or nprobe, where a recall is aimed at; 0: as asked
};

struct SearchPlan {
  std::vector<SegmentStep> steps;  // one per segment
};

// Below this share of allowed rows scanning them beats a filtered walk: measured at 200,000 x 768
// (performance reference, part 3: scans win up to about 15 %).
inline constexpr double kScanShareMax = 0.15;

// Pure. With a recall target each index works as hard as it was measured to need for it; where a
// filter passes a part of the rows, harder by as much as they are fewer. A segment whose index was
// not measured, or never reached the target, is searched exactly.
SearchPlan MakePlan(const PlanRequest& request, const std::vector<SegmentFacts>& segments);

// One line per segment: "segment 0: exact (a scan is cheaper; filter passes 12 of 5000 rows)".
std::string DescribePlan(const SearchPlan& plan, const std::vector<SegmentFacts>& segments);

}  // namespace alidade
