// Plan: how each segment of a view is searched for one query. Pure values, so that plans are
// compared as text.
//
// Path:     search 4/8 (from collection/search_path.cc, to query/executor.cc)
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
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
  IndexKind index = IndexKind::kFlat;      // kFlat: none
  const MeasuredRecall* recall = nullptr;  // of the index; null: not measured
  uint64_t payloads_read = 0;  // rows that the filter was tried on, for want of an index
  bool kept = false;           // which rows pass was known from an earlier query
  // Rows that the filter was not tried on yet; `allowed` is then estimated from a few of them.
  uint32_t untried = 0;
  bool scarce = false;  // a walk among all rows found too little that passes
  // Rows of a graph that is over all that pass, and over few others (Segment::FindSubset); 0: there
  // is none.
  uint32_t subset = 0;
  double subset_hardness = 1;  // how many times as much effort it takes
};

struct PlanRequest {
  uint32_t k = 10;  // hits wanted of each segment
  bool exact = false;
  double recall_target = 0;  // 0: none
  uint32_t ef = 0;           // as asked for; 0: kDefaultEf
};

enum class SegmentMethod {
  kSkip,    // nothing can match
  kExact,   // every allowed row is compared
  kScan,    // the codes of every allowed row are compared, and the vectors of the nearest by them
  kPlaces,  // of the places around the query the codes of every allowed row are compared, then as
            // kScan
  kIndex,   // approximate, repeated exactly if it comes back short
};

struct SegmentStep {
  SegmentMethod method = SegmentMethod::kExact;
  const char* reason = "";  // static text for DescribePlan; empty: goes without saying
  // Of all but kExact: ef or nprobe, where a recall is aimed at or a filter makes a graph harder
  // to walk; 0: as asked.
  uint32_t effort = 0;
  uint32_t slack = 0;  // of kPlaces, as in IndexSearchOptions
  float reach = 0;     // of kIndex, as in IndexSearchOptions: to find what `ef` alone would
  // Of kIndex: the walk is one among all rows, and what passes of its finds counts, which is
  // thought to be at least this share. Whether a row passes may be tried only then
  // (SegmentFacts::untried).
  float passing = 0;
  bool in_subset = false;  // of kIndex: among the rows of SegmentFacts::subset only
  // A walk of a graph over what passes would be much cheaper, if there was one.
  bool wants_subset = false;
};

struct SearchPlan {
  std::vector<SegmentStep> steps;  // one per segment
};

// A filter that has to look at payloads is tried on what a walk finds, not on all rows first, where
// that is quicker: each unit of ef of a walk takes as long as a look at so many payloads. Chosen by
// bench/micro/filtered_search.cc.
inline constexpr uint32_t kTriedRowsPerEf = 40;
// .. and no more candidates than these: they are kept sorted, so that more take longer than that.
inline constexpr uint32_t kTriedEfMax = 4'096;
// Where it is thought to let less than this share through, chance and where the query lies say too
// much of what a walk finds (chosen).
inline constexpr double kTriedShareMin = 0.05;
// .. and walks are planned as if it let so much less through. Without, they found 0.013 less than
// without a filter where nine tenths of the WordNet set pass, side by side. Chosen by the same.
inline constexpr double kTriedCaution = 1.25;

// Below this share of allowed rows scanning them beats a search of inverted lists (chosen).
inline constexpr double kScanShareMax = 0.15;
// Where at least this share of the rows passes, a walk among all of them is quicker than one that
// steps over the others, although it has to find more; and one of the latter kind finds as much as
// one without a filter at the same ef. What that needs where a tenth passes was measured when the
// segment was built; where it was not, it is taken to be kTenthHardness times as much. It takes as
// long as the codes of so many rows for each unit of ef. Chosen by bench/micro/filtered_search.cc.
inline constexpr double kFullEffortShare = 0.6;
inline constexpr double kTenthHardness = 3;
inline constexpr double kScanRowsPerEf = 200;
// .. for a walk that steps over nothing: among all rows, or over a graph of what passes. Chosen by
// bench/micro/tenant_search.cc and filtered_search.cc.
inline constexpr double kScanRowsPerPlainEf = 22;
// A scan of what was looked at before and has such a graph takes so much of one of other rows:
// their codes lie side by side, and those of so many probably in the cache. Chosen by the same.
inline constexpr double kHotScanCost = 0.35;
inline constexpr uint32_t kHotScanRows = 5'000;
// Such a graph is wished for where its walk, if it took no more effort than that of all, would take
// less than one in so many (chosen).
inline constexpr double kSubsetGain = 2;
// What is looked at place by place takes as long as as many codes of a scan. How much slack that
// takes was measured where a tenth of the rows passes: it is enough where fewer do, and where more
// do, up to this share, nearly. Chosen by the same.
inline constexpr double kPlacesShareMax = 0.12;

// How much more ef a walk needs under a filter that lets this share of the rows through, if it
// needs `of_tenth` as much where a tenth passes; pure.
inline double WalkHardness(double share, double of_tenth) {
  const double power = std::log(of_tenth) / std::log(kFullEffortShare / 0.1);
  return std::pow(kFullEffortShare / std::min(share, kFullEffortShare), power);
}

// The same of its reach: `of_all` without a filter, `of_tenth` where a tenth passes; pure.
inline float WalkReach(double share, float of_all, float of_tenth) {
  const double harder = std::log(kFullEffortShare / std::min(share, kFullEffortShare)) /
                        std::log(kFullEffortShare / 0.1);
  return of_all + std::max(0.0F, of_tenth - of_all) * static_cast<float>(harder);
}

// Pure. With a recall target each index works as hard as it was measured to need for it; under a
// filter harder, the fewer rows pass. A segment whose index was not measured, or never reached the
// target, is searched exactly.
SearchPlan MakePlan(const PlanRequest& request, const std::vector<SegmentFacts>& segments);

// The step for a segment of which some rows were not tried yet, if it is worth not to try all of
// them: then MakePlan gives the same. Pure.
std::optional<SegmentStep> PlanUntried(const PlanRequest& request, const SegmentFacts& facts);

// One line per segment: "segment 0: exact (a scan is cheaper; filter passes 12 of 5000 rows)".
std::string DescribePlan(const SearchPlan& plan, const std::vector<SegmentFacts>& segments);

}  // namespace alidade
