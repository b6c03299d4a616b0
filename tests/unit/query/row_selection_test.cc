#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/query/executor.h"

#include "support/fake_segment.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;

Filter GroupIs(int64_t group) { return Filter{In{"group", {Value(group)}}}; }

// Ten rows, `group` = row mod 3; row 1 deleted at 5, row 3 deleted at 9.
std::shared_ptr<FakeSegment> TenRows(uint64_t first) {
  std::vector<FakeRow> rows;
  for (uint64_t i = 0; i < 10; ++i) {
    rows.push_back({.id = PointId(first + i),
                    .vector = {static_cast<float>(i)},
                    .payload = {{"group", Value(static_cast<int64_t>(i % 3))}}});
  }
  auto segment = std::make_shared<FakeSegment>(RowNo(first), std::move(rows));
  segment->MarkDeleted(1, SeqNo(5));
  segment->MarkDeleted(3, SeqNo(9));
  return segment;
}

std::vector<RowId> Rows(const RowBitmap& bitmap) {
  std::vector<RowId> rows;
  for (RowId row = 0; row < bitmap.rows(); ++row) {
    if (bitmap.Test(row)) {
      rows.push_back(row);
    }
  }
  return rows;
}

TEST(RowSelectionTest, SelectsTheLivingOfItsTimeThatPass) {
  const SegmentView view{TenRows(1), 8};
  const Filter tree = GroupIs(0);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const QueryFilter filter, CompileFilter(tree, Schema{}));
  const auto rows = [&](uint64_t at, const QueryFilter* wanted) {
    const auto selected = SelectRows(view, SeqNo(at), wanted, Deadline());
    return selected.ok() ? Rows(selected->selected->rows) : std::vector<RowId>{};
  };
  EXPECT_THAT(rows(4, nullptr), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(rows(5, nullptr), ElementsAre(0, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(rows(9, nullptr), ElementsAre(0, 2, 4, 5, 6, 7));
  EXPECT_THAT(rows(8, &filter), ElementsAre(0, 3, 6));
  EXPECT_THAT(rows(9, &filter), ElementsAre(0, 6));
}

TEST(RowSelectionTest, CountsAcrossSegments) {
  SegmentSet view;
  view.segments = {{TenRows(1), 10}, {TenRows(11), 4}};
  const Filter filter = GroupIs(0);
  view.at = SeqNo(4);
  EXPECT_THAT(CountRows(view, nullptr, Deadline()), IsOkAndHolds(14u));
  EXPECT_THAT(CountRows(view, &filter, Deadline()), IsOkAndHolds(6u));
  view.at = SeqNo(100);
  EXPECT_THAT(CountRows(view, nullptr, Deadline()), IsOkAndHolds(10u));
  EXPECT_THAT(CountRows(view, &filter, Deadline()), IsOkAndHolds(4u));
  EXPECT_THAT(CountRows(SegmentSet{}, &filter, Deadline()), IsOkAndHolds(0u));
}

TEST(RowSelectionTest, AsksForIdsAndVectors) {
  auto segment = std::make_shared<FakeSegment>(
      RowNo(1),
      std::vector<FakeRow>{{.id = PointId(1), .vector = {1}},
                           {.id = PointId(2), .vector = {}},
                           {.id = PointId(std::string("1")), .vector = {3}}});
  Schema schema;
  schema.fields.resize(1);
  schema.fields[0].name = "title";
  const auto rows = [&](const Filter& wanted) {
    const auto filter = CompileFilter(wanted, schema);
    EXPECT_THAT(filter, IsOk());
    const auto selected = SelectRows({segment, 3}, SeqNo(1), &*filter, Deadline());
    return selected.ok() ? Rows(selected->selected->rows) : std::vector<RowId>{};
  };
  EXPECT_THAT(rows(Filter{IdIn{{PointId(1), PointId(2), PointId(3)}}}), ElementsAre(0, 1));
  EXPECT_THAT(rows(Filter{HasVector{"title"}}), ElementsAre(0, 2));
  EXPECT_THAT(rows(Filter{NoneOf{{Filter{HasVector{"title"}}}}}), ElementsAre(1));
  EXPECT_THAT(CompileFilter(Filter{HasVector{"body"}}, schema),
              StatusIs(StatusCode::kInvalidArgument));
  SegmentSet view;
  view.segments = {{segment, 3}};
  const Filter unknown{HasVector{"body"}};
  EXPECT_THAT(CountRows(view, &unknown, Deadline()), StatusIs(StatusCode::kInvalidArgument));
}

TEST(RowSelectionTest, LooksAtTheDeadlineMoreOftenIfRowsAreDear) {
  std::vector<FakeRow> rows(
      100,
      FakeRow{
          .id = PointId(1), .vector = {}, .payload = {{"x", Value(std::string(100'000, 'x'))}}});
  const SegmentView view{std::make_shared<FakeSegment>(RowNo(1), std::move(rows)), 100};
  int looks = 0;
  const Deadline deadline(Deadline::Clock::time_point::max(), [&looks] {
    ++looks;
    return false;
  });
  const Filter tree{StringMatch{"x", StringMatchKind::kFolded, "y"}};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const QueryFilter filter, CompileFilter(tree, Schema{}));
  EXPECT_THAT(SelectRows(view, SeqNo(1), &filter, deadline), IsOk());
  EXPECT_GE(looks, 10);
  EXPECT_LE(looks, 101);
}

TEST(RowSelectionTest, LooksAtTheDeadlineEvery1024Payloads) {
  std::vector<FakeRow> rows(5'000, FakeRow{.id = PointId(1), .vector = {}});
  const SegmentView view{std::make_shared<FakeSegment>(RowNo(1), std::move(rows)), 5'000};
  int looks = 0;
  const auto cancel_at = [&looks](int look) {
    looks = 0;
    return Deadline(Deadline::Clock::time_point::max(), [&looks, look] { return ++looks >= look; });
  };
  const Filter tree = GroupIs(0);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const QueryFilter filter, CompileFilter(tree, Schema{}));
  EXPECT_THAT(SelectRows(view, SeqNo(1), &filter, cancel_at(6)), IsOk());
  EXPECT_EQ(looks, 5);
  EXPECT_THAT(SelectRows(view, SeqNo(1), &filter, cancel_at(4)), StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(looks, 4);
  const Deadline passed(Deadline::Clock::now());
  EXPECT_THAT(SelectRows(view, SeqNo(1), nullptr, passed), StatusIs(StatusCode::kDeadlineExceeded));
  SegmentSet set;
  set.segments = {view};
  EXPECT_THAT(CountRows(set, nullptr, passed), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(CountRows(SegmentSet{}, nullptr, passed), StatusIs(StatusCode::kDeadlineExceeded));
}

TEST(RowSelectionTest, IsKeptUntilSomethingChangesThatItsViewsSee) {
  auto segment = TenRows(1);
  segment->KeepSelections();
  const SegmentView view{segment, 10};
  const Filter tree = GroupIs(0);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const QueryFilter filter, CompileFilter(tree, Schema{}));
  const auto select = [&](uint64_t at) {
    const auto selection = SelectRows(view, SeqNo(at), &filter, Deadline());
    EXPECT_THAT(selection, IsOk());
    return selection.value_or(Selection{});
  };
  Selection selection = select(4);  // rows were deleted at 5 and 9
  EXPECT_FALSE(selection.kept);
  EXPECT_FALSE(select(4).kept);
  selection = select(9);
  EXPECT_FALSE(selection.kept);
  EXPECT_EQ(selection.payloads_read, 8u);
  EXPECT_EQ(selection.selected->count, 3u);
  selection = select(20);
  EXPECT_TRUE(selection.kept);
  EXPECT_EQ(selection.payloads_read, 0u);
  EXPECT_THAT(Rows(selection.selected->rows), ElementsAre(0, 6, 9));
  EXPECT_FALSE(select(8).kept) << "row 3 was alive then";
  EXPECT_THAT(Rows(select(8).selected->rows), ElementsAre(0, 3, 6, 9));
  EXPECT_TRUE(select(9).kept) << "an older view did not push it out";

  const Filter other_tree = GroupIs(1);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const QueryFilter other, CompileFilter(other_tree, Schema{}));
  EXPECT_THAT(SelectRows(view, SeqNo(20), &other, Deadline()),
              testing::ResultOf([](const auto& x) { return x.ok() && x->kept; }, false));

  segment->MarkDeleted(6, SeqNo(21));
  EXPECT_FALSE(select(20).kept);
  EXPECT_THAT(Rows(select(20).selected->rows), ElementsAre(0, 6, 9));
  EXPECT_THAT(Rows(select(21).selected->rows), ElementsAre(0, 9));
  EXPECT_TRUE(select(21).kept);
  std::string payload;
  EncodeObject({{"group", Value(int64_t{1})}}, payload);
  segment->ChangePayload(9, SeqNo(22), payload);
  EXPECT_FALSE(select(21).kept);
  EXPECT_THAT(Rows(select(22).selected->rows), ElementsAre(0));
  EXPECT_TRUE(select(22).kept);
  segment->ChangePayload(9, SeqNo(23), segment->payload(0, SeqNo(23)));
  EXPECT_THAT(Rows(select(23).selected->rows), ElementsAre(0, 9));
  EXPECT_THAT(Rows(select(22).selected->rows), ElementsAre(0));
}

TEST(RowSelectionTest, WhatIsSpentOnFiltersIsCountedForTheLastOnes) {
  SelectionCache cache;
  SegmentChanges changes;
  const auto spend = [&](const std::string& filter) {
    return cache.SpendOn(filter, changes, /*cost=*/10, /*rows=*/25);
  };
  EXPECT_TRUE(spend("a"));
  EXPECT_TRUE(spend("a"));
  EXPECT_FALSE(spend("a"));
  EXPECT_TRUE(spend("b")) << "each by itself";
  changes.count = 1;
  EXPECT_TRUE(spend("a")) << "what was spent was for rows as they were";
  const std::string too_long(SelectionCache::kSelectionKeyBytesMax + 1, 'x');
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(spend(too_long)) << "it would not be kept";
  }
  for (size_t i = 0; i < SelectionCache::kSelectionsMax; ++i) {
    EXPECT_TRUE(spend(std::to_string(i)));
    EXPECT_TRUE(spend(std::to_string(i)));
  }
  const size_t bytes = cache.memory_bytes();
  EXPECT_GT(bytes, 0u);
  EXPECT_TRUE(spend("a")) << "forgotten for others";
  EXPECT_TRUE(spend("0")) << "by now, too";
  EXPECT_FALSE(spend("31"));
  EXPECT_LE(cache.memory_bytes(), bytes);
}

TEST(RowSelectionTest, OnlySoManySelectionsAreKept) {
  auto segment = TenRows(1);
  segment->KeepSelections();
  const SegmentView view{segment, 10};
  const auto kept = [&](int64_t group) {
    const Filter tree = GroupIs(group);
    const auto filter = CompileFilter(tree, Schema{});
    const auto selection = SelectRows(view, SeqNo(20), &*filter, Deadline());
    return selection.ok() && selection->kept;
  };
  const auto most = static_cast<int64_t>(SelectionCache::kSelectionsMax);
  for (int64_t group = 0; group < most; ++group) {
    EXPECT_FALSE(kept(group));
  }
  EXPECT_TRUE(kept(0));
  EXPECT_FALSE(kept(most));  // takes the place of 1
  EXPECT_TRUE(kept(0));
  EXPECT_FALSE(kept(1));
  EXPECT_TRUE(kept(most));
  const size_t bytes = segment->selections()->memory_bytes();
  EXPECT_GT(bytes, most * sizeof(SelectedRows));
  const Filter long_tree{In{"group", {Value(std::string(5'000, 'x'))}}};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const QueryFilter filter, CompileFilter(long_tree, Schema{}));
  for (int i = 0; i < 2; ++i) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const Selection selection,
                                 SelectRows(view, SeqNo(20), &filter, Deadline()));
    EXPECT_FALSE(selection.kept);
  }
  EXPECT_EQ(segment->selections()->memory_bytes(), bytes);
}

}  // namespace
}  // namespace alidade
