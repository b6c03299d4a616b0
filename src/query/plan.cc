#include "alidade/query/plan.h"

#include <algorithm>

#include <fmt/format.h>

namespace alidade {
namespace {

SegmentStep PlanSegment(const PlanRequest& request, const SegmentFacts& facts) {
  if (facts.allowed == 0) {
    return {SegmentMethod::kSkip, ""};
  }
  if (request.exact) {
    return {SegmentMethod::kExact, "asked for"};
  }
  if (facts.index == IndexKind::kFlat) {
    return {SegmentMethod::kExact, "no index"};
  }
  if (facts.allowed <= request.k) {
    return {SegmentMethod::kExact, "k covers all"};
  }
  if (facts.filtered && facts.allowed <= kScanShareMax * facts.rows) {
    return {SegmentMethod::kExact, "a scan is cheaper"};
  }
  return {SegmentMethod::kIndex, ""};
}

const char* MethodName(SegmentMethod method, IndexKind index) {
  switch (method) {
    case SegmentMethod::kSkip:
      return "skip";
    case SegmentMethod::kExact:
      return "exact";
    case SegmentMethod::kIndex:
      return index == IndexKind::kHnsw ? "hnsw" : index == IndexKind::kIvf ? "ivf" : "index";
  }
  return "unknown";
}

}  // namespace

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
    const std::string rows =
        facts.filtered ? fmt::format("filter passes {} of {} rows", facts.allowed, facts.rows)
                       : fmt::format("{} rows", facts.rows);
    out += fmt::format("{}segment {}: {} ({}{}{})",
                       i == 0 ? "" : "\n",
                       i,
                       MethodName(step.method, facts.index),
                       step.reason,
                       *step.reason == '\0' ? "" : "; ",
                       rows);
  }
  return out;
}

}  // namespace alidade
