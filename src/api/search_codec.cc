#include "search_codec.h"

#include <bit>
#include <cmath>
#include <utility>

#include "alidade/common/bytes.h"

#include "field_path.h"
#include "filter_codec.h"
#include "page_token.h"
#include "point_codec.h"
#include "query_codec.h"
#include "rerank_codec.h"
#include "value_codec.h"

namespace alidade {
namespace {

constexpr uint32_t kGroupSizeMax = 1'000;  // chosen
constexpr uint32_t kWhyNotMax = 10;        // chosen: each takes several exact searches

uint32_t GroupSize(const v1::SearchRequest& in) {
  return in.has_group_by() && in.group_by().group_size() != 0 ? in.group_by().group_size() : 1;
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
  const uint32_t group_size = GroupSize(in);
  if (group_size > kGroupSizeMax || group_size * in.k() > limits.k_max) {
    return FieldError("group_by.group_size",
                      "is {}; at most {} and, times {} groups, {} are allowed",
                      group_size,
                      kGroupSizeMax,
                      in.k(),
                      limits.k_max);
  }
  if (uint64_t{queries} * in.k() * group_size > kCallHitsMax) {
    return FieldError("k",
                      "{} queries times {} hits are more than {} in one call",
                      queries,
                      in.k() * group_size,
                      kCallHitsMax);
  }
  if (in.has_score_threshold() && !std::isfinite(in.score_threshold())) {
    return FieldError("score_threshold", "is not a finite number");
  }
  if (in.has_score_ceiling() && !std::isfinite(in.score_ceiling())) {
    return FieldError("score_ceiling", "is not a finite number");
  }
  return OkStatus();
}

Status CheckGroupKey(const std::string& key) {
  return !key.empty() && key.size() <= kFilterKeyBytesMax
             ? OkStatus()
             : FieldError("group_by.key",
                          "has {} bytes; 1..{} are allowed",
                          key.size(),
                          kFilterKeyBytesMax);
}

// What a cursor belongs to: the request but for the cursor and for what of hits it returns.
std::string CursorScope(const v1::SearchRequest& in) {
  v1::SearchRequest scope = in;
  scope.clear_cursor();
  scope.clear_payload();
  scope.clear_with_vectors();
  scope.clear_with_score_parts();
  scope.clear_min_seq();
  scope.clear_explain();
  scope.clear_why_not();
  return "Search/" + scope.SerializeAsString();
}

std::string EncodePosition(const RankPosition& position) {
  std::string out;
  AppendLittleEndian(out, std::bit_cast<uint64_t>(position.score));
  AppendLittleEndian(out, position.searched);
  return out + position.encoded_id;
}

Status DecodeCursor(const v1::SearchRequest& in, SearchQuery& out) {
  out.paged = in.has_cursor();
  if (!out.paged) {
    return OkStatus();
  }
  if (in.queries_size() != 1 || in.has_group_by()) {
    return FieldError("cursor",
                      "takes one query without `group_by`; there are {} queries{}",
                      in.queries_size(),
                      in.has_group_by() ? " and `group_by`" : "");
  }
  for (const v1::RerankStage& stage : in.rerank()) {
    if (stage.has_diversity()) {
      return FieldError("cursor", "cannot go on behind hits that `diversity` picked");
    }
  }
  if (in.cursor().empty()) {
    return OkStatus();
  }
  std::string bytes;
  ALIDADE_ASSIGN_OR_RETURN(bytes, ReadPageToken(CursorScope(in), in.cursor(), "cursor"));
  ByteReader reader(bytes);
  RankPosition position;
  position.score = std::bit_cast<double>(reader.Little<uint64_t>());
  position.searched = reader.Little<uint32_t>();
  position.encoded_id = reader.rest();
  if (!reader.ok()) {
    return FieldError("cursor", "is not a token of this server");
  }
  out.after = std::move(position);
  return OkStatus();
}

v1::LossStage EncodeLossStage(LossStage stage) {
  switch (stage) {
    case LossStage::kFound:
      return v1::LOSS_STAGE_FOUND;
    case LossStage::kNotVisible:
      return v1::LOSS_STAGE_NOT_VISIBLE;
    case LossStage::kExcluded:
      return v1::LOSS_STAGE_EXCLUDED;
    case LossStage::kFiltered:
      return v1::LOSS_STAGE_FILTERED;
    case LossStage::kNoMatch:
      return v1::LOSS_STAGE_NO_MATCH;
    case LossStage::kScore:
      return v1::LOSS_STAGE_SCORE;
    case LossStage::kNotReached:
      return v1::LOSS_STAGE_NOT_REACHED;
    case LossStage::kCodes:
      return v1::LOSS_STAGE_CODES;
    case LossStage::kRank:
      return v1::LOSS_STAGE_RANK;
    case LossStage::kRerank:
      return v1::LOSS_STAGE_RERANK;
    case LossStage::kCursor:
      return v1::LOSS_STAGE_CURSOR;
    case LossStage::kGroups:
      return v1::LOSS_STAGE_GROUPS;
  }
  return v1::LOSS_STAGE_UNSPECIFIED;
}

void EncodeHit(const SearchHit& hit, v1::Hit& out) {
  EncodePointId(hit.point.id, *out.mutable_id());
  out.set_score(static_cast<float>(hit.score));
  out.set_distance(static_cast<float>(hit.distance));
  if (!hit.point.payload.empty()) {
    EncodePayload(hit.point.payload, *out.mutable_payload());
  }
  for (const auto& [name, vector] : hit.point.vectors) {
    EncodeVector(vector, (*out.mutable_vectors())[name]);
  }
  for (const auto& [name, vector] : hit.point.sparse_vectors) {
    EncodeSparse(vector, (*out.mutable_sparse_vectors())[name]);
  }
  for (const auto& [name, vector] : hit.point.multi_vectors) {
    EncodeMulti(vector, (*out.mutable_multi_vectors())[name]);
  }
  for (const ScorePart& part : hit.parts) {
    v1::ScorePart& item = *out.add_score_parts();
    item.set_source(part.source);
    item.set_rank(part.rank);
    item.set_score(part.score);
  }
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
  ALIDADE_RETURN_IF_ERROR(DecodeParams(in.params(), limits, FieldPath("params"), common));
  common.explain = in.explain();
  if (in.has_filter()) {
    ALIDADE_ASSIGN_OR_RETURN(common.filter, DecodeFilter(in.filter(), limits, FieldPath("filter")));
  }
  if (in.has_score_threshold()) {
    common.score_threshold = static_cast<double>(in.score_threshold());
  }
  if (in.has_score_ceiling()) {
    common.score_ceiling = static_cast<double>(in.score_ceiling());
  }
  common.score_parts = in.with_score_parts();
  if (in.why_not_size() > static_cast<int>(kWhyNotMax)) {
    return FieldError("why_not", "has {} ids, the limit is {}", in.why_not_size(), kWhyNotMax);
  }
  for (int i = 0; i < in.why_not_size(); ++i) {
    const FieldPath path("why_not");
    ALIDADE_ASSIGN_OR_RETURN(common.why_not.emplace_back(),
                             DecodePointId(in.why_not(i), path.At(static_cast<size_t>(i))));
  }
  if (in.has_group_by()) {
    ALIDADE_RETURN_IF_ERROR(CheckGroupKey(in.group_by().key()));
    common.group_by = GroupBy{in.group_by().key(), GroupSize(in)};
  }
  ALIDADE_ASSIGN_OR_RETURN(common.rerank, DecodeRerank(in, limits, in.k() * GroupSize(in)));
  ALIDADE_RETURN_IF_ERROR(DecodeCursor(in, common));
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

void EncodeSearch(const v1::SearchRequest& request,
                  const SearchResponse& in,
                  v1::SearchResponse& out) {
  for (const SearchResult& result : in.results) {
    v1::QueryResult& encoded = *out.add_results();
    encoded.mutable_hits()->Reserve(static_cast<int>(result.hits.size()));
    for (const SearchHit& hit : result.hits) {
      EncodeHit(hit, *encoded.add_hits());
    }
    for (const SearchGroup& group : result.groups) {
      v1::HitGroup& item = *encoded.add_groups();
      EncodeValue(group.value, *item.mutable_value());
      for (const SearchHit& hit : group.hits) {
        EncodeHit(hit, *item.add_hits());
      }
    }
    if (result.next.has_value()) {
      encoded.set_next_cursor(MakePageToken(CursorScope(request), EncodePosition(*result.next)));
    }
    for (const WhyNot& loss : result.why_not) {
      v1::WhyNot& item = *encoded.add_why_not();
      EncodePointId(loss.id, *item.mutable_id());
      item.set_stage(EncodeLossStage(loss.stage));
      item.set_detail(loss.detail);
      item.set_rank(loss.rank);
    }
    v1::QueryStats& stats = *encoded.mutable_stats();
    stats.set_rows_scanned(result.stats.rows_scanned);
    stats.set_distance_computations(result.stats.distance_computations);
    stats.set_exact(result.exact);
    stats.set_plan(result.plan);
    if (request.explain()) {
      v1::StageSeconds& seconds = *stats.mutable_seconds();
      seconds.set_filter(result.seconds.filter);
      seconds.set_search(result.seconds.search);
      seconds.set_rerank(result.seconds.rerank);
      seconds.set_fetch(result.seconds.fetch);
    }
  }
  out.set_seq(in.at.value());
}

}  // namespace alidade
