// Reads: pages, filters, min_seq, what comes back and what is refused.
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collection_testing.h"
#include "commit_queue.h"

namespace alidade {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CollectionReadTest : public CollectionTest {};

TEST_F(CollectionReadTest, AnEmptyCollectionAnswersEverything) {
  EXPECT_EQ(Count(), 0U);
  EXPECT_EQ(Count(Equals("a", Value(true))), 0U);
  EXPECT_THAT(ListAll(), IsEmpty());
  EXPECT_THAT(Nearest({1, 0, 0, 0}, 10), IsEmpty());
  EXPECT_FALSE(GetPoint(Id(1)).has_value());
}

TEST_F(CollectionReadTest, GetAnswersInTheOrderAskedAlsoTwice) {
  PutNumbered(1, 5);
  GetRequest request;
  request.ids = {Id(4), Id(77), Id(2), Id(4)};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const GetResponse response, collection_->Get(request));
  ASSERT_EQ(response.points.size(), 4U);
  EXPECT_EQ(response.points[0]->id, Id(4));
  EXPECT_FALSE(response.points[1].has_value());
  EXPECT_EQ(response.points[2]->id, Id(2));
  EXPECT_EQ(response.points[3]->id, Id(4));
  EXPECT_EQ(response.at, SeqNo(1));
  // Nothing was asked for but the ids.
  EXPECT_EQ(response.points[0]->payload, Object());
  EXPECT_THAT(response.points[0]->vectors, IsEmpty());
}

TEST_F(CollectionReadTest, PagesOfAnySizeGiveTheSamePoints) {
  PutNumbered(1, 40);
  ASSERT_THAT(Put({MakePoint(PointId("b"), {0, 0, 0, 1}), MakePoint(PointId("a"), {0, 0, 0, 1})}),
              IsOk());
  SealAll();
  DeleteNumbered(5, 9);
  PutNumbered(100, 103);
  for (const uint32_t page : {1U, 2U, 13U, 41U, 42U, 1'000U}) {
    const auto points = ListAll(nullptr, page);
    ASSERT_EQ(points.size(), 41U) << page;
    EXPECT_EQ(points.front().id, Id(1));
    EXPECT_EQ(points[points.size() - 2].id, PointId("a"));
    EXPECT_EQ(points.back().id, PointId("b"));
  }
}

TEST_F(CollectionReadTest, PagesStayStableWhileOthersWrite) {
  PutNumbered(1, 30);
  ListRequest request;
  request.page_size = 10;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ListResponse first, collection_->List(request));
  ASSERT_EQ(first.points.size(), 10U);
  DeleteNumbered(3, 3);              // on the page before
  DeleteNumbered(10, 10);            // the very point that the page ended with
  PutNumbered(0, 0);                 // before it
  PutNumbered(15, 15, /*round=*/1);  // replaced behind it
  request.after = first.next;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ListResponse second, collection_->List(request));
  ASSERT_EQ(second.points.size(), 10U);
  for (uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(second.points[i].id, Id(11 + i));
  }
}

TEST_F(CollectionReadTest, ListAndCountAgreeUnderEveryFilter) {
  PutNumbered(1, 60);
  SealAll();
  PutNumbered(61, 90);
  PutNumbered(20, 29, /*round=*/1);
  DeleteNumbered(40, 49);
  const auto range = [](int64_t from, int64_t to) {
    return std::make_shared<Filter>(Filter{Range{.key = "n", .gte = Value(from), .lt = Value(to)}});
  };
  const auto both =
      std::make_shared<Filter>(Filter{AllOf{{*range(10, 70), *Equals("even", Value(true))}}});
  const std::vector<std::pair<std::shared_ptr<const Filter>, uint64_t>> cases = {
      {nullptr, 80},
      {Equals("even", Value(true)), 40},
      {Equals("round", Value(int64_t{1})), 10},
      {range(35, 55), 10},
      {range(1'000, 2'000), 0},
      {both, 25},
      {std::make_shared<Filter>(Filter{IsNull{"missing"}}), 80},
      {std::make_shared<Filter>(Filter{NoneOf{{*both}}}), 55}};
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(Count(cases[i].first), cases[i].second) << i;
    for (const uint32_t page : {1U, 9U, 500U}) {
      EXPECT_EQ(ListAll(cases[i].first, page).size(), cases[i].second) << i << " page " << page;
    }
    SearchQuery query = QueryFor(std::vector<float>{1, 0, 0, 0}, 500);
    query.filter = cases[i].first;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found, SearchFor(query));
    EXPECT_EQ(found.hits.size(), cases[i].second) << i;
  }
}

TEST_F(CollectionReadTest, FiltersAskForIdsAndVectors) {
  PutNumbered(1, 10);
  SealAll();
  ASSERT_THAT(Put({OwnedPoint{Id(11), {}, {}}, OwnedPoint{PointId("a"), {}, {}}}), IsOk());
  const auto shared = [](Filter filter) { return std::make_shared<Filter>(std::move(filter)); };
  const Filter has_vector{HasVector{"v"}};
  const std::vector<std::pair<std::shared_ptr<const Filter>, uint64_t>> cases = {
      {shared(has_vector), 10},
      {shared(Filter{NoneOf{{has_vector}}}), 2},
      {shared(Filter{IdIn{{Id(3), Id(11), PointId("a"), Id(77)}}}), 3},
      {shared(Filter{AllOf{{has_vector, Filter{IdIn{{Id(3), Id(11)}}}}}}), 1}};
  for (const bool sealed : {false, true}) {
    if (sealed) {
      SealAll();
    }
    for (size_t i = 0; i < cases.size(); ++i) {
      EXPECT_EQ(Count(cases[i].first), cases[i].second) << i << " " << sealed;
      for (const uint32_t page : {1U, 500U}) {
        EXPECT_EQ(ListAll(cases[i].first, page).size(), cases[i].second) << i << " page " << page;
      }
    }
  }
  ListRequest request;
  request.filter = shared(Filter{HasVector{"w"}});
  request.page_size = 1;
  EXPECT_THAT(collection_->List(request).status(), FieldErrorAt("filter.has_vector.field"));
}

TEST_F(CollectionReadTest, ASearchReturnsWhatWasAskedFor) {
  PutNumbered(1, 10);
  SearchQuery query = QueryFor(std::vector<float>{4, 0, 0, 1}, 3);
  query.payload = std::make_shared<const PayloadSelector>(
      PayloadSelector{PayloadSelector::Mode::kInclude, {"n"}});
  query.vectors = {"v"};
  query.explain = true;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found, SearchFor(query));
  ASSERT_EQ(found.hits.size(), 3U);
  EXPECT_EQ(found.hits[0].point.id, Id(4));
  EXPECT_EQ(found.hits[0].distance, 0);
  EXPECT_EQ(found.hits[0].point.payload, (Object{{"n", Value(int64_t{4})}}));
  EXPECT_EQ(found.hits[0].point.vectors.at("v"), (std::vector<float>{4, 0, 0, 1}));
  // Equally near: in the order of ids.
  EXPECT_EQ(found.hits[1].point.id, Id(3));
  EXPECT_EQ(found.hits[2].point.id, Id(5));
  EXPECT_EQ(found.hits[1].distance, 1);
  EXPECT_EQ(found.hits[1].score, -1);
  EXPECT_TRUE(found.exact);
  EXPECT_FALSE(found.plan.empty());
}

// Several threads answer the queries of a call: each as if it were alone, in the order asked.
TEST_F(CollectionReadTest, ManyQueriesOfACallAreAnsweredAsOneByOne) {
  PutNumbered(1, 60);
  SealAll();
  PutNumbered(61, 80);
  for (const uint32_t queries : {0U, 1U, 4U, 5U, 64U, 131U}) {
    SearchRequest request;
    for (uint32_t i = 0; i < queries; ++i) {
      request.queries.push_back(
          QueryFor(std::vector<float>{static_cast<float>(i), 0, 0, 1}, 1 + i % 7));
    }
    ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResponse found, collection_->Search(request));
    ASSERT_EQ(found.results.size(), queries);
    for (uint32_t i = 0; i < queries; ++i) {
      ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult alone, SearchFor(request.queries[i]));
      ASSERT_EQ(found.results[i].hits.size(), alone.hits.size());
      for (size_t k = 0; k < alone.hits.size(); ++k) {
        EXPECT_EQ(found.results[i].hits[k].point.id, alone.hits[k].point.id);
        EXPECT_EQ(found.results[i].hits[k].score, alone.hits[k].score);
      }
    }
  }
}

TEST_F(CollectionReadTest, OfManyQueriesTheFirstRefusalIsTheAnswer) {
  PutNumbered(1, 60);
  for (int round = 0; round < 20; ++round) {
    SearchRequest request;
    for (uint32_t i = 0; i < 64; ++i) {
      request.queries.push_back(QueryFor(std::vector<float>{1, 0, 0, 1}, 3));
    }
    request.queries[63].target = std::vector<float>{1};
    request.queries[17].target = Id(99);  // there is none
    request.queries[40].target = std::vector<float>{1, 2};
    const auto refused = collection_->Search(request);
    ASSERT_THAT(refused, StatusIs(StatusCode::kNotFound));
    EXPECT_THAT(MessageOf(refused.status()), HasSubstr("queries[17]"));
  }
}

TEST_F(CollectionReadTest, ASearchByIdLeavesThePointItselfOut) {
  PutNumbered(1, 10);
  SearchQuery query = QueryFor(Id(4), 2);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found, SearchFor(query));
  ASSERT_EQ(found.hits.size(), 2U);
  EXPECT_EQ(found.hits[0].point.id, Id(3));
  EXPECT_EQ(found.hits[1].point.id, Id(5));
  query.target = Id(400);
  const auto missing = SearchFor(query);
  EXPECT_THAT(missing, StatusIs(StatusCode::kNotFound, HasSubstr("queries[0].point_id")));
  EXPECT_EQ(ReasonOf(missing.status()), "POINT_NOT_FOUND");
  ASSERT_THAT(Put({{Id(50), {}, {}}}), IsOk());
  query.target = Id(50);
  EXPECT_THAT(SearchFor(query), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(CollectionReadTest, AThresholdCutsAtTheScore) {
  PutNumbered(1, 10);
  SearchQuery query = QueryFor(std::vector<float>{1, 0, 0, 1}, 10);
  query.score_threshold = -3.0;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found, SearchFor(query));
  EXPECT_EQ(found.hits.size(), 4U);  // at distances 0, 1, 2 and 3
}

TEST_F(CollectionReadTest, ReadsRefuseWhatTheSchemaDoesNotHave) {
  PutNumbered(1, 3);
  SearchQuery query = QueryFor(std::vector<float>{1, 0, 0}, 1);
  EXPECT_THAT(SearchFor(query), FieldErrorAt("queries[0].vector"));
  query.target = std::vector<float>{1, 0, 0, 0};
  query.field = "u";
  EXPECT_THAT(SearchFor(query), FieldErrorAt("vector_field"));
  GetRequest get;
  get.vectors = {"u"};
  EXPECT_THAT(collection_->Get(get), FieldErrorAt("with_vectors"));
  ListRequest list;
  list.vectors = {"u"};
  EXPECT_THAT(collection_->List(list), FieldErrorAt("with_vectors"));
}

TEST_F(CollectionReadTest, EveryReadWaitsForItsMinSeq) {
  PutNumbered(1, 3);
  ReadOptions options;
  options.min_seq = SeqNo(2);
  options.deadline = Deadline::After(milliseconds(-1));
  GetRequest get;
  CountRequest count;
  ListRequest list;
  SearchRequest search;
  get.options = count.options = list.options = search.options = options;
  EXPECT_THAT(collection_->Get(get), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(collection_->Count(count), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(collection_->List(list), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(collection_->Search(search), StatusIs(StatusCode::kDeadlineExceeded));

  count.options.deadline = Deadline();
  StatusOr<CountResponse> waited = CountResponse();
  std::thread reader;
  {
    CommitQueue queue(*commits_);
    queue.Add([this] { PutNumbered(4, 4); });
    reader = std::thread([&] { waited = collection_->Count(count); });
  }
  reader.join();
  ASSERT_THAT(waited, IsOk());
  EXPECT_EQ(waited->points, 4U);
  EXPECT_EQ(waited->at, SeqNo(2));
}

TEST_F(CollectionReadTest, AViewStaysAsItWasWhileTheCollectionMovesOn) {
  PutNumbered(1, 50);
  const auto view = collection_->view();
  const auto alive = [&view] {
    uint64_t rows = 0;
    for (const SegmentView& entry : view->segments) {
      for (RowId row = 0; row < entry.visible_rows; ++row) {
        rows += entry.segment->AliveAt(row, view->at) ? 1U : 0U;
      }
    }
    return rows;
  };
  ASSERT_EQ(alive(), 50U);
  DeleteNumbered(1, 20);
  PutNumbered(51, 60);
  Settle();
  EXPECT_EQ(Count(), 40U);
  EXPECT_EQ(alive(), 50U);
  EXPECT_EQ(view->live_rows, 50U);
}

}  // namespace
}  // namespace alidade
