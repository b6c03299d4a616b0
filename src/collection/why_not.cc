// Why a point is not among the hits of a query.
#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "alidade/filter/filter_text.h"
#include "alidade/vec/metric.h"

#include "searcher.h"

namespace alidade {
namespace {

StatusOr<bool> HoldsFor(const Filter& filter, const SegmentSet& view, const GlobalHit& place) {
  ALIDADE_ASSIGN_OR_RETURN(const QueryFilter compiled, CompileFilter(filter, view.schema));
  return RowPasses(*view.segments[place.segment].segment, place.row, view.at, compiled.compiled);
}

// The condition of a filter that does not hold for the row because of which it does not.
// Recursion: as deep as the filter, which is bounded.
StatusOr<std::string> FailingCondition(const Filter& filter,
                                       const SegmentSet& view,
                                       const GlobalHit& place) {
  if (const auto* all = std::get_if<AllOf>(&filter.node)) {
    for (const Filter& child : all->children) {
      ALIDADE_ASSIGN_OR_RETURN(const bool holds, HoldsFor(child, view, place));
      if (!holds) {
        return FailingCondition(child, view, place);
      }
    }
  }
  if (const auto* none = std::get_if<NoneOf>(&filter.node)) {
    for (const Filter& child : none->children) {
      ALIDADE_ASSIGN_OR_RETURN(const bool holds, HoldsFor(child, view, place));
      if (holds) {
        return FilterText(Filter{NoneOf{{child}}});
      }
    }
  }
  return FilterText(filter);
}

bool SamePlace(const GlobalHit& a, const GlobalHit& b) {
  return a.segment == b.segment && a.row == b.row;
}

WhyNot Loss(LossStage stage, std::string detail, uint64_t rank = 0) {
  return {.id = PointId(0), .stage = stage, .detail = std::move(detail), .rank = rank};
}

WhyNot BelowThreshold(double score, const SearchQuery& query, uint64_t rank) {
  return Loss(
      LossStage::kScore,
      fmt::format("its score is {}, the threshold {}", score, query.score_threshold.value_or(0)),
      rank);
}

WhyNot BeyondRank(uint64_t rank, uint64_t asked) {
  return Loss(LossStage::kRank,
              fmt::format("place {} by exact scores, {} were asked for", rank, asked),
              rank);
}

}  // namespace

StatusOr<WhyNot> Searcher::WhyNotNear(const SearchQuery& query,
                                      const FindOptions& options,
                                      const GlobalHit& place,
                                      const std::string& path) const {
  NearQuery near;
  ALIDADE_RETURN_IF_ERROR(MakeNear(query, options, path, near));
  if (!view_.segments[place.segment].segment->vector(near.field, place.row).has_value()) {
    return Loss(
        LossStage::kNoMatch,
        fmt::format("it has no vector in the field \"{}\"", view_.schema.fields[near.field].name));
  }
  // First, as long as of the filter no more is known than when the search was done.
  HitWatch watch{.segment = place.segment, .seen = {.row = place.row}};
  VectorQuery again = near.wanted;
  again.watch = &watch;
  ALIDADE_RETURN_IF_ERROR(ExecuteSearch(view_, again, deadline_).status());
  VectorQuery all = near.wanted;
  all.exact = true;
  all.explain = false;
  all.k = static_cast<uint32_t>(
      std::min<uint64_t>(view_.live_rows, std::numeric_limits<uint32_t>::max()));
  all.distance_max.reset();
  ALIDADE_ASSIGN_OR_RETURN(const QueryOutcome whole, ExecuteSearch(view_, all, deadline_));
  const auto at = std::ranges::find_if(
      whole.hits, [&place](const GlobalHit& hit) { return SamePlace(hit, place); });
  if (at == whole.hits.end()) {
    return Internal("an exact search of all points did not find one of them");
  }
  const uint64_t rank = static_cast<uint64_t>(at - whole.hits.begin()) + 1;
  if (near.wanted.distance_max.has_value() && at->distance > *near.wanted.distance_max) {
    return BelowThreshold(
        ScoreFromDistance(view_.schema.fields[near.field].metric, at->distance).value, query, rank);
  }
  if (rank > options.k) {
    return BeyondRank(rank, options.k);
  }
  const IndexKind kind = view_.segments[place.segment].segment->index_kind(near.field);
  if (kind == IndexKind::kIvf) {
    VectorQuery lists = near.wanted;
    lists.recall_target = 0;
    lists.nprobe = std::numeric_limits<uint32_t>::max();
    ALIDADE_ASSIGN_OR_RETURN(const QueryOutcome found, ExecuteSearch(view_, lists, deadline_));
    watch.seen.met = std::ranges::none_of(
        found.hits, [&place](const GlobalHit& hit) { return SamePlace(hit, place); });
  }
  if (!watch.seen.met) {
    return Loss(LossStage::kNotReached,
                fmt::format("place {} by exact scores, but {}",
                            rank,
                            kind == IndexKind::kIvf ? "its list was not searched"
                                                    : "the search did not come to it"),
                rank);
  }
  return Loss(
      LossStage::kCodes,
      watch.seen.place == 0
          ? fmt::format(
                "place {} by exact scores, by codes not among the {} kept", rank, watch.seen.kept)
          : fmt::format("place {} by exact scores, {} of {} by codes",
                        rank,
                        watch.seen.place,
                        watch.seen.kept),
      rank);
}

StatusOr<WhyNot> Searcher::WhyNotFused(const SearchQuery& query,
                                       const FindOptions& options,
                                       const GlobalHit& place,
                                       const std::string& path) const {
  const auto& target = *std::get<std::shared_ptr<const FusionTarget>>(query.target);
  FindOptions any = options;
  any.any_score = true;
  ALIDADE_ASSIGN_OR_RETURN(const Found found, Find(query, any, path));
  if (const uint64_t rank = RankOf(found.hits, place); rank != 0) {
    return BelowThreshold(found.hits[rank - 1].score, query, rank);
  }
  WhyNot furthest = Loss(LossStage::kFound, "");
  std::string detail;
  for (size_t i = 0; i < target.branches.size(); ++i) {
    const FusionBranch& branch = target.branches[i];
    ALIDADE_ASSIGN_OR_RETURN(const WhyNot loss,
                             WhyNotFound(branch.query,
                                         BranchOptions(query, branch, options, path, i),
                                         place,
                                         fmt::format("{}.fusion.branches[{}].query", path, i)));
    detail += fmt::format("{}branches[{}]: {}", i == 0 ? "" : "; ", i, loss.detail);
    if (i == 0 || loss.stage > furthest.stage) {
      furthest = loss;
    }
  }
  furthest.detail = std::move(detail);
  return furthest;
}

StatusOr<WhyNot> Searcher::WhyNotFound(const SearchQuery& query,
                                       const FindOptions& options,
                                       const GlobalHit& place,
                                       const std::string& path) const {
  if (query.filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(const bool holds, HoldsFor(*query.filter, view_, place));
    if (!holds) {
      ALIDADE_ASSIGN_OR_RETURN(const std::string condition,
                               FailingCondition(*query.filter, view_, place));
      return Loss(LossStage::kFiltered, "does not hold: " + condition);
    }
  }
  if (std::ranges::binary_search(IdsOf(query.target), EncodedIdOf(view_, place))) {
    return Loss(LossStage::kExcluded, "it is the target or an example of the query");
  }
  // Only what was not found is lost.
  ALIDADE_ASSIGN_OR_RETURN(const Found found, Find(query, options, path));
  if (const uint64_t rank = RankOf(found.hits, place); rank != 0) {
    return rank <= options.k ? Loss(LossStage::kFound, fmt::format("place {}", rank), rank)
                             : BeyondRank(rank, options.k);
  }
  if (std::holds_alternative<std::shared_ptr<const FusionTarget>>(query.target)) {
    return WhyNotFused(query, options, place, path);
  }
  const bool words = std::holds_alternative<WordsTarget>(query.target);
  if (!words && !IsSparse(query)) {
    return WhyNotNear(query, options, place, path);
  }
  FindOptions all = options;
  all.explain = false;
  all.any_score = true;
  all.k = static_cast<uint32_t>(
      std::min<uint64_t>(view_.live_rows, std::numeric_limits<uint32_t>::max()));
  ALIDADE_ASSIGN_OR_RETURN(const Found whole, Find(query, all, path));
  const uint64_t rank = RankOf(whole.hits, place);
  if (rank == 0) {
    return Loss(LossStage::kNoMatch,
                words ? "it has none of the words" : "it shares no index with the vector");
  }
  return rank > options.k ? BeyondRank(rank, options.k)
                          : BelowThreshold(whole.hits[rank - 1].score, query, rank);
}

}  // namespace alidade
