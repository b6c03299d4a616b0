// Path: search 3/8 (from engine/engine.cc, to query/executor.cc) and 7/8 (ids, payloads and vectors
// of the hits)
#include <algorithm>
#include <cmath>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/collection/payload_selection.h"
#include "alidade/query/executor.h"
#include "alidade/query/text_search.h"
#include "alidade/vec/metric.h"
#include "alidade/vec/vector_matrix.h"

#include "field_lookup.h"
#include "stored_points.h"

namespace alidade {
namespace {

constexpr size_t kHitsToDeadline = 64;  // hits made between two looks at the deadline

// Without a metric the distance is the score below zero.
StatusOr<SearchHit> MakeHit(const SegmentSet& view,
                            const GlobalHit& hit,
                            std::optional<Metric> metric,
                            const PointParts& parts) {
  const Segment& segment = *view.segments[hit.segment].segment;
  SearchHit result;
  ALIDADE_ASSIGN_OR_RETURN(result.point.id, PointId::Decode(segment.encoded_id(hit.row)));
  ALIDADE_ASSIGN_OR_RETURN(result.point.payload,
                           SelectPayload(segment.payload(hit.row, view.at), parts.payload));
  for (size_t k = 0; k < parts.fields.size(); ++k) {
    const float* vector = segment.vector(parts.fields[k], hit.row);
    if (vector != nullptr) {
      const uint32_t dim = view.schema.fields[parts.fields[k]].dim;
      result.point.vectors[parts.names[k]].assign(vector, vector + dim);
    }
  }
  if (!metric.has_value()) {
    result.score = -static_cast<double>(hit.distance);
    result.distance = static_cast<double>(hit.distance);
    return result;
  }
  result.score = ScoreFromDistance(*metric, hit.distance).value;
  result.distance = *metric == Metric::kL2 ? std::sqrt(static_cast<double>(hit.distance))
                                           : static_cast<double>(hit.distance);
  return result;
}

StatusOr<SearchResult> MakeResult(const SegmentSet& view,
                                  const SearchQuery& query,
                                  std::optional<Metric> metric,
                                  const std::vector<FieldIndex>& fields,
                                  QueryOutcome outcome,
                                  const Deadline& deadline) {
  SearchResult result;
  result.stats = outcome.stats;
  result.exact = outcome.exact;
  result.plan = std::move(outcome.plan);
  result.hits.reserve(outcome.hits.size());
  const PayloadSelector nothing;
  const PayloadSelector& payload = query.payload == nullptr ? nothing : *query.payload;
  for (const GlobalHit& hit : outcome.hits) {
    if (result.hits.size() % kHitsToDeadline == kHitsToDeadline - 1) {
      ALIDADE_RETURN_IF_ERROR(deadline.Check());
    }
    ALIDADE_ASSIGN_OR_RETURN(SearchHit made,
                             MakeHit(view, hit, metric, {payload, query.vectors, fields}));
    result.hits.push_back(std::move(made));
  }
  return result;
}

// The queries of one request, over one view.
class Searcher {
 public:
  Searcher(const SegmentSet& view,
           const Store& store,
           KeySpace space,
           const CollectionConfig& settings,
           SpareThreads* spare,
           const Deadline& deadline)
      : view_(view),
        store_(store),
        space_(space),
        settings_(settings),
        spare_(spare),
        deadline_(deadline) {}

  // `path` is where the query is in the request.
  StatusOr<SearchResult> SearchOne(const SearchQuery& query, const std::string& path) const;

 private:
  StatusOr<std::vector<float>> TargetVector(const SearchQuery& query,
                                            FieldIndex field,
                                            const std::string& path) const;
  StatusOr<SearchResult> SearchWords(const SearchQuery& query, const std::string& path) const;

  const SegmentSet& view_;
  const Store& store_;
  const KeySpace space_;
  const CollectionConfig& settings_;
  SpareThreads* const spare_;
  const Deadline& deadline_;
};

StatusOr<std::vector<float>> Searcher::TargetVector(const SearchQuery& query,
                                                    FieldIndex field,
                                                    const std::string& path) const {
  const VectorField& spec = view_.schema.fields[field];
  if (const auto* given = std::get_if<std::vector<float>>(&query.target)) {
    if (given->size() != spec.dim) {
      return FieldError(path + ".vector",
                        "has {} dimensions, the field \"{}\" has {}",
                        given->size(),
                        spec.name,
                        spec.dim);
    }
    ALIDADE_RETURN_IF_ERROR(ValidateVector(*given, spec.metric, path + ".vector"));
    return *given;
  }
  const PointId& id = std::get<PointId>(query.target);
  const auto snapshot = store_.TakeSnapshot();
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           store_.GetIds(space_, {id.Encode()}, snapshot.get()));
  const std::optional<IdEntry>& entry = entries[0];
  if (!entry.has_value()) {
    return WithReason(NotFound("{}.point_id: there is no point {}", path, id.ToString()),
                      "POINT_NOT_FOUND");
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto vectors,
                           store_.GetVectors(space_, spec.id, {entry->row}, snapshot.get()));
  const std::optional<std::string>& bytes = vectors[0];
  if (!bytes.has_value()) {
    return FailedPrecondition("{}.point_id: the point {} has no vector in the field \"{}\"",
                              path,
                              id.ToString(),
                              spec.name);
  }
  return FloatsOf(*bytes);
}

StatusOr<SearchResult> Searcher::SearchWords(const SearchQuery& query,
                                             const std::string& path) const {
  const auto& target = std::get<WordsTarget>(query.target);
  const auto index = std::ranges::find_if(view_.schema.payload_indexes, [&](const auto& spec) {
    return spec.type == PayloadIndexType::kText && spec.key == target.key;
  });
  if (index == view_.schema.payload_indexes.end()) {
    return WithReason(FieldError(path + ".words.key",
                                 "there is no text index on \"{}\"; CreatePayloadIndex makes one",
                                 target.key),
                      "TEXT_INDEX_NOT_FOUND");
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view_.schema, query.vectors));
  ALIDADE_ASSIGN_OR_RETURN(QueryOutcome outcome,
                           ExecuteTextSearch(view_,
                                             {.index = &*index,
                                              .words = target.words,
                                              .k = query.k,
                                              .filter = query.filter.get(),
                                              .score_min = query.score_threshold,
                                              .explain = query.explain},
                                             deadline_));
  return MakeResult(view_, query, std::nullopt, fields, std::move(outcome), deadline_);
}

StatusOr<SearchResult> Searcher::SearchOne(const SearchQuery& query,
                                           const std::string& path) const {
  if (std::holds_alternative<WordsTarget>(query.target)) {
    return SearchWords(query, path);
  }
  ALIDADE_ASSIGN_OR_RETURN(const FieldIndex field,
                           FindFieldOrError(view_.schema, query.field, "vector_field"));
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view_.schema, query.vectors));
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<float> vector, TargetVector(query, field, path));
  const Metric metric = view_.schema.fields[field].metric;
  VectorQuery wanted;
  wanted.field = field;
  wanted.vector = vector.data();
  wanted.k = query.k;
  wanted.ef = query.ef != 0 ? query.ef : settings_.default_ef;
  wanted.nprobe = query.nprobe != 0 ? query.nprobe : settings_.default_nprobe;
  wanted.exact = query.exact;
  wanted.recall_target = query.recall_target;
  wanted.filter = query.filter.get();
  wanted.explain = query.explain;
  wanted.spare = spare_;
  std::string self;
  if (const auto* id = std::get_if<PointId>(&query.target)) {
    self = id->Encode();
    wanted.excluded_id = self;
  }
  if (query.score_threshold.has_value()) {
    wanted.distance_max = DistanceFromScore(metric, Score{*query.score_threshold});
  }
  ALIDADE_ASSIGN_OR_RETURN(QueryOutcome outcome, ExecuteSearch(view_, wanted, deadline_));
  return MakeResult(view_, query, metric, fields, std::move(outcome), deadline_);
}

}  // namespace

StatusOr<SearchResponse> Collection::Search(const SearchRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  const auto settings = config();
  const Searcher searcher(
      *view, *context_.store, space(), *settings, context_.spare, request.options.deadline);
  SearchResponse response;
  response.at = view->at;
  response.results.reserve(request.queries.size());
  for (size_t i = 0; i < request.queries.size(); ++i) {
    ALIDADE_ASSIGN_OR_RETURN(SearchResult result,
                             searcher.SearchOne(request.queries[i], fmt::format("queries[{}]", i)));
    response.results.push_back(std::move(result));
  }
  return response;
}

}  // namespace alidade
