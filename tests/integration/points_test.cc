// Life of points over gRPC: upsert in both forms, get, delete, count, list.
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "integration/shared_server.h"

namespace alidade::testing {
namespace {

using ::testing::ElementsAre;

// Without its seq, which depends on what other tests wrote.
std::string TextOf(v1::Point point) {
  EXPECT_GT(point.seq(), 0U);
  point.clear_seq();
  return point.ShortDebugString();
}

class PointsTest : public SharedServerTest {
 protected:
  // All points with everything, as text lines.
  std::vector<std::string> Everything(const std::string& collection) {
    std::vector<std::string> lines;
    v1::ListPointsRequest request;
    request.set_collection(collection);
    request.set_page_size(7);
    request.add_with_vectors("*");
    do {
      const auto page = Must(client_, request);
      for (const v1::Point& point : page.points()) {
        lines.push_back(TextOf(point));
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty() && lines.size() < 100'000);
    return lines;
  }
};

TEST_F(PointsTest, VectorsOfEveryKindComeBack) {
  auto made = NewCollection("kinds", 3, v1::METRIC_L2);
  made.mutable_collection()->add_sparse_fields()->set_name("s");
  auto& multi = *made.mutable_collection()->add_multi_vector_fields();
  multi.set_name("m");
  multi.set_dimension(2);
  multi.set_metric(v1::METRIC_COSINE);
  Must(client_, made);
  Must(client_,
       Parse<v1::UpsertPointsRequest>(
           "collection: 'kinds' rows { points { id { num: 1 } "
           "vectors { key: 'v' value { values { values: [1, 2, 3] } } } "
           "sparse_vectors { key: 's' value { indices: [9, 4] values: [1, 2] } } "
           "multi_vectors { key: 'm' value { rows { lists { values: [1, 2] } "
           "lists { values: [3, 4] } } } } } }"));
  for (const bool sealed : {false, true}) {
    const auto got =
        Must(client_,
             Parse<v1::GetPointsRequest>("collection: 'kinds' ids { num: 1 } with_vectors: '*'"));
    ASSERT_EQ(got.points_size(), 1);
    EXPECT_EQ(got.points(0).vectors().at("v").packed(), Packed({1, 2, 3}));
    EXPECT_THAT(got.points(0).sparse_vectors().at("s").indices(), ElementsAre(4, 9));
    EXPECT_EQ(got.points(0).multi_vectors().at("m").packed(), Packed({1, 2, 3, 4}));
    const auto found = Must(
        client_,
        Parse<v1::SearchRequest>("collection: 'kinds' k: 1 vector_field: 's' with_vectors: '*' "
                                 "queries { sparse { indices: 9 values: 0.5 } }"));
    ASSERT_EQ(found.results(0).hits_size(), 1);
    const v1::Hit& hit = found.results(0).hits(0);
    EXPECT_EQ(hit.score(), 0.5F);
    EXPECT_EQ(hit.vectors().at("v").packed(), Packed({1, 2, 3}));
    EXPECT_THAT(hit.sparse_vectors().at("s").values(), ElementsAre(2, 1));
    EXPECT_EQ(hit.multi_vectors().at("m").packed(), Packed({1, 2, 3, 4}));
    if (!sealed) {
      Must(client_, Parse<v1::FlushRequest>("collection: 'kinds'"));
    }
  }
}

TEST_F(PointsTest, RowsAndColumnsOfEveryEncodingStoreTheSame) {
  for (const std::string name : {"rows", "floats", "columns", "halves"}) {
    Must(client_, NewCollection(name, 3, v1::METRIC_L2));
  }
  v1::UpsertPointsRequest rows;
  v1::UpsertPointsRequest floats;
  v1::UpsertPointsRequest columns;
  std::vector<float> matrix;
  std::string halves;
  for (uint64_t i = 0; i < 20; ++i) {
    // Powers of two are exact in binary16: the exponent is biased by 15, ten bits from the right.
    const auto power = static_cast<uint16_t>(i % 8);
    const std::vector<float> vector = {-2, std::ldexp(1.0F, power), 0.5F};
    matrix.insert(matrix.end(), vector.begin(), vector.end());
    for (const uint16_t half :
         {uint16_t{0xC000}, static_cast<uint16_t>((15 + power) << 10), uint16_t{0x3800}}) {
      halves.push_back(static_cast<char>(half & 0xFF));
      halves.push_back(static_cast<char>(half >> 8));
    }
    const std::string id = "point " + std::to_string(i);
    v1::Object payload;
    (*payload.mutable_fields())["i"].set_int64_value(static_cast<int64_t>(i));

    v1::Point& row = *rows.mutable_rows()->add_points();
    row.mutable_id()->set_str(id);
    (*row.mutable_vectors())["v"].set_packed(Packed(vector));
    *row.mutable_payload() = payload;
    v1::Point& easy = *floats.mutable_rows()->add_points();
    easy = row;
    v1::Vector& values = (*easy.mutable_vectors())["v"];
    values.mutable_values()->mutable_values()->Assign(vector.begin(), vector.end());
    columns.mutable_columns()->mutable_string_ids()->add_values(id);
    *columns.mutable_columns()->add_payloads() = payload;
  }
  v1::VectorColumn& column = *columns.mutable_columns()->add_vectors();
  column.set_field("v");
  column.set_data(Packed(matrix));
  rows.set_collection("rows");
  floats.set_collection("floats");
  columns.set_collection("columns");
  EXPECT_EQ(Must(client_, rows).upserted_count(), 20U);
  EXPECT_EQ(Must(client_, floats).upserted_count(), 20U);
  EXPECT_EQ(Must(client_, columns).upserted_count(), 20U);
  columns.set_collection("halves");
  column.set_element_type(v1::ELEMENT_TYPE_FLOAT16);
  column.set_data(halves);
  EXPECT_EQ(Must(client_, columns).upserted_count(), 20U);

  const auto stored = Everything("rows");
  ASSERT_EQ(stored.size(), 20U);
  EXPECT_EQ(Everything("floats"), stored);
  EXPECT_EQ(Everything("columns"), stored);
  EXPECT_EQ(Everything("halves"), stored);
}

TEST_F(PointsTest, ValuesComeBackBitForBit) {
  Must(client_, NewCollection("exact", 4, v1::METRIC_L2));
  const auto request = Parse<v1::UpsertPointsRequest>(
      R"(collection: "exact" rows { points { id { num: 18446744073709551615 } payload {
           fields { key: "null" value { null_value: NULL_VALUE } }
           fields { key: "yes" value { bool_value: true } }
           fields { key: "least" value { int64_value: -9223372036854775808 } }
           fields { key: "most" value { int64_value: 9223372036854775807 } }
           fields { key: "one" value { int64_value: 1 } }
           fields { key: "one point nought" value { double_value: 1 } }
           fields { key: "minus nought" value { double_value: -0.0 } }
           fields { key: "tiny" value { double_value: 4.9406564584124654e-324 } }
           fields { key: "text" value { string_value: "\320\226 \360\237\246\211 \000 \n" } }
           fields { key: "a.b" value { string_value: "" } }
           fields { key: "list" value { list_value { values { int64_value: 1 } values { list_value {} }
                      values { object_value {} } } } }
           fields { key: "object" value { object_value { fields { key: "x" value { object_value {
                      fields { key: "y" value { null_value: NULL_VALUE } } } } } } } }
         } } })");
  v1::UpsertPointsRequest with_vector = request;
  const std::vector<float> vector = {
      -0.0F, std::numeric_limits<float>::denorm_min(), std::nextafter(1.0F, 2.0F), -1e18F};
  (*with_vector.mutable_rows()->mutable_points(0)->mutable_vectors())["v"].set_packed(
      Packed(vector));
  Must(client_, with_vector);
  const auto check = [&](const std::string& when) {
    SCOPED_TRACE(when);
    EXPECT_THAT(Everything("exact"), ElementsAre(with_vector.rows().points(0).ShortDebugString()));
    const auto hit = Must(client_,
                          Parse<v1::SearchRequest>(
                              "collection: 'exact' k: 1 with_vectors: '*' queries { vector { "
                              "values { values: [0, 0, 0, 0] } } }"))
                         .results(0)
                         .hits(0);
    EXPECT_EQ(hit.payload().ShortDebugString(),
              with_vector.rows().points(0).payload().ShortDebugString());
    EXPECT_EQ(hit.vectors().at("v").packed(), Packed(vector));
  };
  check("in memory");
  Must(client_, Parse<v1::FlushRequest>("collection: 'exact'"));
  check("in a segment");
}

TEST_F(PointsTest, NumbersAndTextsAreDifferentIds) {
  Must(client_, NewCollection("ids", 2, v1::METRIC_L2));
  const std::string longest(256, 'z');
  Must(client_,
       Parse<v1::UpsertPointsRequest>(
           "collection: 'ids' rows { points { id { str: '7' } } points { id { num: 7 } } points { "
           "id "
           "{ num: 0 } } points { id { str: '" +
           longest +
           "' } } points { id { num: 256 } } points { id { str: 'B' } } points { id { str: "
           "'a' } } }"));
  std::vector<std::string> order;
  const auto listed = Must(client_, Parse<v1::ListPointsRequest>("collection: 'ids'"));
  for (const v1::Point& point : listed.points()) {
    order.push_back(point.id().ShortDebugString());
  }
  EXPECT_THAT(order,
              ElementsAre("num: 0",
                          "num: 7",
                          "num: 256",
                          "str: \"7\"",
                          "str: \"B\"",
                          "str: \"a\"",
                          "str: \"" + longest + "\""));
  EXPECT_EQ(Must(client_, Parse<v1::DeletePointsRequest>("collection: 'ids' ids { str: '7' }"))
                .deleted_count(),
            1U);
  EXPECT_EQ(
      Must(client_, Parse<v1::GetPointsRequest>("collection: 'ids' ids { num: 7 }")).points_size(),
      1);
}

TEST_F(PointsTest, AnUpsertReplacesTheWholePoint) {
  Must(client_, NewCollection("whole", 2, v1::METRIC_L2));
  const auto put = [this](const std::string& rest) {
    return Must(client_,
                Parse<v1::UpsertPointsRequest>(
                    "collection: 'whole' rows { points { id { num: 1 } " + rest + " } }"));
  };
  put("vectors { key: 'v' value { values { values: [1, 2] } } } payload { fields { key: 'a' value "
      "{ "
      "int64_value: 1 } } }");
  put("payload { fields { key: 'b' value { int64_value: 2 } } }");
  EXPECT_THAT(
      Everything("whole"),
      ElementsAre("id { num: 1 } payload { fields { key: \"b\" value { int64_value: 2 } } }"));
  // Without its vector no search finds it.
  const auto search = Parse<v1::SearchRequest>(
      "collection: 'whole' k: 5 queries { vector { values { values: [1, 2] } } }");
  EXPECT_EQ(Must(client_, search).results(0).hits_size(), 0);
  put("");
  EXPECT_THAT(Everything("whole"), ElementsAre("id { num: 1 }"));
  EXPECT_EQ(Must(client_, Parse<v1::CountPointsRequest>("collection: 'whole'")).count(), 1U);
}

TEST_F(PointsTest, GetAnswersInTheOrderOfTheRequestWithWhatWasSelected) {
  Must(client_,
       Parse<v1::CreateCollectionRequest>(
           "collection { name: 'get' vector_fields { name: 'a' dimension: 1 metric: METRIC_L2 } "
           "vector_fields { name: 'b' dimension: 1 metric: METRIC_L2 } }"));
  for (int i = 1; i <= 3; ++i) {
    Must(client_,
         Parse<v1::UpsertPointsRequest>(fmt::format(
             "collection: 'get' rows {{ points {{ id {{ num: {} }} vectors {{ key: 'a' value {{ "
             "values {{ values: {} }} }} }} vectors {{ key: 'b' value {{ values {{ values: 9 }} }} "
             "}} payload {{ fields {{ key: 'n' value {{ int64_value: {} }} }} fields {{ key: 'o' "
             "value {{ object_value {{ fields {{ key: 'x' value {{ int64_value: 1 }} }} fields {{ "
             "key: 'y' value {{ int64_value: 2 }} }} }} }} }} }} }} }}",
             i,
             i,
             i)));
  }
  const auto get = [this](const std::string& more) {
    const auto found = Must(client_, Parse<v1::GetPointsRequest>("collection: 'get' " + more));
    std::vector<std::string> points;
    for (const v1::Point& point : found.points()) {
      points.push_back(TextOf(point));
    }
    return points;
  };
  EXPECT_THAT(get("ids { num: 3 } ids { num: 8 } ids { num: 1 } payload { all: false }"),
              ElementsAre("id { num: 3 }", "id { num: 1 }"));
  EXPECT_THAT(get("ids { num: 2 } payload { include { keys: 'n' keys: 'o.y' keys: 'nothing' } }"),
              ElementsAre("id { num: 2 } payload { fields { key: \"n\" value { int64_value: 2 } } "
                          "fields { key: \"o\" value { object_value { fields { key: \"y\" value { "
                          "int64_value: 2 } } } } } }"));
  EXPECT_THAT(
      get("ids { num: 2 } payload { exclude { keys: 'o.y' keys: 'n' } }"),
      ElementsAre("id { num: 2 } payload { fields { key: \"o\" value { object_value { fields "
                  "{ key: \"x\" value { int64_value: 1 } } } } } }"));
  const auto found = Must(client_,
                          Parse<v1::GetPointsRequest>("collection: 'get' ids { num: 2 } payload { "
                                                      "all: true } with_vectors: 'a'"));
  EXPECT_EQ(found.points(0).payload().fields_size(), 2);
  EXPECT_EQ(found.points(0).vectors().size(), 1U);
  EXPECT_THAT(Unpacked(found.points(0).vectors().at("a").packed()), ElementsAre(2.0F));
  EXPECT_EQ(Must(client_,
                 Parse<v1::GetPointsRequest>("collection: 'get' ids { num: 2 } with_vectors: '*'"))
                .points(0)
                .vectors()
                .size(),
            2U);
}

TEST_F(PointsTest, DeletesCountWhatWasThere) {
  Must(client_, NewCollection("deletes", 2, v1::METRIC_L2));
  Must(client_,
       Parse<v1::UpsertPointsRequest>(
           "collection: 'deletes' rows { points { id { num: 1 } } points { "
           "id { num: 2 } } points { id { num: 3 } } }"));
  const auto request = Parse<v1::DeletePointsRequest>(
      "collection: 'deletes' ids { num: 1 } ids { num: 1 } ids { num: 9 } ids { num: 3 }");
  const auto first = Must(client_, request);
  EXPECT_EQ(first.deleted_count(), 2U);
  EXPECT_EQ(Must(client_, request).deleted_count(), 0U);
  const auto count = Must(client_, Parse<v1::CountPointsRequest>("collection: 'deletes'"));
  EXPECT_EQ(count.count(), 1U);
  EXPECT_GE(count.seq(), first.receipt().seq());
}

// Payload of point i of the collection below, and conditions on it in both forms.
struct Condition {
  std::string filter;
  std::function<bool(int64_t)> holds;
};

std::vector<Condition> Conditions() {
  const auto in_group = [](int64_t i) { return i % 7 != 0; };
  return {
      {"equals { key: 'n' value { int64_value: 17 } }", [](int64_t i) { return i == 17; }},
      {"equals { key: 'n' value { double_value: 17 } }", [](int64_t i) { return i == 17; }},
      {"equals { key: 'n' value { string_value: '17' } }", [](int64_t) { return false; }},
      {"equals { key: 'group' value { string_value: 'g3' } }",
       [](int64_t i) { return i % 7 == 3; }},
      {"equals { key: 'nothing' value { int64_value: 1 } }", [](int64_t) { return false; }},
      {"is_in { key: 'n' values { int64_value: 3 } values { double_value: 4.0 } values { "
       "double_value: 4.5 } }",
       [](int64_t i) { return i == 3 || i == 4; }},
      {"is_in { key: 'n' }", [](int64_t) { return false; }},
      {"range { key: 'n' gte { int64_value: 10 } lt { double_value: 20.5 } }",
       [](int64_t i) { return i >= 10 && i <= 20; }},
      {"range { key: 'n' gt { int64_value: 290 } }", [](int64_t i) { return i > 290; }},
      {"range { key: 'group' gte { string_value: 'g5' } }",
       [](int64_t i) { return i % 7 == 5 || i % 7 == 6; }},
      {"range { key: 'o.half' lte { double_value: 2.0 } }", [](int64_t i) { return i <= 4; }},
      {"equals { key: 'tags' value { int64_value: 2 } }", [](int64_t i) { return i % 5 == 2; }},
      {"exists { key: 'group' }", in_group},
      {"is_null { key: 'group' }", [](int64_t i) { return i % 7 == 0; }},
      {"none_of { filters { exists { key: 'group' } } }", [](int64_t i) { return i % 7 == 0; }},
      {"all_of { filters { exists { key: 'group' } } filters { range { key: 'n' lt { int64_value: "
       "30 "
       "} } } }",
       [in_group](int64_t i) { return in_group(i) && i < 30; }},
      {"any_of { filters { equals { key: 'n' value { int64_value: 0 } } } filters { equals { key: "
       "'n' value { int64_value: 299 } } } }",
       [](int64_t i) { return i == 0 || i == 299; }},
      {"all_of {}", [](int64_t) { return true; }},
      {"any_of {}", [](int64_t) { return false; }},
      {"none_of {}", [](int64_t) { return true; }},
  };
}

TEST_F(PointsTest, FiltersAreExactInCountsListsAndSearches) {
  constexpr int64_t kPoints = 300;
  Must(client_, NewCollection("filtered", 2, v1::METRIC_L2));
  v1::UpsertPointsRequest request;
  request.set_collection("filtered");
  for (int64_t i = 0; i < kPoints; ++i) {
    v1::Point& point = *request.mutable_rows()->add_points();
    point.mutable_id()->set_num(static_cast<uint64_t>(i));
    (*point.mutable_vectors())["v"].set_packed(Packed({static_cast<float>(i), 1}));
    auto& fields = *point.mutable_payload()->mutable_fields();
    fields["n"].set_int64_value(i);
    if (i % 7 != 0) {
      fields["group"].set_string_value("g" + std::to_string(i % 7));
    }
    (*fields["o"].mutable_object_value()->mutable_fields())["half"].set_double_value(
        static_cast<double>(i) / 2);
    fields["tags"].mutable_list_value()->add_values()->set_int64_value(i % 5);
    fields["tags"].mutable_list_value()->add_values()->set_string_value("t");
  }
  Must(client_, request);
  for (const std::string when : {"in memory", "in a segment"}) {
    for (const Condition& condition : Conditions()) {
      SCOPED_TRACE(condition.filter + " " + when);
      std::set<uint64_t> expected;
      for (int64_t i = 0; i < kPoints; ++i) {
        if (condition.holds(i)) {
          expected.insert(static_cast<uint64_t>(i));
        }
      }
      const auto filter = Parse<v1::Filter>(condition.filter);
      v1::CountPointsRequest count;
      count.set_collection("filtered");
      *count.mutable_filter() = filter;
      EXPECT_EQ(Must(client_, count).count(), expected.size());

      std::set<uint64_t> listed;
      v1::ListPointsRequest list;
      list.set_collection("filtered");
      list.set_page_size(11);
      *list.mutable_filter() = filter;
      do {
        const auto page = Must(client_, list);
        for (const v1::Point& point : page.points()) {
          EXPECT_TRUE(listed.insert(point.id().num()).second);
        }
        list.set_page_token(page.next_page_token());
      } while (!list.page_token().empty() && !HasFailure());
      EXPECT_EQ(listed, expected);

      std::set<uint64_t> found;
      v1::SearchRequest search;
      search.set_collection("filtered");
      search.set_k(kPoints);
      search.add_queries()->mutable_vector()->set_packed(Packed({7, 1}));
      *search.mutable_filter() = filter;
      const auto answer = Must(client_, search);
      for (const v1::Hit& hit : answer.results(0).hits()) {
        found.insert(hit.id().num());
      }
      EXPECT_EQ(found, expected);
    }
    Must(client_, Parse<v1::FlushRequest>("collection: 'filtered'"));
  }
}

TEST_F(PointsTest, AListingIsStableUnderWrites) {
  Must(client_, NewCollection("pages", 2, v1::METRIC_L2));
  const auto put = [this](uint64_t id, int64_t version) {
    v1::UpsertPointsRequest request;
    request.set_collection("pages");
    request.set_durability(v1::DURABILITY_BUFFERED);
    v1::Point& point = *request.mutable_rows()->add_points();
    point.mutable_id()->set_num(id);
    (*point.mutable_payload()->mutable_fields())["version"].set_int64_value(version);
    Must(client_, request);
  };
  for (uint64_t id = 0; id < 400; id += 2) {
    put(id, 0);
  }
  // Between the pages odd ids come and go and even ones are replaced; the even ones stay.
  std::map<uint64_t, int> times;
  v1::ListPointsRequest request;
  request.set_collection("pages");
  request.set_page_size(17);
  uint64_t last = 0;
  for (int64_t page = 0; page == 0 || !request.page_token().empty(); ++page) {
    ASSERT_LT(page, 100);
    const auto answer = Must(client_, request);
    for (const v1::Point& point : answer.points()) {
      const uint64_t id = point.id().num();
      EXPECT_TRUE(times.empty() || id > last) << id << " after " << last;
      last = id;
      ++times[id];
    }
    for (uint64_t i = 0; i < 4; ++i) {
      const uint64_t id = (static_cast<uint64_t>(page) * 37 + i * 101) % 200 * 2;
      put(id, page + 1);
      put(id + 1, page);
      if (i % 2 == 0) {
        v1::DeletePointsRequest remove;
        remove.set_collection("pages");
        remove.add_ids()->set_num(id + 1);
        Must(client_, remove);
      }
    }
    request.set_page_token(answer.next_page_token());
  }
  for (uint64_t id = 0; id < 400; id += 2) {
    EXPECT_EQ(times[id], 1) << id;
  }
  for (const auto& [id, count] : times) {
    EXPECT_EQ(count, 1) << id;
  }
}

TEST_F(PointsTest, ListsByAKeyAndCountsItsValues) {
  Must(client_, NewCollection("ordered", 2, v1::METRIC_L2));
  const auto index = [&](const char* key, v1::PayloadIndexType type) {
    v1::CreatePayloadIndexRequest request;
    request.set_collection("ordered");
    request.mutable_payload_index()->set_key(key);
    request.mutable_payload_index()->set_type(type);
    Must(client_, request);
  };
  index("when", v1::PAYLOAD_INDEX_TYPE_DATETIME);
  v1::UpsertPointsRequest upsert;
  upsert.set_collection("ordered");
  const auto add = [&](uint64_t id, const char* when, const std::string& tag) {
    v1::Point& point = *upsert.mutable_rows()->add_points();
    point.mutable_id()->set_num(id);
    auto& fields = *point.mutable_payload()->mutable_fields();
    fields["when"].set_string_value(when);
    google::protobuf::TextFormat::ParseFromString(tag, &fields["tag"]);
  };
  add(1, "2024-05-01T00:00:00Z", "int64_value: 1");
  add(2, "2024-05-01T03:00:00+05:00", "double_value: 1");
  add(3, "2024-05-01", "string_value: '1'");
  add(4, "some day", "list_value { values { int64_value: 1 } values { int64_value: 1 } }");
  add(5, "2023-01-01", "bool_value: true");
  const uint64_t seq = Must(client_, upsert).receipt().seq();
  for (const bool sealed : {false, true}) {
    if (sealed) {
      Must(client_, Parse<v1::FlushRequest>("collection: 'ordered'"));
    }
    auto list = Parse<v1::ListPointsRequest>(
        "collection: 'ordered' page_size: 2 order_by { key: 'when' direction: "
        "ORDER_DIRECTION_DESCENDING start_from { string_value: '2024-06-01' } }");
    list.set_min_seq(seq);
    std::vector<uint64_t> ids;
    do {
      const auto page = Must(client_, list);
      for (const v1::Point& point : page.points()) {
        ids.push_back(point.id().num());
        EXPECT_EQ(point.seq(), seq);
      }
      list.set_page_token(page.next_page_token());
    } while (!list.page_token().empty() && ids.size() < 10);
    EXPECT_THAT(ids, ElementsAre(1, 3, 2, 5)) << sealed;

    const auto facet = Must(
        client_,
        Parse<v1::FacetPointsRequest>("collection: 'ordered' key: 'tag' order: FACET_ORDER_VALUE"));
    std::vector<std::string> values;
    for (const v1::FacetValue& value : facet.values()) {
      values.push_back(value.ShortDebugString());
    }
    EXPECT_THAT(values,
                ElementsAre("value { bool_value: true } points_count: 1",
                            "value { int64_value: 1 } points_count: 3",
                            "value { string_value: \"1\" } points_count: 1"));
    EXPECT_EQ(facet.values_count(), 3U);
    EXPECT_GE(facet.seq(), seq);
    const auto bounds =
        Must(client_, Parse<v1::GetPayloadBoundsRequest>("collection: 'ordered' key: 'when'"));
    EXPECT_EQ(bounds.datetimes().minimum().string_value(), "2023-01-01");
    EXPECT_EQ(bounds.datetimes().maximum().string_value(), "2024-05-01T00:00:00Z");
    EXPECT_EQ(bounds.strings().maximum().string_value(), "some day");
    EXPECT_FALSE(bounds.has_numbers());
  }
}

}  // namespace
}  // namespace alidade::testing
