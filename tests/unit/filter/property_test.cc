// Random filters on random points, against an evaluator that shares no code with the module, and
// through their text and back. ALIDADE_TEST_SEED replays; what fails is made smaller first.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter_text.h"

#include "filter_case.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

TEST(FilterPropertyTest, AgreesWithAnEvaluatorOverDecodedValues) {
  const uint64_t seed = TestSeed();
  FilterGenerator generator(seed, /*any_double=*/true);
  std::vector<FilterPoint> points;
  for (int i = 0; i < 100; ++i) {
    points.push_back(generator.Point());
  }
  const auto disagrees = [](const FilterCase& x) {
    return MatchesCompiled(x.filter, x.point) != MatchesNaively(x.filter, x.point);
  };
  const int filters = 6'000;
  size_t held = 0;
  std::vector<size_t> held_by_kind(std::variant_size_v<decltype(Filter::node)>, 0);
  for (int i = 0; i < filters; ++i) {
    const Filter filter = generator.Tree();
    ASSERT_THAT(ValidateFilter(filter, Limits{}, "filter"), IsOk()) << FilterText(filter);
    for (const FilterPoint& point : points) {
      const bool expected = MatchesNaively(filter, point);
      held += expected ? size_t{1} : size_t{0};
      held_by_kind[filter.node.index()] += expected ? size_t{1} : size_t{0};
      if (MatchesCompiled(filter, point) != expected) {
        FAIL() << Describe(Shrink({filter, point}, disagrees)) << "\nALIDADE_TEST_SEED=" << seed;
      }
    }
  }
  // The generator must not be one-sided: over all, and for no kind of node.
  EXPECT_GT(held, filters * points.size() / 10) << "ALIDADE_TEST_SEED=" << seed;
  EXPECT_LT(held, filters * points.size() * 9 / 10) << "ALIDADE_TEST_SEED=" << seed;
  for (size_t kind = 0; kind < held_by_kind.size(); ++kind) {
    EXPECT_GT(held_by_kind[kind], 0U) << "node " << kind << ", ALIDADE_TEST_SEED=" << seed;
  }
}

TEST(FilterPropertyTest, TextIsReadAsTheSameTree) {
  const uint64_t seed = TestSeed();
  FilterGenerator generator(seed, /*any_double=*/false);
  const auto differs = [](const FilterCase& x) {
    const auto parsed = ParseFilterText(FilterText(x.filter));
    return !parsed.ok() || !(*parsed == x.filter);
  };
  for (int i = 0; i < 20'000; ++i) {
    const FilterCase found{generator.Tree(), {}};
    if (differs(found)) {
      const FilterCase smallest = Shrink(found, differs);
      const std::string text = FilterText(smallest.filter);
      const auto parsed = ParseFilterText(text);
      FAIL() << text << "\n"
             << (parsed.ok() ? FilterText(*parsed) : MessageOf(parsed.status()))
             << "\nALIDADE_TEST_SEED=" << seed;
    }
    ASSERT_TRUE(IsValidUtf8(DescribeFilter(found.filter)));
  }
}

TEST(FilterPropertyTest, EqualityOfTreesTellsNodesAndKindsApart) {
  FilterGenerator generator(7, /*any_double=*/false);
  std::vector<Filter> trees;
  for (int i = 0; i < 300; ++i) {
    trees.push_back(generator.Tree());
  }
  // A double of -0 equals one of 0.
  const auto text_of = [](const Filter& filter) {
    std::string text = FilterText(filter);
    for (size_t at = text.find("-0.0"); at != std::string::npos; at = text.find("-0.0")) {
      text.erase(at, 1);
    }
    return text;
  };
  for (const Filter& a : trees) {
    for (const Filter& b : trees) {
      ASSERT_EQ(a == b, text_of(a) == text_of(b)) << text_of(a) << "\n" << text_of(b);
    }
  }
  EXPECT_FALSE((Filter{In{"a", {Value(int64_t{1})}}} == Filter{In{"a", {Value(1.0)}}}));
  EXPECT_FALSE((Filter{Exists{"a"}} == Filter{IsNull{"a"}}));
  EXPECT_FALSE((Filter{AllOf{}} == Filter{AnyOf{}}));
}

// A failure that needs one condition and one key is cut down to them.
TEST(FilterPropertyTest, ShrinkingEndsAtTheSmallestThatFails) {
  FilterGenerator generator(11, /*any_double=*/false);
  const auto fails = [](const FilterCase& x) {
    return FilterText(x.filter).find("exists(c)") != std::string::npos &&
           x.point.payload.contains("c");
  };
  int shrunk = 0;
  for (int i = 0; i < 20'000 && shrunk < 10; ++i) {
    const FilterCase found{generator.Tree(), generator.Point()};
    if (!fails(found) || !std::holds_alternative<AllOf>(found.filter.node)) {
      continue;
    }
    ++shrunk;
    const FilterCase smallest = Shrink(found, fails);
    EXPECT_TRUE(fails(smallest));
    const std::string text = FilterText(smallest.filter);
    // A nested is never left out: keys begin elsewhere outside of it.
    EXPECT_TRUE(text == "exists(c)" || text.starts_with("nested(")) << text;
    EXPECT_EQ(smallest.point.payload.size(), 1U);
    EXPECT_TRUE(smallest.point.vectors.empty());
  }
  EXPECT_EQ(shrunk, 10);
}

}  // namespace
}  // namespace alidade
