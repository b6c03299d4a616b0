#include "alidade/query/plan.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace alidade {
namespace {

SegmentStep PlanForRecall(const PlanRequest& request, const SegmentFacts& facts) {
  if (facts.recall == nullptr) {
    return {SegmentMethod::kExact, "its recall was not measured"};
  }
  const uint32_t effort = EffortForRecall(facts.recall->all, request.k, request.recall_target);
  if (effort == 0) {
    return {SegmentMethod::kExact, "the index did not reach the recall"};
  }
  // Lists hold what passes and what does not.
  const uint64_t passing =
      facts.filtered && facts.index == IndexKind::kIvf ? facts.allowed : facts.rows;
  const uint64_t needed = (uint64_t{effort} * facts.rows + passing - 1) / passing;
  if (needed >= facts.rows) {
    return {SegmentMethod::kExact, "the recall takes all rows"};
  }
  return {SegmentMethod::kIndex, "", static_cast<uint32_t>(needed)};
}

// Codes read. The farther the k-th nearest, the more places lie before it (the root is chosen).
double PlacesCost(const PlacePoint& measured, uint32_t k) {
  return measured.distances * std::sqrt(std::max(1.0, static_cast<double>(k) / kRecallCurveK[0]));
}

// What an index does its work with if nothing else is said, as asked for.
uint32_t EffortOf(const PlanRequest& request, const SegmentStep& step) {
  const uint32_t effort = step.effort != 0  ? step.effort
                          : request.ef == 0 ? kDefaultEf
                                            : request.ef;
  return std::max(effort, request.k);
}

// That with which a walk where this share of the rows passes finds what an effort would find
// without a filter. Where a tenth passes, `of_tenth` as much effort is needed.
float ReachOfWalk(const PlanRequest& request,
                  const SegmentFacts& facts,
                  double share,
                  uint32_t effort,
                  double of_tenth) {
  if (facts.recall == nullptr) {
    return 0;
  }
  const float reach = ReachFor(facts.recall->all, request.k, effort);
  if (share >= kFullEffortShare || reach == 0) {
    return reach;
  }
  // Measured for few hits only: more of them take no more.
  const float reach_of_tenth = ReachFor(facts.recall->tenth,
                                        std::min(request.k, kRecallCurveK[0]),
                                        static_cast<uint32_t>(std::ceil(effort * of_tenth)));
  return reach_of_tenth == 0 ? 0 : WalkReach(share, reach, reach_of_tenth);
}

// A walk among all rows that finds as many of what passes as an effort finds without a filter; of
// all rows `share` is thought to pass.
SegmentStep WalkAmongAll(const PlanRequest& request,
                         const SegmentFacts& facts,
                         double share,
                         uint32_t effort) {
  SegmentStep step{SegmentMethod::kIndex, ""};
  const double passing = share / kTriedCaution;
  step.effort = static_cast<uint32_t>(std::min<double>(std::ceil(effort / passing), facts.rows));
  step.passing = static_cast<float>(passing);
  step.reach = facts.recall == nullptr
                   ? 0
                   : ReachFor(facts.recall->all,
                              NearestWanted(std::max(request.k, kRecallCurveK[0]), step.passing),
                              step.effort);
  return step;
}

// A walk, and the codes that it reads.
struct PlannedWalk {
  SegmentStep step;
  double cost = 0;
};

// That finds under the filter what `unfiltered` effort finds without.
PlannedWalk PlanWalk(const PlanRequest& request, const SegmentFacts& facts, uint32_t unfiltered) {
  const bool in_subset = facts.subset != 0;
  const uint32_t wanted =
      in_subset ? static_cast<uint32_t>(std::ceil(unfiltered * facts.subset_hardness)) : unfiltered;
  const double share = static_cast<double>(facts.allowed) / (in_subset ? facts.subset : facts.rows);
  if (share >= kFullEffortShare && share < 1 && !facts.scarce) {
    SegmentStep step = WalkAmongAll(request, facts, share, wanted);
    step.reason = "most pass";
    step.in_subset = in_subset;
    return {.step = step, .cost = step.effort * kScanRowsPerPlainEf};
  }
  const double of_tenth = facts.recall == nullptr
                              ? kTenthHardness
                              : HardnessOfTenth(facts.recall->all, facts.recall->tenth, wanted)
                                    .value_or(kTenthHardness);
  const double effort =
      std::min<double>(std::ceil(wanted * WalkHardness(share, of_tenth)), facts.allowed);
  return {.step = {.method = SegmentMethod::kIndex,
                   .effort = static_cast<uint32_t>(effort),
                   .reach = ReachOfWalk(request, facts, share, wanted, of_tenth),
                   .in_subset = in_subset},
          .cost = effort * (in_subset && share >= 1 ? kScanRowsPerPlainEf : kScanRowsPerEf)};
}

// Codes read by a scan of all that passes, as if all took as long.
double ScanCost(const SegmentFacts& facts) {
  const uint32_t hot = facts.kept && facts.subset != 0 ? std::min(facts.allowed, kHotScanRows) : 0;
  return facts.allowed - (1 - kHotScanCost) * hot;
}

// The cheapest of a walk under a filter, a look at all that it lets through, and one at what it
// lets through around the query; by the codes that each reads.
SegmentStep PlanFiltered(const PlanRequest& request, const SegmentFacts& facts, SegmentStep step) {
  const uint32_t unfiltered = EffortOf(request, step);
  const double share = static_cast<double>(facts.allowed) / facts.rows;
  const PlannedWalk walk = PlanWalk(request, facts, unfiltered);
  const auto places = facts.recall == nullptr || share > kPlacesShareMax
                          ? std::nullopt
                          : PlacesAsGoodAs(*facts.recall, unfiltered);
  step.effort = unfiltered;
  step.reason = "cheaper than a walk";
  const double scan = ScanCost(facts);
  double cost = std::min(walk.cost, scan);
  if (places.has_value() && PlacesCost(*places, request.k) < cost) {
    cost = PlacesCost(*places, request.k);
    step.method = SegmentMethod::kPlaces;
    step.slack = places->slack;
    step.effort = std::max(step.effort, kPlacesEf);
  } else if (scan <= walk.cost) {
    step.method = SegmentMethod::kScan;
  } else {
    step = walk.step;
  }
  step.wants_subset = facts.subset == 0 && cost > kSubsetGain * kScanRowsPerPlainEf * unfiltered;
  return step;
}

SegmentStep PlanSegment(const PlanRequest& request, const SegmentFacts& facts) {
  if (const auto untried = PlanUntried(request, facts); untried.has_value()) {
    return *untried;
  }
  if (facts.allowed == 0) {
    return {SegmentMethod::kSkip, ""};
  }
  if (request.exact || request.recall_target >= 1) {
    return {SegmentMethod::kExact, "asked for"};
  }
  if (facts.index == IndexKind::kFlat) {
    return {SegmentMethod::kExact, "no index"};
  }
  if (facts.allowed <= request.k) {
    return {SegmentMethod::kExact, "k covers all"};
  }
  if (facts.index == IndexKind::kIvf && facts.filtered &&
      facts.allowed <= kScanShareMax * facts.rows) {
    return {SegmentMethod::kExact, "a scan is cheaper"};
  }
  SegmentStep step = request.recall_target > 0 ? PlanForRecall(request, facts)
                                               : SegmentStep{SegmentMethod::kIndex, ""};
  if (step.method != SegmentMethod::kIndex || facts.index != IndexKind::kHnsw) {
    return step;
  }
  if (facts.filtered) {
    return PlanFiltered(request, facts, step);
  }
  step.reach = ReachOfWalk(request, facts, 1, EffortOf(request, step), 1);
  return step;
}

const char* MethodName(SegmentMethod method, IndexKind index) {
  switch (method) {
    case SegmentMethod::kSkip:
      return "skip";
    case SegmentMethod::kExact:
      return "exact";
    case SegmentMethod::kScan:
      return "scan";
    case SegmentMethod::kPlaces:
      return "places";
    case SegmentMethod::kIndex:
      return index == IndexKind::kHnsw ? "hnsw" : index == IndexKind::kIvf ? "ivf" : "index";
  }
  return "unknown";
}

std::string PayloadsText(const SegmentFacts& facts) {
  if (facts.kept) {
    return ", known from before";
  }
  return facts.payloads_read == 0 ? "" : fmt::format(", {} payloads read", facts.payloads_read);
}

std::string EffortText(const SegmentStep& step, IndexKind index) {
  std::string text;
  if (step.slack != 0) {
    text += fmt::format("slack {}, ", step.slack);
  }
  if (step.effort != 0) {
    text += fmt::format("{} {}, ", index == IndexKind::kIvf ? "nprobe" : "ef", step.effort);
  }
  if (step.reach != 0) {
    text += fmt::format("reach {:.2f}, ", step.reach);
  }
  if (!text.empty()) {
    text[text.size() - 2] = ';';
  }
  return text;
}

}  // namespace

std::optional<SegmentStep> PlanUntried(const PlanRequest& request, const SegmentFacts& facts) {
  const double share = static_cast<double>(facts.allowed) / std::max(1U, facts.rows);
  if (facts.untried == 0 || facts.index != IndexKind::kHnsw || request.exact ||
      request.recall_target >= 1 || share < kTriedShareMin) {
    return std::nullopt;
  }
  SegmentStep step{SegmentMethod::kIndex, ""};
  if (request.recall_target > 0) {
    step = PlanForRecall(request, facts);
    if (step.method != SegmentMethod::kIndex) {
      return std::nullopt;
    }
  }
  step = WalkAmongAll(request, facts, share, EffortOf(request, step));
  if (step.effort > kTriedEfMax || step.effort * kTriedRowsPerEf > facts.untried) {
    return std::nullopt;
  }
  step.reason = "tried on what is found";
  return step;
}

SearchPlan MakePlan(const PlanRequest& request, const std::vector<SegmentFacts>& segments) {
  SearchPlan plan;
  plan.steps.reserve(segments.size());
  for (const SegmentFacts& facts : segments) {
    plan.steps.push_back(PlanSegment(request, facts));
  }
  return plan;
}

std::string DescribePlan(const SearchPlan& plan, const std::vector<SegmentFacts>& segments) {
  std::string out;
  for (size_t i = 0; i < std::min(plan.steps.size(), segments.size()); ++i) {
    const SegmentStep& step = plan.steps[i];
    const SegmentFacts& facts = segments[i];
    const std::string subset =
        step.in_subset ? fmt::format("graph of {} rows; ", facts.subset) : "";
    const std::string rows = facts.filtered ? fmt::format("filter passes {}{} of {} rows{}",
                                                          facts.untried == 0 ? "" : "about ",
                                                          facts.allowed,
                                                          facts.rows,
                                                          PayloadsText(facts))
                                            : fmt::format("{} rows", facts.rows);
    out += fmt::format("{}segment {}: {} ({}{}{}{}{})",
                       i == 0 ? "" : "\n",
                       i,
                       MethodName(step.method, facts.index),
                       step.reason,
                       *step.reason == '\0' ? "" : "; ",
                       EffortText(step, facts.index),
                       subset,
                       rows);
  }
  return out;
}

}  // namespace alidade
