#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/filter/filter.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value Int(int64_t x) { return Value(x); }
Filter Has(std::string key) { return Filter{Exists{std::move(key)}}; }

// Groups around one leaf: `levels` filters deep in all.
Filter Levels(uint32_t levels) {
  Filter filter = Has("k");
  for (uint32_t i = 1; i < levels; ++i) {
    filter = Filter{AllOf{{std::move(filter)}}};
  }
  return filter;
}

TEST(ValidateFilterTest, AcceptsEveryNode) {
  const Filter filter{AllOf{
      {Filter{AnyOf{{Filter{In{"a", {Value(), Value(true), Int(1), Value(1.5), Value("x")}}},
                     Filter{In{"a", {}}}}}},
       Filter{NoneOf{{Has("b")}}},
       Filter{Range{.key = "c", .gt = Int(1), .lte = Value(2.5)}},
       Filter{Range{.key = "c", .lt = Value("m")}},
       Filter{Range{.key = "c", .gt = Int(1), .lt = Value()}},
       Filter{ContainsAll{"a", {Value()}}},
       Filter{DatetimeRange{.key = "a", .gt = "2024-01-01", .lte = "2024-01-01T00:00:00Z"}},
       Filter{CountRange{.key = "a", .gte = 0, .lt = 7}},
       Filter{IsEmpty{"a"}},
       Filter{StringMatch{"a", StringMatchKind::kFolded, std::string(1'024, 'x')}},
       Filter{TextMatch{"a",
                        TextMatchKind::kPhrase,
                        "%",
                        {.language = Language::kGerman, .stop_words = StopWords::kOfLanguage}}},
       Filter{GeoRadius{"a", {90, -180}, 0.1}},
       Filter{GeoBox{"a", {-90, 180}, {90, -180}}},
       Filter{GeoPolygon{"a", {{0, 0}, {0, 1}, {1, 0}, {0, 0}}, {{{0, 0}, {0, 1}, {1, 1}}}}},
       Filter{Nested{"a", {Has("b"), Filter{Nested{"c", {Filter{}}}}}}},
       Filter{IdIn{}},
       Filter{IdIn{{PointId(1)}}},
       Filter{HasVector{"title"}},
       Filter{IsNull{std::string(kFilterKeyBytesMax, 'k')}}}}};
  EXPECT_THAT(ValidateFilter(filter, Limits{}, "filter"), IsOk());
  EXPECT_THAT(ValidateFilter(Filter{}, Limits{}, "filter"), IsOk());
}

TEST(ValidateFilterTest, NamesTheOffendingPart) {
  struct Case {
    Filter filter;
    const char* field;
    const char* message;
  };
  const std::string long_key(kFilterKeyBytesMax + 1, 'k');
  const std::vector<Case> cases = {
      {Has(""), "q.exists.key", "has 0 bytes; 1..256 are allowed"},
      {Has(long_key), "q.exists.key", "has 257 bytes"},
      {Filter{IsNull{""}}, "q.is_null.key", "has 0 bytes"},
      {Filter{In{"", {}}}, "q.is_in.key", "has 0 bytes"},
      {Filter{In{"a", {Int(1), Value(List{})}}}, "q.is_in.values[1]", "must be null, a bool"},
      {Filter{In{"a", {Value(Object{})}}}, "q.is_in.values[0]", "must be null, a bool"},
      {Filter{Range{.key = "", .gt = Int(1)}}, "q.range.key", "has 0 bytes"},
      {Filter{Range{.key = "a"}}, "q.range", "has no bound"},
      {Filter{Range{.key = "a", .lte = Value(true)}},
       "q.range.lte",
       "must be a number, a string or null"},
      {Filter{Range{.key = "a", .gte = Value(List{})}},
       "q.range.gte",
       "must be a number, a string or null"},
      {Filter{Range{.key = "a", .gt = Int(1), .lt = Value("z")}}, "q.range.lt", "the same kind"},
      {Filter{Range{.key = "a", .gt = Int(1), .gte = Int(1)}}, "q.range.gte", "together with gt"},
      {Filter{Range{.key = "a", .lt = Int(1), .lte = Int(1)}}, "q.range.lte", "together with lt"},
      {Filter{ContainsAll{"a", {}}}, "q.contains_all.values", "is empty"},
      {Filter{ContainsAll{"a", {Value(List{})}}}, "q.contains_all.values[0]", "must be null"},
      {Filter{ContainsAll{"", {Int(1)}}}, "q.contains_all.key", "has 0 bytes"},
      {Filter{DatetimeRange{.key = "a"}}, "q.datetime_range", "has no bound"},
      {Filter{DatetimeRange{.key = "", .gt = "2024-01-01"}}, "q.datetime_range.key", "has 0 bytes"},
      {Filter{DatetimeRange{.key = "a", .gt = "2024-01-01", .lte = "soon"}},
       "q.datetime_range.lte",
       "RFC 3339"},
      {Filter{DatetimeRange{.key = "a", .gt = "2024-01-01", .gte = "2024-01-01"}},
       "q.datetime_range.gte",
       "together with gt"},
      {Filter{CountRange{.key = "a"}}, "q.count", "has no bound"},
      {Filter{CountRange{.key = "", .gt = 1}}, "q.count.key", "has 0 bytes"},
      {Filter{CountRange{.key = "a", .lt = 1, .lte = 1}}, "q.count.lte", "together with lt"},
      {Filter{IsEmpty{""}}, "q.is_empty.key", "has 0 bytes"},
      {Filter{StringMatch{"", StringMatchKind::kPrefix, "x"}}, "q.starts_with.key", "has 0 bytes"},
      {Filter{StringMatch{"a", StringMatchKind::kPrefix, ""}}, "q.starts_with.text", "1..1024"},
      {Filter{StringMatch{"a", StringMatchKind::kSubstring, std::string(1'025, 'x')}},
       "q.contains.text",
       "has 1025 bytes"},
      {Filter{StringMatch{"a", StringMatchKind::kFolded, ""}}, "q.icontains.text", "has 0 bytes"},
      {Filter{TextMatch{"", TextMatchKind::kAllWords, "x"}}, "q.match.key", "has 0 bytes"},
      {Filter{TextMatch{"a", TextMatchKind::kAnyWord, ""}}, "q.match_any.text", "has 0 bytes"},
      {Filter{TextMatch{"a", TextMatchKind::kPhrase, std::string(1'025, 'x')}},
       "q.match_phrase.text",
       "has 1025 bytes"},
      {Filter{TextMatch{"a", TextMatchKind::kPhrase, "x", {.token_bytes_max = 999}}},
       "q.match_phrase.analyzer.token_bytes_max",
       "the limit is 255"},
      {Filter{GeoRadius{"", {0, 0}, 1}}, "q.geo_radius.key", "has 0 bytes"},
      {Filter{GeoRadius{"a", {90.1, 0}, 1}}, "q.geo_radius.center.lat", "-90..90 are allowed"},
      {Filter{GeoRadius{"a", {0, 180.1}, 1}}, "q.geo_radius.center.lon", "-180..180 are allowed"},
      {Filter{GeoRadius{"a", {kNan, 0}, 1}}, "q.geo_radius.center.lat", "is nan"},
      {Filter{GeoRadius{"a", {0, 0}, 0}}, "q.geo_radius.metres", "more than 0 is wanted"},
      {Filter{GeoRadius{"a", {0, 0}, kNan}}, "q.geo_radius.metres", "more than 0 is wanted"},
      {Filter{GeoRadius{"a", {0, 0}, kInfinity}}, "q.geo_radius.metres", "is inf"},
      {Filter{GeoBox{"", {0, 0}, {1, 1}}}, "q.geo_box.key", "has 0 bytes"},
      {Filter{GeoBox{"a", {1, 0}, {0, 1}}}, "q.geo_box.south_west.lat", "north of north_east.lat"},
      {Filter{GeoBox{"a", {0, 0}, {91, 1}}}, "q.geo_box.north_east.lat", "is 91"},
      {Filter{GeoBox{"a", {0, -181}, {1, 1}}}, "q.geo_box.south_west.lon", "is -181"},
      {Filter{GeoPolygon{"", {{0, 0}, {0, 1}, {1, 0}}}}, "q.geo_polygon.key", "has 0 bytes"},
      {Filter{GeoPolygon{"a", {{0, 0}, {0, 1}}}}, "q.geo_polygon.exterior.points", "2 corners"},
      {Filter{GeoPolygon{"a", {{0, 0}, {0, 1}, {0, 0}}}},
       "q.geo_polygon.exterior.points",
       "2 corners"},
      {Filter{GeoPolygon{"a", {{0, 0}, {0, 1}, {1, 181}}}},
       "q.geo_polygon.exterior.points[2].lon",
       "is 181"},
      {Filter{GeoPolygon{"a", {{0, 0}, {0, 1}, {1, 0}}, {{}}}},
       "q.geo_polygon.holes[0].points",
       "0 corners"},
      {Filter{GeoPolygon{"a", std::vector<GeoPoint>(600), {std::vector<GeoPoint>(401)}}},
       "q.geo_polygon",
       "has 1001 points, the limit is 1000"},
      {Filter{Nested{"", {Has("a")}}}, "q.nested.key", "has 0 bytes"},
      {Filter{Nested{"a", {}}}, "q.nested.filters", "is empty"},
      {Filter{Nested{"a", {Has("b"), Has("")}}}, "q.nested.filters[1].exists.key", "has 0 bytes"},
      {Filter{Nested{"a", {Filter{NoneOf{{Filter{IdIn{}}}}}}}},
       "q.nested.filters[0].none_of.filters[0].id_in",
       "no place inside nested"},
      {Filter{
           AllOf{{Filter{Nested{"a", {Has("b")}}}, Filter{Nested{"a", {Filter{HasVector{"v"}}}}}}}},
       "q.all_of.filters[1].nested.filters[0].has_vector",
       "no place inside nested"},
      {Filter{HasVector{""}}, "q.has_vector.field", "has 0 bytes"},
      {Filter{HasVector{std::string(129, 'v')}}, "q.has_vector.field", "1..128 are allowed"},
      {Filter{AllOf{{Has("a"), Filter{Range{.key = "a", .gt = Int(1), .lt = Value("z")}}}}},
       "q.all_of.filters[1].range.lt",
       "the same kind"},
      {Filter{NoneOf{{Filter{AnyOf{{Has("a"), Has("b"), Has("")}}}}}},
       "q.none_of.filters[0].any_of.filters[2].exists.key",
       "has 0 bytes"},
  };
  for (const Case& c : cases) {
    const Status status = ValidateFilter(c.filter, Limits{}, "q");
    EXPECT_THAT(status, FieldErrorAt(c.field));
    EXPECT_THAT(MessageOf(status), HasSubstr(c.message)) << c.field;
  }
}

TEST(ValidateFilterTest, BoundsDepthNodesAndValues) {
  Limits limits;
  limits.filter_depth_max = 3;
  EXPECT_THAT(ValidateFilter(Levels(3), limits, "f"), IsOk());
  EXPECT_THAT(ValidateFilter(Levels(4), limits, "f"),
              FieldErrorAt("f.all_of.filters[0].all_of.filters[0].all_of.filters[0]"));
  EXPECT_THAT(ValidateFilter(Levels(300), limits, "f"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("deeper than 3 levels")));

  limits.filter_nodes_max = 4;
  EXPECT_THAT(ValidateFilter(Filter{AnyOf{{Has("a"), Has("b"), Has("c")}}}, limits, "f"), IsOk());
  EXPECT_THAT(ValidateFilter(Filter{AnyOf{{Has("a"), Has("b"), Has("c"), Has("d")}}}, limits, "f"),
              FieldErrorAt("f.any_of.filters[3]"));

  limits.filter_values_max = 2;
  EXPECT_THAT(ValidateFilter(Filter{In{"a", {Int(1), Int(2)}}}, limits, "f"), IsOk());
  EXPECT_THAT(ValidateFilter(Filter{In{"a", {Int(1), Int(2), Int(3)}}}, limits, "f"),
              FieldErrorAt("f.is_in.values"));
  EXPECT_THAT(ValidateFilter(Filter{ContainsAll{"a", {Int(1), Int(2), Int(3)}}}, limits, "f"),
              FieldErrorAt("f.contains_all.values"));
  EXPECT_THAT(ValidateFilter(Filter{IdIn{{PointId(1), PointId(2), PointId(3)}}}, limits, "f"),
              FieldErrorAt("f.id_in.ids"));
}

}  // namespace
}  // namespace alidade
