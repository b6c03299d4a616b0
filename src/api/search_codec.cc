#include "search_codec.h"

#include <cmath>
#include <utility>

#include "field_path.h"
#include "filter_codec.h"
#include "point_codec.h"
#include "value_codec.h"

namespace alidade {
namespace {

Status CheckRecallTarget(const v1::SearchParams& in) {
  const double target = in.recall_target();
  if (!(target >= 0 && target <= 1)) {
    return FieldError("params.recall_target", "is {}, 0 to 1 are allowed", target);
  }
  if (target > 0 && (in.ef() != 0 || in.nprobe() != 0)) {
    return FieldError("params.recall_target",
                      "chooses ef and nprobe itself: set it, or {}",
                      in.ef() != 0 ? "ef" : "nprobe");
  }
  return OkStatus();
}

Status CheckNumbers(const v1::SearchRequest& in, const Limits& limits) {
  const auto queries = static_cast<uint32_t>(in.queries_size());
  if (queries == 0) {
    return FieldError("queries", "is empty");
  }
  if (queries > limits.batch_queries_max) {
    return FieldError(
        "queries", "has {} queries, the limit is {}", queries, limits.batch_queries_max);
  }
  if (in.k() == 0 || in.k() > limits.k_max) {
    return FieldError("k", "is {}; 1..{} are allowed", in.k(), limits.k_max);
  }
  if (uint64_t{queries} * in.k() > kCallHitsMax) {
    return FieldError("k",
                      "{} queries times {} hits are more than {} in one call",
                      queries,
                      in.k(),
                      kCallHitsMax);
  }
  if (in.params().ef() > limits.ef_max) {
    return FieldError("params.ef", "is {}, the limit is {}", in.params().ef(), limits.ef_max);
  }
  if (in.params().nprobe() > limits.nprobe_max) {
    return FieldError(
        "params.nprobe", "is {}, the limit is {}", in.params().nprobe(), limits.nprobe_max);
  }
  ALIDADE_RETURN_IF_ERROR(CheckRecallTarget(in.params()));
  if (in.has_score_threshold() && !std::isfinite(in.score_threshold())) {
    return FieldError("score_threshold", "is not a finite number");
  }
  return OkStatus();
}

Status DecodeTarget(const v1::Query& in,
                    const Limits& limits,
                    const FieldPath& path,
                    SearchQuery& out) {
  switch (in.target_case()) {
    case v1::Query::kVector: {
      ALIDADE_ASSIGN_OR_RETURN(const auto vector, DecodeVector(in.vector(), path.Field("vector")));
      out.target = std::vector<float>(vector.begin(), vector.end());
      return OkStatus();
    }
    case v1::Query::kPointId: {
      ALIDADE_ASSIGN_OR_RETURN(out.target, DecodePointId(in.point_id(), path.Field("point_id")));
      return OkStatus();
    }
    case v1::Query::kWords: {
      const FieldPath words = path.Field("words");
      const auto check = [&words](const std::string& text, const char* field, size_t bytes_max) {
        return !text.empty() && text.size() <= bytes_max
                   ? OkStatus()
                   : FieldError(words.Field(field).ToString(),
                                "has {} bytes; 1..{} are allowed",
                                text.size(),
                                bytes_max);
      };
      ALIDADE_RETURN_IF_ERROR(check(in.words().key(), "key", kFilterKeyBytesMax));
      ALIDADE_RETURN_IF_ERROR(check(in.words().text(), "text", limits.filter_text_bytes_max));
      out.target = WordsTarget{in.words().key(), in.words().text()};
      return OkStatus();
    }
    case v1::Query::TARGET_NOT_SET:
      break;
  }
  return FieldError(path.ToString(), "has neither `vector` nor `point_id` nor `words`");
}

}  // namespace

StatusOr<SearchRequest> DecodeSearch(const v1::SearchRequest& in,
                                     const Limits& limits,
                                     const Deadline& deadline) {
  SearchRequest out;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.collection(), FieldPath("collection")));
  out.collection = in.collection();
  out.options = {SeqNo(in.min_seq()), deadline};
  ALIDADE_RETURN_IF_ERROR(CheckNumbers(in, limits));

  SearchQuery common;
  if (!in.vector_field().empty()) {
    ALIDADE_RETURN_IF_ERROR(CheckName(in.vector_field(), FieldPath("vector_field")));
    common.field = in.vector_field();
  }
  common.k = in.k();
  common.ef = in.params().ef();
  common.nprobe = in.params().nprobe();
  common.exact = in.params().exact();
  common.recall_target = in.params().recall_target();
  common.explain = in.explain();
  if (in.has_filter()) {
    ALIDADE_ASSIGN_OR_RETURN(common.filter, DecodeFilter(in.filter(), limits, FieldPath("filter")));
  }
  if (in.has_score_threshold()) {
    common.score_threshold = static_cast<double>(in.score_threshold());
  }
  ALIDADE_ASSIGN_OR_RETURN(
      PayloadSelector payload,
      DecodePayloadSelector(in.has_payload(), in.payload(), FieldPath("payload")));
  common.payload = std::make_shared<const PayloadSelector>(std::move(payload));
  ALIDADE_ASSIGN_OR_RETURN(common.vectors, DecodeWithVectors(in.with_vectors()));

  const FieldPath queries("queries");
  out.queries.assign(static_cast<size_t>(in.queries_size()), common);
  for (size_t i = 0; i < out.queries.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(
        DecodeTarget(in.queries(static_cast<int>(i)), limits, queries.At(i), out.queries[i]));
  }
  return out;
}

void EncodeSearch(const SearchResponse& in, v1::SearchResponse& out) {
  for (const SearchResult& result : in.results) {
    v1::QueryResult& encoded = *out.add_results();
    encoded.mutable_hits()->Reserve(static_cast<int>(result.hits.size()));
    for (const SearchHit& hit : result.hits) {
      v1::Hit& item = *encoded.add_hits();
      EncodePointId(hit.point.id, *item.mutable_id());
      item.set_score(static_cast<float>(hit.score));
      item.set_distance(static_cast<float>(hit.distance));
      if (!hit.point.payload.empty()) {
        EncodePayload(hit.point.payload, *item.mutable_payload());
      }
      for (const auto& [name, vector] : hit.point.vectors) {
        EncodeVector(vector, (*item.mutable_vectors())[name]);
      }
    }
    v1::QueryStats& stats = *encoded.mutable_stats();
    stats.set_rows_scanned(result.stats.rows_scanned);
    stats.set_distance_computations(result.stats.distance_computations);
    stats.set_exact(result.exact);
    stats.set_plan(result.plan);
  }
  out.set_seq(in.at.value());
}

}  // namespace alidade
