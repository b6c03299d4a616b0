// Rows of the table of bad input: upserts and deletes.
#include <cmath>

#include "integration/bad_input.h"

namespace alidade::testing {
namespace {

using Upsert = v1::UpsertPointsRequest;
using Delete = v1::DeletePointsRequest;

// One point of "c" with this vector.
Upsert WithVector(const std::string& elements) {
  return Parse<Upsert>(
      "collection: 'c' rows { points { id { num: 50 } vectors { key: 'v' value { "
      "values { values: [" +
      elements + "] } } } } }");
}

// One point of "c" with this payload.
Upsert WithPayload(const std::string& fields) {
  return Parse<Upsert>("collection: 'c' rows { points { id { num: 50 } payload { " + fields +
                       " } } }");
}

// One point of "c" with this id.
Upsert WithId(const std::string& id) {
  Upsert request;
  request.set_collection("c");
  request.mutable_rows()->add_points()->mutable_id()->set_str(id);
  return request;
}

// Points 50, 51, ... of "c" as columns with this matrix.
Upsert WithMatrix(uint64_t rows, const std::string& data, v1::ElementType type) {
  Upsert request;
  request.set_collection("c");
  for (uint64_t i = 0; i < rows; ++i) {
    request.mutable_columns()->mutable_number_ids()->add_values(50 + i);
  }
  v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
  column.set_field("v");
  column.set_element_type(type);
  column.set_data(data);
  return request;
}

Upsert WithManyColumns() {
  Upsert request = Parse<Upsert>("collection: 'c' columns { number_ids { values: 50 } }");
  for (int i = 0; i < 17; ++i) {
    v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
    column.set_field(fmt::format("f{}", i));
    column.set_data(Packed({1, 2, 3, 4}));
  }
  return request;
}

Upsert WithManyIds() {
  Upsert request = Parse<Upsert>("collection: 'c' columns { number_ids {} }");
  for (uint64_t i = 0; i < 10'001; ++i) {
    request.mutable_columns()->mutable_number_ids()->add_values(i);
  }
  return request;
}

Delete DeleteMany() {
  Delete request;
  request.set_collection("c");
  for (uint64_t i = 0; i < 10'001; ++i) {
    request.add_ids()->set_num(i);
  }
  return request;
}

std::string NestedPayload(size_t levels) {
  return Repeat("fields { key: 'a' value { object_value { ", levels) + Repeat("} } } ", levels);
}

constexpr char kVector[] = "rows.points[0].vectors[\"v\"]";

// Duplicates in one batch are no error: the last wins.
BadInput DuplicateIds() {
  return {"the same id twice in one batch: the last wins",
          [](Client& client) {
            v1::UpsertPointsResponse response;
            const grpc::Status status = client.Send(
                Parse<Upsert>("collection: 'c' rows { "
                              "points { id { num: 77 } payload { fields { key: 'x' value { "
                              "int64_value: 1 } } } } "
                              "points { id { num: 78 } } "
                              "points { id { num: 77 } payload { fields { key: 'x' value { "
                              "int64_value: 2 } } } } }"),
                &response);
            EXPECT_EQ(response.upserted_count(), 2U);
            return status;
          },
          grpc::StatusCode::OK,
          "",
          "",
          [](Client& client) {
            const auto found =
                Must(client,
                     Parse<v1::GetPointsRequest>("collection: 'c' ids { num: 77 } ids { num: "
                                                 "78 }"));
            ASSERT_EQ(found.points_size(), 2);
            EXPECT_EQ(found.points(0).payload().fields().at("x").int64_value(), 2);
            Must(client, Parse<Delete>("collection: 'c' ids { num: 77 } ids { num: 78 }"));
          }};
}

}  // namespace

std::vector<BadInput> BadUpserts() {
  const std::string kilobytes(kBadInputMessageBytes / 2, 'x');
  return {
      Invalid("a dimension too few", WithVector("1, 2, 3"), kVector),
      Invalid("a dimension too many", WithVector("1, 2, 3, 4, 5"), kVector),
      Invalid("NaN",
              WithVector("1, nan, 3, 4"),
              "rows.points[0].vectors[\"v\"][1]",
              "VECTOR_NOT_FINITE"),
      Invalid("infinity",
              WithVector("inf, 2, 3, 4"),
              "rows.points[0].vectors[\"v\"][0]",
              "VECTOR_NOT_FINITE"),
      Invalid("minus infinity",
              WithVector("1, 2, 3, -inf"),
              "rows.points[0].vectors[\"v\"][3]",
              "VECTOR_NOT_FINITE"),
      Invalid(
          "a norm that overflows", WithVector("3e38, 3e38, 0, 0"), kVector, "VECTOR_NORM_OVERFLOW"),
      Invalid("the zero vector under cosine", WithVector("0, 0, 0, 0"), kVector, "VECTOR_ZERO"),
      Invalid(
          "a norm that is zero in float32", WithVector("1e-30, 0, 0, 0"), kVector, "VECTOR_ZERO"),
      Invalid<Upsert>("a norm that overflows under L2",
                      "collection: 'two' rows { points { id { num: 9 } vectors { key: 'a' value { "
                      "values { values: [3e38, 3e38, 3e38] } } } } }",
                      "rows.points[0].vectors[\"a\"]",
                      "VECTOR_NORM_OVERFLOW"),
      Invalid<Upsert>("the second point is bad",
                      "collection: 'c' rows { points { id { num: 50 } } points { id { num: 51 } "
                      "vectors { key: 'v' value { values { values: [1] } } } } }",
                      "rows.points[1].vectors[\"v\"]"),
      Invalid<Upsert>(
          "a vector without data",
          "collection: 'c' rows { points { id { num: 50 } vectors { key: 'v' value {} } "
          "} }",
          kVector),
      Invalid<Upsert>("a packed vector of three bytes",
                      "collection: 'c' rows { points { id { num: 50 } vectors { key: 'v' value { "
                      "packed: 'abc' } } } }",
                      "rows.points[0].vectors[\"v\"].packed"),
      Invalid<Upsert>("an empty packed vector",
                      "collection: 'c' rows { points { id { num: 50 } vectors { key: 'v' value { "
                      "packed: '' } } } }",
                      "rows.points[0].vectors[\"v\"].packed"),
      Invalid<Upsert>("an empty list of values",
                      "collection: 'c' rows { points { id { num: 50 } vectors { key: 'v' value { "
                      "values {} } } } }",
                      "rows.points[0].vectors[\"v\"].values"),
      Invalid<Upsert>("a field that the collection lacks",
                      "collection: 'c' rows { points { id { num: 50 } } points { id { num: 51 } "
                      "vectors { key: 'w' value { values { values: [1, 2, 3, 4] } } } } }",
                      "rows.points[1].vectors[\"w\"]"),
      Invalid<Upsert>("a field without a name",
                      "collection: 'c' rows { points { id { num: 50 } vectors { key: '' value { "
                      "values { values: [1, 2, 3, 4] } } } } }",
                      "rows.points[0].vectors[\"\"]"),
      Invalid<Upsert>("no id", "collection: 'c' rows { points {} }", "rows.points[0].id"),
      Invalid("an empty id", WithId(""), "rows.points[0].id"),
      Invalid("an id of 257 bytes", WithId(std::string(257, 'i')), "rows.points[0].id"),
      Malformed("an id that is not UTF-8",
                kUpsertMethod,
                WithId("marker"),
                "marker",
                "a\xFF\xFE"
                "bcd"),
      Malformed("an id with half a surrogate", kUpsertMethod, WithId("MRK"), "MRK", "\xED\xA0\x80"),
      Malformed("an id with an overlong form", kUpsertMethod, WithId("MR"), "MR", "\xC0\xAF"),
      Invalid("a payload nested too deep",
              WithPayload(NestedPayload(16)),
              "rows.points[0].payload" + Repeat("[\"a\"]", 16)),
      Invalid("lists nested too deep",
              WithPayload("fields { key: 'a' value { " + Repeat("list_value { values { ", 16) +
                          "bool_value: true " + Repeat("} } ", 16) + "} }"),
              "rows.points[0].payload[\"a\"]" + Repeat("[0]", 15)),
      Malformed("a payload nested beyond what protobuf reads",
                kUpsertMethod,
                WithPayload(NestedPayload(100)),
                "",
                ""),
      Invalid("a payload of half a mebibyte",
              WithPayload("fields { key: 'a' value { string_value: '" + kilobytes + "' } }"),
              "rows.points[0].payload"),
      Invalid("a payload with NaN",
              WithPayload("fields { key: 'a' value { double_value: nan } }"),
              "rows.points[0].payload[\"a\"]"),
      Invalid(
          "a payload with infinity in a list",
          WithPayload("fields { key: 'a' value { list_value { values { int64_value: 1 } values { "
                      "double_value: inf } } } }"),
          "rows.points[0].payload[\"a\"][1]"),
      Invalid("a payload value with nothing set",
              WithPayload("fields { key: 'a' value {} }"),
              "rows.points[0].payload[\"a\"]"),
      Invalid("an empty payload key",
              WithPayload("fields { key: '' value { bool_value: true } }"),
              "rows.points[0].payload"),
      Malformed("a payload text that is not UTF-8",
                kUpsertMethod,
                WithPayload("fields { key: 'a' value { string_value: 'marker' } }"),
                "marker",
                "\x80ghijk"),
      Malformed("a payload key that is not UTF-8",
                kUpsertMethod,
                WithPayload("fields { key: 'marker' value { bool_value: true } }"),
                "marker",
                "abcde\xC3"),
      DuplicateIds(),
  };
}

std::vector<BadInput> BadBatches() {
  const auto kFloat = v1::ELEMENT_TYPE_FLOAT32;
  const auto kHalf = v1::ELEMENT_TYPE_FLOAT16;
  Upsert bad_type = WithMatrix(1, Packed({1, 2, 3, 4}), kFloat);
  bad_type.mutable_columns()->mutable_vectors(0)->set_element_type(static_cast<v1::ElementType>(9));
  Upsert twice = WithMatrix(1, Packed({1, 2, 3, 4}), kFloat);
  *twice.mutable_columns()->add_vectors() = twice.columns().vectors(0);
  Upsert unknown = WithMatrix(2, Packed({1, 2, 3, 4, 5, 6, 7, 8}), kFloat);
  unknown.mutable_columns()->mutable_vectors(0)->set_field("w");
  Upsert nan = WithMatrix(2, Packed({1, 2, 3, 4, 5, 6, std::nanf(""), 8}), kFloat);
  // 1, 2, NaN, 3 as IEEE binary16.
  const std::string half_nan("\x00\x3C\x00\x40\x00\x7E\x00\x42", 8);
  return {
      Invalid<Upsert>("a sparse vector of a field that there is not",
                      "collection: 'c' rows { points { id { num: 50 } sparse_vectors { key: 'x' "
                      "value { indices: 1 values: 1 } } } }",
                      "rows.points[0].sparse_vectors[\"x\"]"),
      Invalid<Upsert>("a sparse vector with an index twice",
                      "collection: 'c' rows { points { id { num: 50 } sparse_vectors { key: 'x' "
                      "value { indices: [1, 1] values: [1, 2] } } } }",
                      "rows.points[0].sparse_vectors[\"x\"].indices"),
      Invalid<Upsert>("multi-vectors of a field that there is not",
                      "collection: 'c' rows { points { id { num: 50 } multi_vectors { key: 'x' "
                      "value { rows { lists { values: 1 } } } } } }",
                      "rows.points[0].multi_vectors[\"x\"]"),
      Invalid<Upsert>("a column of a sparse field that there is not",
                      "collection: 'c' columns { number_ids { values: 50 } sparse_vectors { field: "
                      "'x' offsets: '\\0\\0\\0\\0\\1\\0\\0\\0' indices: 'abcd' values: 'abcd' } }",
                      "columns.sparse_vectors[0].field"),
      Invalid<Upsert>("a column of sparse vectors with offsets beyond its end",
                      "collection: 'c' columns { number_ids { values: 50 } sparse_vectors { field: "
                      "'x' offsets: '\\0\\0\\0\\0\\2\\0\\0\\0' indices: 'abcd' values: 'abcd' } }",
                      "columns.sparse_vectors[0].offsets"),
      Invalid<Upsert>("a column of a multi-vector field that there is not",
                      "collection: 'c' columns { number_ids { values: 50 } multi_vectors { field: "
                      "'x' counts: 1 data: 'abcd' } }",
                      "columns.multi_vectors[0]"),
      Invalid<Upsert>("a column of multi-vectors with a count too few",
                      "collection: 'c' columns { number_ids { values: [50, 51] } multi_vectors { "
                      "field: 'x' counts: 1 data: 'abcd' } }",
                      "columns.multi_vectors[0].counts"),
      Invalid<Upsert>("no batch", "collection: 'c'", "batch"),
      Invalid<Upsert>("no rows", "collection: 'c' rows {}", "rows.points"),
      Invalid<Upsert>("columns without ids", "collection: 'c' columns {}", "columns"),
      Invalid<Upsert>("columns with no number ids",
                      "collection: 'c' columns { number_ids {} }",
                      "columns.number_ids.values"),
      Invalid<Upsert>("columns with no string ids",
                      "collection: 'c' columns { string_ids {} }",
                      "columns.string_ids.values"),
      Invalid("more points than a batch may have", WithManyIds(), "columns.number_ids.values"),
      Invalid<Upsert>("an empty string id in columns",
                      "collection: 'c' columns { string_ids { values: ['x', ''] } }",
                      "columns.string_ids.values[1]"),
      Malformed("a string id in columns that is not UTF-8",
                kUpsertMethod,
                Parse<Upsert>("collection: 'c' columns { string_ids { values: 'marker' } }"),
                "marker",
                "\xFFzzzzz"),
      Invalid("a matrix that is cut off",
              WithMatrix(2, std::string(31, 'x'), kFloat),
              "columns.vectors[0].data"),
      Invalid("a matrix without bytes", WithMatrix(2, "", kFloat), "columns.vectors[0].data"),
      Invalid("a matrix with a row too few",
              WithMatrix(2, Packed({1, 2, 3, 4}), kFloat),
              "columns.vectors[0].data"),
      Invalid("a matrix with a row too many",
              WithMatrix(1, Packed({1, 2, 3, 4, 5, 6, 7, 8}), kFloat),
              "columns.vectors[0].data"),
      Invalid("a float16 matrix that is cut off",
              WithMatrix(2, std::string(15, 'x'), kHalf),
              "columns.vectors[0].data"),
      Invalid("a float32 matrix called float16",
              WithMatrix(1, Packed({1, 2, 3, 4}), kHalf),
              "columns.vectors[0].data"),
      Invalid("a float16 NaN",
              WithMatrix(1, half_nan, kHalf),
              "columns.vectors[0].data",
              "VECTOR_NOT_FINITE"),
      Invalid(
          "NaN in the second row of a matrix", nan, "columns.vectors[0].data", "VECTOR_NOT_FINITE"),
      Invalid("an unknown element type", bad_type, "columns.vectors[0].element_type"),
      Invalid("a column given twice", twice, "columns.vectors[1].field"),
      Invalid("a column of a field that the collection lacks", unknown, "columns.vectors[0].field"),
      Invalid("more columns than fields may be", WithManyColumns(), "columns.vectors"),
      Invalid<Upsert>("payloads for some of the ids",
                      "collection: 'c' columns { number_ids { values: [1, 2] } payloads {} }",
                      "columns.payloads"),
      Invalid<Upsert>(
          "a bad payload in columns",
          "collection: 'c' columns { number_ids { values: [1, 2] } payloads {} payloads "
          "{ fields { key: 'x' value { double_value: nan } } } }",
          "columns.payloads[1][\"x\"]"),
      Refused<Upsert>("a collection that is not there",
                      "collection: 'nope' rows { points { id { num: 1 } } }",
                      grpc::StatusCode::NOT_FOUND,
                      "COLLECTION_NOT_FOUND"),
      Invalid<Upsert>("no collection", "rows { points { id { num: 1 } } }", "collection"),
      Invalid<Upsert>("a collection name with a blank",
                      "collection: 'c c' rows { points { id { num: 1 } } }",
                      "collection"),
      Invalid<Upsert>("an unknown durability",
                      "collection: 'c' durability: 9 rows { points { id { num: 1 } } }",
                      "durability"),
      Invalid("a request id of 129 bytes",
              Parse<Upsert>("collection: 'c' request_id: '" + std::string(129, 'r') +
                            "' rows { points { id { num: 1 } } }"),
              "request_id"),
      Invalid<Upsert>("a request id used for other points",
                      "collection: 'c' request_id: 'first' rows { points { id { num: 2 } } }",
                      "request_id",
                      "REQUEST_ID_REUSED"),
      Invalid<Upsert>("a request id used for another collection",
                      "collection: 'empty' request_id: 'first' rows { points { id { num: 1 } "
                      "payload { fields { key: 'n' value { int64_value: 1 } } } vectors { key: 'v' "
                      "value { values { values: [1, 0, 0, 0] } } } } }",
                      "request_id",
                      "REQUEST_ID_REUSED"),
      Invalid<Upsert>(
          "a request id used for the same vector in another field",
          "collection: 'two' request_id: 'moved' rows { points { id { num: 1 } vectors { "
          "key: 'b' value { values { values: [1, 2, 3] } } } } }",
          "request_id",
          "REQUEST_ID_REUSED"),
      Invalid<Delete>("a request id of an upsert used for a delete",
                      "collection: 'c' request_id: 'first' ids { num: 1 }",
                      "request_id",
                      "REQUEST_ID_REUSED"),
      Invalid<Delete>("a request id used for a delete of an id that looks like two",
                      "collection: 'c' request_id: 'two ids' ids { str: 'a\\002b' }",
                      "request_id",
                      "REQUEST_ID_REUSED"),
      Invalid<Delete>("a delete of nothing", "collection: 'c'", "ids"),
      Invalid<Delete>("a delete without an id", "collection: 'c' ids { num: 1 } ids {}", "ids[1]"),
      Invalid<Delete>("a delete of an empty id", "collection: 'c' ids { str: '' }", "ids[0]"),
      Invalid("a delete of too many ids", DeleteMany(), "ids"),
      Invalid<Delete>("a delete with an unknown durability",
                      "collection: 'c' durability: 3 ids { num: 1 }",
                      "durability"),
      Refused<Delete>("a delete from a collection that is not there",
                      "collection: 'nope' ids { num: 1 }",
                      grpc::StatusCode::NOT_FOUND,
                      "COLLECTION_NOT_FOUND"),
  };
}

void MakeBadInputData(Client& client) {
  Must(client, NewCollection("c", 4, v1::METRIC_COSINE));
  Must(client, NewCollection("empty", 4, v1::METRIC_COSINE));
  Must(client,
       Parse<v1::CreateCollectionRequest>(
           "collection { name: 'two' vector_fields { name: 'a' dimension: 3 metric: METRIC_L2 } "
           "vector_fields { name: 'b' dimension: 3 metric: METRIC_DOT } }"));
  Must(client,
       Parse<v1::UpdateAliasesRequest>("actions { set { name: 'other' collection: 'c' } }"));
  Must(client,
       Parse<Upsert>("collection: 'c' request_id: 'first' rows { points { id { num: 1 } payload { "
                     "fields { key: 'n' value { int64_value: 1 } } } vectors { key: 'v' value { "
                     "values { values: [1, 0, 0, 0] } } } } }"));
  for (int i = 2; i < 7; ++i) {
    Must(client,
         Parse<Upsert>(fmt::format(
             "collection: 'c' rows {{ points {{ id {{ {}: {} }} payload {{ fields {{ key: 'n' "
             "value {{ int64_value: {} }} }} fields {{ key: 's' value {{ string_value: 'x{}' }} }} "
             "}} vectors {{ key: 'v' value {{ values {{ values: [1, {}, 2, 3] }} }} }} }} }}",
             i % 2 == 0 ? "num" : "str",
             i % 2 == 0 ? std::to_string(i) : fmt::format("'p{}'", i),
             i,
             i,
             i)));
  }
  Must(
      client,
      Parse<Upsert>("collection: 'two' request_id: 'moved' rows { points { id { num: 1 } vectors { "
                    "key: 'a' value { values { values: [1, 2, 3] } } } } }"));
  Must(client,
       Parse<Delete>("collection: 'c' request_id: 'two ids' ids { str: 'a' } ids { str: 'b' }"));
}

}  // namespace alidade::testing
