// Filters from the wire: the tree that each message becomes, and the field that a bad one is
// refused for.
#include "filter_codec.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/filter/filter_text.h"

#include "codec_testing.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using testing::HasSubstr;

TEST(FilterCodec, DecodesEveryKindOfNode) {
  struct Case {
    const char* message;
    const char* text;
  };
  const std::vector<Case> cases = {
      {"all_of {}", "all_of()"},
      {"all_of { filters { any_of { filters { exists { key: 'a' } } filters { is_null { key: 'b' } "
       "} } } "
       "filters { none_of {} } }",
       "(exists(a) OR is_null(b)) AND none_of()"},
      {"none_of { filters { equals { key: 'a' value { bool_value: false } } } }", "a != false"},
      {"equals { key: 'a' value { null_value: NULL_VALUE } }", "a = null"},
      {"equals { key: 'a' value { double_value: 1 } }", "a = 1.0"},
      {"is_in { key: 'c' values { int64_value: 1 } values { string_value: 'x' } }",
       "c IN [1, \"x\"]"},
      {"contains_all { key: 'c' values { int64_value: 1 } }", "contains_all(c, [1])"},
      {"range { key: 'd.e' gte { int64_value: 1 } lt { double_value: 2.5 } }", "1 <= d.e < 2.5"},
      {"range { key: 'a' gt { null_value: NULL_VALUE } }", "a > null"},
      {"range { key: 'a' lte { string_value: 'm' } }", "a <= \"m\""},
      {"is_empty { key: 'a' }", "is_empty(a)"},
      {"starts_with { key: 'a' text: 'x' }", "starts_with(a, \"x\")"},
      {"contains { key: 'a' text: 'x' }", "contains(a, \"x\")"},
      {"icontains { key: 'a' text: 'x' }", "icontains(a, \"x\")"},
      {"match { key: 'a' text: 'x y' }", "match(a, \"x y\")"},
      {"match_any { key: 'a' text: 'x' analyzer {} }", "match_any(a, \"x\")"},
      {"match_any { key: 'a' text: 'x' analyzer { language: 'none' keep_case: true } }",
       "match_any(a, \"x\", \"none case=kept\")"},
      {"match_phrase { key: 'a' text: 'x y' analyzer { language: 'english' no_stemming: true "
       "default_stop_words: true token_bytes_min: 2 token_bytes_max: 9 } }",
       "match_phrase(a, \"x y\", \"english stem=off stop_words=default min_bytes=2 max_bytes=9\")"},
      {"match { key: 'a' text: 'x' analyzer { stop_words: 'the' stop_words: 'a' } }",
       "match(a, \"x\", \"none stop=the,a\")"},
      {"datetime_range { key: 'a' gt: '2024-01-01' lte: '2024-01-01T00:00:00.5Z' }",
       "\"2024-01-01\" < datetime(a) <= \"2024-01-01T00:00:00.5Z\""},
      {"count { key: 'a' gte: 0 }", "count(a) >= 0"},
      {"count { key: 'a' gt: 1 lt: 3 }", "1 < count(a) < 3"},
      {"geo_radius { key: 'a' center { lat: 1.5 lon: -2 } metres: 10 }",
       "geo_radius(a, 1.5, -2, 10)"},
      {"geo_box { key: 'a' south_west { lat: 1 lon: 2 } north_east { lat: 3 lon: 4 } }",
       "geo_box(a, 1, 2, 3, 4)"},
      {"geo_polygon { key: 'a' exterior { points {} points { lon: 5 } points { lat: 5 } } "
       "holes { points { lat: 1 lon: 1 } points { lat: 1 lon: 2 } points { lat: 2 lon: 1 } } }",
       "geo_polygon(a, [[0, 0], [0, 5], [5, 0]], [[1, 1], [1, 2], [2, 1]])"},
      {"nested { key: 'a' filters { exists { key: 'b' } } filters { exists { key: 'c' } } }",
       "nested(a, exists(b), exists(c))"},
      {"id_in { ids { num: 18446744073709551615 } ids { str: 'x' } }",
       "id IN [18446744073709551615, \"x\"]"},
      {"has_vector { field: 'title' }", "has_vector(\"title\")"},
  };
  for (const Case& c : cases) {
    const auto filter = DecodeFilter(Parse<v1::Filter>(c.message), Limits(), FieldPath("filter"));
    ASSERT_TRUE(filter.ok()) << c.message << ": " << MessageOf(filter.status());
    EXPECT_EQ(FilterText(**filter), c.text) << c.message;
  }
}

TEST(FilterCodec, RefusesMalformedFiltersWithTheirField) {
  const std::string leaf = "filters { exists { key: \"a\" } } ";
  const std::vector<Refusal> refusals = {
      {"nothing set", "", "filter", "sets no condition"},
      {"nested nothing", "all_of { filters {} }", "filter.all_of.filters[0]", "sets no condition"},
      {"empty key", "exists {}", "filter.exists.key", "0 bytes"},
      {"long key",
       "exists { key: \"" + std::string(257, 'k') + "\" }",
       "filter.exists.key",
       "257 bytes"},
      {"equality without a key",
       "equals { value { bool_value: true } }",
       "filter.equals.key",
       "0 bytes"},
      {"value missing", "equals { key: \"a\" }", "filter.equals.value", "no value set"},
      {"object operand",
       "equals { key: \"a\" value { object_value {} } }",
       "filter.equals.value",
       "must be"},
      {"nan operand",
       "equals { key: \"a\" value { double_value: nan } }",
       "filter.equals.value",
       "finite"},
      {"too many values",
       "is_in { key: \"a\" values {bool_value:1} values {bool_value:1} values {bool_value:1} }",
       "filter.is_in.values",
       "the limit is 2"},
      {"too many values of contains_all",
       "contains_all { key: \"a\" values {bool_value:1} values {bool_value:1} values "
       "{bool_value:1} }",
       "filter.contains_all.values",
       "the limit is 2"},
      {"no bound", "range { key: \"a\" }", "filter.range", "no bound"},
      {"two lower bounds",
       "range { key: \"a\" gt { int64_value: 1 } gte { int64_value: 1 } }",
       "filter.range.gte",
       "together with gt"},
      {"mixed bounds",
       "range { key: \"a\" gt { int64_value: 1 } lt { string_value: \"x\" } }",
       "filter.range.lt",
       "the same kind"},
      {"bool bound",
       "range { key: \"a\" gt { bool_value: true } }",
       "filter.range.gt",
       "number, a string or null"},
      {"infinite bound",
       "range { key: \"a\" gt { double_value: inf } }",
       "filter.range.gt",
       "finite"},
      {"too many ids",
       "id_in { ids { num: 1 } ids { num: 2 } ids { num: 3 } }",
       "filter.id_in.ids",
       "the limit is 2"},
      {"empty id", "id_in { ids { str: \"\" } }", "filter.id_in.ids[0]", ""},
      {"id not set", "id_in { ids { num: 1 } ids {} }", "filter.id_in.ids[1]", ""},
      {"no center",
       "geo_radius { key: \"a\" metres: 1 }",
       "filter.geo_radius.center",
       "must be set"},
      {"no radius",
       "geo_radius { key: \"a\" center {} }",
       "filter.geo_radius.metres",
       "more than 0"},
      {"no corner",
       "geo_box { key: \"a\" south_west {} }",
       "filter.geo_box.north_east",
       "must be set"},
      {"no other corner",
       "geo_box { key: \"a\" north_east {} }",
       "filter.geo_box.south_west",
       "must be set"},
      {"no exterior", "geo_polygon { key: \"a\" }", "filter.geo_polygon.exterior", "must be set"},
      {"corner out of range",
       "geo_polygon { key: \"a\" exterior { points {} points { lat: 95 } points { lon: 1 } } }",
       "filter.geo_polygon.exterior.points[1].lat",
       "-90..90"},
      {"empty nested", "nested { key: \"a\" }", "filter.nested.filters", "is empty"},
      {"nothing in nested",
       "nested { key: \"a\" filters {} }",
       "filter.nested.filters[0]",
       "sets no condition"},
      {"id in nested",
       "nested { key: \"a\" filters { id_in {} } }",
       "filter.nested.filters[0].id_in",
       "no place"},
      {"too deep",
       "all_of { filters { any_of { filters { none_of { filters { exists { key: \"a\" } } } } } } "
       "}",
       "filter.all_of.filters[0].any_of.filters[0].none_of.filters[0]",
       "deeper than 3"},
      {"too deep in nested",
       "nested { key: 'a' filters { nested { key: 'a' filters { none_of { filters { exists { key: "
       "\"a\" } } } } } } }",
       "filter.nested.filters[0].nested.filters[0].none_of.filters[0]",
       "deeper than 3"},
      {"too many nodes",
       "all_of { " + leaf + leaf + leaf + leaf + leaf + "}",
       "filter.all_of.filters[4]",
       "5 nodes"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::Filter>(refusal, [](const v1::Filter& filter) {
      return DecodeFilter(filter, SmallLimits(), FieldPath("filter")).status();
    });
  }
}

// Calls fn(message, path) for the message and every one inside, each of which may be changed.
void ForEachMessage(google::protobuf::Message& message,
                    const std::string& path,
                    const std::function<void(google::protobuf::Message&, const std::string&)>& fn) {
  fn(message, path);
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    if (!field->is_repeated()) {
      ForEachMessage(*reflection->MutableMessage(&message, field), path + "." + field->name(), fn);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      ForEachMessage(*reflection->MutableRepeatedMessage(&message, field, i),
                     fmt::format("{}.{}[{}]", path, field->name(), i),
                     fn);
    }
  }
}

TEST(FilterCodec, RefusesUnknownFieldsAtEveryPlace) {
  auto good = Parse<v1::Filter>(R"(all_of {
      filters { any_of { filters { none_of { filters { exists { key: 'a' } } } } } }
      filters { equals { key: 'a' value { int64_value: 1 } } }
      filters { range { key: 'b' gt { int64_value: 1 } lte { int64_value: 1 } } }
      filters { is_in { key: 'c' values { int64_value: 1 } values { bool_value: true } } }
      filters { contains_all { key: 'c' values { int64_value: 1 } } }
      filters { is_null { key: 'e' } }
      filters { is_empty { key: 'e' } }
      filters { starts_with { key: 'e' text: 'x' } }
      filters { contains { key: 'e' text: 'x' } }
      filters { icontains { key: 'e' text: 'x' } }
      filters { match { key: 'e' text: 'x' analyzer { language: 'german' } } }
      filters { match_any { key: 'e' text: 'x' } }
      filters { match_phrase { key: 'e' text: 'x' } }
      filters { datetime_range { key: 'e' gt: '2024-01-01' } }
      filters { count { key: 'e' gt: 1 } }
      filters { geo_radius { key: 'e' center {} metres: 1 } }
      filters { geo_box { key: 'e' south_west {} north_east {} } }
      filters { geo_polygon { key: 'e' exterior { points {} points { lat: 1 } points { lon: 1 } }
                              holes { points {} points { lat: 1 } points { lon: 1 } } } }
      filters { nested { key: 'e' filters { exists { key: 'a' } } } }
      filters { id_in { ids { num: 1 } } }
      filters { has_vector { field: 'v' } } })");
  ASSERT_TRUE(DecodeFilter(good, Limits(), FieldPath("filter")).ok());
  // Every condition that there is.
  EXPECT_EQ(v1::Filter::descriptor()->field_count(), 24);
  int places = 0;
  ForEachMessage(good, "filter", [&](google::protobuf::Message& message, const std::string& path) {
    auto* unknown = message.GetReflection()->MutableUnknownFields(&message);
    unknown->AddVarint(99, 1);
    const Status status = DecodeFilter(good, Limits(), FieldPath("filter")).status();
    EXPECT_THAT(status, FieldErrorAt(path));
    EXPECT_THAT(MessageOf(status), HasSubstr("field number 99"));
    unknown->Clear();
    ++places;
  });
  EXPECT_EQ(places, 69);
  EXPECT_TRUE(DecodeFilter(good, Limits(), FieldPath("filter")).ok());
}

}  // namespace
}  // namespace alidade
