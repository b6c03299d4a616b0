// Requests as they come from the wire: the bytes, the message, the domain's request.
#include <algorithm>
#include <array>
#include <cmath>

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/support/byte_buffer.h>

#include "alidade/v1/admin.pb.h"
#include "alidade/v1/collections.pb.h"
#include "alidade/v1/points.pb.h"
#include "alidade/v1/search.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "alidade/common/payload_codec.h"
#include "alidade/filter/compiled_filter.h"
#include "alidade/filter/filter_text.h"

#include "admin_codec.h"
#include "change_codec.h"
#include "collection_codec.h"
#include "facet_codec.h"
#include "field_codec.h"
#include "filter_codec.h"
#include "grpc_status.h"
#include "message_codec.h"
#include "page_token.h"
#include "point_codec.h"
#include "read_codec.h"
#include "search_codec.h"
#include "targets.h"
#include "value_codec.h"
#include "write_codec.h"

namespace alidade::fuzz {
namespace {

// Small, so that damaged messages reach them.
const Limits& SmallLimits() {
  static const Limits limits = [] {
    Limits made;
    made.batch_rows_max = 8;
    made.batch_queries_max = 8;
    made.k_max = 100;
    made.payload_bytes_max = 120;
    made.payload_depth_max = 6;
    made.filter_depth_max = 6;
    made.filter_nodes_max = 30;
    made.filter_values_max = 8;
    made.filter_text_bytes_max = 8;
    made.filter_polygon_points_max = 8;
    return made;
  }();
  return limits;
}

template <typename Message>
std::string FromText(const std::string& text) {
  Message message;
  Require(google::protobuf::TextFormat::ParseFromString(text, &message), text);
  return message.SerializeAsString();
}

// Four bytes of 1.0F, as an octal escape of the text format.
constexpr char kOne[] = "\\000\\000\\200\\077";

// The message, however the transport cut it; false if it is refused.
template <typename Message>
bool Parse(std::string_view bytes, Message& message) {
  // It would write a line for every string that is not UTF-8.
  static const auto log = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(log);
  const grpc::Slice whole(bytes.data(), bytes.size());
  const grpc::ByteBuffer one(&whole, 1);
  const Status status = ParseRequest(one, message);

  const std::string_view head = bytes.substr(0, bytes.size() / 3);
  const std::string_view tail = bytes.substr(head.size());
  const std::array<grpc::Slice, 2> pieces = {grpc::Slice(head.data(), head.size()),
                                             grpc::Slice(tail.data(), tail.size())};
  const grpc::ByteBuffer two(pieces.data(), pieces.size());
  Message again;
  const bool same = ParseRequest(two, again).ok() == status.ok();
  Require(same, "a message in two pieces is the same message");
  Require(status.ok() || status.code() == StatusCode::kInvalidArgument,
          "a refusal is INVALID_ARGUMENT");
  return status.ok();
}

// A refusal that reaches the client whole: the code says whose fault it is, the details are a valid
// message and name the field.
bool Taken(const Status& status) {
  if (status.ok()) {
    Accepted();
    return true;
  }
  Require(status.code() == StatusCode::kInvalidArgument, "a refusal is INVALID_ARGUMENT");
  const grpc::Status sent = ToGrpcStatus(status, "request");
  google::rpc::Status details;
  Require(details.ParseFromString(sent.error_details()), "details are a message");
  Require(sent.error_message().size() <= kStatusMessageBytesMax, "a message is short");
  for (const auto& detail : details.details()) {
    google::rpc::BadRequest bad;
    if (detail.Is<google::rpc::BadRequest>()) {
      Require(detail.UnpackTo(&bad) && !bad.field_violations(0).field().empty(),
              "a field is named");
    }
  }
  return false;
}

void RequireSame(const Object& a, const Object& b) {
  std::string a_bytes;
  std::string b_bytes;
  EncodeObject(a, a_bytes);
  EncodeObject(b, b_bytes);
  Require(a_bytes == b_bytes, "a payload survives the wire");
}

bool IsFinite(const Value& value) {
  if (const auto* number = value.As<double>()) {
    return std::isfinite(*number);
  }
  if (const auto* list = value.As<List>()) {
    return std::all_of(list->begin(), list->end(), IsFinite);
  }
  const auto* object = value.As<Object>();
  return object == nullptr || std::all_of(object->begin(), object->end(), [](const auto& entry) {
           return IsFinite(entry.second);
         });
}

void CheckPayloadBytes(const std::string& bytes) {
  const auto object = DecodeObject(bytes);
  Require(object.ok() && bytes.size() <= SmallLimits().payload_bytes_max, "a payload is stored");
  Require(IsFinite(Value(*object)), "numbers of a payload are finite");
  v1::Object wire;
  EncodePayload(*object, wire);
  const auto again = DecodePayload(wire, SmallLimits(), FieldPath("payload"));
  Require(again.ok(), "a payload is taken again");
  RequireSame(*object, *again);
}

void CheckId(const PointId& id) {
  v1::PointId wire;
  EncodePointId(id, wire);
  const auto again = DecodePointId(wire, FieldPath("id"));
  Require(again.ok() && *again == id, "an id survives the wire");
  const auto stored = PointId::Decode(id.Encode());
  Require(stored.ok() && *stored == id, "an id survives the store");
}

void CheckFilter(const std::shared_ptr<const Filter>& filter) {
  if (filter == nullptr) {
    return;
  }
  Require(ValidateFilter(*filter, SmallLimits(), "filter").ok(), "a decoded filter is valid");
  Require(IsValidUtf8(DescribeFilter(*filter)), "a filter's text can be sent");
  const auto read = ParseFilterText(FilterText(*filter));
  Require(read.ok() && *read == *filter, "a filter survives its text");
  static const std::string payload = [] {
    std::string bytes;
    EncodeObject({{"a", Value(List{Value(int64_t{1}), Value("x")})}, {"b", Value(2.5)}}, bytes);
    return bytes;
  }();
  const std::string_view fields[] = {"v", "w"};
  const auto compiled = CompiledFilter::Make(*filter, fields, "filter");
  if (!Taken(compiled.status())) {
    return;
  }
  static_cast<void>(compiled->Matches({.payload = payload, .encoded_id = "", .vectors = 2}));
}

// Whether it is one that the store gives back.
void CheckSparse(const SparseVector& vector) {
  const auto read = DecodeSparseVector(EncodeSparseVector(vector));
  Require(read.ok() && *read == vector, "a sparse vector survives the store");
}

void FuzzUpsert(std::string_view bytes) {
  v1::UpsertPointsRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto request = DecodeUpsert(message, SmallLimits(), Durability::kDurable);
  if (!Taken(request.status())) {
    return;
  }
  Require(!request->points.empty() && request->points.size() <= SmallLimits().batch_rows_max,
          "a batch is within its limit");
  for (const UpsertPoint& point : request->points) {
    CheckId(point.id);
    CheckPayloadBytes(point.payload);
    Require(point.vectors.size() == request->field_names.size(), "vectors go by field");
    for (const std::span<const float> vector : point.vectors) {
      v1::Vector wire;
      EncodeVector({vector.begin(), vector.end()}, wire);
      Require(wire.packed().size() == vector.size_bytes(), "a vector survives the wire");
    }
    for (const auto& [name, vector] : point.sparse_vectors) {
      CheckSparse(vector);
    }
    for (const auto& [name, vector] : point.multi_vectors) {
      Require(vector.rows == 0 || vector.values.size() % vector.rows == 0,
              "vectors of a multi-vector are of one length");
    }
  }
}

std::vector<std::string> UpsertCorpus() {
  using Upsert = v1::UpsertPointsRequest;
  const std::string one(kOne);
  return {FromText<Upsert>(R"(collection: "c" request_id: "r" durability: DURABILITY_BUFFERED rows {
          points { id { num: 7 } vectors { key: "v" value { packed: ")" +
                           one + one + R"(" } }
            payload { fields { key: "a" value { list_value { values { int64_value: -1 }
              values { object_value { fields { key: "b" value { null_value: NULL_VALUE } } } } } } } } }
          points { id { str: "seven" } vectors { key: "w" value { values { values: [1, 2, 3] } } } } })"),
          FromText<Upsert>(R"(collection: "c" columns { number_ids { values: [1, 2] }
          vectors { field: "v" element_type: ELEMENT_TYPE_FLOAT16 data: "\000\074\000\074" }
          vectors { field: "w" data: ")" +
                           one + one + R"(" }
          payloads {} payloads { fields { key: "x" value { double_value: 0.5 } } } })"),
          FromText<Upsert>(R"(collection: "c" columns { number_ids { values: [1, 2] }
          sparse_vectors { field: "s" offsets: "\000\000\000\000\001\000\000\000\002\000\000\000"
            indices: "\003\000\000\000\007\000\000\000" values: ")" +
                           one + one + R"(" }
          multi_vectors { field: "m" counts: [2, 0] data: ")" +
                           one + one + R"(" } })"),
          FromText<Upsert>(R"(collection: "c" rows { points { id { num: 1 }
          sparse_vectors { key: "s" value { indices: [9, 2] values: [1, 0.5] } }
          multi_vectors { key: "m" value { rows { lists { values: [1, 2] } lists { values: [3, 4] } } } }
          multi_vectors { key: "p" value { packed: ")" +
                           one + one + R"(" } } } })"),
          FromText<Upsert>(R"(collection: "c" columns { string_ids { values: ["a", "b"] } })")};
}

WriteDecoding Decoding() {
  static const Deadline deadline;
  return {SmallLimits(), Durability::kBuffered, deadline};
}

void CheckPoints(const PointSelection& points) {
  for (const PointId& id : points.ids) {
    CheckId(id);
  }
  Require(points.ids.empty() == (points.filter != nullptr), "a write has ids or a filter");
  Require(points.if_seqs.empty() || points.if_seqs.size() == points.ids.size(),
          "a seq belongs to an id");
  CheckFilter(points.filter);
}

void FuzzBatch(std::string_view bytes) {
  v1::WriteBatchRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto request = DecodeBatch(message, Decoding());
  if (!Taken(request.status())) {
    return;
  }
  Require(request->parts.size() == static_cast<size_t>(message.operations_size()),
          "each operation is a part");
  for (const WritePart& part : request->parts) {
    if (const auto* gone = std::get_if<DeleteRequest>(&part)) {
      CheckPoints(gone->points);
    } else if (const auto* change = std::get_if<PayloadRequest>(&part)) {
      CheckPoints(change->points);
      Require(change->edit.kind != PayloadEdit::Kind::kOverwrite ||
                  DecodeObject(change->edit.whole).ok(),
              "a payload is an encoded object");
    } else {
      const auto& upsert = std::get<UpsertRequest>(part);
      Require(upsert.if_seqs.empty() || upsert.if_seqs.size() == upsert.points.size(),
              "a seq belongs to a point");
    }
  }
  // Errors of the engine about any of its parts come back to the message.
  for (size_t i = 0; i <= request->parts.size(); ++i) {
    const Status inner = FieldError(fmt::format("operations[{}].points[0].id", i), "is bad");
    Require(FieldOf(WithWirePath(inner, message)).has_value(), "an error keeps its field");
  }
}

std::vector<std::string> BatchCorpus() {
  return {FromText<v1::WriteBatchRequest>(
      R"(request_id: "r" durability: DURABILITY_BUFFERED
         operations { upsert_points { collection: "c" mode: UPSERT_MODE_UPDATE_ONLY rows { points { id { num: 7 } } } } }
         operations { upsert_points { collection: "c" columns { string_ids { values: "a" } } if_seqs: 3 } }
         operations { delete_points { collection: "c" filter { exists { key: "a" } } } }
         operations { set_payload { collection: "c" ids { num: 1 } if_seqs: 5
                      payload { fields { key: "a" value { int64_value: 1 } } } } }
         operations { overwrite_payload { collection: "d" ids { str: "x" } payload {} } }
         operations { delete_payload_keys { collection: "c" ids { num: 2 } keys: ["a.b", "c"] } })")};
}

void FuzzDelete(std::string_view bytes) {
  v1::DeletePointsRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto request = DecodeDelete(message, Decoding());
  if (Taken(request.status())) {
    CheckPoints(request->points);
  }
}

std::vector<std::string> DeleteCorpus() {
  return {FromText<v1::DeletePointsRequest>(
      R"(collection: "c" request_id: "r" durability: DURABILITY_DURABLE ids { num: 1 } ids { str: "x" })")};
}

void FuzzGet(std::string_view bytes) {
  v1::GetPointsRequest message;
  if (Parse(bytes, message)) {
    static_cast<void>(Taken(DecodeGet(message, SmallLimits(), Deadline()).status()));
  }
}

std::vector<std::string> GetCorpus() {
  return {FromText<v1::GetPointsRequest>(
              R"(collection: "c" ids { num: 1 } ids { str: "x" } with_vectors: ["v", "w"] min_seq: 9
                 payload { include { keys: ["a", "b.c"] } })"),
          FromText<v1::GetPointsRequest>(
              R"(collection: "c" ids { num: 1 } with_vectors: "*" payload { all: false })")};
}

constexpr char kEveryCondition[] = R"(all_of {
    filters { any_of { filters { exists { key: "a" } } filters { is_null { key: "b" } } } }
    filters { none_of { filters { is_in { key: "a" values { int64_value: 1 } values { null_value: NULL_VALUE } } } } }
    filters { range { key: "d.e" gte { int64_value: 1 } lt { double_value: 2.5 } } }
    filters { range { key: "a" gt { string_value: "m" } lte { string_value: "x" } } }
    filters { contains_all { key: "a" values { int64_value: 1 } } } filters { is_empty { key: "a" } }
    filters { starts_with { key: "a" text: "x" } } filters { contains { key: "a" text: "x" } }
    filters { icontains { key: "a" text: "X" } }
    filters { match { key: "a" text: "X y" } }
    filters { match_any { key: "a" text: "X" analyzer { language: "german" stop_words: "x" } } }
    filters { match_phrase { key: "a" text: "X" analyzer { keep_case: true no_stemming: true } } }
    filters { count { key: "a" gt: 1 lte: 2 } }
    filters { datetime_range { key: "a" gte: "2024-02-29T00:00:00Z" lt: "2024-03-01" } }
    filters { geo_radius { key: "a" center { lat: 1 lon: 2 } metres: 3 } }
    filters { geo_box { key: "a" south_west { lat: 1 lon: 2 } north_east { lat: 3 lon: 4 } } }
    filters { geo_polygon { key: "a" exterior { points {} points { lat: 1 } points { lon: 1 } }
                            holes { points {} points { lat: 1 } points { lon: 1 } } } }
    filters { nested { key: "a" filters { exists { key: "b" } } } }
    filters { id_in { ids { num: 1 } ids { str: "x" } } } filters { has_vector { field: "w" } }
    filters { equals { key: "f" value { bool_value: false } } } })";

void FuzzFilter(std::string_view bytes) {
  v1::Filter message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto filter = DecodeFilter(message, SmallLimits(), FieldPath("filter"));
  if (!Taken(filter.status())) {
    return;
  }
  CheckFilter(*filter);
  v1::Filter same;
  Require(same.ParseFromString(message.SerializeAsString()), "a filter is sent again");
  const auto again = DecodeFilter(same, SmallLimits(), FieldPath("filter"));
  Require(again.ok() && DescribeFilter(**again) == DescribeFilter(**filter),
          "a filter survives the wire");
}

std::vector<std::string> FilterCorpus() {
  return {FromText<v1::Filter>(kEveryCondition),
          FromText<v1::Filter>("none_of {}"),
          FromText<v1::Filter>("equals { key: 'a.b' value { string_value: 'caf\303\251' } }")};
}

void FuzzList(std::string_view bytes) {
  v1::ListPointsRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto request = DecodeList(message, SmallLimits(), Deadline());
  if (!Taken(request.status())) {
    return;
  }
  CheckFilter(request->filter);
  Require(request->page_size >= 1 && request->page_size <= SmallLimits().page_size_max,
          "a page has a size");
  // The page after this one: its token belongs to the same listing.
  v1::ListPointsResponse reply;
  EncodeList({.at = {}, .points = {}, .next = "position"}, message, reply);
  message.set_page_token(reply.next_page_token());
  const auto next = DecodeList(message, SmallLimits(), Deadline());
  Require(next.ok() && next->after == "position", "a page token is taken back");
}

std::vector<std::string> ListCorpus() {
  using List = v1::ListPointsRequest;
  List message;
  Require(message.ParseFromString(FromText<List>(R"(collection: "c" page_size: 5 filter { )" +
                                                 std::string(kEveryCondition) + " }")),
          "a listing");
  v1::ListPointsResponse reply;
  EncodeList({.at = {}, .points = {}, .next = PointId(uint64_t{7}).Encode()}, message, reply);
  message.set_page_token(reply.next_page_token());
  return {message.SerializeAsString(),
          FromText<List>(R"(collection: "c")"),
          FromText<List>(
              R"(collection: "c" order_by { key: "a.b" direction: ORDER_DIRECTION_DESCENDING
                 start_from { string_value: "x" } index_type: PAYLOAD_INDEX_TYPE_KEYWORD })")};
}

void FuzzFacet(std::string_view bytes) {
  v1::FacetPointsRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto request = DecodeFacet(message, SmallLimits(), Deadline());
  if (!Taken(request.status())) {
    return;
  }
  CheckFilter(request->filter);
  Require(!request->key.empty(), "a facet has a key");
  Require(request->page_size >= 1 && request->page_size <= SmallLimits().page_size_max,
          "a page has a size");
  v1::FacetPointsResponse reply;
  EncodeFacet({.at = {}, .values = {}, .distinct = 0, .next = "position"}, message, reply);
  message.set_page_token(reply.next_page_token());
  const auto next = DecodeFacet(message, SmallLimits(), Deadline());
  Require(next.ok() && next->after == "position", "a page token is taken back");
}

std::vector<std::string> FacetCorpus() {
  using Facet = v1::FacetPointsRequest;
  return {FromText<Facet>(R"(collection: "c" key: "a.b" contains: "x" page_size: 3 filter { )" +
                          std::string(kEveryCondition) + " }"),
          FromText<Facet>(R"(collection: "c" key: "k" order: FACET_ORDER_VALUE)")};
}

void FuzzCount(std::string_view bytes) {
  v1::CountPointsRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto request = DecodeCount(message, SmallLimits(), Deadline());
  if (Taken(request.status())) {
    CheckFilter(request->filter);
  }
}

std::vector<std::string> CountCorpus() {
  return {FromText<v1::CountPointsRequest>(R"(collection: "c" min_seq: 4 filter { )" +
                                           std::string(kEveryCondition) + " }")};
}

void CheckExample(const Example& example) {
  if (const auto* id = std::get_if<PointId>(&example); id != nullptr) {
    CheckId(*id);
  } else if (const auto* sparse = std::get_if<SparseVector>(&example)) {
    CheckSparse(*sparse);
  } else {
    Require(!std::get<std::vector<float>>(example).empty(), "an example has elements");
  }
}

void CheckQuery(const SearchQuery& query) {
  Require(query.k <= SmallLimits().k_max, "k is within its limit");
  CheckFilter(query.filter);
  if (const auto* id = std::get_if<PointId>(&query.target); id != nullptr) {
    CheckId(*id);
  } else if (const auto* vector = std::get_if<std::vector<float>>(&query.target)) {
    Require(!vector->empty(), "a query has elements");
  } else if (const auto* words = std::get_if<WordsTarget>(&query.target)) {
    Require(!words->words.empty(), "words are not empty");
  } else if (const auto* recommend = std::get_if<RecommendTarget>(&query.target)) {
    Require(!recommend->positive.empty(), "there is a positive example");
    std::ranges::for_each(recommend->positive, CheckExample);
    std::ranges::for_each(recommend->negative, CheckExample);
  } else if (const auto* sparse = std::get_if<SparseVector>(&query.target)) {
    CheckSparse(*sparse);
  } else {
    const auto& fusion = *std::get<std::shared_ptr<const FusionTarget>>(query.target);
    Require(!fusion.branches.empty(), "there are branches");
    for (const FusionBranch& branch : fusion.branches) {
      Require(branch.weight >= 0, "weights are not negative");
      CheckQuery(branch.query);
    }
  }
}

void FuzzSearch(std::string_view bytes) {
  v1::SearchRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto request = DecodeSearch(message, SmallLimits(), Deadline());
  if (!Taken(request.status())) {
    return;
  }
  for (const SearchQuery& query : request->queries) {
    Require(query.k >= 1, "hits are wanted");
    Require(
        !query.group_by.has_value() || query.group_by->group_size * query.k <= SmallLimits().k_max,
        "groups are within the limit");
    CheckQuery(query);
  }
}

std::vector<std::string> SearchCorpus() {
  using Search = v1::SearchRequest;
  return {
      FromText<Search>(
          R"(collection: "c" vector_field: "v" k: 10 explain: true min_seq: 3
              params { ef: 50 nprobe: 3 exact: true } score_threshold: 0.5
              queries { vector { packed: ")" +
          std::string(kOne) +
          R"(" } } queries { point_id { str: "x" } } queries { words { key: "t" text: "a b" } }
              queries { sparse { indices: [7, 3] values: [1, -2] } }
              payload { exclude { keys: "a" } } with_vectors: "v" filter { )" +
          std::string(kEveryCondition) + " }"),
      FromText<Search>(R"(collection: "c" k: 1 queries { vector { values { values: [1, 2] } } })"),
      FromText<Search>(
          R"(collection: "c" k: 2 cursor: "" score_ceiling: 4 with_score_parts: true
              queries { fusion { weighted_scores { normalization: SCORE_NORMALIZATION_DISTRIBUTION }
                branches { limit: 3 weight: 0.5 query { words { text: "a" } } filter { )" +
          std::string(kEveryCondition) + R"( } }
                branches { vector_field: "v" params { ef: 3 } score_threshold: 1 query { recommend {
                  positive { point_id { num: 1 } } positive { sparse { indices: 3 values: 1 } } negative { vector { values { values: [1, 2] } } } } } }
                branches { query { fusion { reciprocal_rank { k: 3 }
                  branches { query { point_id { num: 1 } } } } } } } }
              rerank { candidates: 4 vector { vector { values { values: [1, 2] } } vector_field: "v" } }
              rerank { formula { expression { sum { expressions { score { } }
                expressions { product { expressions { constant: 0.5 }
                  expressions { number { key: "n" missing: 1 } } expressions { log1p { constant: 2 } }
                  expressions { condition { exists { key: "a" } } } } }
                expressions { decay { key: "t" datetime: "2024-01-01" scale: 3600 midpoint: 0.3 } }
                expressions { decay { key: "g" place { lat: 1 lon: 2 } scale: 900 missing: 0.1 } }
                expressions { decay { key: "n" kind: DECAY_KIND_LINEAR number: 3 scale: 2 } } } } } })"),
      FromText<Search>(
          R"(collection: "c" k: 2 queries { point_id { num: 1 } } group_by { key: "a" group_size: 2 }
              rerank { diversity { lambda: 0.25 vector_field: "v" } })")};
}

constexpr char kCollection[] = R"(collection { name: "c" description: "d"
    vector_fields { name: "v" dimension: 8 metric: METRIC_COSINE index { hnsw { m: 8 ef_construction: 20 codes: HNSW_CODES_BIT1 } } }
    vector_fields { name: "w" dimension: 4 metric: METRIC_L2 index { ivf { nlist: 3 codes: IVF_CODES_PQ pq_m: 2 } } }
    vector_fields { name: "x" dimension: 2 metric: METRIC_DOT index { flat {} } }
    sparse_fields { name: "s" modifier: SPARSE_MODIFIER_IDF } sparse_fields { name: "r" }
    multi_vector_fields { name: "m" dimension: 2 metric: METRIC_DOT }
    labels { key: "team" value: "search" } search_defaults { ef: 7 nprobe: 8 }
    payload_indexes { key: "a.b" type: PAYLOAD_INDEX_TYPE_KEYWORD }
    payload_indexes { key: "place" type: PAYLOAD_INDEX_TYPE_GEO }
    payload_indexes { key: "t" type: PAYLOAD_INDEX_TYPE_TEXT analyzer { language: "english" stop_words: "a" }
                      bm25 { k1: 2 b: 0 } } })";

void FuzzCreateCollection(std::string_view bytes) {
  v1::CreateCollectionRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto config = DecodeCreateCollection(message, SmallLimits());
  if (!Taken(config.status())) {
    return;
  }
  v1::CreateCollectionRequest wire;
  CollectionInfo info;
  info.config = *config;
  EncodeCollection(info, *wire.mutable_collection());
  const auto again = DecodeCreateCollection(wire, SmallLimits());
  Require(again.ok() && SameVectorFields(*again, *config) && again->labels == config->labels &&
              again->name == config->name && again->description == config->description &&
              again->default_ef == config->default_ef &&
              again->payload_indexes == config->payload_indexes,
          "a collection survives the wire");
}

std::vector<std::string> CreateCollectionCorpus() {
  return {FromText<v1::CreateCollectionRequest>(kCollection)};
}

void FuzzUpdateCollection(std::string_view bytes) {
  v1::UpdateCollectionRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  static const CollectionInfo current = [] {
    v1::CreateCollectionRequest request;
    Require(google::protobuf::TextFormat::ParseFromString(kCollection, &request), kCollection);
    CollectionInfo info;
    info.config = *DecodeCreateCollection(request, SmallLimits());
    return info;
  }();
  const auto update = DecodeUpdateCollection(message, current, SmallLimits());
  if (Taken(update.status())) {
    for (const auto& [name, spec] : update->indexes) {
      Require(name == "v" || name == "w" || name == "x", "an updated field is there");
    }
  }
}

std::vector<std::string> UpdateCollectionCorpus() {
  return {FromText<v1::UpdateCollectionRequest>(
              kCollection + std::string(R"( update_mask { paths: ["description", "labels",
              "vector_fields", "search_defaults.ef"] })")),
          FromText<v1::UpdateCollectionRequest>(
              kCollection + std::string(R"( update_mask { paths: "search_defaults" })"))};
}

void FuzzUpdateAliases(std::string_view bytes) {
  v1::UpdateAliasesRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto actions = DecodeUpdateAliases(message);
  if (Taken(actions.status())) {
    Require(actions->size() == static_cast<size_t>(message.actions_size()), "no action is lost");
  }
}

std::vector<std::string> UpdateAliasesCorpus() {
  return {FromText<v1::UpdateAliasesRequest>(
      R"(actions { set { name: "a" collection: "c" } } actions { remove: "b" })")};
}

void FuzzWaitIndexed(std::string_view bytes) {
  v1::WaitIndexedRequest message;
  if (!Parse(bytes, message)) {
    return;
  }
  const auto timeout = DecodeTimeout(message.timeout());
  if (Taken(timeout.status())) {
    Require(timeout->count() >= 0, "a timeout is not negative");
  }
}

std::vector<std::string> WaitIndexedCorpus() {
  return {FromText<v1::WaitIndexedRequest>(
      R"(collection: "c" timeout { seconds: 3 nanos: 500000000 })")};
}

void FuzzPageToken(std::string_view bytes) {
  const auto position = ReadPageToken("scope", bytes);
  if (!Taken(position.status()) || bytes.empty()) {
    return;
  }
  Require(MakePageToken("scope", *position) == bytes, "a page token has one form");
}

std::vector<std::string> PageTokenCorpus() {
  return {MakePageToken("scope", "x"), MakePageToken("scope", PointId(uint64_t{9}).Encode())};
}

// For the string at which a damaged message breaks off, protobuf may have reserved what the string
// says it has, up to this much; it stays untouched. A target parses every message twice.
constexpr size_t kStringReservedMax = 50'000'000;

FuzzTarget Target(const char* name,
                  void (*run)(std::string_view),
                  std::vector<std::string> (*corpus)()) {
  return {.name = name,
          .run = run,
          .corpus = corpus,
          .words = {"\xFF", "*", "c", "v"},
          .rounds = 8'000,
          .memory_max = 2 * kStringReservedMax + (size_t{4} << 20)};
}

}  // namespace

std::vector<FuzzTarget> RequestTargets() {
  return {Target("Upsert", FuzzUpsert, UpsertCorpus),
          Target("Delete", FuzzDelete, DeleteCorpus),
          Target("WriteBatch", FuzzBatch, BatchCorpus),
          Target("Get", FuzzGet, GetCorpus),
          Target("Count", FuzzCount, CountCorpus),
          Target("List", FuzzList, ListCorpus),
          Target("Facet", FuzzFacet, FacetCorpus),
          Target("Search", FuzzSearch, SearchCorpus),
          Target("Filter", FuzzFilter, FilterCorpus),
          Target("CreateCollection", FuzzCreateCollection, CreateCollectionCorpus),
          Target("UpdateCollection", FuzzUpdateCollection, UpdateCollectionCorpus),
          Target("UpdateAliases", FuzzUpdateAliases, UpdateAliasesCorpus),
          Target("WaitIndexed", FuzzWaitIndexed, WaitIndexedCorpus),
          Target("PageToken", FuzzPageToken, PageTokenCorpus)};
}

}  // namespace alidade::fuzz
