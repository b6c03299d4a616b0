// Upserts and deletes through a real store.
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collection_testing.h"
#include "commit_queue.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CollectionWriteTest : public CollectionTest {};

TEST_F(CollectionWriteTest, AnUpsertIsReadBackBitForBit) {
  const OwnedPoint point = MakePoint(
      PointId("w\xC3\xB6rd"), {-0.0F, 1e-38F, 3.5F, -2}, {{"k", Value("v")}, {"null", Value()}});
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, Put({point}));
  EXPECT_EQ(receipt.seq, SeqNo(1));
  EXPECT_EQ(receipt.points, 1U);
  EXPECT_EQ(receipt.reached, Durability::kDurable);
  const auto read = GetPoint(point.id);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->id, point.id);
  EXPECT_EQ(read->seq, SeqNo(1));
  EXPECT_EQ(read->payload, point.payload);
  ASSERT_EQ(read->vectors, point.vectors);
  EXPECT_TRUE(std::signbit(read->vectors.at("v")[0]));
}

TEST_F(CollectionWriteTest, AnUpsertReplacesTheWholePoint) {
  ASSERT_THAT(Put({MakePoint(Id(1), {1, 0, 0, 0}, {{"a", Value(true)}, {"b", Value(true)}})}),
              IsOk());
  ASSERT_THAT(Put({MakePoint(Id(1), {9, 0, 0, 0}, {{"b", Value(false)}})}), IsOk());
  EXPECT_EQ(Count(), 1U);
  const auto read = GetPoint(Id(1));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->payload, (Object{{"b", Value(false)}}));
  EXPECT_EQ(read->seq, SeqNo(2));
  EXPECT_EQ(Count(Equals("a", Value(true))), 0U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found,
                               SearchFor(QueryFor(std::vector<float>{1, 0, 0, 0}, 10)));
  ASSERT_EQ(found.hits.size(), 1U);
  EXPECT_EQ(found.hits[0].distance, 8.0);
}

TEST_F(CollectionWriteTest, TheLastOfEqualIdsInOneBatchWins) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt,
                               Put({MakePoint(Id(1), {1, 0, 0, 0}, {{"x", Value("first")}}),
                                    MakePoint(Id(2), {2, 0, 0, 0}),
                                    MakePoint(Id(1), {3, 0, 0, 0}, {{"x", Value("second")}}),
                                    MakePoint(Id(1), {4, 0, 0, 0}, {{"x", Value("last")}})}));
  EXPECT_EQ(receipt.points, 2U);
  EXPECT_EQ(Count(), 2U);
  EXPECT_EQ(GetPoint(Id(1))->payload, (Object{{"x", Value("last")}}));
  EXPECT_EQ(GetPoint(Id(1))->vectors.at("v")[0], 4);
}

TEST_F(CollectionWriteTest, NumbersAndTextsAreDifferentIds) {
  ASSERT_THAT(Put({MakePoint(Id(7), {1, 0, 0, 0}), MakePoint(PointId("7"), {2, 0, 0, 0})}), IsOk());
  EXPECT_EQ(Count(), 2U);
  ASSERT_THAT(collection_->Delete(MakeDelete({Id(7)})), IsOk());
  EXPECT_FALSE(GetPoint(Id(7)).has_value());
  EXPECT_TRUE(GetPoint(PointId("7")).has_value());
}

TEST_F(CollectionWriteTest, ADeleteHidesAtOnceEverywhere) {
  PutNumbered(1, 10);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt,
                               collection_->Delete(MakeDelete({Id(3), Id(99), Id(3)})));
  EXPECT_EQ(receipt.points, 1U);  // distinct ids that were there
  EXPECT_FALSE(GetPoint(Id(3)).has_value());
  EXPECT_EQ(Count(), 9U);
  EXPECT_EQ(Count(Equals("n", Value(int64_t{3}))), 0U);
  EXPECT_EQ(ListAll().size(), 9U);
  EXPECT_THAT(Nearest({3, 0, 0, 1}, 2), ElementsAre(Id(2), Id(4)));
  // Again, and of nothing: accepted, changes nothing.
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt again, collection_->Delete(MakeDelete({Id(3)})));
  EXPECT_EQ(again.points, 0U);
  EXPECT_EQ(again.seq, receipt.seq.Next());
  EXPECT_EQ(Count(), 9U);
}

TEST_F(CollectionWriteTest, ADeletedPointMayComeBack) {
  PutNumbered(1, 3);
  DeleteNumbered(2, 2);
  PutNumbered(2, 2, /*round=*/5);
  EXPECT_EQ(Count(), 3U);
  EXPECT_EQ(GetPoint(Id(2))->payload.at("round"), Value(int64_t{5}));
}

TEST_F(CollectionWriteTest, ReplacesAndDeletesReachSealedRows) {
  PutNumbered(1, 100);
  SealAll();
  PutNumbered(50, 59, /*round=*/1);
  DeleteNumbered(60, 69);
  EXPECT_EQ(Count(), 90U);
  EXPECT_EQ(Count(Equals("round", Value(int64_t{1}))), 10U);
  EXPECT_THAT(Nearest({65, 0, 0, 1}, 2), ElementsAre(Id(70), Id(71)));
}

TEST_F(CollectionWriteTest, PointsMayLackVectors) {
  config_.fields.push_back(
      {.id = FieldId(2), .name = "w", .dim = 2, .metric = Metric::kDot, .index = {}});
  Open();
  ASSERT_THAT(
      Put({{Id(1), {}, {{"v", {1, 0, 0, 0}}}}, {Id(2), {}, {{"w", {1, 2}}}}, {Id(3), {}, {}}}),
      IsOk());
  EXPECT_EQ(Count(), 3U);
  EXPECT_THAT(GetPoint(Id(3))->vectors, IsEmpty());
  EXPECT_EQ(GetPoint(Id(2))->vectors, (std::map<std::string, std::vector<float>>{{"w", {1, 2}}}));
  SearchQuery query = QueryFor(std::vector<float>{1, 1}, 5);
  query.field = "w";
  ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found, SearchFor(query));
  ASSERT_EQ(found.hits.size(), 1U);
  EXPECT_EQ(found.hits[0].point.id, Id(2));
}

TEST_F(CollectionWriteTest, ABadBatchIsRefusedWholeAndChangesNothing) {
  PutNumbered(1, 5);
  const std::string before = Answers();
  const SeqNo seq = commits_->visible();
  const OwnedPoint good = Numbered(6);
  EXPECT_THAT(Put({good, MakePoint(Id(7), {1, 2, 3})}), FieldErrorAt("points[1].vectors[\"v\"]"));
  EXPECT_THAT(Put({good, MakePoint(Id(7), {1, 2, 3, std::nanf("")})}),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Put({good, MakePoint(Id(7), {1, 2, 3, std::numeric_limits<float>::infinity()})}),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Put({good, {Id(7), {}, {{"typo", {1}}}}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("typo")));
  EXPECT_EQ(Answers(), before);
  EXPECT_EQ(commits_->visible(), seq);
}

TEST_F(CollectionWriteTest, WritesOfOneGroupSeeEachOther) {
  // Each one decides by what those before it in the same group did.
  PutNumbered(1, 1);
  std::vector<WriteReceipt> receipts(5);
  const auto upsert = [&](size_t i, uint64_t number, int64_t round) {
    return [this, &receipts, i, number, round] {
      receipts[i] = Put({Numbered(number, round)}).value_or(WriteReceipt());
    };
  };
  const auto remove = [&](size_t i, uint64_t number) {
    return [this, &receipts, i, number] {
      receipts[i] = collection_->Delete(MakeDelete({Id(number)})).value_or(WriteReceipt());
    };
  };
  {
    CommitQueue queue(*commits_);
    queue.Add(upsert(0, 1, 10));
    queue.Add(upsert(1, 2, 20));
    queue.Add(remove(2, 1));
    queue.Add(upsert(3, 2, 21));
    queue.Add(remove(4, 1));
  }
  EXPECT_EQ(receipts[2].points, 1U);
  EXPECT_EQ(receipts[4].points, 0U);
  EXPECT_EQ(Count(), 1U);
  EXPECT_EQ(GetPoint(Id(2))->payload.at("round"), Value(int64_t{21}));
  EXPECT_THAT(Nearest({1, 0, 0, 1}, 5), ElementsAre(Id(2)));
  Reopen();
  EXPECT_EQ(Count(), 1U);
}

TEST_F(CollectionWriteTest, ARowCountNeverRunsAheadOfItsView) {
  // While a group is applied step by step, a reader must not see the count of its end.
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::thread reader([&] {
    while (!stop.load()) {
      const auto view = collection_->view();
      uint64_t alive = 0;
      for (const SegmentView& entry : view->segments) {
        for (RowId row = 0; row < entry.visible_rows; ++row) {
          alive += entry.segment->AliveAt(row, view->at) ? 1U : 0U;
        }
      }
      wrong.fetch_add(alive == view->live_rows ? 0U : 1U);
    }
  });
  for (int round = 0; round < 10; ++round) {
    CommitQueue queue(*commits_);
    for (uint64_t i = 1; i <= 6; ++i) {
      queue.Add([this, i, round] { PutNumbered(100 * i, 100 * i + 40, round); });
    }
  }
  stop.store(true);
  reader.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(Count(), 246U);
}

TEST_F(CollectionWriteTest, ARequestIdMakesARetryHarmless) {
  UpsertRequest request = MakeUpsert({Numbered(1)});
  request.options.request_id = "r1";
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt first, collection_->Upsert(request));
  DeleteNumbered(1, 1);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt again, collection_->Upsert(request));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(Count(), 0U);  // not done again

  UpsertRequest other = MakeUpsert({Numbered(1, /*round=*/1)});
  other.options.request_id = "r1";
  EXPECT_THAT(collection_->Upsert(other), FieldErrorAt("request_id"));
  DeleteRequest removal = MakeDelete({Id(1)});
  removal.options.request_id = "r1";
  EXPECT_THAT(collection_->Delete(removal), FieldErrorAt("request_id"));
}

TEST_F(CollectionWriteTest, WritesAheadOfSealingAreRefusedForAWhile) {
  limits_.unsealed_bytes_max = 4'000;
  Open();
  Status refused;
  uint64_t accepted = 0;
  while (refused.ok() && accepted < 1'000) {
    refused = Put({Numbered(accepted + 1)}).status();
    accepted += refused.ok() ? 1U : 0U;
  }
  EXPECT_THAT(refused, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(refused), "WRITES_AHEAD_OF_SEALING");
  EXPECT_TRUE(RetryAfterMsOf(refused).has_value());
  EXPECT_EQ(Count(), accepted);
  DeleteNumbered(1, 1);  // deletes go on
  SealAll();
  EXPECT_THAT(Put({Numbered(5'000)}), IsOk());
  EXPECT_EQ(Count(), accepted);
}

TEST_F(CollectionWriteTest, ADroppedCollectionTakesNoWrites) {
  PutNumbered(1, 3);
  collection_->MarkDropped();
  EXPECT_THAT(Put({Numbered(4)}), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(collection_->Delete(MakeDelete({Id(1)})), StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(collection_->SealSomething());
  EXPECT_FALSE(collection_->BuildSomething());
  EXPECT_EQ(Count(), 3U);  // readers that still hold it go on
}

}  // namespace
}  // namespace alidade
