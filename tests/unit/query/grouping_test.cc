#include "alidade/query/grouping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/query/delta_view.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Ranking InOrder(size_t rows) {
  Ranking ranking;
  for (size_t i = 0; i < rows; ++i) {
    ranking.push_back(HitAt(static_cast<RowId>(i), -static_cast<double>(i)));
  }
  return ranking;
}

TEST(GroupingTest, GroupsStandInTheOrderOfTheirBestHits) {
  const SegmentSet view = ViewOfRows({{.id = 1, .payload = {{"doc", Value("b")}}},
                                      {.id = 2, .payload = {{"doc", Value("a")}}},
                                      {.id = 3, .payload = {{"doc", Value("b")}}},
                                      {.id = 4, .payload = {{"doc", Value("b")}}},
                                      {.id = 5, .payload = {{"doc", Value("c")}}},
                                      {.id = 6, .payload = {{"doc", Value("a")}}}});
  const auto groups = GroupHits(view, InOrder(6), {.key = "doc", .group_size = 2}, 2);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].value, Value("b"));
  EXPECT_THAT(groups[0].hits, ElementsAre(0, 2));
  EXPECT_EQ(groups[1].value, Value("a"));
  EXPECT_THAT(groups[1].hits, ElementsAre(1, 5));
}

TEST(GroupingTest, KindsStayDistinctAndListsBelongToEachElement) {
  const SegmentSet view = ViewOfRows(
      {{.id = 1, .payload = {{"k", Value(int64_t{1})}}},
       {.id = 2, .payload = {{"k", Value("1")}}},
       {.id = 3, .payload = {{"k", Value(true)}}},
       {.id = 4, .payload = {{"k", Value(List{Value("1"), Value("1"), Value(int64_t{1})})}}},
       {.id = 5, .payload = {{"k", Value(1.0)}}},
       {.id = 6, .payload = {{"k", Value()}}},
       {.id = 7, .payload = {}},
       {.id = 8, .payload = {{"k", Value(Object{{"x", Value("1")}})}}}});
  const auto groups = GroupHits(view, InOrder(8), {.key = "k", .group_size = 9}, 9);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].value, Value(int64_t{1}));
  EXPECT_THAT(groups[0].hits, ElementsAre(0, 3));
  EXPECT_EQ(groups[1].value, Value("1"));
  EXPECT_THAT(groups[1].hits, ElementsAre(1, 3));
  EXPECT_EQ(groups[2].value, Value(true));
  EXPECT_THAT(groups[2].hits, ElementsAre(2));
  EXPECT_THAT(GroupHits(view, {}, {.key = "k"}, 3), IsEmpty());
}

}  // namespace
}  // namespace alidade
