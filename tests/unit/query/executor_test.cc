#include "alidade/query/executor.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_segment.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<float> kOrigin = {0.0F};

// A row at `position` on a line with the number `id`.
FakeRow At(uint64_t id, float position) { return {.id = PointId(id), .vector = {position}}; }

// Rows with ids and row numbers first.. at positions first.., payload n = id.
std::shared_ptr<FakeSegment> Line(uint64_t first, uint64_t count, IndexKind index) {
  std::vector<FakeRow> rows;
  for (uint64_t id = first; id < first + count; ++id) {
    rows.push_back(At(id, static_cast<float>(id)));
    rows.back().payload = {{"n", Value(static_cast<int64_t>(id))}};
  }
  return std::make_shared<FakeSegment>(RowNo(first), std::move(rows), index);
}

SegmentSet ViewOf(const std::vector<std::shared_ptr<FakeSegment>>& segments, uint64_t at = 1'000) {
  SegmentSet view;
  view.at = SeqNo(at);
  for (const auto& segment : segments) {
    view.segments.push_back({segment, segment->rows()});
  }
  return view;
}

VectorQuery Nearest(uint32_t k) { return {.vector = kOrigin.data(), .k = k}; }

std::vector<uint64_t> IdsOf(const SegmentSet& view, const std::vector<GlobalHit>& hits) {
  std::vector<uint64_t> ids;
  for (const GlobalHit& hit : hits) {
    const auto id = PointId::Decode(view.segments[hit.segment].segment->encoded_id(hit.row));
    ids.push_back(id.ok() ? id->number() : 0);
  }
  return ids;
}

std::vector<uint64_t> Ids(const SegmentSet& view, const VectorQuery& query) {
  const auto outcome = ExecuteSearch(view, query, Deadline());
  EXPECT_THAT(outcome, IsOk());
  return outcome.ok() ? IdsOf(view, outcome->hits) : std::vector<uint64_t>{};
}

TEST(ExecutorTest, MergesSegmentsAndSumsStats) {
  const auto graph = Line(1, 100, IndexKind::kHnsw);
  const auto flat = Line(101, 20, IndexKind::kFlat);
  const SegmentSet view = ViewOf({flat, graph});
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto outcome, ExecuteSearch(view, Nearest(3), Deadline()));
  EXPECT_THAT(outcome.hits,
              ElementsAre(GlobalHit{1, 1, 0}, GlobalHit{4, 1, 1}, GlobalHit{9, 1, 2}));
  EXPECT_FALSE(outcome.exact);
  EXPECT_EQ(outcome.stats.hops, 1u);
  EXPECT_EQ(outcome.stats.rows_scanned, 20u);
  EXPECT_EQ(outcome.stats.distance_computations, 120u);
  EXPECT_EQ(outcome.plan, "");
  EXPECT_EQ(graph->exact_searches(), 0);
  EXPECT_FALSE(graph->got_filter());
}

TEST(ExecutorTest, ExactNeverAsksTheIndex) {
  const auto graph = Line(1, 100, IndexKind::kHnsw);
  VectorQuery query = Nearest(3);
  query.exact = true;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto outcome,
                               ExecuteSearch(ViewOf({graph}), query, Deadline()));
  EXPECT_TRUE(outcome.exact);
  EXPECT_EQ(graph->index_searches(), 0);
  EXPECT_EQ(outcome.hits.size(), 3u);
}

TEST(ExecutorTest, RepeatsAShortIndexSearchExactly) {
  const auto graph = Line(1, 100, IndexKind::kHnsw);
  graph->LimitIndex([](size_t found, RowId) { return found < 4; });
  VectorQuery query = Nearest(5);
  query.explain = true;
  const SegmentSet view = ViewOf({graph});
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(IdsOf(view, outcome.hits), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_TRUE(outcome.exact);
  EXPECT_EQ(outcome.stats.hops, 1u);
  EXPECT_EQ(outcome.stats.rows_scanned, 100u);
  EXPECT_EQ(outcome.plan,
            "no filter\n"
            "segment 0: hnsw (100 rows)\n"
            "segment 0: repeated exactly (the index gave 4 of up to 5 hits)");
  // Enough hits, though not the best ones: approximate, as the index is.
  graph->LimitIndex([](size_t, RowId row) { return row % 2 == 1; });
  EXPECT_THAT(Ids(view, Nearest(4)), ElementsAre(2, 4, 6, 8));
}

TEST(ExecutorTest, IsNotFooledByRowsWithoutTheVector) {
  std::vector<FakeRow> rows;
  for (uint64_t id = 1; id <= 50; ++id) {
    rows.push_back(At(id, static_cast<float>(id)));
    if (id > 3) {
      rows.back().vector.clear();
    }
  }
  const auto graph = std::make_shared<FakeSegment>(RowNo(1), std::move(rows), IndexKind::kHnsw);
  const SegmentSet view = ViewOf({graph});
  EXPECT_THAT(Ids(view, Nearest(10)), ElementsAre(1, 2, 3));
  EXPECT_EQ(graph->exact_searches(), 0);  // the three that exist came from the index
  graph->LimitIndex([](size_t found, RowId) { return found < 2; });
  EXPECT_THAT(Ids(view, Nearest(10)), ElementsAre(1, 2, 3));
  EXPECT_EQ(graph->exact_searches(), 1);
}

TEST(ExecutorTest, FilterPicksThePlanAndIsExact) {
  const auto graph = Line(1, 100, IndexKind::kHnsw);
  const auto small = Line(101, 30, IndexKind::kFlat);
  const SegmentSet view = ViewOf({graph, small});
  const Filter rare{Range{.key = "n", .gt = Value(int64_t{95}), .lte = Value(int64_t{102})}};
  VectorQuery query = Nearest(6);
  query.filter = &rare;
  query.explain = true;
  ALIDADE_ASSERT_OK_AND_ASSIGN(auto outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(IdsOf(view, outcome.hits), ElementsAre(96, 97, 98, 99, 100, 101));
  EXPECT_TRUE(outcome.exact);
  EXPECT_EQ(outcome.plan,
            "filter: 95 < n <= 102\n"
            "segment 0: exact (k covers all; filter passes 5 of 100 rows, 100 payloads read)\n"
            "segment 1: exact (no index; filter passes 2 of 30 rows, 30 payloads read)");

  const Filter common{Range{.key = "n", .gt = Value(int64_t{20}), .lt = Value(int64_t{90})}};
  query.filter = &common;
  ALIDADE_ASSERT_OK_AND_ASSIGN(outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(IdsOf(view, outcome.hits), ElementsAre(21, 22, 23, 24, 25, 26));
  EXPECT_FALSE(outcome.exact);
  EXPECT_EQ(outcome.plan,
            "filter: 20 < n < 90\n"
            "segment 0: scan (cheaper than a walk; ef 128; filter passes 69 of 100 rows, 100 "
            "payloads read)\n"
            "segment 1: skip (filter passes 0 of 30 rows, 30 payloads read)");

  // A filtered walk that finds too little.
  graph->LimitIndex([](size_t found, RowId) { return found < 1; });
  EXPECT_THAT(Ids(view, query), ElementsAre(21, 22, 23, 24, 25, 26));

  const Filter none{In{"n", {}}};
  query.filter = &none;
  ALIDADE_ASSERT_OK_AND_ASSIGN(outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(outcome.hits, IsEmpty());
  EXPECT_TRUE(outcome.exact);
  EXPECT_EQ(outcome.stats.distance_computations, 0u);
}

// To look at all payloads for one search would take longer than the search.
TEST(ExecutorTest, AFilterThatCameSeldomIsTriedOnWhatIsFound) {
  const auto graph = Line(1, 40'000, IndexKind::kHnsw);
  graph->KeepSelections();
  SegmentSet view = ViewOf({graph});
  const Filter upper{Range{.key = "n", .gt = Value(int64_t{20'000})}};
  VectorQuery query = Nearest(3);
  query.filter = &upper;
  const auto explained = [&] {
    query.explain = true;
    const auto outcome = ExecuteSearch(view, query, Deadline());
    query.explain = false;
    EXPECT_THAT(outcome, IsOk());
    EXPECT_FALSE(outcome->exact);
    EXPECT_THAT(IdsOf(view, outcome->hits), ElementsAre(20'001, 20'002, 20'003));
    return outcome->plan.substr(outcome->plan.find('\n') + 1);
  };
  // 128 rows were looked at for the guess. This index finds all, so that 10,003 more were asked
  // about.
  const std::string tried =
      "segment 0: hnsw (tried on what is found; ef 320; filter passes about 20000 of 40000 rows)\n"
      "segment 0: the filter was tried on 20131 rows";
  EXPECT_EQ(explained(), tried);
  EXPECT_EQ(explained(), tried) << "whoever asks how it is done changes nothing";
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Ids(view, query), ElementsAre(20'001, 20'002, 20'003));
  }
  EXPECT_EQ(explained(), tried);
  EXPECT_FALSE(graph->got_filter());
  // By now the searches have taken as long as a look at all payloads would.
  EXPECT_THAT(Ids(view, query), ElementsAre(20'001, 20'002, 20'003));
  EXPECT_TRUE(graph->got_filter());
  EXPECT_THAT(explained(), testing::HasSubstr("filter passes 20000 of 40000 rows, known from"));

  graph->MarkDeleted(20'001, SeqNo(1'001));  // the row of 20,002
  view.at = SeqNo(1'001);
  EXPECT_THAT(Ids(view, query), ElementsAre(20'001, 20'003, 20'004));
  EXPECT_FALSE(graph->got_filter()) << "what passes is not known any more";
  EXPECT_EQ(graph->exact_searches(), 0);
}

TEST(ExecutorTest, ASearchThatFoundTooLittleThatPassesIsRepeated) {
  const auto graph = Line(1, 20'000, IndexKind::kHnsw);
  graph->KeepSelections();
  const SegmentSet view = ViewOf({graph});
  const Filter upper{Range{.key = "n", .gt = Value(int64_t{5'000})}};
  graph->LimitIndex([](size_t found, RowId) { return found < 2; });
  VectorQuery query = Nearest(3);
  query.filter = &upper;
  query.explain = true;
  ALIDADE_ASSERT_OK_AND_ASSIGN(auto outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(IdsOf(view, outcome.hits), ElementsAre(5'001, 5'002, 5'003));
  EXPECT_TRUE(outcome.exact);
  EXPECT_EQ(outcome.plan,
            "filter: n > 5000\n"
            "segment 0: hnsw (tried on what is found; ef 214; filter passes about 15000 of 20000 "
            "rows)\n"
            "segment 0: the filter was tried on 5130 rows\n"
            "segment 0: repeated (2 of 3 hits passed): scan (cheaper than a walk; ef "
            "128; filter passes 15000 of 20000 rows, 25130 payloads read)\n"
            "segment 0: repeated exactly (the index gave 2 of up to 3 hits)");
  ALIDADE_ASSERT_OK_AND_ASSIGN(outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(outcome.plan, testing::HasSubstr("known from before"));

  const Filter none{Range{.key = "n", .gt = Value(int64_t{20'000})}};
  query.filter = &none;
  ALIDADE_ASSERT_OK_AND_ASSIGN(outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(outcome.hits, IsEmpty());
  EXPECT_THAT(outcome.plan, testing::Not(testing::HasSubstr("tried on what is found")));
}

TEST(ExecutorTest, ASearchThatFoundFewThatPassLooksFartherFirst) {
  const auto graph = Line(1, 40'000, IndexKind::kHnsw);
  graph->KeepSelections();
  const SegmentSet view = ViewOf({graph});
  graph->LimitIndex(
      [&graph](size_t found, RowId) { return graph->index_searches() > 1 || found < 2; });
  const Filter most{Range{.key = "n", .gt = Value(int64_t{10})}};
  VectorQuery query = Nearest(3);
  query.filter = &most;
  query.explain = true;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto outcome, ExecuteSearch(view, query, Deadline()));
  EXPECT_THAT(IdsOf(view, outcome.hits), ElementsAre(11, 12, 13));
  // Two of twelve passed.
  EXPECT_EQ(outcome.plan,
            "filter: n > 10\n"
            "segment 0: hnsw (tried on what is found; ef 160; filter passes about 40000 of 40000 "
            "rows)\n"
            "segment 0: the filter was tried on 140 rows\n"
            "segment 0: repeated (2 of 3 hits passed): hnsw (tried on what is found; ef 961)\n"
            "segment 0: the filter was tried on 153 rows");
}

TEST(ExecutorTest, OlderViewsSeeRowsThatWereDeletedLater) {
  const auto graph = Line(1, 50, IndexKind::kHnsw);
  graph->MarkDeleted(0, SeqNo(10));
  graph->MarkDeleted(2, SeqNo(20));
  EXPECT_THAT(Ids(ViewOf({graph}, 9), Nearest(3)), ElementsAre(1, 2, 3));
  EXPECT_THAT(Ids(ViewOf({graph}, 10), Nearest(3)), ElementsAre(2, 3, 4));
  EXPECT_THAT(Ids(ViewOf({graph}, 20), Nearest(3)), ElementsAre(2, 4, 5));
  const Filter filter{Range{.key = "n", .lt = Value(int64_t{4})}};
  VectorQuery query = Nearest(10);
  query.filter = &filter;
  EXPECT_THAT(Ids(ViewOf({graph}, 9), query), ElementsAre(1, 2, 3));
  EXPECT_THAT(Ids(ViewOf({graph}, 20), query), ElementsAre(2));
  // Rows that were appended after the view was taken.
  SegmentSet view = ViewOf({graph}, 20);
  view.segments[0].visible_rows = 4;
  EXPECT_THAT(Ids(view, Nearest(10)), ElementsAre(2, 4));
}

TEST(ExecutorTest, EqualDistancesAreOrderedAndCutById) {
  // Within one segment rows come in the order of their numbers; the answer may not depend on it.
  const std::vector<uint64_t> ids = {9, 4, 7, 1, 8, 2, 6, 3, 5};
  std::vector<FakeRow> rows;
  for (const uint64_t id : ids) {
    rows.push_back(At(id, 1.0F));
  }
  for (uint64_t id = 10; id < 200; ++id) {
    rows.push_back(At(id, 2.0F));
  }
  const auto whole = std::make_shared<FakeSegment>(RowNo(1), rows);
  const auto front =
      std::make_shared<FakeSegment>(RowNo(1), std::vector<FakeRow>(rows.begin(), rows.begin() + 4));
  const auto back =
      std::make_shared<FakeSegment>(RowNo(5), std::vector<FakeRow>(rows.begin() + 4, rows.end()));
  for (const SegmentSet& view : {ViewOf({whole}), ViewOf({front, back})}) {
    EXPECT_THAT(Ids(view, Nearest(1)), ElementsAre(1));
    EXPECT_THAT(Ids(view, Nearest(3)), ElementsAre(1, 2, 3));
    EXPECT_THAT(Ids(view, Nearest(9)), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
    EXPECT_THAT(Ids(view, Nearest(11)), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  }
}

TEST(ExecutorTest, ExcludedPointMakesRoomForTheNext) {
  const auto graph = Line(1, 50, IndexKind::kHnsw);
  const auto flat = Line(51, 10, IndexKind::kFlat);
  const SegmentSet view = ViewOf({graph, flat});
  std::vector<std::string> excluded = {PointId(1).Encode()};
  VectorQuery query = Nearest(3);
  query.excluded_ids = excluded;
  EXPECT_THAT(Ids(view, query), ElementsAre(2, 3, 4));
  EXPECT_EQ(graph->largest_k(), 4u);
  query.exact = true;
  EXPECT_THAT(Ids(view, query), ElementsAre(2, 3, 4));
  excluded = {PointId(55).Encode()};
  EXPECT_THAT(Ids(view, query), ElementsAre(1, 2, 3));
  excluded = {PointId(1).Encode(), PointId(3).Encode(), PointId(99).Encode()};
  query.excluded_ids = excluded;
  EXPECT_THAT(Ids(view, query), ElementsAre(2, 4, 5));
  excluded = {PointId(55).Encode()};
  query.excluded_ids = excluded;
  query.k = 60;
  EXPECT_EQ(Ids(view, query).size(), 59u);
}

TEST(ExecutorTest, LeavesOutHitsBeyondTheThreshold) {
  const SegmentSet view = ViewOf({Line(1, 50, IndexKind::kHnsw), Line(51, 10, IndexKind::kFlat)});
  VectorQuery query = Nearest(5);
  query.distance_max = 9.0F;  // squared
  EXPECT_THAT(Ids(view, query), ElementsAre(1, 2, 3));
  query.distance_max = 8.999F;
  EXPECT_THAT(Ids(view, query), ElementsAre(1, 2));
  query.distance_max = 0.0F;
  EXPECT_THAT(Ids(view, query), IsEmpty());
  query.distance_max = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Ids(view, query).size(), 5u);
}

TEST(ExecutorTest, NewestVersionWinsIfAViewShowsTwo) {
  const auto old_rows =
      std::make_shared<FakeSegment>(RowNo(1), std::vector<FakeRow>{At(7, 1.0F), At(8, 2.0F)});
  const auto new_rows = std::make_shared<FakeSegment>(RowNo(3), std::vector<FakeRow>{At(7, 3.0F)});
  const SegmentSet view = ViewOf({old_rows, new_rows});
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto outcome, ExecuteSearch(view, Nearest(5), Deadline()));
  EXPECT_THAT(outcome.hits, ElementsAre(GlobalHit{4, 0, 1}, GlobalHit{9, 1, 0}));
}

TEST(ExecutorTest, AnEmptyViewGivesAnEmptyExactAnswer) {
  VectorQuery query = Nearest(std::numeric_limits<uint32_t>::max());
  query.explain = true;
  const std::vector<std::string> excluded = {PointId(1).Encode()};
  query.excluded_ids = excluded;
  for (const SegmentSet& view : {SegmentSet{}, ViewOf({Line(1, 0, IndexKind::kFlat)})}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto outcome, ExecuteSearch(view, query, Deadline()));
    EXPECT_THAT(outcome.hits, IsEmpty());
    EXPECT_TRUE(outcome.exact);
    EXPECT_EQ(outcome.plan.substr(0, 9), "no filter");
  }
}

TEST(ExecutorTest, StopsAtTheDeadlineBetweenSegments) {
  const auto first = Line(1, 20, IndexKind::kHnsw);
  const auto second = Line(21, 20, IndexKind::kHnsw);
  const SegmentSet view = ViewOf({first, second});
  bool cancelled = false;
  first->OnSearch([&cancelled] { cancelled = true; });
  const Deadline deadline(Deadline::Clock::time_point::max(), [&cancelled] { return cancelled; });
  EXPECT_THAT(ExecuteSearch(view, Nearest(3), deadline), StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(first->index_searches(), 1);
  EXPECT_EQ(second->index_searches(), 0);

  const Deadline passed(Deadline::Clock::now());
  EXPECT_THAT(ExecuteSearch(view, Nearest(3), passed), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(ExecuteSearch(SegmentSet{}, Nearest(3), passed),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(first->index_searches(), 1);
}

// Against sorting everything: exact answers equal it, approximate ones have as many hits and pass
// the same tests.
TEST(ExecutorTest, AgreesWithSortingAllRows) {
  const char* text = std::getenv("ALIDADE_TEST_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("ALIDADE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  for (int round = 0; round < 300; ++round) {
    SegmentSet view;
    view.at = SeqNo(50);
    std::vector<uint64_t> ids(200);
    for (uint64_t i = 0; i < ids.size(); ++i) {
      ids[i] = i + 1;
    }
    std::ranges::shuffle(ids, random);
    struct Expected {
      float distance;
      uint64_t id;
    };
    std::vector<Expected> expected;
    const int64_t group = static_cast<int64_t>(below(4));
    const uint64_t excluded = 1 + below(200);
    uint64_t next = 0;
    for (uint64_t segments = below(4); segments > 0; --segments) {
      const uint64_t first = next;
      std::vector<FakeRow> rows;
      for (uint64_t count = below(50); count > 0; --count) {
        FakeRow row = At(ids[next++], static_cast<float>(below(8)));  // many ties
        if (below(5) == 0) {
          row.vector.clear();
        }
        if (below(4) == 0) {
          row.deleted_at = SeqNo(1 + below(100));
        }
        const auto row_group = static_cast<int64_t>(below(4));
        row.payload = {{"group", Value(row_group)}};
        const bool alive = row.deleted_at == SeqNo() || row.deleted_at.value() > 50;
        if (alive && !row.vector.empty() && row_group >= group && row.id.number() != excluded) {
          expected.push_back({row.vector[0] * row.vector[0], row.id.number()});
        }
        rows.push_back(std::move(row));
      }
      auto segment = std::make_shared<FakeSegment>(
          RowNo(first + 1), std::move(rows), below(2) == 0 ? IndexKind::kFlat : IndexKind::kHnsw);
      segment->LimitIndex([&below](size_t, RowId) { return below(2) == 0; });
      view.segments.push_back({segment, segment->rows()});
    }
    std::ranges::sort(expected, [](const Expected& a, const Expected& b) {
      return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
    });
    const Filter at_least{Range{.key = "group", .gte = Value(group)}};
    const std::vector<std::string> excluded_ids = {PointId(excluded).Encode()};
    VectorQuery query = Nearest(static_cast<uint32_t>(1 + below(30)));
    query.filter = group == 0 && below(2) == 0 ? nullptr : &at_least;
    query.excluded_ids = excluded_ids;
    query.exact = below(2) == 0;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto outcome, ExecuteSearch(view, query, Deadline()));
    const std::vector<uint64_t> found = IdsOf(view, outcome.hits);
    ASSERT_EQ(found.size(), std::min<size_t>(query.k, expected.size())) << "round " << round;
    for (size_t i = 0; i < found.size(); ++i) {
      if (outcome.exact) {
        ASSERT_EQ(found[i], expected[i].id) << "round " << round << ", hit " << i;
      } else {
        const auto same = [&](const Expected& e) { return e.id == found[i]; };
        ASSERT_TRUE(std::ranges::any_of(expected, same)) << "round " << round << ", hit " << i;
      }
    }
    ASSERT_TRUE(outcome.exact || !query.exact);
  }
}

}  // namespace
}  // namespace alidade
