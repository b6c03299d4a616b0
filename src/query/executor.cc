#include "alidade/query/executor.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "alidade/filter/filter_text.h"
#include "alidade/index/subset_graphs.h"
#include "alidade/query/plan.h"

#include "row_selector.h"

namespace alidade {
namespace {

// Growth of the number of hits asked for when equal distances straddle its end (chosen: even a
// segment of a million equal vectors is settled after six scans).
constexpr uint32_t kTieGrowth = 8;

uint32_t SaturatedAdd(uint32_t a, uint32_t b) {
  return a > std::numeric_limits<uint32_t>::max() - b ? std::numeric_limits<uint32_t>::max()
                                                      : a + b;
}

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The work of one ExecuteSearch call.
class SearchRun {
 public:
  SearchRun(const SegmentSet& view, const VectorQuery& query, const Deadline& deadline)
      : view_(view),
        query_(query),
        deadline_(deadline),
        // The excluded points may be among the nearest of a segment, which has to give more then.
        share_(SaturatedAdd(query.k, static_cast<uint32_t>(query.excluded_ids.size()))),
        request_{.k = share_,
                 .exact = query.exact,
                 .recall_target = query.recall_target,
                 .ef = query.ef} {}

  StatusOr<QueryOutcome> Run() {
    ALIDADE_RETURN_IF_ERROR(deadline_.Check());
    const double begun = NowSeconds();
    ALIDADE_RETURN_IF_ERROR(SelectAllowed());
    outcome_.filter_seconds = NowSeconds() - begun;
    const SearchPlan plan = MakePlan(request_, facts_);
    if (query_.explain) {
      Explain(query_.filter == nullptr ? "no filter" : "filter: " + DescribeFilter(*query_.filter));
      if (!facts_.empty()) {
        Explain(DescribePlan(plan, facts_));
      }
    }
    outcome_.exact = true;
    for (uint32_t i = 0; i < plan.steps.size(); ++i) {
      if (plan.steps[i].method == SegmentMethod::kSkip) {
        continue;
      }
      ALIDADE_RETURN_IF_ERROR(deadline_.Check());
      ALIDADE_ASSIGN_OR_RETURN(const std::vector<RowHit> hits, Take(i, plan.steps[i]));
      Collect(i, hits);
    }
    outcome_.hits = MergeHits(std::move(collected_), query_.k);
    return std::move(outcome_);
  }

 private:
  Status SelectAllowed() {
    facts_.reserve(view_.segments.size());
    if (query_.filter != nullptr) {
      ALIDADE_ASSIGN_OR_RETURN(filter_, CompileFilter(*query_.filter, view_.schema));
      allowed_.resize(view_.segments.size());
      subsets_.resize(view_.segments.size());
      selectors_.resize(view_.segments.size());
    }
    for (uint32_t i = 0; i < view_.segments.size(); ++i) {
      const SegmentView& segment = view_.segments[i];
      facts_.push_back({.rows = segment.visible_rows,
                        .allowed = segment.visible_rows,
                        .filtered = filter_.has_value(),
                        .index = segment.segment->index_kind(query_.field),
                        .recall = segment.segment->measured_recall(query_.field)});
      if (filter_.has_value()) {
        selectors_[i] = std::make_unique<RowSelector>(segment, view_.at, *filter_);
        if (!Postpone(i)) {
          ALIDADE_RETURN_IF_ERROR(Select(i));
        }
      }
    }
    return OkStatus();
  }

  // Whether the search of a segment is planned without knowing which rows pass.
  bool Postpone(uint32_t i) {
    SegmentFacts& facts = facts_[i];
    if (query_.exact || facts.index != IndexKind::kHnsw) {
      return false;
    }
    const auto guess = selectors_[i]->GuessPassing();
    if (!guess.has_value()) {
      return false;
    }
    SegmentFacts guessed = facts;
    guessed.allowed = guess->passing;
    guessed.untried = guess->untried;
    const auto step = PlanUntried(request_, guessed);
    if (!step.has_value() || !Afford(i, *step)) {
      return false;
    }
    facts = guessed;
    return true;
  }

  // Whether such a step is still better than to find out which rows pass. Somebody who only asks
  // how searches are done is not counted among them.
  bool Afford(uint32_t i, const SegmentStep& step) {
    const bool counts = !query_.explain && query_.watch == nullptr;
    return selectors_[i]->Postpone(counts ? uint64_t{step.effort} * kTriedRowsPerEf : 0);
  }

  // Finds out which rows of a segment pass.
  Status Select(uint32_t i) {
    ALIDADE_ASSIGN_OR_RETURN(Selection selection, selectors_[i]->Select(deadline_));
    SegmentFacts& facts = facts_[i];
    facts.allowed = selection.selected->count;
    facts.payloads_read = selection.payloads_read;
    facts.kept = selection.kept;
    facts.untried = 0;
    if (facts.allowed > 0) {
      subsets_[i] = view_.segments[i].segment->FindSubset(query_.field, *selection.selected);
    }
    if (subsets_[i] != nullptr) {
      facts.subset = SubsetSize(*subsets_[i]);
      facts.subset_hardness = SubsetHardness(*subsets_[i]);
    }
    allowed_[i] = std::move(selection.selected);
    return OkStatus();
  }

  StatusOr<std::vector<RowHit>> Take(uint32_t i, const SegmentStep& step) {
    if (step.wants_subset) {
      view_.segments[i].segment->WishForSubset(query_.field, *allowed_[i]);
    }
    return step.method == SegmentMethod::kExact ? SearchExactly(i) : SearchByIndex(i, step);
  }

  // Whether the filter is tried on what is found, because nobody knows yet which rows pass.
  bool IsTried(uint32_t i, const SegmentStep& step) const {
    return step.passing > 0 && allowed_[i] == nullptr;
  }

  // Where the step has no effort, the query's own ef and nprobe count.
  StatusOr<std::vector<RowHit>> Search(uint32_t i, const SegmentStep& step, uint32_t k) {
    SearchStats stats;
    const SegmentView& segment = view_.segments[i];
    const SegmentSearch search{.field = query_.field,
                               .query = query_.vector,
                               .k = k,
                               .ef = step.effort == 0 ? query_.ef : step.effort,
                               .nprobe = step.effort == 0 ? query_.nprobe : step.effort,
                               .scan = step.method == SegmentMethod::kScan,
                               .slack = step.slack,
                               .reach = step.reach,
                               .subset = step.in_subset ? subsets_[i].get() : nullptr,
                               .at = view_.at,
                               .visible_rows = segment.visible_rows,
                               .allowed = allowed_.empty() ? nullptr : allowed_[i].get(),
                               .passes = IsTried(i, step) ? selectors_[i].get() : nullptr,
                               .passing = step.passing,
                               .deadline = &deadline_,
                               .stats = &stats,
                               .spare = query_.spare,
                               .watch = query_.watch != nullptr && query_.watch->segment == i
                                            ? &query_.watch->seen
                                            : nullptr};
    auto hits = step.method == SegmentMethod::kExact ? segment.segment->SearchExact(search)
                                                     : segment.segment->SearchIndex(search);
    outcome_.stats.Add(stats);
    if (query_.explain && stats.second_walks > 0) {
      Explain(fmt::format("segment {}: walked again under the filter (too few passed)", i));
    }
    return hits;
  }

  // Segments order equal distances by row, the answer orders them by id. So that the cut at k does
  // not depend on how rows are spread over segments, all rows at the distance of the last hit have
  // to be on the table.
  StatusOr<std::vector<RowHit>> SearchExactly(uint32_t i) {
    const uint32_t rows = facts_[i].allowed;
    uint32_t k = std::min(SaturatedAdd(share_, 1), rows);
    while (true) {
      ALIDADE_ASSIGN_OR_RETURN(std::vector<RowHit> hits,
                               Search(i, {.method = SegmentMethod::kExact}, k));
      if (hits.size() < k || k <= share_ || k == rows ||
          hits.back().distance > hits[share_ - 1].distance) {
        return hits;
      }
      k = k > rows / kTieGrowth ? rows : k * kTieGrowth;
      ALIDADE_RETURN_IF_ERROR(deadline_.Check());
    }
  }

  StatusOr<std::vector<RowHit>> SearchByIndex(uint32_t i, const SegmentStep& step) {
    const bool tried = IsTried(i, step);
    const uint64_t asked_before = tried ? selectors_[i]->asked() : 0;
    ALIDADE_ASSIGN_OR_RETURN(std::vector<RowHit> hits, Search(i, step, share_));
    if (tried && query_.explain) {
      Explain(fmt::format(
          "segment {}: the filter was tried on {} rows", i, selectors_[i]->payloads_read()));
    }
    if (tried && hits.size() < share_) {
      const auto asked =
          static_cast<double>(std::max<uint64_t>(1, selectors_[i]->asked() - asked_before));
      return SearchFarther(i, step, hits.size(), static_cast<double>(hits.size()) / asked);
    }
    // Without a filter, how many rows are alive and have the vector is not known: only the exact
    // search tells.
    const uint32_t possible =
        std::min({share_, facts_[i].allowed, view_.segments[i].segment->vectors(query_.field)});
    if (hits.size() >= possible) {
      outcome_.exact = false;
      return hits;
    }
    if (query_.explain) {
      Explain(fmt::format("segment {}: repeated exactly (the index gave {} of up to {} hits)",
                          i,
                          hits.size(),
                          possible));
    }
    ALIDADE_RETURN_IF_ERROR(deadline_.Check());
    return SearchExactly(i);
  }

  // After a search that tried only what it found, of which too few passed: this share. Where that
  // makes a longer walk worth while, that; else all rows are tried.
  StatusOr<std::vector<RowHit>> SearchFarther(uint32_t i,
                                              const SegmentStep& step,
                                              size_t found,
                                              double share) {
    facts_[i].allowed = static_cast<uint32_t>(share * facts_[i].rows);
    const auto farther = PlanUntried(request_, facts_[i]);
    if (!farther.has_value() || farther->effort < 2 * step.effort || !Afford(i, *farther)) {
      return SearchAfterAll(i, found);
    }
    if (query_.explain) {
      Explain(
          fmt::format("segment {}: repeated ({} of {} hits passed): hnsw (tried on what is "
                      "found; ef {})",
                      i,
                      found,
                      share_,
                      farther->effort));
    }
    return SearchByIndex(i, *farther);
  }

  StatusOr<std::vector<RowHit>> SearchAfterAll(uint32_t i, size_t found) {
    const double begun = NowSeconds();
    ALIDADE_RETURN_IF_ERROR(Select(i));
    outcome_.filter_seconds += NowSeconds() - begun;
    facts_[i].scarce = true;
    const SearchPlan plan = MakePlan(request_, {facts_[i]});
    if (query_.explain) {
      const std::string described = DescribePlan(plan, {facts_[i]});
      Explain(fmt::format("segment {}: repeated ({} of {} hits passed){}",
                          i,
                          found,
                          share_,
                          described.substr(described.find(": "))));
    }
    return plan.steps[0].method == SegmentMethod::kSkip ? std::vector<RowHit>()
                                                        : Take(i, plan.steps[0]);
  }

  void Collect(uint32_t i, const std::vector<RowHit>& hits) {
    const Segment& segment = *view_.segments[i].segment;
    segment.FetchIds(hits);
    for (const RowHit& hit : hits) {
      if (query_.distance_max.has_value() && hit.distance > *query_.distance_max) {
        break;  // ascending
      }
      const std::string_view id = segment.encoded_id(hit.row);
      if (!std::ranges::binary_search(query_.excluded_ids, id)) {
        collected_.push_back({.hit = {.distance = hit.distance, .segment = i, .row = hit.row},
                              .encoded_id = id,
                              .row_number = segment.row_number(hit.row)});
      }
    }
  }

  void Explain(const std::string& line) {
    outcome_.plan += outcome_.plan.empty() ? "" : "\n";
    outcome_.plan += line;
  }

  const SegmentSet& view_;
  const VectorQuery& query_;
  const Deadline& deadline_;
  const uint32_t share_;  // hits wanted of each segment
  const PlanRequest request_;
  std::vector<SegmentFacts> facts_;
  std::optional<QueryFilter> filter_;
  std::vector<std::shared_ptr<const SelectedRows>> allowed_;  // empty without a filter
  std::vector<std::shared_ptr<const SubsetGraph>> subsets_;   // ..
  std::vector<std::unique_ptr<RowSelector>> selectors_;       // ..
  std::vector<MergeInput> collected_;
  QueryOutcome outcome_;
};

}  // namespace

StatusOr<QueryOutcome> ExecuteSearch(const SegmentSet& view,
                                     const VectorQuery& query,
                                     const Deadline& deadline) {
  return SearchRun(view, query, deadline).Run();
}

}  // namespace alidade
