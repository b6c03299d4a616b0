// Codecs of points and searches: what good requests become, and which field each bad request is
// refused for.
#include "point_codec.h"

#include <functional>
#include <vector>

#include "alidade/common/payload_codec.h"

#include "codec_testing.h"
#include "facet_codec.h"
#include "page_token.h"
#include "read_codec.h"
#include "search_codec.h"
#include "value_codec.h"
#include "write_codec.h"

namespace alidade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(UpsertCodec, DecodesRowsWithBothVectorForms) {
  auto request = Parse<v1::UpsertPointsRequest>(R"(
    collection: "words" request_id: "r1" durability: DURABILITY_BUFFERED
    rows {
      points { id { num: 7 } vectors { key: "a" value { values { values: 1.5 values: -2 } } } }
      points { id { str: "x" } payload { fields { key: "n" value { int64_value: 3 } } } }
      points { id { num: 8 } }
    })");
  (*request.mutable_rows()->mutable_points(2)->mutable_vectors())["b"].set_packed(
      Packed({3, 4, 5}));
  const auto decoded = DecodeUpsert(request, Limits(), Durability::kDurable);
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  EXPECT_EQ(decoded->collection, "words");
  EXPECT_EQ(decoded->options.request_id, "r1");
  EXPECT_EQ(decoded->options.durability, Durability::kBuffered);
  EXPECT_THAT(decoded->field_names, ElementsAre("a", "b"));
  ASSERT_EQ(decoded->points.size(), 3U);
  EXPECT_EQ(decoded->points[0].id, PointId(7));
  EXPECT_EQ(decoded->points[1].id, PointId(std::string("x")));
  ASSERT_EQ(decoded->points[0].vectors.size(), 2U);
  EXPECT_THAT(Floats(decoded->points[0].vectors[0]), ElementsAre(1.5F, -2.0F));
  EXPECT_TRUE(decoded->points[0].vectors[1].empty());
  EXPECT_THAT(Floats(decoded->points[2].vectors[1]), ElementsAre(3, 4, 5));
  const auto payload = DecodeObject(decoded->points[1].payload);
  ASSERT_TRUE(payload.ok());
  EXPECT_EQ(*payload, (Object{{"n", Value(int64_t{3})}}));
  EXPECT_TRUE(DecodeObject(decoded->points[0].payload)->empty());
}

TEST(UpsertCodec, SparseVectorsGoInSortedAndComeBack) {
  const auto request = Parse<v1::UpsertPointsRequest>(R"(collection: "c" rows {
      points { id { num: 1 }
        sparse_vectors { key: "s" value { indices: [7, 0, 4294967295] values: [1.5, -2, 3] } }
        sparse_vectors { key: "t" value { indices: 3 values: 0 } } }
      points { id { num: 2 } } })");
  const auto decoded = DecodeUpsert(request, Limits(), Durability::kDurable);
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  const auto& vectors = decoded->points[0].sparse_vectors;
  ASSERT_EQ(vectors.size(), 2U);
  EXPECT_EQ(vectors.at("s"), (SparseVector{{0, 7, 4'294'967'295}, {-2, 1.5, 3}}));
  EXPECT_EQ(vectors.at("t"), (SparseVector{{3}, {0}}));
  EXPECT_TRUE(decoded->points[1].sparse_vectors.empty());
  Point point;
  point.sparse_vectors = vectors;
  v1::Point encoded;
  EncodePoint(point, encoded);
  ASSERT_EQ(encoded.sparse_vectors_size(), 2);
  const v1::SparseVector& s = encoded.sparse_vectors().at("s");
  EXPECT_THAT(s.indices(), ElementsAre(0, 7, 4'294'967'295));
  EXPECT_THAT(s.values(), ElementsAre(-2, 1.5, 3));
}

TEST(UpsertCodec, MultiVectorsHaveTwoForms) {
  auto request = Parse<v1::UpsertPointsRequest>(R"(collection: "c" rows { points { id { num: 1 }
        multi_vectors { key: "m" value { rows { lists { values: [1, 2] } lists { values: [3, 4] } } } }
        multi_vectors { key: "p" value {} } } })");
  (*request.mutable_rows()->mutable_points(0)->mutable_multi_vectors())["p"].set_packed(
      Packed({5, 6, 7}));
  const auto decoded = DecodeUpsert(request, Limits(), Durability::kDurable);
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  const auto& vectors = decoded->points[0].multi_vectors;
  EXPECT_EQ(vectors.at("m"), (MultiVector{.rows = 2, .values = {1, 2, 3, 4}}));
  EXPECT_EQ(vectors.at("p"), (MultiVector{.rows = 0, .values = {5, 6, 7}}));
  Point point;
  point.multi_vectors = vectors;
  v1::Point encoded;
  EncodePoint(point, encoded);
  EXPECT_EQ(encoded.multi_vectors().at("m").packed(), Packed({1, 2, 3, 4}));
}

TEST(UpsertCodec, RefusesBadMultiVectorsWithTheirField) {
  const auto with = [](const std::string& vector) {
    return "collection: 'c' rows { points { id { num: 1 } multi_vectors { key: 'm' value { " +
           vector + " } } } }";
  };
  const std::string at = "rows.points[0].multi_vectors[\"m\"]";
  for (const Refusal& refusal : std::vector<Refusal>{
           {"nothing", with(""), at, "neither"},
           {"no bytes", with("packed: ''"), at + ".packed", "0 bytes"},
           {"half an element", with("packed: 'abcdef'"), at + ".packed", "6 bytes"},
           {"no rows", with("rows {}"), at + ".rows.lists", "has 0 vectors"},
           {"ragged",
            with("rows { lists { values: [1, 2] } lists { values: 1 } }"),
            at + ".rows.lists[1]",
            "has 1 elements, the first has 2"}}) {
    ExpectRefused<v1::UpsertPointsRequest>(refusal, [](const v1::UpsertPointsRequest& request) {
      return DecodeUpsert(request, SmallLimits(), Durability::kDurable).status();
    });
  }
}

TEST(UpsertCodec, RefusesBadSparseVectorsWithTheirField) {
  const auto with = [](const std::string& vector, const std::string& name = "s") {
    return "collection: 'c' rows { points { id { num: 1 } } points { id { num: 2 } "
           "sparse_vectors { key: '" +
           name + "' value { " + vector + " } } } }";
  };
  const std::string at = "rows.points[1].sparse_vectors[\"s\"]";
  std::string many;
  for (size_t i = 0; i <= kSparseValuesMax; ++i) {
    many += "indices: " + std::to_string(i) + " values: 1 ";
  }
  std::string fields = "collection: 'c' rows { points { id { num: 1 } ";
  for (int i = 0; i < 9; ++i) {
    fields += fmt::format("sparse_vectors {{ key: 's{}' value {{ indices: 1 values: 1 }} }} ", i);
  }
  for (const Refusal& refusal : std::vector<Refusal>{
           {"empty", with(""), at + ".indices", "has 0 entries"},
           {"no value", with("indices: [1, 2] values: 1"), at + ".values", "1 values for 2"},
           {"no index", with("values: 1"), at + ".values", "1 values for 0"},
           {"twice", with("indices: [4, 1, 4] values: [1, 2, 3]"), at + ".indices", "4 twice"},
           {"nan", with("indices: [4, 1] values: [1, nan]"), at + ".values[1]", "not finite"},
           {"infinite", with("indices: 4 values: -inf"), at + ".values[0]", "not finite"},
           {"many", with(many), at + ".indices", "1 to 4096"},
           {"name",
            with("indices: 4 values: 1", "a b"),
            "rows.points[1].sparse_vectors[\"a b\"]",
            ""},
           {"fields", fields + "} }", "rows.points[0].sparse_vectors", "the limit is 8"}}) {
    ExpectRefused<v1::UpsertPointsRequest>(refusal, [](const v1::UpsertPointsRequest& request) {
      return DecodeUpsert(request, SmallLimits(), Durability::kDurable).status();
    });
  }
}

TEST(UpsertCodec, DecodesColumnsOfBothElementTypes) {
  v1::UpsertPointsRequest request;
  request.set_collection("words");
  auto& columns = *request.mutable_columns();
  columns.mutable_number_ids()->add_values(1);
  columns.mutable_number_ids()->add_values(2);
  auto& first = *columns.add_vectors();
  first.set_field("a");
  first.set_data(Packed({1, 2, 3, 4}));
  auto& second = *columns.add_vectors();
  second.set_field("h");
  second.set_element_type(v1::ELEMENT_TYPE_FLOAT16);
  second.set_data(std::string("\x00\x3C\x00\xC0", 4));  // 1.0, -2.0
  auto& third = *columns.add_vectors();
  third.set_field("b");
  third.set_element_type(v1::ELEMENT_TYPE_BFLOAT16);
  third.set_data(std::string("\x80\x3F\x00\xC0", 4));  // 1.0, -2.0
  const auto decoded = DecodeUpsert(request, Limits(), Durability::kDurable);
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  EXPECT_EQ(decoded->options.durability, Durability::kDurable);
  EXPECT_THAT(Floats(decoded->points[0].vectors[2]), ElementsAre(1));
  EXPECT_THAT(Floats(decoded->points[1].vectors[2]), ElementsAre(-2));
  EXPECT_THAT(Floats(decoded->points[0].vectors[0]), ElementsAre(1, 2));
  EXPECT_THAT(Floats(decoded->points[1].vectors[0]), ElementsAre(3, 4));
  EXPECT_THAT(Floats(decoded->points[0].vectors[1]), ElementsAre(1));
  EXPECT_THAT(Floats(decoded->points[1].vectors[1]), ElementsAre(-2));
}

TEST(UpsertCodec, RefusesBadRequestsWithTheirField) {
  const std::string long_id(257, 'x');
  const std::string c = "collection: \"c\" ";
  const std::string deep =
      "rows { points { id { num: 1 } payload { fields { key: \"a\" value { list_value { values { "
      "list_value "
      "{ values { list_value {} } } } } } } } } }";
  const std::vector<Refusal> refusals = {
      {"no collection", "rows { points { id { num: 1 } } }", "collection", "is empty"},
      {"bad name",
       "collection: \"../etc\" rows { points { id { num: 1 } } }",
       "collection",
       "letter or digit"},
      {"long name",
       "collection: \"" + std::string(129, 'a') + "\"",
       "collection",
       "the limit is 128"},
      {"no batch", c, "batch", "neither"},
      {"empty rows", c + "rows {}", "rows.points", "is empty"},
      {"too many rows",
       c + "rows { points {} points {} points {} points {} }",
       "rows.points",
       "the limit is 3"},
      {"no id",
       c + "rows { points { id { num: 1 } } points {} }",
       "rows.points[1].id",
       "is missing"},
      {"empty id", c + "rows { points { id { str: \"\" } } }", "rows.points[0].id", ""},
      {"long id",
       c + "rows { points { id { str: \"" + long_id + "\" } } }",
       "rows.points[0].id",
       "256"},
      {"long request id",
       c + "request_id: \"" + std::string(129, 'r') + "\"",
       "request_id",
       "the limit is 128"},
      {"unknown durability", c + "durability: 9", "durability", "9 is not known"},
      {"no vector data",
       c + "rows { points { id { num: 1 } vectors { key: \"v\" value {} } } }",
       "rows.points[0].vectors[\"v\"]",
       "neither"},
      {"packed not multiple of four",
       c + "rows { points { id { num: 1 } vectors { key: \"v\" value { packed: \"abcde\" } } } }",
       "rows.points[0].vectors[\"v\"].packed",
       "has 5 bytes"},
      {"empty values",
       c + "rows { points { id { num: 1 } vectors { key: \"v\" value { values {} } } } }",
       "rows.points[0].vectors[\"v\"].values",
       "is empty"},
      {"bad field name",
       c + "rows { points { id { num: 1 } vectors { key: \"\" value { values { values: 1 } } } } }",
       "rows.points[0].vectors[\"\"]",
       "is empty"},
      {"unset payload value",
       c + "rows { points { id { num: 1 } payload { fields { key: \"a\" value {} } } } }",
       "rows.points[0].payload[\"a\"]",
       "null_value"},
      {"nan payload value",
       c + "rows { points { id { num: 1 } payload { fields { key: \"a\" value { double_value: nan "
           "} } } } }",
       "rows.points[0].payload[\"a\"]",
       "finite"},
      {"empty payload key",
       c + "rows { points { id { num: 1 } payload { fields { key: \"\" value { bool_value: true } "
           "} } } }",
       "rows.points[0].payload",
       "empty key"},
      {"payload too deep", c + deep, "rows.points[0].payload[\"a\"][0][0]", "deeper than 3"},
      {"payload too large",
       c + "rows { points { id { num: 1 } payload { fields { key: \"a\" value { string_value: \"" +
           std::string(100, 's') + "\" } } } } }",
       "rows.points[0].payload",
       "the limit is 100"},
      {"no column ids", c + "columns {}", "columns", "neither"},
      {"empty column ids",
       c + "columns { number_ids {} }",
       "columns.number_ids.values",
       "is empty"},
      {"bad string id in column",
       c + "columns { string_ids { values: \"a\" values: \"\" } }",
       "columns.string_ids.values[1]",
       ""},
      {"matrix does not match rows",
       c + "columns { number_ids { values: 1 values: 2 } vectors { field: \"v\" data: "
           "\"123456789012\" } }",
       "columns.vectors[0].data",
       "12 bytes, which is no positive multiple of 2 rows x 4 bytes"},
      {"empty matrix",
       c + "columns { number_ids { values: 1 } vectors { field: \"v\" } }",
       "columns.vectors[0].data",
       "has 0 bytes"},
      {"unknown element type",
       c + "columns { number_ids { values: 1 } vectors { field: \"v\" element_type: 7 data: "
           "\"1234\" } }",
       "columns.vectors[0].element_type",
       "7 is not known"},
      {"field twice",
       c + "columns { number_ids { values: 1 } vectors { field: \"v\" data: \"1234\" } vectors { "
           "field: \"v\" data: "
           "\"1234\" } }",
       "columns.vectors[1].field",
       "second time"},
      {"payload count",
       c + "columns { number_ids { values: 1 values: 2 } payloads {} }",
       "columns.payloads",
       "1 entries for 2 ids"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::UpsertPointsRequest>(refusal, [](const v1::UpsertPointsRequest& request) {
      return DecodeUpsert(request, SmallLimits(), Durability::kDurable).status();
    });
  }
}

TEST(UpsertCodec, RefusesIdsThatAreNotUtf8) {
  v1::PointId id;
  id.set_str("\xFF\xFE");
  const auto decoded = DecodePointId(id, FieldPath("id"));
  EXPECT_EQ(decoded.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(decoded.status()), "id");
}

TEST(UpsertCodec, PathsOfTheCollectionBecomePathsOfTheMessage) {
  const auto rows = Parse<v1::UpsertPointsRequest>(
      "rows { points { vectors { key: 'w' value {} } } points { vectors { key: 'v' value {} } } }");
  const auto columns = Parse<v1::UpsertPointsRequest>(
      "columns { vectors { field: 'w' } vectors { field: 'v' } "
      "sparse_vectors { field: 'r' } sparse_vectors { field: 's' } "
      "multi_vectors { field: 'm' } }");
  struct Case {
    std::string field;
    std::string in_rows;
    std::string in_columns;
    std::string place;  // in a column
  };
  for (const Case& c :
       std::vector<Case>{{R"(points[3].vectors["v"])",
                          R"(rows.points[3].vectors["v"])",
                          "columns.vectors[1].data",
                          "row 3: "},
                         {R"(points[30].vectors["w"][2])",
                          R"(rows.points[30].vectors["w"][2])",
                          "columns.vectors[0].data",
                          "row 30, element 2: "},
                         {R"(field_names["v"])",
                          R"(rows.points[1].vectors["v"])",
                          "columns.vectors[1].field",
                          ""},
                         {R"(points[1].sparse_vectors["s"])",
                          R"(rows.points[1].sparse_vectors["s"])",
                          "columns.sparse_vectors[1].field",
                          ""},
                         {R"(points[4].multi_vectors["m"])",
                          R"(rows.points[4].multi_vectors["m"])",
                          "columns.multi_vectors[0]",
                          "row 4: "},
                         {R"(points[4].multi_vectors["m"].rows[2])",
                          R"(rows.points[4].multi_vectors["m"].rows[2])",
                          "columns.multi_vectors[0].data",
                          "row 4, vector 2: "},
                         {R"(points[4].multi_vectors["m"].rows[2][7])",
                          R"(rows.points[4].multi_vectors["m"].rows[2][7])",
                          "columns.multi_vectors[0].data",
                          "row 4, vector 2, element 7: "},
                         {"points[5].id", "rows.points[5].id", "columns.points[5].id", ""},
                         {"points", "points", "points", ""},
                         {"request_id", "request_id", "request_id", ""}}) {
    SCOPED_TRACE(c.field);
    const Status status = WithReason(FieldError(c.field, "is wrong"), "WRONG");
    for (const auto& [message, field, place] :
         {std::tuple(rows, c.in_rows, std::string()), {columns, c.in_columns, c.place}}) {
      const Status moved = WithWirePath(status, message);
      EXPECT_EQ(FieldOf(moved), field);
      EXPECT_EQ(MessageOf(moved), field + ": " + place + "is wrong");
      EXPECT_EQ(moved.code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(ReasonOf(moved), "WRONG");
    }
  }
  const Status other = Internal("points[3] are gone");
  EXPECT_EQ(WithWirePath(other, columns), other);
}

TEST(ReadCodec, RefusesBadRequestsWithTheirField) {
  const std::string c = "collection: \"c\" ";
  const std::vector<Refusal> gets = {
      {"no ids", c, "ids", "is empty"},
      {"too many ids",
       c + "ids {num:1} ids {num:2} ids {num:3} ids {num:4}",
       "ids",
       "the limit is 3"},
      {"unset id", c + "ids {}", "ids[0]", "is missing"},
      {"empty selector", c + "ids {num:1} payload {}", "payload", "none of"},
      {"selector without keys", c + "ids {num:1} payload { include {} }", "payload", "has 0 keys"},
      {"empty key",
       c + "ids {num:1} payload { exclude { keys: \"\" } }",
       "payload",
       "key of 0 bytes"},
      {"vector twice",
       c + "ids {num:1} with_vectors: \"v\" with_vectors: \"v\"",
       "with_vectors[1]",
       "second time"},
      {"star among names",
       c + "ids {num:1} with_vectors: \"v\" with_vectors: \"*\"",
       "with_vectors[1]",
       "letter"},
  };
  for (const Refusal& refusal : gets) {
    ExpectRefused<v1::GetPointsRequest>(refusal, [](const v1::GetPointsRequest& request) {
      return DecodeGet(request, SmallLimits(), Deadline()).status();
    });
  }
}

TEST(ReadCodec, SelectsAllPayloadUnlessTold) {
  const auto all =
      DecodeGet(Parse<v1::GetPointsRequest>("collection: \"c\" ids {num:1} min_seq: 5"),
                Limits(),
                Deadline());
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->payload.mode, PayloadSelector::Mode::kAll);
  EXPECT_EQ(all->options.min_seq, SeqNo(5));
  const auto none =
      DecodeGet(Parse<v1::GetPointsRequest>("collection: \"c\" ids {num:1} payload { all: false }"),
                Limits(),
                Deadline());
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->payload.mode, PayloadSelector::Mode::kNone);
}

TEST(ReadCodec, PagesGoOnOnlyInTheSameListing) {
  auto request = Parse<v1::ListPointsRequest>(
      "collection: \"c\" page_size: 1000 filter { exists { key: \"a\" } }");
  ListResponse page;
  page.at = SeqNo(9);
  page.next = PointId(42).Encode();
  v1::ListPointsResponse response;
  EncodeList(page, request, response);
  EXPECT_EQ(response.seq(), 9U);
  ASSERT_FALSE(response.next_page_token().empty());

  request.set_page_token(response.next_page_token());
  const auto next = DecodeList(request, SmallLimits(), Deadline());
  ASSERT_TRUE(next.ok()) << MessageOf(next.status());
  EXPECT_EQ(next->after, PointId(42).Encode());
  EXPECT_EQ(next->page_size, 50U);

  auto other = request;
  other.set_collection("d");
  EXPECT_EQ(FieldOf(DecodeList(other, Limits(), Deadline()).status()), "page_token");
  other = request;
  other.mutable_filter()->mutable_exists()->set_key("b");
  EXPECT_EQ(FieldOf(DecodeList(other, Limits(), Deadline()).status()), "page_token");
  other = request;
  other.mutable_order_by()->set_key("a");
  EXPECT_EQ(FieldOf(DecodeList(other, Limits(), Deadline()).status()), "page_token");

  // An ordered one likewise.
  EncodeList(page, other, response);
  other.set_page_token(response.next_page_token());
  const auto ordered = DecodeList(other, Limits(), Deadline());
  ASSERT_TRUE(ordered.ok()) << MessageOf(ordered.status());
  EXPECT_EQ(ordered->after, page.next);
  other.mutable_order_by()->set_direction(v1::ORDER_DIRECTION_DESCENDING);
  EXPECT_EQ(FieldOf(DecodeList(other, Limits(), Deadline()).status()), "page_token");
  other.clear_order_by();
  EXPECT_EQ(FieldOf(DecodeList(other, Limits(), Deadline()).status()), "page_token");
}

TEST(ReadCodec, AnOrderKeepsWhatWasAsked) {
  const auto plain =
      DecodeList(Parse<v1::ListPointsRequest>("collection: 'c' order_by { key: 'a.b' }"),
                 Limits(),
                 Deadline());
  ASSERT_TRUE(plain.ok()) << MessageOf(plain.status());
  EXPECT_EQ(plain->order->key, "a.b");
  EXPECT_FALSE(plain->order->descending);
  EXPECT_FALSE(plain->order->start_from.has_value());
  EXPECT_FALSE(plain->order->type.has_value());
  const auto full = DecodeList(
      Parse<v1::ListPointsRequest>(
          "collection: 'c' order_by { key: 'n' direction: ORDER_DIRECTION_DESCENDING start_from { "
          "int64_value: 7 } index_type: PAYLOAD_INDEX_TYPE_FLOAT }"),
      Limits(),
      Deadline());
  ASSERT_TRUE(full.ok()) << MessageOf(full.status());
  EXPECT_TRUE(full->order->descending);
  EXPECT_EQ(full->order->start_from, Value(int64_t{7}));
  EXPECT_EQ(full->order->type, PayloadIndexType::kFloat);
}

TEST(FacetCodec, KeepsTypesAndBindsTokens) {
  auto request = Parse<v1::FacetPointsRequest>(
      "collection: 'c' key: 'k' contains: 'x' page_size: 7 min_seq: 3");
  const auto decoded = DecodeFacet(request, Limits(), Deadline());
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  EXPECT_EQ(decoded->key, "k");
  EXPECT_EQ(decoded->contains, "x");
  EXPECT_EQ(decoded->page_size, 7U);
  EXPECT_FALSE(decoded->by_value);
  EXPECT_EQ(decoded->options.min_seq, SeqNo(3));
  FacetResponse page;
  page.at = SeqNo(4);
  page.values = {{Value(int64_t{1}), 3}, {Value("1"), 2}, {Value(true), 1}, {Value(0.5), 1}};
  page.distinct = 9;
  page.next = "somewhere";
  v1::FacetPointsResponse response;
  EncodeFacet(page, request, response);
  EXPECT_EQ(response.values(0).value().int64_value(), 1);
  EXPECT_EQ(response.values(0).points_count(), 3U);
  EXPECT_EQ(response.values(1).value().string_value(), "1");
  EXPECT_TRUE(response.values(2).value().bool_value());
  EXPECT_EQ(response.values(3).value().double_value(), 0.5);
  EXPECT_EQ(response.values_count(), 9U);
  EXPECT_EQ(response.seq(), 4U);
  request.set_page_token(response.next_page_token());
  EXPECT_EQ(DecodeFacet(request, Limits(), Deadline())->after, "somewhere");
  for (const auto& change : std::vector<std::function<void(v1::FacetPointsRequest&)>>{
           [](auto& x) { x.set_collection("d"); },
           [](auto& x) { x.set_key("kx"); },
           [](auto& x) { x.set_contains(""); },
           [](auto& x) { x.set_order(v1::FACET_ORDER_VALUE); },
           [](auto& x) { x.mutable_filter()->mutable_exists()->set_key("k"); }}) {
    auto other = request;
    change(other);
    EXPECT_EQ(FieldOf(DecodeFacet(other, Limits(), Deadline()).status()), "page_token")
        << other.ShortDebugString();
  }

  v1::GetPayloadBoundsResponse bounds;
  EncodeBounds({.at = SeqNo(5),
                .numbers = {{Value(int64_t{1}), Value(2.5)}},
                .strings = {},
                .datetimes = {}},
               bounds);
  EXPECT_EQ(bounds.numbers().minimum().int64_value(), 1);
  EXPECT_EQ(bounds.numbers().maximum().double_value(), 2.5);
  EXPECT_FALSE(bounds.has_strings());
  EXPECT_FALSE(bounds.has_datetimes());
  EXPECT_EQ(bounds.seq(), 5U);
}

TEST(PageToken, RefusesEveryChangedCharacter) {
  const std::string token = MakePageToken("scope", "position");
  ASSERT_EQ(*ReadPageToken("scope", token), "position");
  EXPECT_EQ(*ReadPageToken("scope", ""), "");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(ReadPageToken("scope", changed).ok()) << i;
    EXPECT_FALSE(ReadPageToken("scope", token.substr(0, i + 1)).ok() && i + 1 < token.size()) << i;
  }
  EXPECT_FALSE(ReadPageToken("scope", "zz").ok());
  EXPECT_EQ(ClampPageSize(0, 100, 50), 50U);
  EXPECT_EQ(ClampPageSize(7, 100, 50), 7U);
}

TEST(SearchCodec, GivesEveryQueryTheCommonPart) {
  const auto decoded = DecodeSearch(Parse<v1::SearchRequest>(R"(
      collection: "c" vector_field: "v" k: 5 params { ef: 50 nprobe: 4 exact: true }
      queries { vector { values { values: 1 values: 2 } } }
      queries { point_id { num: 3 } }
      queries { sparse { indices: [9, 2] values: [1, 0.5] } }
      score_threshold: 0.5 explain: true min_seq: 11 with_vectors: "*"
      filter { equals { key: "pos" value { string_value: "noun" } } })"),
                                    Limits(),
                                    Deadline());
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  ASSERT_EQ(decoded->queries.size(), 3U);
  EXPECT_THAT(std::get<std::vector<float>>(decoded->queries[0].target), ElementsAre(1, 2));
  EXPECT_EQ(std::get<PointId>(decoded->queries[1].target), PointId(3));
  EXPECT_EQ(std::get<SparseVector>(decoded->queries[2].target), (SparseVector{{2, 9}, {0.5, 1}}));
  EXPECT_EQ(decoded->options.min_seq, SeqNo(11));
  for (const SearchQuery& query : decoded->queries) {
    EXPECT_EQ(query.field, "v");
    EXPECT_EQ(query.k, 5U);
    EXPECT_EQ(query.ef, 50U);
    EXPECT_EQ(query.nprobe, 4U);
    EXPECT_TRUE(query.exact);
    EXPECT_TRUE(query.explain);
    EXPECT_EQ(query.score_threshold, 0.5);
    EXPECT_THAT(query.vectors, ElementsAre("*"));
    ASSERT_NE(query.filter, nullptr);
    EXPECT_TRUE(std::holds_alternative<In>(query.filter->node));
  }
}

TEST(SearchCodec, RefusesBadRequestsWithTheirField) {
  const std::string c = "collection: \"c\" queries { point_id { num: 1 } } ";
  const std::vector<Refusal> refusals = {
      {"no queries", "collection: \"c\" k: 1", "queries", "is empty"},
      {"too many queries", c + "queries {} queries {} k: 1", "queries", "the limit is 2"},
      {"no target", c + "queries {} k: 1", "queries[1]", "has none of"},
      {"k zero", c, "k", "is 0; 1..10"},
      {"k too large", c + "k: 11", "k", "is 11; 1..10"},
      {"huge ef", c + "k: 1 params { ef: 4294967295 }", "params.ef", "the limit is 100"},
      {"huge nprobe", c + "k: 1 params { nprobe: 21 }", "params.nprobe", "the limit is 20"},
      {"nan threshold", c + "k: 1 score_threshold: nan", "score_threshold", "finite"},
      {"bad field", c + "k: 1 vector_field: \"a b\"", "vector_field", "letters"},
      {"empty sparse vector",
       "collection: \"c\" k: 1 queries { sparse {} }",
       "queries[0].sparse.indices",
       "has 0 entries"},
      {"sparse vector that is not finite",
       "collection: \"c\" k: 1 queries { sparse { indices: 1 values: inf } }",
       "queries[0].sparse.values[0]",
       "not finite"},
      {"empty vector",
       "collection: \"c\" k: 1 queries { vector { packed: \"\" } }",
       "queries[0].vector.packed",
       "0 bytes"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::SearchRequest>(refusal, [](const v1::SearchRequest& request) {
      return DecodeSearch(request, SmallLimits(), Deadline()).status();
    });
  }
  auto huge = Parse<v1::SearchRequest>("collection: \"c\" k: 10000");
  for (int i = 0; i < 101; ++i) {
    huge.add_queries()->mutable_point_id()->set_num(1);
  }
  EXPECT_EQ(FieldOf(DecodeSearch(huge, Limits(), Deadline()).status()), "k");
}

TEST(SearchCodec, EncodesHitsAndStats) {
  SearchResponse response;
  response.at = SeqNo(4);
  SearchHit hit;
  hit.point.id = PointId(std::string("x"));
  hit.point.payload = {{"a", Value(List{Value(true), Value(2.5), Value()})}};
  hit.point.vectors["v"] = {1, 2};
  hit.point.sparse_vectors["s"] = {{3, 5}, {1, 2}};
  hit.score = 0.75;
  hit.distance = 0.25;
  SearchResult result;
  result.hits.push_back(hit);
  result.exact = true;
  result.plan = "segment 0: exact";
  result.stats.rows_scanned = 10;
  response.results.push_back(result);
  v1::SearchResponse out;
  EncodeSearch(v1::SearchRequest(), response, out);
  EXPECT_EQ(out.seq(), 4U);
  const v1::Hit& encoded = out.results(0).hits(0);
  EXPECT_EQ(encoded.id().str(), "x");
  EXPECT_EQ(encoded.score(), 0.75F);
  EXPECT_EQ(encoded.distance(), 0.25F);
  EXPECT_EQ(encoded.vectors().at("v").packed(), Packed({1, 2}));
  EXPECT_THAT(encoded.sparse_vectors().at("s").indices(), ElementsAre(3, 5));
  const auto& list = encoded.payload().fields().at("a").list_value();
  EXPECT_TRUE(list.values(0).bool_value());
  EXPECT_EQ(list.values(1).double_value(), 2.5);
  EXPECT_EQ(list.values(2).kind_case(), v1::Value::kNullValue);
  EXPECT_TRUE(out.results(0).stats().exact());
  EXPECT_EQ(out.results(0).stats().rows_scanned(), 10U);
}

}  // namespace
}  // namespace alidade
