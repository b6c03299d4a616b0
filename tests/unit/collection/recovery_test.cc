// Reopening: the same answers, and damaged or missing segment files are replaced from the rows.
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collection_testing.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RecoveryTest : public CollectionTest {
 protected:
  // Deltas, a sealed segment with dead rows, and replaced points.
  void Fill() {
    PutNumbered(1, 150);
    SealAll();
    PutNumbered(140, 180, /*round=*/1);
    DeleteNumbered(10, 30);
    before_ = Answers();
  }
  // A segment with a graph.
  void FillIndexed() {
    limits_.delta_rows_max = 5'000;
    Open();
    PutNumbered(1, 2'300);
    Settle();
    PutNumbered(2'301, 2'310);
    DeleteNumbered(50, 60);
    before_ = Answers();
    ASSERT_EQ(FilesBelow(OwnSegments()).size(), 3U);
  }

  std::string before_;
};

TEST_F(RecoveryTest, AnEmptyCollectionComesBackEmpty) {
  Reopen();
  EXPECT_EQ(Count(), 0U);
  PutNumbered(1, 1);
  DeleteNumbered(1, 1);
  Reopen();
  EXPECT_EQ(Count(), 0U);
}

TEST_F(RecoveryTest, AnswersAreTheSameAfterEveryReopening) {
  Fill();
  for (int i = 0; i < 3; ++i) {
    ASSERT_NO_FATAL_FAILURE(Reopen());
    ASSERT_EQ(Answers(), before_);
    ASSERT_EQ(collection_->Stats().healed_segments, 0U);
  }
  // Row numbers go on behind the old ones: new writes do not disturb what is there.
  PutNumbered(500, 540);
  EXPECT_EQ(Count(), 159U + 41U);
}

TEST_F(RecoveryTest, RandomHistoriesComeBack) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 rng(seed);
    for (int i = 0; i < 40; ++i) {
      const uint64_t first = 1 + rng() % 100;
      switch (rng() % 5) {
        case 0:
          ASSERT_NO_FATAL_FAILURE(DeleteNumbered(first, first + rng() % 10));
          break;
        case 1:
          ASSERT_THAT(collection_->FreezeDelta(), IsOk());
          break;
        case 2:
          collection_->SealSomething();
          break;
        case 3:
          collection_->BuildSomething();
          break;
        default:
          ASSERT_NO_FATAL_FAILURE(PutNumbered(first, first + rng() % 20, i));
      }
    }
    const std::string before = Answers();
    ASSERT_NO_FATAL_FAILURE(Reopen()) << "seed " << seed;
    ASSERT_EQ(Answers(), before) << "seed " << seed;
  }
}

TEST_F(RecoveryTest, DeadRowsAtTheEndDoNotGiveTheirNumbersAway) {
  PutNumbered(1, 10);
  DeleteNumbered(6, 10);
  Reopen();
  PutNumbered(20, 25);
  SealAll();
  Reopen();
  EXPECT_EQ(Count(), 11U);
  EXPECT_EQ(GetPoint(Id(20))->payload.at("n"), Value(int64_t{20}));
  EXPECT_FALSE(GetPoint(Id(6)).has_value());
}

TEST_F(RecoveryTest, AMissingOrDamagedRowsOrVectorsFileIsReplacedFromTheRows) {
  Fill();
  Close();
  CopyTree(scratch_.Path("data"), scratch_.Path("kept"));
  const auto files = FilesBelow(OwnSegments());
  ASSERT_EQ(files.size(), 2U);
  for (const std::string& file : files) {
    for (const std::string what : {"removed", "cut", "flipped", "emptied"}) {
      Close();
      CopyTree(scratch_.Path("kept"), scratch_.Path("data"));
      if (what == "removed") {
        ASSERT_THAT(RemoveTree(file), IsOk());
      } else if (what == "cut") {
        CutFile(file, FileBytes(file) - 1);
      } else if (what == "flipped") {
        FlipBit(file, FileBytes(file) - 3, 5);
      } else {
        PutBytes(file, "");
      }
      ASSERT_NO_FATAL_FAILURE(Reopen()) << file << " " << what;
      ASSERT_EQ(Answers(), before_) << file << " " << what;
      ASSERT_EQ(collection_->Stats().healed_segments, 1U);
      // Its rows are deltas again and wait to be sealed; the bad files are gone.
      ASSERT_TRUE(collection_->HasFrozenDelta());
      ASSERT_THAT(FilesBelow(OwnSegments()), IsEmpty());
      Settle();
      ASSERT_EQ(Answers(), before_) << file << " " << what;
      ASSERT_NO_FATAL_FAILURE(Reopen());
      ASSERT_EQ(Answers(), before_) << file << " " << what;
      ASSERT_EQ(collection_->Stats().healed_segments, 0U);
    }
  }
}

TEST_F(RecoveryTest, AllSegmentsMayBeDeletedAtAnyTime) {
  Fill();
  Close();
  ASSERT_THAT(RemoveTree(SegmentsDirectory()), IsOk());
  Reopen();
  EXPECT_EQ(Answers(), before_);
  Settle();
  EXPECT_EQ(Answers(), before_);
}

TEST_F(RecoveryTest, ASegmentInTheMiddleIsHealedInItsPlace) {
  for (uint64_t i = 0; i < 3; ++i) {
    PutNumbered(100 * i, 100 * i + 60);
    SealAll();
  }
  DeleteNumbered(110, 120);
  const std::string before = Answers();
  Close();
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto directories, ListDirectory(OwnSegments()));
  ASSERT_THAT(directories, SizeIs(3));
  ASSERT_THAT(RemoveTree(OwnSegments() + "/" + directories[1]), IsOk());
  Reopen();
  EXPECT_EQ(Answers(), before);
  const auto view = collection_->view();
  for (size_t i = 1; i < view->segments.size(); ++i) {
    EXPECT_LT(view->segments[i - 1].segment->last_row(), view->segments[i].segment->first_row());
  }
  PutNumbered(1'000, 1'010);
  Settle();
  Reopen();
  EXPECT_EQ(Count(), 3 * 61U - 11U + 11U);
}

TEST_F(RecoveryTest, ADamagedIndexIsSearchedExactlyUntilItIsRebuilt) {
  ASSERT_NO_FATAL_FAILURE(FillIndexed());
  Close();
  const auto indexes = FilesBelow(OwnSegments(), ".idx");
  ASSERT_THAT(indexes, SizeIs(1));
  FlipBit(indexes[0], FileBytes(indexes[0]) / 2, 1);
  Reopen();
  EXPECT_EQ(Answers(), before_);
  EXPECT_EQ(collection_->Stats().healed_segments, 1U);
  EXPECT_EQ(collection_->Stats().segments.at(0).indexes.at(0), "flat");
  EXPECT_THAT(Nearest({300, 0, 0, 1}, 20, /*exact=*/false), SizeIs(20));
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_EQ(collection_->Stats().segments.at(0).indexes.at(0), "hnsw");
  EXPECT_EQ(Answers(), before_);
  Reopen();
  EXPECT_EQ(collection_->Stats().healed_segments, 0U);
  EXPECT_EQ(collection_->Stats().segments.at(0).indexes.at(0), "hnsw");
}

TEST_F(RecoveryTest, OrphansAreRemoved) {
  Fill();
  Close();
  const auto files = FilesBelow(OwnSegments());
  for (const char* name : {"/00000000000000ff", "/0000000000000100.tmp", "/junk"}) {
    ASSERT_THAT(MakeDirectories(OwnSegments() + name), IsOk());
    PutBytes(OwnSegments() + name + "/rows", "left over");
  }
  Reopen();
  EXPECT_EQ(FilesBelow(OwnSegments()), files);
  EXPECT_EQ(Answers(), before_);
}

TEST_F(RecoveryTest, AMissingRowIsDataLossAndNotAShorterCollection) {
  Fill();
  WriteBatch batch(*store_);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto entries,
                               store_->GetIds({kId, ShardId(0)}, {Id(180).Encode()}, nullptr));
  batch.DeleteRow({kId, ShardId(0)}, entries[0]->row, {FieldId(1)});
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  Open();
  EXPECT_THAT(recovered_, StatusIs(StatusCode::kDataLoss, HasSubstr("159")));
}

TEST_F(RecoveryTest, AVectorOfAnotherLengthIsDataLoss) {
  PutNumbered(1, 3);
  WriteBatch batch(*store_);
  batch.PutVector({kId, ShardId(0)}, RowNo(1), {FieldId(1), "short"});
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  Open();
  EXPECT_THAT(recovered_, StatusIs(StatusCode::kDataLoss, HasSubstr("row 1")));
}

}  // namespace
}  // namespace alidade
