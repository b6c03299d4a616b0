// Writes that depend on what is there: deletes and changes by a filter, insert-only, update-only,
// expected seqs.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"

#include "collection_testing.h"
#include "commit_queue.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ConditionalWriteTest : public CollectionTest {
 protected:
  static DeleteRequest DeleteWhere(std::shared_ptr<const Filter> filter) {
    DeleteRequest request;
    request.collection = "c";
    request.points.filter = std::move(filter);
    return request;
  }
  static PayloadRequest TagWhere(std::shared_ptr<const Filter> filter, const std::string& tag) {
    PayloadRequest request;
    request.collection = "c";
    request.points.filter = std::move(filter);
    request.edit.merged = {{"tag", Value(tag)}};
    return request;
  }
  static UpsertRequest Numbers(uint64_t first, uint64_t last, int64_t round, UpsertMode mode) {
    std::vector<OwnedPoint> points;
    for (uint64_t number = first; number <= last; ++number) {
      points.push_back(Numbered(number, round));
    }
    UpsertRequest request = MakeUpsert(std::move(points));
    request.mode = mode;
    return request;
  }
  static std::shared_ptr<const Filter> Even() { return Equals("even", Value(true)); }
  // A write that is refused: with this code and reason, and nothing is changed.
  template <typename Write>
  void ExpectRefused(const Write& write, StatusCode code, const std::string& part) {
    const std::string before = Answers();
    const SeqNo seq = commits_->visible();
    EXPECT_THAT(write(), StatusIs(code, HasSubstr(part)));
    EXPECT_EQ(Answers(), before);
    EXPECT_EQ(commits_->visible(), seq);
    Reopen();
    EXPECT_EQ(Answers(), before);
  }
};

TEST_F(ConditionalWriteTest, ADeleteByFilterTakesExactlyWhatPasses) {
  PutNumbered(1, 100);
  SealAll();
  PutNumbered(101, 110);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt,
                               collection_->Delete(DeleteWhere(Even())));
  EXPECT_EQ(receipt.points, 55U);
  EXPECT_EQ(Count(), 55U);
  EXPECT_EQ(Count(Even()), 0U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt none, collection_->Delete(DeleteWhere(Even())));
  EXPECT_EQ(none.points, 0U);
  const std::string before = Answers();
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(ConditionalWriteTest, AChangeByFilterChangesExactlyWhatPasses) {
  PutNumbered(1, 100);
  SealAll();
  PutNumbered(101, 110);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt,
                               collection_->ChangePayload(TagWhere(Even(), "x")));
  EXPECT_EQ(receipt.points, 55U);
  EXPECT_EQ(Count(Equals("tag", Value("x"))), 55U);
  // The filter sees changed payloads, not those of the files.
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const WriteReceipt again,
      collection_->ChangePayload(TagWhere(Equals("tag", Value("x")), "y")));
  EXPECT_EQ(again.points, 55U);
  EXPECT_EQ(Count(Equals("tag", Value("x"))), 0U);
  EXPECT_EQ(Count(Equals("tag", Value("y"))), 55U);
  const std::string before = Answers();
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(ConditionalWriteTest, AFilterSeesWhatTheGroupHasDoneBefore) {
  config_.fields.push_back(
      {.id = FieldId(2), .name = "w", .dim = 1, .metric = Metric::kL2, .index = {}});
  Close();
  ASSERT_THAT(RemoveTree(scratch_.Path("data")), IsOk());
  Open();
  PutNumbered(1, 4);
  const auto with_w = std::make_shared<Filter>(Filter{HasVector{"w"}});
  {
    CommitQueue queue(*commits_);
    queue.Add([this] { PutNumbered(5, 6); });
    queue.Add([this] { DeleteNumbered(2, 2); });
    queue.Add([this] {
      OwnedPoint point = Numbered(1, /*round=*/1);
      point.payload["even"] = Value(true);
      point.vectors["w"] = {3};
      EXPECT_THAT(Put({point}), IsOk());
    });
    queue.Add([this] {  // 1, 4 and 6
      const auto receipt = collection_->ChangePayload(TagWhere(Even(), "x"));
      ASSERT_THAT(receipt, IsOk());
      EXPECT_EQ(receipt->points, 3U);
    });
    queue.Add([this, with_w] {
      const auto receipt = collection_->ChangePayload(TagWhere(with_w, "w"));
      ASSERT_THAT(receipt, IsOk());
      EXPECT_EQ(receipt->points, 1U);
    });
    queue.Add([this] {  // 4 and 6
      const auto receipt = collection_->Delete(DeleteWhere(Equals("tag", Value("x"))));
      ASSERT_THAT(receipt, IsOk());
      EXPECT_EQ(receipt->points, 2U);
    });
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Count(), 3U);
    EXPECT_EQ(GetPoint(Id(1))->payload.at("tag"), Value("w"));
    EXPECT_EQ(GetPoint(Id(1))->vectors.at("w"), std::vector<float>{3});
    EXPECT_EQ(GetPoint(Id(3))->payload, Numbered(3).payload);
    EXPECT_EQ(GetPoint(Id(5))->payload, Numbered(5).payload);
    Reopen();
  }
}

// What was looked at ahead is old when the write's turn comes: rows were added, changed, deleted,
// and segments replaced.
TEST_F(ConditionalWriteTest, AFilterIsJudgedByWhatIsThereWhenItsTurnComes) {
  limits_.commit_group_bytes_max = 1;  // groups of their own: a view of each, nothing is pending
  Open();
  for (const bool sealed_meanwhile : {false, true}) {
    PutNumbered(1, 40);
    SealAll();
    PutNumbered(41, 50);
    if (sealed_meanwhile) {
      ASSERT_THAT(collection_->FreezeDelta(), IsOk());
    }
    {
      CommitQueue queue(*commits_);
      queue.Add([this] { EXPECT_THAT(collection_->ChangePayload(TagWhere(Even(), "x")), IsOk()); });
      queue.Add([this] { DeleteNumbered(2, 5); });
      queue.Add([this] { PutNumbered(51, 60); });
      queue.Add([this] { PutNumbered(6, 6, /*round=*/1); });
      if (sealed_meanwhile) {
        queue.Add([this] { EXPECT_TRUE(collection_->SealSomething()); });
      }
      queue.Add([this] {  // of the even ones 2 and 4 are gone, 6 is replaced, 52 to 60 are new
        const auto receipt = collection_->Delete(DeleteWhere(Equals("tag", Value("x"))));
        ASSERT_THAT(receipt, IsOk());
        EXPECT_EQ(receipt->points, 25U - 3U);
      });
      queue.Add([this] {
        const auto receipt = collection_->Delete(DeleteWhere(Even()));
        ASSERT_THAT(receipt, IsOk());
        EXPECT_EQ(receipt->points, 6U);
      });
    }
    EXPECT_EQ(Count(Even()), 0U);
    EXPECT_EQ(Count(), 28U);
    const std::string answers = Answers();
    Reopen();
    EXPECT_EQ(Answers(), answers);
  }
}

TEST_F(ConditionalWriteTest, AFilterThatPassesTooManyIsRefused) {
  limits_.filter_write_points_max = 10;
  Open();
  PutNumbered(1, 40);
  ExpectRefused([this] { return collection_->Delete(DeleteWhere(Even())).status(); },
                StatusCode::kResourceExhausted,
                "limits.filter_write_points_max");
  ExpectRefused([this] { return collection_->ChangePayload(TagWhere(Even(), "x")).status(); },
                StatusCode::kResourceExhausted,
                "more than 10 points");
  DeleteNumbered(21, 40);
  EXPECT_THAT(collection_->Delete(DeleteWhere(Even())), IsOk());
  EXPECT_EQ(Count(), 10U);
}

TEST_F(ConditionalWriteTest, TheDeadlineHoldsWhilePointsAreLookedFor) {
  PutNumbered(1, 40);
  int looks = 0;
  DeleteRequest request = DeleteWhere(Even());
  request.points.deadline =
      Deadline(Deadline::Clock::time_point::max(), [&looks] { return ++looks > 2; });
  ExpectRefused(
      [&] { return collection_->Delete(request).status(); }, StatusCode::kCancelled, "cancelled");
  EXPECT_GT(looks, 2);
  PayloadRequest change = TagWhere(Even(), "x");
  change.points.deadline = Deadline::After(std::chrono::milliseconds(-1));
  ExpectRefused([&] { return collection_->ChangePayload(change).status(); },
                StatusCode::kDeadlineExceeded,
                "deadline");
}

TEST_F(ConditionalWriteTest, AFilterOverAFieldThatIsNotThereIsRefused) {
  PutNumbered(1, 3);
  const auto filter = std::make_shared<Filter>(Filter{HasVector{"nope"}});
  ExpectRefused([&] { return collection_->Delete(DeleteWhere(filter)).status(); },
                StatusCode::kInvalidArgument,
                "filter");
}

TEST_F(ConditionalWriteTest, AWriteByFilterIsNotDoneAgain) {
  PutNumbered(1, 10);
  DeleteRequest request = DeleteWhere(Even());
  request.options.request_id = "r";
  ASSERT_THAT(collection_->Delete(request), IsOk());
  PutNumbered(2, 2);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt again, collection_->Delete(request));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.points, 5U);
  EXPECT_TRUE(GetPoint(Id(2)).has_value());
  DeleteRequest other = DeleteWhere(Equals("even", Value(false)));
  other.options.request_id = "r";
  EXPECT_EQ(ReasonOf(collection_->Delete(other).status()), "REQUEST_ID_REUSED");
}

TEST_F(ConditionalWriteTest, InsertOnlyLeavesWhatIsThereAlone) {
  PutNumbered(1, 5);
  UpsertRequest request = Numbers(4, 8, /*round=*/1, UpsertMode::kInsertOnly);
  request.options.request_id = "r";
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, collection_->Upsert(request));
  EXPECT_EQ(receipt.points, 3U);
  EXPECT_EQ(receipt.skipped, 2U);
  EXPECT_EQ(GetPoint(Id(5))->payload, Numbered(5, 0).payload);
  EXPECT_EQ(GetPoint(Id(5))->seq, SeqNo(1));
  EXPECT_EQ(GetPoint(Id(6))->payload, Numbered(6, 1).payload);
  EXPECT_EQ(Count(), 8U);
  const std::string before = Answers();
  Reopen();
  EXPECT_EQ(Answers(), before);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt again, collection_->Upsert(request));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.points, 3U);
  EXPECT_EQ(again.skipped, 2U);
  request.mode = UpsertMode::kUpsert;
  EXPECT_EQ(ReasonOf(collection_->Upsert(request).status()), "REQUEST_ID_REUSED");
}

TEST_F(ConditionalWriteTest, UpdateOnlyAddsNothing) {
  PutNumbered(1, 5);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const WriteReceipt receipt,
      collection_->Upsert(Numbers(4, 8, /*round=*/1, UpsertMode::kUpdateOnly)));
  EXPECT_EQ(receipt.points, 2U);
  EXPECT_EQ(receipt.skipped, 3U);
  EXPECT_EQ(Count(), 5U);
  EXPECT_EQ(GetPoint(Id(5))->payload, Numbered(5, 1).payload);
  EXPECT_FALSE(GetPoint(Id(6)).has_value());
}

TEST_F(ConditionalWriteTest, ModesSeeWhatTheGroupHasDoneBefore) {
  PutNumbered(1, 1);
  {
    CommitQueue queue(*commits_);
    queue.Add([this] { DeleteNumbered(1, 1); });
    for (const uint64_t inserted : {1U, 0U}) {
      queue.Add([this, inserted] {
        const auto receipt = collection_->Upsert(Numbers(1, 1, 1, UpsertMode::kInsertOnly));
        ASSERT_THAT(receipt, IsOk());
        EXPECT_EQ(receipt->points, inserted);
      });
    }
  }
  EXPECT_EQ(GetPoint(Id(1))->payload, Numbered(1, 1).payload);
  EXPECT_EQ(Count(), 1U);
}

TEST_F(ConditionalWriteTest, AnExpectedSeqThatIsRightLetsTheWriteThrough) {
  PutNumbered(1, 2);  // seq 1
  UpsertRequest request = Numbers(1, 3, /*round=*/1, UpsertMode::kUpsert);
  request.if_seqs = {SeqNo(1), SeqNo(1), SeqNo(0)};
  ASSERT_THAT(collection_->Upsert(request), IsOk());
  EXPECT_EQ(Count(), 3U);
  PayloadRequest tag = TagWhere(nullptr, "x");
  tag.points.ids = {Id(3), Id(1)};
  tag.points.if_seqs = {SeqNo(2), SeqNo(2)};
  ASSERT_THAT(collection_->ChangePayload(tag), IsOk());
  DeleteRequest gone = MakeDelete({Id(1), Id(77), Id(2)});
  gone.points.if_seqs = {SeqNo(3), SeqNo(0), SeqNo(2)};  // 1 was changed by the third write
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, collection_->Delete(gone));
  EXPECT_EQ(receipt.points, 2U);
}

TEST_F(ConditionalWriteTest, AnExpectedSeqThatIsWrongRefusesTheWholeWrite) {
  PutNumbered(1, 2);
  UpsertRequest request = Numbers(1, 3, /*round=*/1, UpsertMode::kUpsert);
  request.if_seqs = {SeqNo(1), SeqNo(0), SeqNo(0)};
  ExpectRefused([&] { return collection_->Upsert(request).status(); },
                StatusCode::kAborted,
                "if_seqs[1]: the point 2 was expected not to exist, it is at seq 1");
  request.if_seqs = {SeqNo(1), SeqNo(1), SeqNo(4)};
  ExpectRefused([&] { return collection_->Upsert(request).status(); },
                StatusCode::kAborted,
                "if_seqs[2]: the point 3 was expected to be at seq 4, it does not exist");
  EXPECT_EQ(ReasonOf(collection_->Upsert(request).status()), "SEQ_MISMATCH");
  DeleteRequest gone = MakeDelete({Id(2), Id(1)});
  gone.points.if_seqs = {SeqNo(1), SeqNo(7)};
  ExpectRefused([&] { return collection_->Delete(gone).status(); },
                StatusCode::kAborted,
                "if_seqs[1]: the point 1 was expected to be at seq 7, it is at seq 1");
}

TEST_F(ConditionalWriteTest, OfTwoWritersInOneGroupThatExpectTheSameTheFirstWins) {
  PutNumbered(1, 1);
  std::array<StatusCode, 2> codes{};  // each writer has its own
  {
    CommitQueue queue(*commits_);
    for (int64_t round = 1; round <= 2; ++round) {
      queue.Add([this, round, &codes] {
        UpsertRequest request = Numbers(1, 1, round, UpsertMode::kUpsert);
        request.if_seqs = {SeqNo(1)};
        codes.at(static_cast<size_t>(round - 1)) = collection_->Upsert(request).status().code();
      });
    }
    queue.Release();
  }
  EXPECT_THAT(codes, testing::ElementsAre(StatusCode::kOk, StatusCode::kAborted));
  EXPECT_EQ(GetPoint(Id(1))->payload, Numbered(1, 1).payload);
}

TEST_F(ConditionalWriteTest, AnIdThatComesTwiceWithExpectedSeqsIsRefused) {
  PutNumbered(1, 1);
  UpsertRequest request = MakeUpsert({Numbered(1), Numbered(1, 2)});
  request.if_seqs = {SeqNo(1), SeqNo(1)};
  EXPECT_THAT(collection_->Upsert(request), FieldErrorAt("if_seqs[1]"));
  DeleteRequest gone = MakeDelete({Id(5), Id(1), Id(5)});
  gone.points.if_seqs = {SeqNo(0), SeqNo(1), SeqNo(0)};
  EXPECT_THAT(collection_->Delete(gone), FieldErrorAt("if_seqs[2]"));
  EXPECT_EQ(Count(), 1U);
}

}  // namespace
}  // namespace alidade
