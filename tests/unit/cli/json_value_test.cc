#include "json_value.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(JsonValues, GoToTypedValuesAndBack) {
  struct Case {
    std::string json;
    std::string value;
  };
  const std::vector<Case> cases = {
      {"null", "null_value: NULL_VALUE"},
      {"true", "bool_value: true"},
      {"7", "int64_value: 7"},
      {"-9223372036854775808", "int64_value: -9223372036854775808"},
      {"9223372036854775807", "int64_value: 9223372036854775807"},
      {"7.0", "double_value: 7"},
      {"-2.5e-300", "double_value: -2.5e-300"},
      {"\"a\\n\xC3\xBC\"", "string_value: \"a\\n\\303\\274\""},
      {"[]", "list_value { }"},
      {"[1,[null]]",
       "list_value { values { int64_value: 1 } values { list_value { values { null_value: "
       "NULL_VALUE "
       "} } } }"},
      {"{}", "object_value { }"},
      {"{\"a\":{\"b\":false}}",
       "object_value { fields { key: \"a\" value { object_value { fields { key: \"b\" value { "
       "bool_value: false } } } } } }"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    v1::Value value;
    ASSERT_THAT(JsonToValue(Json::parse(c.json), value), IsOk());
    EXPECT_EQ(value.ShortDebugString(), c.value);
    EXPECT_EQ(Json::parse(ValueText(value)), Json::parse(c.json));
  }
}

TEST(JsonValues, IntegersBeyondTheTypeAreRefused) {
  v1::Value value;
  EXPECT_THAT(JsonToValue(Json::parse("9223372036854775808"), value),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("9223372036854775808")));
}

TEST(JsonValues, NestingIsBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += '[';
  }
  deep += std::string(100'000, ']');
  v1::Value value;
  EXPECT_THAT(JsonToValue(Json::parse(deep), value),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("nested deeper")));
}

TEST(JsonValues, APayloadIsAnObject) {
  v1::Object object;
  EXPECT_THAT(JsonToObject(Json::parse("[1]"), object), StatusIs(StatusCode::kInvalidArgument));
  ASSERT_THAT(JsonToObject(Json::parse("{\"b\":1,\"a\":\"x\"}"), object), IsOk());
  EXPECT_EQ(ObjectText(object), "{\"a\":\"x\",\"b\":1}");
}

TEST(JsonValues, SparseVectorsHaveTwoForms) {
  for (const char* text :
       {R"({"indices": [70, 3], "values": [2, 0.5]})", R"({"70": 2, "3": 0.5})"}) {
    v1::SparseVector vector;
    ASSERT_THAT(JsonToSparse(nlohmann::json::parse(text), vector), IsOk()) << text;
    EXPECT_EQ(vector.ShortDebugString(), "indices: 3 indices: 70 values: 0.5 values: 2");
  }
  for (const char* text : {"[1]",
                           R"({"indices": [1]})",
                           R"({"indices": [1], "values": [1, 2]})",
                           R"({"indices": [-1], "values": [1]})",
                           R"({"indices": [4294967296], "values": [1]})",
                           R"({"indices": [1, 1], "values": [1, 2]})",
                           R"({"x": 1})",
                           R"({"1 ": 1})",
                           R"({"1": "a"})"}) {
    v1::SparseVector vector;
    EXPECT_THAT(JsonToSparse(nlohmann::json::parse(text), vector),
                StatusIs(StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(JsonMultiVectors, AreListsOfVectorsOfOneLength) {
  v1::MultiVector vectors;
  ASSERT_THAT(JsonToMultiVector(nlohmann::json::parse("[[1, -0.5], [2, 3], [0, 1]]"), vectors),
              IsOk());
  const std::vector<float> expected = {1, -0.5F, 2, 3, 0, 1};
  EXPECT_EQ(vectors.packed(),
            std::string(reinterpret_cast<const char*>(expected.data()), 6 * sizeof(float)));
  for (const char* text : {"[]",
                           "{}",
                           "1",
                           "null",
                           "[1, 2]",
                           "[[]]",
                           "[[1], []]",
                           "[[1, 2], [1]]",
                           "[[1], {\"0\": 1}]",
                           "[[1, \"2\"]]",
                           "[[1, null]]",
                           "[[[1]]]"}) {
    EXPECT_THAT(JsonToMultiVector(nlohmann::json::parse(text), vectors),
                StatusIs(StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(JsonFilters, SayWhatTheFiltersOfTheApiSay) {
  struct Case {
    std::string json;
    std::string parts;  // of the all_of
  };
  const std::vector<Case> cases = {
      {"{}", ""},
      {R"({"pos": "noun"})", "filters { equals { key: 'pos' value { string_value: 'noun' } } }"},
      {R"({"gone": null})", "filters { equals { key: 'gone' value { null_value: NULL_VALUE } } }"},
      {R"({"n": [1, 2.5]})",
       "filters { is_in { key: 'n' values { int64_value: 1 } values { double_value: 2.5 } } }"},
      {R"({"n": {"gte": 1, "lt": 9}})",
       "filters { range { key: 'n' gte { int64_value: 1 } lt { int64_value: 9 } } }"},
      {R"({"n": {"gt": "a", "lte": "b"}})",
       "filters { range { key: 'n' gt { string_value: 'a' } lte { string_value: 'b' } } }"},
      {R"({"n": {"exists": true}})", "filters { exists { key: 'n' } }"},
      {R"({"not": {"a": 1}})",
       "filters { none_of { filters { all_of { filters { equals { key: 'a' value { int64_value: 1 "
       "} } "
       "} } } } }"},
      {R"({"any": [{"a": 1}, {"b": 2}]})",
       "filters { any_of { filters { all_of { filters { equals { key: 'a' value { int64_value: 1 } "
       "} "
       "} } } filters { all_of { filters { equals { key: 'b' value { int64_value: 2 } } } } } } }"},
      {R"({"equals": {"pos": "verb", "n": 1}})",
       "filters { equals { key: 'n' value { int64_value: 1 } } } filters { equals { key: 'pos' "
       "value "
       "{ string_value: 'verb' } } }"},
      {R"({"range": {"key": "n", "lt": 60}})",
       "filters { range { key: 'n' lt { int64_value: 60 } } }"},
      {R"({"a": 1, "b": true})",
       "filters { equals { key: 'a' value { int64_value: 1 } } } filters { equals { key: 'b' value "
       "{ "
       "bool_value: true } } }"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    v1::Filter filter;
    ASSERT_THAT(JsonToFilter(Json::parse(c.json), filter), IsOk());
    v1::Filter expected;
    ASSERT_TRUE(
        google::protobuf::TextFormat::ParseFromString("all_of { " + c.parts + " }", &expected));
    EXPECT_EQ(filter.ShortDebugString(), expected.ShortDebugString());
  }
}

TEST(JsonFilters, MalformedOnesAreRefusedWithTheReason) {
  struct Case {
    std::string json;
    std::string message;
  };
  for (const Case& c : std::vector<Case>{
           {"[]", "a filter is a JSON object, not array"},
           {R"({"n": {"less": 5}})", "filter on \"n\": \"less\" is none of gt, gte, lt, lte"},
           {R"({"any": {"a": 1}})", "\"any\" wants a list"},
           {R"({"any": [5]})", "a filter is a JSON object"},
           {R"({"not": 5})", "a filter is a JSON object"},
           {R"({"range": {"below": 5}})", "not \"below\""},
           {R"({"n": [99999999999999999999999]})", ""},
           {R"({"n": 9223372036854775808})", "beyond int64"}}) {
    SCOPED_TRACE(c.json);
    v1::Filter filter;
    const Status status = JsonToFilter(Json::parse(c.json), filter);
    if (!c.message.empty()) {
      EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, HasSubstr(c.message)));
    } else {
      EXPECT_THAT(status, IsOk());  // JSON numbers beyond 64 bits are doubles
    }
  }
}

TEST(JsonFilters, NestingHasABound) {
  const auto nested = [](const std::string& begin, const std::string& end, int depth) {
    std::string text;
    for (int i = 1; i < depth; ++i) {
      text += begin;
    }
    text += R"({"a": 1})";
    for (int i = 1; i < depth; ++i) {
      text += end;
    }
    v1::Filter filter;
    return JsonToFilter(Json::parse(text), filter);
  };
  for (const auto& [begin, end] : {std::pair(R"({"not":)", "}"), {R"({"any":[)", "]}"}}) {
    EXPECT_THAT(nested(begin, end, 64), IsOk());
    EXPECT_THAT(nested(begin, end, 65),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("nested deeper than 64")));
    // So deep that following it would overflow the stack.
    EXPECT_THAT(nested(begin, end, 200'000), StatusIs(StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace alidade
