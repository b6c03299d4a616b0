#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/filter/filter.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

Value Int(int64_t x) { return Value(x); }
Filter Has(std::string key) { return Filter{Exists{std::move(key)}}; }

// Groups around one leaf: `levels` filters deep in all.
Filter Nested(uint32_t levels) {
  Filter filter = Has("k");
  for (uint32_t i = 1; i < levels; ++i) {
    filter = Filter{AllOf{{std::move(filter)}}};
  }
  return filter;
}

TEST(ValidateFilterTest, AcceptsEveryNode) {
  const Filter filter{
      AllOf{{Filter{AnyOf{{Filter{In{"a", {Value(), Value(true), Int(1), Value(1.5), Value("x")}}},
                           Filter{In{"a", {}}}}}},
             Filter{NoneOf{{Has("b")}}},
             Filter{Range{.key = "c", .gt = Int(1), .lte = Value(2.5)}},
             Filter{Range{.key = "c", .lt = Value("m")}},
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
      {Has(""), "q.exists.key", "has 0 bytes, 1 to 256 are allowed"},
      {Has(long_key), "q.exists.key", "has 257 bytes"},
      {Filter{IsNull{""}}, "q.is_null.key", "has 0 bytes"},
      {Filter{In{"", {}}}, "q.is_in.key", "has 0 bytes"},
      {Filter{In{"a", {Int(1), Value(List{})}}}, "q.is_in.values[1]", "must be null, a bool"},
      {Filter{In{"a", {Value(Object{})}}}, "q.is_in.values[0]", "must be null, a bool"},
      {Filter{Range{.key = "", .gt = Int(1)}}, "q.range.key", "has 0 bytes"},
      {Filter{Range{.key = "a"}}, "q.range", "has no bound"},
      {Filter{Range{.key = "a", .gt = Value()}}, "q.range.gt", "must be a number or a string"},
      {Filter{Range{.key = "a", .lte = Value(true)}}, "q.range.lte", "must be a number"},
      {Filter{Range{.key = "a", .gte = Value(List{})}}, "q.range.gte", "must be a number"},
      {Filter{Range{.key = "a", .gt = Int(1), .lt = Value("z")}}, "q.range.lt", "the same kind"},
      {Filter{Range{.key = "a", .gt = Int(1), .gte = Int(1)}}, "q.range.gte", "together with gt"},
      {Filter{Range{.key = "a", .lt = Int(1), .lte = Int(1)}}, "q.range.lte", "together with lt"},
      {Filter{AllOf{{Has("a"), Filter{Range{.key = "a", .gt = Int(1), .lt = Value("z")}}}}},
       "q.all_of[1].range.lt",
       "the same kind"},
      {Filter{NoneOf{{Filter{AnyOf{{Has("a"), Has("b"), Has("")}}}}}},
       "q.none_of[0].any_of[2].exists.key",
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
  EXPECT_THAT(ValidateFilter(Nested(3), limits, "f"), IsOk());
  EXPECT_THAT(ValidateFilter(Nested(4), limits, "f"),
              FieldErrorAt("f.all_of[0].all_of[0].all_of[0]"));
  EXPECT_THAT(ValidateFilter(Nested(300), limits, "f"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("deeper than 3 levels")));

  limits.filter_nodes_max = 4;
  EXPECT_THAT(ValidateFilter(Filter{AnyOf{{Has("a"), Has("b"), Has("c")}}}, limits, "f"), IsOk());
  EXPECT_THAT(ValidateFilter(Filter{AnyOf{{Has("a"), Has("b"), Has("c"), Has("d")}}}, limits, "f"),
              FieldErrorAt("f.any_of[3]"));

  limits.filter_values_max = 2;
  EXPECT_THAT(ValidateFilter(Filter{In{"a", {Int(1), Int(2)}}}, limits, "f"), IsOk());
  EXPECT_THAT(ValidateFilter(Filter{In{"a", {Int(1), Int(2), Int(3)}}}, limits, "f"),
              FieldErrorAt("f.is_in.values"));
}

}  // namespace
}  // namespace alidade
