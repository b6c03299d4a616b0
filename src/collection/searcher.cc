#include "searcher.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "alidade/query/sparse_search.h"
#include "alidade/query/text_search.h"
#include "alidade/vec/metric.h"

#include "field_lookup.h"

namespace alidade {
namespace {

StatusOr<const PayloadIndexSpec*> FindTextIndex(const Schema& schema,
                                                const std::string& key,
                                                const std::string& path) {
  const PayloadIndexSpec* found = nullptr;
  for (const PayloadIndexSpec& spec : schema.payload_indexes) {
    if (spec.type != PayloadIndexType::kText || (!key.empty() && spec.key != key)) {
      continue;
    }
    if (found != nullptr) {
      return FieldError(
          path, "must name one of the text indexes, on \"{}\", \"{}\", ..", found->key, spec.key);
    }
    found = &spec;
  }
  if (found == nullptr) {
    return WithReason(FieldError(path,
                                 "there is no text index{}; CreatePayloadIndex makes one",
                                 key.empty() ? "" : fmt::format(" on \"{}\"", key)),
                      "TEXT_INDEX_NOT_FOUND");
  }
  return found;
}

Found FoundIn(QueryOutcome outcome, std::optional<Metric> metric) {
  Found found;
  found.hits.reserve(outcome.hits.size());
  for (const GlobalHit& hit : outcome.hits) {
    found.hits.push_back({hit,
                          metric.has_value() ? ScoreFromDistance(*metric, hit.distance).value
                                             : -static_cast<double>(hit.distance)});
  }
  found.metric = metric;
  found.stats = outcome.stats;
  found.seconds.filter = outcome.filter_seconds;
  found.exact = outcome.exact;
  found.plan = std::move(outcome.plan);
  return found;
}

std::string Indented(const std::string& text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') {
      out += "  ";
    }
  }
  return out;
}

}  // namespace

void Found::AddPlan(const std::string& text) {
  plan += plan.empty() || text.empty() ? "" : "\n";
  plan += text;
}

void Found::AddCost(const Found& other) {
  stats.Add(other.stats);
  seconds.Add(other.seconds);
  exact = exact && other.exact;
}

Status Searcher::MakeNear(const SearchQuery& query,
                          const FindOptions& options,
                          const std::string& path,
                          NearQuery& near) const {
  ALIDADE_ASSIGN_OR_RETURN(near.field,
                           FindFieldOrError(view_.schema, query.field, options.field_path));
  if (const auto* recommend = std::get_if<RecommendTarget>(&query.target)) {
    ALIDADE_ASSIGN_OR_RETURN(near.vector,
                             RecommendedVector(*recommend, near.field, path + ".recommend"));
  } else if (const auto* id = std::get_if<PointId>(&query.target)) {
    ALIDADE_ASSIGN_OR_RETURN(near.vector, VectorOf(*id, near.field, path));
  } else {
    ALIDADE_ASSIGN_OR_RETURN(
        near.vector, VectorOf(std::get<std::vector<float>>(query.target), near.field, path));
  }
  near.excluded = IdsOf(query.target);
  VectorQuery& wanted = near.wanted;
  wanted.field = near.field;
  wanted.vector = near.vector.data();
  wanted.k = options.k;
  wanted.ef = query.ef != 0 ? query.ef : settings_.default_ef;
  wanted.nprobe = query.nprobe != 0 ? query.nprobe : settings_.default_nprobe;
  wanted.exact = query.exact || options.exact;
  wanted.recall_target = query.recall_target;
  wanted.filter = query.filter.get();
  wanted.explain = options.explain;
  wanted.spare = spare_;
  wanted.excluded_ids = near.excluded;
  if (query.score_threshold.has_value() && !options.any_score) {
    wanted.distance_max =
        DistanceFromScore(view_.schema.fields[near.field].metric, Score{*query.score_threshold});
  }
  return OkStatus();
}

StatusOr<Found> Searcher::FindNear(const SearchQuery& query,
                                   const FindOptions& options,
                                   const std::string& path) const {
  NearQuery near;
  ALIDADE_RETURN_IF_ERROR(MakeNear(query, options, path, near));
  ALIDADE_ASSIGN_OR_RETURN(QueryOutcome outcome, ExecuteSearch(view_, near.wanted, deadline_));
  const Metric metric = view_.schema.fields[near.field].metric;
  return FoundIn(std::move(outcome), metric);
}

StatusOr<Found> Searcher::FindSparse(const SearchQuery& query,
                                     const FindOptions& options,
                                     const std::string& path) const {
  ALIDADE_ASSIGN_OR_RETURN(const SparseIndex field,
                           FindSparseFieldOrError(view_.schema, query.field, options.field_path));
  SparseQuery wanted{.field = field,
                     .k = options.k,
                     .filter = query.filter.get(),
                     .score_min = options.any_score ? std::nullopt : query.score_threshold,
                     .explain = options.explain};
  ALIDADE_ASSIGN_OR_RETURN(const SparseVector vector, SparseVectorFor(query.target, field, path));
  wanted.vector = &vector;
  const std::vector<std::string> excluded = IdsOf(query.target);
  wanted.excluded_ids = excluded;
  ALIDADE_ASSIGN_OR_RETURN(QueryOutcome outcome, ExecuteSparseSearch(view_, wanted, deadline_));
  return FoundIn(std::move(outcome), std::nullopt);
}

StatusOr<Found> Searcher::FindWords(const SearchQuery& query,
                                    const FindOptions& options,
                                    const std::string& path) const {
  const auto& target = std::get<WordsTarget>(query.target);
  ALIDADE_ASSIGN_OR_RETURN(const PayloadIndexSpec* index,
                           FindTextIndex(view_.schema, target.key, path + ".words.key"));
  ALIDADE_ASSIGN_OR_RETURN(
      QueryOutcome outcome,
      ExecuteTextSearch(view_,
                        {.index = index,
                         .words = target.words,
                         .k = options.k,
                         .filter = query.filter.get(),
                         .score_min = options.any_score ? std::nullopt : query.score_threshold,
                         .explain = options.explain},
                        deadline_));
  return FoundIn(std::move(outcome), std::nullopt);
}

FindOptions Searcher::BranchOptions(const SearchQuery& query,
                                    const FusionBranch& branch,
                                    const FindOptions& options,
                                    const std::string& path,
                                    size_t index) {
  FindOptions wanted = options;
  wanted.k = branch.query.k == 0 ? std::max(options.k, kCandidatesMin) : branch.query.k;
  wanted.any_score = false;
  if (branch.query.field != query.field) {
    wanted.field_path = fmt::format("{}.fusion.branches[{}].vector_field", path, index);
  }
  return wanted;
}

StatusOr<Found> Searcher::FindFused(const SearchQuery& query,
                                    const FindOptions& options,
                                    const std::string& path) const {
  const auto& target = *std::get<std::shared_ptr<const FusionTarget>>(query.target);
  Found fused;
  std::vector<FusionInput> inputs;
  for (size_t i = 0; i < target.branches.size(); ++i) {
    const FusionBranch& branch = target.branches[i];
    const std::string place = fmt::format("{}.fusion.branches[{}]", path, i);
    const FindOptions wanted = BranchOptions(query, branch, options, path, i);
    ALIDADE_ASSIGN_OR_RETURN(Found found, Find(branch.query, wanted, place + ".query"));
    if (found.hits.size() > wanted.k) {
      found.hits.resize(wanted.k);
    }
    if (options.score_parts) {
      NoteParts(place.substr(place.find('.') + 1), found.hits);  // below `queries[i]`
    }
    if (options.explain) {
      fused.AddPlan(fmt::format("branches[{}]: {} hits", i, found.hits.size()));
      fused.AddPlan(Indented(found.plan));
    }
    fused.AddCost(found);
    inputs.push_back({std::move(found.hits), branch.weight});
  }
  fused.hits = Fuse(view_, target.method, std::move(inputs));
  if (query.score_threshold.has_value() && !options.any_score) {
    const auto below = std::ranges::find_if(
        fused.hits, [&query](const RankedHit& hit) { return hit.score < *query.score_threshold; });
    fused.hits.erase(below, fused.hits.end());
  }
  return fused;
}

StatusOr<Found> Searcher::Find(const SearchQuery& query,
                               const FindOptions& options,
                               const std::string& path) const {
  double seconds = 0;
  StatusOr<Found> found = [&] {
    const Stopwatch watch(seconds);
    return FindTarget(query, options, path);
  }();
  if (found.ok()) {
    found->seconds.search = seconds - found->seconds.filter;
  }
  return found;
}

StatusOr<Found> Searcher::FindTarget(const SearchQuery& query,
                                     const FindOptions& options,
                                     const std::string& path) const {
  if (std::holds_alternative<WordsTarget>(query.target)) {
    return FindWords(query, options, path);
  }
  if (IsSparse(query)) {
    return FindSparse(query, options, path);
  }
  return std::holds_alternative<std::shared_ptr<const FusionTarget>>(query.target)
             ? FindFused(query, options, path)
             : FindNear(query, options, path);
}

}  // namespace alidade
