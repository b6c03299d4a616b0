// Rows of the table of bad input: changes of payloads, writes by filter, conditions, batches.
#include "integration/bad_input.h"

namespace alidade::testing {
namespace {

using Upsert = v1::UpsertPointsRequest;
using Delete = v1::DeletePointsRequest;
using Set = v1::SetPayloadRequest;
using Overwrite = v1::OverwritePayloadRequest;
using DeleteKeys = v1::DeletePayloadKeysRequest;
using Batch = v1::WriteBatchRequest;

constexpr char kX[] = "payload { fields { key: 'x' value { int64_value: 1 } } }";
constexpr char kSetX[] =
    "operations { set_payload { collection: 'c' ids { num: 1 } payload { fields { key: 'x' value { "
    "int64_value: 1 } } } } } ";

Set SetText(size_t bytes, const std::string& points) {
  Set request = Parse<Set>("collection: 'c' " + points);
  (*request.mutable_payload()->mutable_fields())["text"].set_string_value(std::string(bytes, 'x'));
  return request;
}

Set SetX(const std::string& points) { return Parse<Set>("collection: 'c' " + points + " " + kX); }

Batch ManyOperations() {
  Batch request;
  for (int i = 0; i < 1'001; ++i) {
    request.MergeFrom(Parse<Batch>(kSetX));
  }
  return request;
}

Batch Second(const std::string& operation) {
  return Parse<Batch>(kSetX + ("operations { " + operation + " }"));
}

}  // namespace

std::vector<BadInput> BadWrites() {
  std::vector<BadInput> rows = {
      Invalid<Set>("a change of nothing",
                   "collection: 'c' payload { fields { key: 'x' value { "
                   "int64_value: 1 } } }",
                   "ids"),
      Invalid("ids and a filter", SetX("ids { num: 1 } filter { exists { key: 'n' } }"), "ids"),
      Invalid("an empty filter", SetX("filter {}"), "filter"),
      Invalid("a filter without a key", SetX("filter { exists {} }"), "filter.exists.key"),
      Invalid("a filter over a vector field that is not there",
              SetX("filter { has_vector { field: 'w' } }"),
              "filter.has_vector.field"),
      Invalid(
          "a change without a payload", Parse<Set>("collection: 'c' ids { num: 1 }"), "payload"),
      Invalid("a change by an empty payload",
              Parse<Set>("collection: 'c' ids { num: 1 } payload {}"),
              "payload"),
      Invalid("a change to NaN",
              Parse<Set>("collection: 'c' ids { num: 1 } payload { fields { key: 'x' value { "
                         "double_value: nan } } }"),
              "payload[\"x\"]"),
      // As large as a payload may be, and there is something already that it is merged with.
      Invalid("a payload that is too large once merged",
              SetText((256 << 10) - 17, "ids { num: 4 }"),
              "payload"),
      Invalid("a change to half a mebibyte", SetText(1 << 19, "ids { num: 1 }"), "payload"),
      Invalid("a change of an id that is not set", SetX("ids { num: 1 } ids {}"), "ids[1]"),
      Invalid("too few expected seqs", SetX("ids { num: 1 } ids { num: 2 } if_seqs: 1"), "if_seqs"),
      Invalid("expected seqs and a filter",
              SetX("filter { exists { key: 'n' } } if_seqs: 1"),
              "if_seqs"),
      Invalid("an id twice with expected seqs",
              SetX("ids { num: 1 } ids { num: 1 } if_seqs: [1, 1]"),
              "if_seqs[1]"),
      {"an expected seq that is wrong",
       [](Client& client) { return client.Send(SetX("ids { num: 1 } if_seqs: 99")); },
       grpc::StatusCode::ABORTED,
       "",
       "SEQ_MISMATCH"},
      Refused<Set>("a change in a collection that is not there",
                   "collection: 'nope' ids { num: 1 } payload { fields { key: 'x' value { "
                   "int64_value: 1 } } }",
                   grpc::StatusCode::NOT_FOUND,
                   "COLLECTION_NOT_FOUND"),
      Invalid<Set>("a change with an unknown durability",
                   "collection: 'c' durability: 7 ids { num: 1 } payload { fields { key: 'x' value "
                   "{ int64_value: 1 } } }",
                   "durability"),
      Invalid("a request id of an upsert used for a change",
              SetX("request_id: 'first' ids { num: 1 }"),
              "request_id",
              "REQUEST_ID_REUSED"),
      Invalid<Overwrite>(
          "an overwriting without a payload", "collection: 'c' ids { num: 1 }", "payload"),
      Invalid<DeleteKeys>("no keys to delete", "collection: 'c' ids { num: 1 }", "keys"),
      Invalid<DeleteKeys>(
          "an empty key to delete", "collection: 'c' ids { num: 1 } keys: ['n', '']", "keys"),
      Invalid(
          "a key of 257 bytes to delete",
          Parse<DeleteKeys>("collection: 'c' ids { num: 1 } keys: '" + std::string(257, 'k') + "'"),
          "keys"),
      Invalid<Delete>("a delete by ids and a filter",
                      "collection: 'c' ids { num: 1 } filter { exists { key: 'n' } }",
                      "ids"),
      Invalid<Delete>("a delete by a filter that is malformed",
                      "collection: 'c' filter { range { key: 'n' } }",
                      "filter.range"),
      Invalid<Upsert>(
          "an unknown mode", "collection: 'c' mode: 9 rows { points { id { num: 50 } } }", "mode"),
      Invalid<Upsert>(
          "expected seqs in a mode",
          "collection: 'c' mode: UPSERT_MODE_INSERT_ONLY rows { points { id { num: 50 } "
          "} } if_seqs: 0",
          "mode"),
      Invalid<Upsert>("more expected seqs than points",
                      "collection: 'c' columns { number_ids { values: 50 } } if_seqs: [0, 0]",
                      "if_seqs"),
      Refused<Upsert>("an upsert of a point that should not be there",
                      "collection: 'c' rows { points { id { num: 1 } } } if_seqs: 0",
                      grpc::StatusCode::ABORTED,
                      "SEQ_MISMATCH"),
  };
  std::vector<BadInput> batches = {
      Invalid<Batch>("a batch of nothing", "", "operations"),
      Invalid("a batch of too many operations", ManyOperations(), "operations"),
      Invalid("a batch with an operation that is not set", Second(""), "operations[1]"),
      Invalid("an operation with a request id",
              Second("set_payload { collection: 'c' request_id: 'r' }"),
              "operations[1].set_payload.request_id"),
      Invalid("an operation with a durability",
              Second("delete_points { collection: 'c' durability: DURABILITY_DURABLE }"),
              "operations[1].delete_points.durability"),
      Invalid("an operation that is malformed",
              Second("upsert_points { collection: 'c' rows { points {} } }"),
              "operations[1].upsert_points.rows.points[0].id"),
      Invalid("an operation with a vector of another dimension",
              Second("upsert_points { collection: 'c' rows { points { id { num: 1 } vectors { key: "
                     "'v' value { values { values: [1, 2] } } } } } }"),
              "operations[1].upsert_points.rows.points[0].vectors[\"v\"]"),
      Invalid("an operation with a matrix that is bad",
              Second("upsert_points { collection: 'c' columns { number_ids { values: 5 } vectors { "
                     "field: 'v' data: '" +
                     std::string(16, '\xFF') + "' } } }"),
              "operations[1].upsert_points.columns.vectors[0].data",
              "VECTOR_NOT_FINITE"),
      Invalid("an operation with a filter over a field that is not there",
              Second("delete_points { collection: 'c' filter { has_vector { field: 'w' } } }"),
              "operations[1].delete_points.filter.has_vector.field"),
      {"an operation on a collection that is not there",
       [](Client& client) {
         return client.Send(Second("delete_points { collection: 'nope' ids { num: 1 } }"));
       },
       grpc::StatusCode::NOT_FOUND,
       "",
       "COLLECTION_NOT_FOUND"},
      {"an operation with an expected seq that is wrong",
       [](Client& client) {
         return client.Send(
             Second("delete_points { collection: 'two' ids { num: 1 } if_seqs: 999 }"));
       },
       grpc::StatusCode::ABORTED,
       "",
       "SEQ_MISMATCH"},
  };
  rows.insert(rows.end(), batches.begin(), batches.end());
  return rows;
}

}  // namespace alidade::testing
