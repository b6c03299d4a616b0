// Path: search 3/8 (from engine/engine.cc, to query/executor.cc) and 7/8 (ids, payloads and vectors
// of the hits)
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/collection/payload_selection.h"
#include "alidade/common/check.h"
#include "alidade/query/executor.h"
#include "alidade/query/text_search.h"
#include "alidade/vec/metric.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {
namespace {

constexpr uint32_t kListChunkRows = 256;  // rows read at once while a page is filled
constexpr size_t kHitsToDeadline = 64;    // hits made between two looks at the deadline

std::vector<float> FloatsOf(std::string_view bytes) {
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

// What of a point a read returns besides its id.
struct PointParts {
  const PayloadSelector& payload;
  const std::vector<std::string>& names;
  const std::vector<FieldIndex>& fields;
};

// Points of one store snapshot, by row.
class StoredPoints {
 public:
  StoredPoints(const Store& store,
               KeySpace space,
               const Schema& schema,
               const StoreSnapshot* snapshot)
      : store_(store), space_(space), schema_(schema), snapshot_(snapshot) {}

  Status Read(const std::vector<RowNo>& rows, const PointParts& parts, std::vector<Point>& out) {
    ALIDADE_ASSIGN_OR_RETURN(auto stored, store_.GetRows(space_, rows, snapshot_));
    out.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      std::optional<StoredRow>& row = stored[i];
      if (!row.has_value()) {
        return DataLoss("row {} is missing although its id is there", rows[i]);
      }
      out[i].id = std::move(row->id);
      out[i].seq = row->seq;
      ALIDADE_ASSIGN_OR_RETURN(out[i].payload, SelectPayload(row->payload, parts.payload));
    }
    for (size_t k = 0; k < parts.fields.size(); ++k) {
      ALIDADE_ASSIGN_OR_RETURN(
          auto vectors,
          store_.GetVectors(space_, schema_.fields[parts.fields[k]].id, rows, snapshot_));
      for (size_t i = 0; i < rows.size(); ++i) {
        if (const std::optional<std::string>& bytes = vectors[i]; bytes.has_value()) {
          out[i].vectors[parts.names[k]] = FloatsOf(*bytes);
        }
      }
    }
    return OkStatus();
  }

  // For each row, which of the fields asked about (bits, as in CompiledFilter) have a vector.
  StatusOr<std::vector<uint32_t>> Present(uint32_t asked, const std::vector<RowNo>& rows) {
    std::vector<uint32_t> present(rows.size(), 0);
    for (; asked != 0; asked &= asked - 1) {
      const auto field = static_cast<FieldIndex>(std::countr_zero(asked));
      ALIDADE_ASSIGN_OR_RETURN(
          const auto vectors, store_.GetVectors(space_, schema_.fields[field].id, rows, snapshot_));
      for (size_t i = 0; i < rows.size(); ++i) {
        present[i] |= vectors[i].has_value() ? uint32_t{1} << field : 0;
      }
    }
    return present;
  }

 private:
  const Store& store_;
  const KeySpace space_;
  const Schema& schema_;
  const StoreSnapshot* snapshot_;
};

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

}  // namespace

StatusOr<FieldIndex> Collection::FindFieldOrError(const Schema& schema,
                                                  const std::string& name,
                                                  const std::string& path) const {
  if (name.empty()) {
    if (schema.fields.size() == 1) {
      return FieldIndex{0};
    }
    return FieldError(path, "must name one of the {} vector fields", schema.fields.size());
  }
  const std::optional<FieldIndex> found = schema.FindField(name);
  if (!found.has_value()) {
    std::string names;
    for (const VectorField& field : schema.fields) {
      names += (names.empty() ? "" : ", ") + field.name;
    }
    return FieldError(path, "there is no vector field \"{}\"; there are: {}", name, names);
  }
  return *found;
}

StatusOr<std::vector<FieldIndex>> Collection::FindFields(
    const Schema& schema, const std::vector<std::string>& names) const {
  std::vector<FieldIndex> fields;
  for (const std::string& name : names) {
    ALIDADE_ASSIGN_OR_RETURN(const FieldIndex field,
                             FindFieldOrError(schema, name, "with_vectors"));
    fields.push_back(field);
  }
  return fields;
}

StatusOr<GetResponse> Collection::Get(const GetRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view->schema, request.vectors));
  const auto snapshot = context_.store->TakeSnapshot();
  std::vector<std::string> ids;
  ids.reserve(request.ids.size());
  for (const PointId& id : request.ids) {
    ids.push_back(id.Encode());
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           context_.store->GetIds(space(), ids, snapshot.get()));
  std::vector<RowNo> rows;
  for (const auto& entry : entries) {
    if (entry.has_value()) {
      rows.push_back(entry->row);
    }
  }
  std::vector<Point> points;
  StoredPoints stored(*context_.store, space(), view->schema, snapshot.get());
  ALIDADE_RETURN_IF_ERROR(stored.Read(rows, {request.payload, request.vectors, fields}, points));
  GetResponse response;
  response.at = view->at;
  size_t next = 0;
  for (const auto& entry : entries) {
    response.points.push_back(entry.has_value() ? std::optional<Point>(std::move(points[next++]))
                                                : std::nullopt);
  }
  return response;
}

StatusOr<CountResponse> Collection::Count(const CountRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  CountResponse response;
  response.at = view->at;
  response.points = view->live_rows;
  if (request.filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(response.points,
                             CountRows(*view, request.filter.get(), request.options.deadline));
  }
  return response;
}

StatusOr<ListResponse> Collection::List(const ListRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view->schema, request.vectors));
  std::optional<QueryFilter> filter;
  if (request.filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(filter, CompileFilter(*request.filter, view->schema));
  }
  const auto snapshot = context_.store->TakeSnapshot();
  StoredPoints reader(*context_.store, space(), view->schema, snapshot.get());
  ListResponse response;
  response.at = view->at;
  std::string after = request.after;
  bool more = true;
  while (more && response.points.size() < request.page_size) {
    ALIDADE_RETURN_IF_ERROR(request.options.deadline.Check());
    std::vector<RowNo> rows;
    std::vector<std::string> ids;
    const size_t wanted =
        !filter.has_value()
            ? std::min<size_t>(kListChunkRows, request.page_size - response.points.size())
            : kListChunkRows;
    ALIDADE_RETURN_IF_ERROR(
        context_.store->ScanIds(space(),
                                after,
                                snapshot.get(),
                                [&](std::string_view encoded_id, IdEntry entry) -> StatusOr<bool> {
                                  ids.emplace_back(encoded_id);
                                  rows.push_back(entry.row);
                                  return rows.size() < wanted;
                                }));
    more = rows.size() == wanted;
    if (filter.has_value() && !rows.empty()) {
      ALIDADE_ASSIGN_OR_RETURN(const auto stored,
                               context_.store->GetRows(space(), rows, snapshot.get()));
      ALIDADE_ASSIGN_OR_RETURN(const auto vectors,
                               reader.Present(filter->compiled.asks_vectors(), rows));
      std::vector<RowNo> kept;
      for (size_t i = 0;
           i < rows.size() && kept.size() + response.points.size() < request.page_size;
           ++i) {
        after = ids[i];
        const std::optional<StoredRow>& row = stored[i];
        if (row.has_value() &&
            filter->compiled.Matches(
                {.payload = row->payload, .encoded_id = ids[i], .vectors = vectors[i]})) {
          kept.push_back(rows[i]);
        }
      }
      more = more || after != ids.back();
      rows = std::move(kept);
    } else if (!ids.empty()) {
      after = ids.back();
    }
    std::vector<Point> points;
    ALIDADE_RETURN_IF_ERROR(reader.Read(rows, {request.payload, request.vectors, fields}, points));
    std::move(points.begin(), points.end(), std::back_inserter(response.points));
  }
  if (more) {
    response.next = after;
  }
  return response;
}

StatusOr<std::vector<float>> Collection::TargetVector(const SegmentSet& view,
                                                      const SearchQuery& query,
                                                      FieldIndex field,
                                                      const std::string& path) const {
  const VectorField& spec = view.schema.fields[field];
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
  const auto snapshot = context_.store->TakeSnapshot();
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           context_.store->GetIds(space(), {id.Encode()}, snapshot.get()));
  const std::optional<IdEntry>& entry = entries[0];
  if (!entry.has_value()) {
    return WithReason(NotFound("{}.point_id: there is no point {}", path, id.ToString()),
                      "POINT_NOT_FOUND");
  }
  ALIDADE_ASSIGN_OR_RETURN(
      const auto vectors,
      context_.store->GetVectors(space(), spec.id, {entry->row}, snapshot.get()));
  const std::optional<std::string>& bytes = vectors[0];
  if (!bytes.has_value()) {
    return FailedPrecondition("{}.point_id: the point {} has no vector in the field \"{}\"",
                              path,
                              id.ToString(),
                              spec.name);
  }
  return FloatsOf(*bytes);
}

StatusOr<SearchResult> Collection::SearchWords(const SegmentSet& view,
                                               const SearchQuery& query,
                                               const Deadline& deadline,
                                               const std::string& path) const {
  const auto& target = std::get<WordsTarget>(query.target);
  const auto index = std::ranges::find_if(view.schema.payload_indexes, [&](const auto& spec) {
    return spec.type == PayloadIndexType::kText && spec.key == target.key;
  });
  if (index == view.schema.payload_indexes.end()) {
    return WithReason(FieldError(path + ".words.key",
                                 "there is no text index on \"{}\"; CreatePayloadIndex makes one",
                                 target.key),
                      "TEXT_INDEX_NOT_FOUND");
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view.schema, query.vectors));
  ALIDADE_ASSIGN_OR_RETURN(QueryOutcome outcome,
                           ExecuteTextSearch(view,
                                             {.index = &*index,
                                              .words = target.words,
                                              .k = query.k,
                                              .filter = query.filter.get(),
                                              .score_min = query.score_threshold,
                                              .explain = query.explain},
                                             deadline));
  return MakeResult(view, query, std::nullopt, fields, std::move(outcome), deadline);
}

StatusOr<SearchResult> Collection::SearchOne(const SegmentSet& view,
                                             const SearchQuery& query,
                                             const Deadline& deadline,
                                             const std::string& path) const {
  if (std::holds_alternative<WordsTarget>(query.target)) {
    return SearchWords(view, query, deadline, path);
  }
  ALIDADE_ASSIGN_OR_RETURN(const FieldIndex field,
                           FindFieldOrError(view.schema, query.field, "vector_field"));
  ALIDADE_ASSIGN_OR_RETURN(const auto fields, FindFields(view.schema, query.vectors));
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<float> vector, TargetVector(view, query, field, path));
  const Metric metric = view.schema.fields[field].metric;
  const auto settings = config();
  VectorQuery wanted;
  wanted.field = field;
  wanted.vector = vector.data();
  wanted.k = query.k;
  wanted.ef = query.ef != 0 ? query.ef : settings->default_ef;
  wanted.nprobe = query.nprobe != 0 ? query.nprobe : settings->default_nprobe;
  wanted.exact = query.exact;
  wanted.recall_target = query.recall_target;
  wanted.filter = query.filter.get();
  wanted.explain = query.explain;
  wanted.spare = context_.spare;
  std::string self;
  if (const auto* id = std::get_if<PointId>(&query.target)) {
    self = id->Encode();
    wanted.excluded_id = self;
  }
  if (query.score_threshold.has_value()) {
    wanted.distance_max = DistanceFromScore(metric, Score{*query.score_threshold});
  }
  ALIDADE_ASSIGN_OR_RETURN(QueryOutcome outcome, ExecuteSearch(view, wanted, deadline));
  return MakeResult(view, query, metric, fields, std::move(outcome), deadline);
}

StatusOr<SearchResponse> Collection::Search(const SearchRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  SearchResponse response;
  response.at = view->at;
  response.results.reserve(request.queries.size());
  for (size_t i = 0; i < request.queries.size(); ++i) {
    ALIDADE_ASSIGN_OR_RETURN(
        SearchResult result,
        SearchOne(
            *view, request.queries[i], request.options.deadline, fmt::format("queries[{}]", i)));
    response.results.push_back(std::move(result));
  }
  return response;
}

}  // namespace alidade
