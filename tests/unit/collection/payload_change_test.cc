// Changes of payloads through a real store: what they do, who sees them when, and that they survive
// seals, builds and restarts without a vector being touched.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"

#include "collection_testing.h"
#include "commit_queue.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PayloadChangeTest : public CollectionTest {
 protected:
  static PayloadRequest Merge(std::vector<PointId> ids, Object merged) {
    PayloadRequest request;
    request.collection = "c";
    request.options.durability = Durability::kBuffered;
    request.points.ids = std::move(ids);
    request.edit.merged = std::move(merged);
    return request;
  }
  static PayloadRequest Overwrite(std::vector<PointId> ids, const Object& whole) {
    PayloadRequest request = Merge(std::move(ids), {});
    request.edit.kind = PayloadEdit::Kind::kOverwrite;
    EncodeObject(whole, request.edit.whole);
    return request;
  }
  static PayloadRequest DeleteKeys(std::vector<PointId> ids, std::vector<std::string> keys) {
    PayloadRequest request = Merge(std::move(ids), {});
    request.edit.kind = PayloadEdit::Kind::kDeleteKeys;
    request.edit.keys = std::move(keys);
    return request;
  }
  static std::vector<PointId> Ids(uint64_t first, uint64_t last) {
    std::vector<PointId> ids;
    for (uint64_t id = first; id <= last; ++id) {
      ids.push_back(Id(id));
    }
    return ids;
  }
  // The rows that the store has a record of a change for.
  std::vector<uint64_t> Records() const {
    std::vector<uint64_t> rows;
    EXPECT_THAT(store_->ScanPayloadChanges({kId, ShardId(0)},
                                           RowNo(0),
                                           RowNo(~uint64_t{0}),
                                           [&rows](RowNo row, SeqNo) {
                                             rows.push_back(row.value());
                                             return OkStatus();
                                           }),
                IsOk());
    return rows;
  }
  // The payload that a search shows, which reads the segments.
  Object Found(uint64_t id) const {
    SearchQuery query = QueryFor(std::vector<float>{static_cast<float>(id), 0, 0, 1}, 1);
    query.filter = std::make_shared<Filter>(Filter{IdIn{{Id(id)}}});
    query.payload =
        std::make_shared<const PayloadSelector>(PayloadSelector{PayloadSelector::Mode::kAll, {}});
    const auto result = SearchFor(query);
    EXPECT_THAT(result, IsOk());
    return result.ok() && result->hits.size() == 1 ? result->hits[0].point.payload : Object();
  }
  // By get, by search and by filter, the point has this in its payload.
  void ExpectTag(uint64_t id, const char* tag) const {
    EXPECT_EQ(GetPoint(Id(id))->payload.at("tag"), Value(tag)) << id;
    EXPECT_EQ(Found(id).at("tag"), Value(tag)) << id;
  }
};

TEST_F(PayloadChangeTest, MergingSetsKeysAndLeavesOthers) {
  ASSERT_THAT(Put({MakePoint(Id(1), {1, 2, 3, 4}, {{"a", Value(int64_t{1})}, {"b", Value("x")}})}),
              IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const WriteReceipt receipt,
      collection_->ChangePayload(
          Merge({Id(1), Id(9), Id(1)}, {{"b", Value(Object{{"c", Value()}})}, {"d", Value(2.5)}})));
  EXPECT_EQ(receipt.seq, SeqNo(2));
  EXPECT_EQ(receipt.points, 1U);
  const auto point = GetPoint(Id(1));
  EXPECT_EQ(
      point->payload,
      (Object{{"a", Value(int64_t{1})}, {"b", Value(Object{{"c", Value()}})}, {"d", Value(2.5)}}));
  EXPECT_EQ(point->seq, SeqNo(2));
  EXPECT_EQ(point->vectors.at("v"), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(collection_->view()->at, SeqNo(2));
}

TEST_F(PayloadChangeTest, OverwritingReplacesTheWholePayload) {
  PutNumbered(1, 3);
  ASSERT_THAT(collection_->ChangePayload(Overwrite(Ids(1, 2), {{"tag", Value("x")}})), IsOk());
  ASSERT_THAT(collection_->ChangePayload(Overwrite({Id(2)}, {})), IsOk());
  EXPECT_EQ(Found(1), (Object{{"tag", Value("x")}}));
  EXPECT_EQ(Found(2), Object());
  EXPECT_EQ(GetPoint(Id(3))->payload, Numbered(3).payload);
}

TEST_F(PayloadChangeTest, DeletedKeysAreDottedPaths) {
  ASSERT_THAT(Put({MakePoint(Id(1),
                             {1, 0, 0, 0},
                             {{"a", Value(Object{{"b", Value(true)}, {"c", Value("stays")}})},
                              {"a.b", Value("its own key")},
                              {"gone", Value(List{Value("x")})}})}),
              IsOk());
  ASSERT_THAT(collection_->ChangePayload(DeleteKeys({Id(1)}, {"a.b", "gone", "never there"})),
              IsOk());
  EXPECT_EQ(GetPoint(Id(1))->payload, (Object{{"a", Value(Object{{"c", Value("stays")}})}}));
}

TEST_F(PayloadChangeTest, APointThatStaysAsItIsKeepsItsSeq) {
  PutNumbered(1, 2);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const WriteReceipt receipt,
      collection_->ChangePayload(Merge(Ids(1, 2), {{"even", Value(true)}})));
  EXPECT_EQ(receipt.points, 1U);  // 2 is even
  EXPECT_EQ(GetPoint(Id(1))->seq, SeqNo(2));
  EXPECT_EQ(GetPoint(Id(2))->seq, SeqNo(1));
  EXPECT_THAT(Records(), ElementsAre(0));
}

TEST_F(PayloadChangeTest, TheLimitHoldsForTheMergedPayload) {
  limits_.payload_bytes_max = 300;
  Reopen();
  ASSERT_THAT(Put({MakePoint(Id(1), {1, 0, 0, 0}, {{"a", Value(std::string(200, 'a'))}}),
                   MakePoint(Id(2), {2, 0, 0, 0})}),
              IsOk());
  const std::string before = Answers();
  const Status refused =
      collection_->ChangePayload(Merge(Ids(1, 2), {{"b", Value(std::string(200, 'b'))}})).status();
  EXPECT_THAT(refused, StatusIs(StatusCode::kInvalidArgument, HasSubstr("point 1 would take")));
  EXPECT_EQ(FieldOf(refused), "payload");
  EXPECT_EQ(Answers(), before);
  EXPECT_THAT(Records(), IsEmpty());
  ASSERT_THAT(collection_->ChangePayload(Merge({Id(1)}, {{"a", Value(std::string(200, 'b'))}})),
              IsOk());
}

TEST_F(PayloadChangeTest, AnOldViewKeepsTheOldPayload) {
  PutNumbered(1, 40);
  SealAll();
  PutNumbered(41, 45);
  const auto before = collection_->view();
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(1, 45), {{"tag", Value("new")}})), IsOk());
  const auto after = collection_->view();
  std::string original;
  EncodeObject(Numbered(1).payload, original);
  for (const size_t i : {size_t{0}, before->segments.size() - 1}) {
    const Segment& segment = *before->segments[i].segment;
    EXPECT_NE(segment.payload(0, before->at), segment.payload(0, after->at));
    EXPECT_EQ(segment.payload(0, before->at).size(), original.size());
  }
  EXPECT_EQ(Count(Equals("tag", Value("new"))), 45U);
}

TEST_F(PayloadChangeTest, WritesOfOneGroupSeeEachOther) {
  PutNumbered(1, 3);
  {
    CommitQueue queue(*commits_);
    queue.Add([this] { PutNumbered(4, 4); });
    queue.Add([this] {
      EXPECT_THAT(collection_->ChangePayload(Merge(Ids(1, 4), {{"tag", Value("a")}})), IsOk());
    });
    queue.Add([this] { DeleteNumbered(2, 2); });
    queue.Add([this] {
      EXPECT_THAT(collection_->ChangePayload(Merge(Ids(1, 4), {{"other", Value("b")}})), IsOk());
    });
    queue.Add([this] { PutNumbered(3, 3, /*round=*/7); });
  }
  EXPECT_EQ(Found(1).at("tag"), Value("a"));
  EXPECT_EQ(Found(1).at("other"), Value("b"));
  EXPECT_FALSE(GetPoint(Id(2)).has_value());
  EXPECT_EQ(Found(3), Numbered(3, 7).payload);
  EXPECT_EQ(Found(4).at("tag"), Value("a"));
  EXPECT_EQ(Found(4).at("other"), Value("b"));
  const std::string before = Answers();
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(PayloadChangeTest, SealedRowsAndRowsOfDeltasSurviveRestarts) {
  PutNumbered(1, 100);  // deltas of 32 rows
  collection_->SealSomething();
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(90, 100), {{"tag", Value("first")}})), IsOk());
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(1, 10), {{"tag", Value("second")}})), IsOk());
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(5, 7), {{"tag", Value("third")}})), IsOk());
  DeleteNumbered(7, 7);
  for (int i = 0; i < 3; ++i) {
    ExpectTag(4, "second");
    ExpectTag(5, "third");
    ExpectTag(100, "first");
    EXPECT_EQ(Count(Equals("tag", Value("third"))), 2U);
    const std::string before = Answers();
    ASSERT_NO_FATAL_FAILURE(Reopen());
    ASSERT_EQ(Answers(), before);
    ASSERT_EQ(collection_->Stats().healed_segments, 0U);
  }
}

TEST_F(PayloadChangeTest, ASealSettlesTheChangesThatItWrites) {
  PutNumbered(1, 20);
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(1, 5), {{"tag", Value("x")}})), IsOk());
  EXPECT_THAT(Records(), ElementsAre(0, 1, 2, 3, 4));
  Reopen();  // the delta is replayed with the changes: only the store knows of them now
  ASSERT_THAT(collection_->ChangePayload(Merge({Id(6)}, {{"tag", Value("x")}})), IsOk());
  EXPECT_EQ(SealAll(), 1);
  EXPECT_THAT(Records(), IsEmpty());
  EXPECT_EQ(collection_->view()->segments[0].segment->payload_changes().rows(), 0U);
  ExpectTag(3, "x");
  ExpectTag(6, "x");
  ASSERT_THAT(collection_->ChangePayload(Merge({Id(2)}, {{"tag", Value("y")}})), IsOk());
  EXPECT_THAT(Records(), ElementsAre(1));
  DeleteNumbered(2, 2);
  Reopen();  // a record of a dead row is of no consequence
  EXPECT_FALSE(GetPoint(Id(2)).has_value());
  ExpectTag(3, "x");
}

// The builds run to just before their publication, then payloads change, then it comes.
TEST_F(PayloadChangeTest, ChangesDuringABuildAreCarriedOver) {
  PutNumbered(1, 20);
  ASSERT_THAT(collection_->FreezeDelta(), IsOk());
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(1, 9), {{"tag", Value("before")}})), IsOk());
  {
    CommitQueue queue(*commits_);
    // Written from the view of now; its publication waits behind the changes.
    queue.Add([this] {
      EXPECT_THAT(collection_->ChangePayload(Merge(Ids(5, 12), {{"tag", Value("during")}})),
                  IsOk());
    });
    queue.Add([this] { EXPECT_TRUE(collection_->SealSomething()); });
  }
  ASSERT_TRUE(collection_->view()->segments[0].segment->sealed());
  EXPECT_THAT(Records(), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_EQ(collection_->view()->segments[0].segment->payload_changes().rows(), 8U);
  for (int i = 0; i < 2; ++i) {
    ExpectTag(4, "before");
    ExpectTag(5, "during");
    ExpectTag(12, "during");
    EXPECT_EQ(Count(Equals("tag", Value("before"))), 4U);
    ASSERT_NO_FATAL_FAILURE(Reopen());
  }
}

TEST_F(PayloadChangeTest, ADamagedSegmentIsReplayedWithTheChanges) {
  PutNumbered(1, 32);
  SealAll();
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(1, 5), {{"tag", Value("x")}})), IsOk());
  const std::string before = Answers();
  Close();
  FlipBit(FilesBelow(OwnSegments(), "rows.seg").at(0), 5'000, 3);
  Reopen();
  EXPECT_EQ(collection_->Stats().healed_segments, 1U);
  EXPECT_EQ(Answers(), before);
  SealAll();
  EXPECT_THAT(Records(), IsEmpty());
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(PayloadChangeTest, ARecordThatItsRowDoesNotKnowOfIsRefusedAtStart) {
  PutNumbered(1, 32);
  SealAll();
  ASSERT_THAT(collection_->ChangePayload(Merge({Id(3)}, {{"tag", Value("x")}})), IsOk());
  WriteBatch batch(*store_);
  batch.PutPayloadChange({kId, ShardId(0)}, RowNo(4), SeqNo(77));
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  Open();
  EXPECT_THAT(recovered_,
              StatusIs(StatusCode::kDataLoss, HasSubstr("row 4 was changed at seq 77")));
}

TEST_F(PayloadChangeTest, ASegmentWithManyChangesIsWrittenAnewAndItsGraphKept) {
  limits_.delta_rows_max = 5'000;
  Open();
  PutNumbered(1, 2'300);
  Settle();
  ASSERT_THAT(collection_->Stats().segments, SizeIs(1));
  ASSERT_EQ(collection_->Stats().segments[0].indexes.at(0), "hnsw");
  const auto graph_of = [this] {
    const auto view = collection_->view();
    return std::string(static_cast<const SealedSegment&>(*view->segments[0].segment).index_body(0));
  };
  const std::string graph = graph_of();
  const uint64_t memory = collection_->Stats().memory_bytes;
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(1, 460), {{"tag", Value("x")}})), IsOk());
  EXPECT_GT(collection_->Stats().memory_bytes, memory + 460 * 50);
  EXPECT_FALSE(collection_->BuildSomething());  // a fifth, but not more
  ASSERT_THAT(collection_->ChangePayload(Merge(Ids(500, 500), {{"tag", Value("x")}})), IsOk());
  const std::string before = Answers();
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_FALSE(collection_->BuildSomething());
  EXPECT_EQ(Answers(), before);
  EXPECT_THAT(Records(), IsEmpty());
  EXPECT_EQ(collection_->view()->segments[0].segment->payload_changes().rows(), 0U);
  EXPECT_EQ(graph_of(), graph);
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(PayloadChangeTest, FewRowsThatChangeOftenAreWrittenAnewForTheirBytes) {
  limits_.delta_bytes_max = 100'000;
  Open();
  PutNumbered(1, 32);
  SealAll();
  const Object large = {{"text", Value(std::string(10'000, 'x'))}};
  for (int i = 0; i < 9; ++i) {
    ASSERT_THAT(collection_->ChangePayload(Overwrite({Id(1)}, {{"n", Value(int64_t{i})}})), IsOk());
    ASSERT_THAT(collection_->ChangePayload(Overwrite({Id(1)}, large)), IsOk());
    EXPECT_FALSE(collection_->BuildSomething()) << i;
  }
  ASSERT_THAT(collection_->ChangePayload(Overwrite({Id(1)}, {})), IsOk());
  ASSERT_THAT(collection_->ChangePayload(Overwrite({Id(1)}, large)), IsOk());
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_FALSE(collection_->BuildSomething());
  EXPECT_EQ(Found(1), large);
}

TEST_F(PayloadChangeTest, ADeltaWhosePayloadsChangeOftenIsSealed) {
  limits_.delta_bytes_max = 100'000;
  Open();
  PutNumbered(1, 5);
  int changes = 0;
  while (!collection_->HasFrozenDelta() && changes < 100) {
    const Object text = {{"text", Value(std::string(10'000, changes++ % 2 == 0 ? 'x' : 'y'))}};
    ASSERT_THAT(collection_->ChangePayload(Overwrite({Id(1)}, text)), IsOk());
  }
  EXPECT_EQ(changes, 10);
  PutNumbered(6, 7);
  EXPECT_TRUE(collection_->SealSomething());
  EXPECT_EQ(Count(), 7U);
}

TEST_F(PayloadChangeTest, ChangesThatNobodyWritesDownAreRefusedAtTheLimit) {
  limits_.unsealed_bytes_max = 50'000;
  Open();
  PutNumbered(1, 5);
  SealAll();
  Status status;
  int changes = 0;
  for (; status.ok() && changes < 100; ++changes) {
    const Object text = {{"text", Value(std::string(5'000, changes % 2 == 0 ? 'x' : 'y'))}};
    status = collection_->ChangePayload(Overwrite({Id(1)}, text)).status();
  }
  EXPECT_LT(changes, 12);
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(status), "WRITES_AHEAD_OF_SEALING");
  const Status large =
      collection_->ChangePayload(Overwrite(Ids(2, 5), {{"text", Value(std::string(5'000, 'z'))}}))
          .status();
  EXPECT_EQ(ReasonOf(large), "WRITE_TOO_LARGE");
  EXPECT_EQ(Found(2), Numbered(2).payload);
}

TEST_F(PayloadChangeTest, ARetryIsAnsweredAndNotDoneAgain) {
  PutNumbered(1, 3);
  PayloadRequest request = Merge(Ids(1, 2), {{"tag", Value("x")}});
  request.options.request_id = "r";
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt first, collection_->ChangePayload(request));
  ASSERT_THAT(collection_->ChangePayload(Merge({Id(1)}, {{"tag", Value("y")}})), IsOk());
  Reopen();
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt again, collection_->ChangePayload(request));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(again.points, 2U);
  ExpectTag(1, "y");
  for (const auto& other : {Overwrite(Ids(1, 2), {{"tag", Value("x")}}),
                            Merge(Ids(1, 3), {{"tag", Value("x")}}),
                            Merge(Ids(1, 2), {{"tag", Value("z")}})}) {
    PayloadRequest reused = other;
    reused.options.request_id = "r";
    EXPECT_EQ(ReasonOf(collection_->ChangePayload(reused).status()), "REQUEST_ID_REUSED");
  }
}

TEST_F(PayloadChangeTest, RandomHistoriesComeBack) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 rng(seed);
    for (int i = 0; i < 60; ++i) {
      const uint64_t first = 1 + rng() % 100;
      const std::string tag = std::to_string(i);
      switch (rng() % 7) {
        case 0:
          ASSERT_NO_FATAL_FAILURE(DeleteNumbered(first, first + rng() % 10));
          break;
        case 1:
          ASSERT_THAT(collection_->FreezeDelta(), IsOk());
          collection_->SealSomething();
          break;
        case 2:
          collection_->BuildSomething();
          break;
        case 3:
          ASSERT_NO_FATAL_FAILURE(PutNumbered(first, first + rng() % 20, i));
          break;
        case 4:
          ASSERT_THAT(collection_->ChangePayload(DeleteKeys(Ids(first, first + 30), {"tag"})),
                      IsOk());
          break;
        default:
          ASSERT_THAT(collection_->ChangePayload(
                          Merge(Ids(first, first + rng() % 40), {{"tag", Value(tag)}})),
                      IsOk());
      }
    }
    const std::string before = Answers();
    ASSERT_NO_FATAL_FAILURE(Reopen()) << "seed " << seed;
    ASSERT_EQ(Answers(), before) << "seed " << seed;
    for (const Point& point : ListAll()) {
      ASSERT_EQ(Found(point.id.number()), point.payload) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace alidade
