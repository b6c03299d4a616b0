#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/filter/filter.h"

namespace alidade {
namespace {

Value Int(int64_t x) { return Value(x); }

TEST(DescribeFilterTest, IsOneReadableLine) {
  List many;
  for (int64_t i = 0; i < 10; ++i) {
    many.push_back(Int(i));
  }
  const std::vector<std::pair<Filter, std::string>> cases = {
      {Filter{AllOf{{Filter{In{"pos", {Value("noun")}}},
                     Filter{Range{.key = "length", .gte = Int(10), .lt = Int(20)}}}}},
       R"(all(pos in ["noun"], length in [10, 20)))"},
      {Filter{}, "all()"},
      {Filter{AnyOf{{Filter{Exists{"a.b"}}, Filter{IsNull{"c"}}}}}, "any(exists(a.b), is_null(c))"},
      {Filter{NoneOf{{Filter{In{"a", {Value(), Value(true), Value(1.5), Int(-2)}}}}}},
       "none(a in [null, true, 1.5, -2])"},
      {Filter{Range{.key = "x", .gt = Value(0.5), .lte = Value(1e100)}}, "x in (0.5, 1e+100]"},
      {Filter{Range{.key = "x", .gt = Int(1)}}, "x > 1"},
      {Filter{Range{.key = "x", .gte = Int(1)}}, "x >= 1"},
      {Filter{Range{.key = "x", .lt = Value("m")}}, "x < \"m\""},
      {Filter{Range{.key = "x", .lte = Int(1)}}, "x <= 1"},
      {Filter{In{"a", many}}, "a in [0, 1, 2, 3, 4, 5, 6, 7, 2 more]"},
      {Filter{In{"a", {}}}, "a in []"},
      {Filter{In{"a b", {Value("q\"\\\n")}}}, R"("a b" in ["q\"\\\x0a"])"},
      {Filter{In{"a", {Value(std::string(63, 'x') + "\xC3\xA9tude")}}},
       "a in [\"" + std::string(63, 'x') + "...\"]"},
  };
  for (const auto& [filter, expected] : cases) {
    EXPECT_EQ(DescribeFilter(filter), expected);
  }
}

}  // namespace
}  // namespace alidade
