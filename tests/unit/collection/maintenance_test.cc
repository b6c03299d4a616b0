// Sealing and building, one step at a time, with the same answers before and after.
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collection_testing.h"
#include "commit_queue.h"

namespace alidade {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class MaintenanceTest : public CollectionTest {
 protected:
  // The segments cover rising, disjoint ranges.
  void ExpectRangesApart() const {
    const auto view = collection_->view();
    for (size_t i = 1; i < view->segments.size(); ++i) {
      EXPECT_LT(view->segments[i - 1].segment->last_row(), view->segments[i].segment->first_row());
    }
  }
};

TEST_F(MaintenanceTest, NothingToDoOnAnEmptyCollection) {
  EXPECT_FALSE(collection_->HasFrozenDelta());
  EXPECT_THAT(collection_->FreezeDelta(), IsOk());
  EXPECT_FALSE(collection_->HasFrozenDelta());
  EXPECT_FALSE(collection_->SealSomething());
  EXPECT_FALSE(collection_->BuildSomething());
}

TEST_F(MaintenanceTest, AFullDeltaIsFrozenAndSealed) {
  PutNumbered(1, 100);  // deltas of 32 rows
  EXPECT_TRUE(collection_->HasFrozenDelta());
  const std::string before = Answers();
  EXPECT_TRUE(collection_->SealSomething());
  EXPECT_FALSE(collection_->HasFrozenDelta());
  EXPECT_FALSE(collection_->SealSomething());
  const CollectionStats stats = collection_->Stats();
  EXPECT_EQ(stats.delta_rows, 4U);  // the open one stays
  ASSERT_THAT(stats.segments, SizeIs(2));
  EXPECT_TRUE(stats.segments[0].sealed);
  EXPECT_EQ(stats.segments[0].rows, 96U);
  EXPECT_EQ(Answers(), before);
  ExpectRangesApart();
}

TEST_F(MaintenanceTest, FreezingMakesTheOpenDeltaSealable) {
  PutNumbered(1, 10);
  EXPECT_FALSE(collection_->SealSomething());
  ASSERT_THAT(collection_->FreezeDelta(), IsOk());
  EXPECT_TRUE(collection_->HasFrozenDelta());
  EXPECT_TRUE(collection_->SealSomething());
  EXPECT_EQ(collection_->Stats().delta_rows, 0U);
  EXPECT_EQ(FilesBelow(OwnSegments()).size(), 2U);  // rows and one field
}

TEST_F(MaintenanceTest, ASealRemovesTombstonesOfRowsThatDiedBeforeARestart) {
  const auto tombstones = [this] {
    std::vector<uint64_t> rows;
    EXPECT_THAT(store_->ScanTombstones({kId, ShardId(0)},
                                       RowNo(0),
                                       RowNo(~uint64_t{0}),
                                       [&rows](RowNo row, SeqNo) {
                                         rows.push_back(row.value());
                                         return OkStatus();
                                       }),
                IsOk());
    return rows;
  };
  PutNumbered(1, 20);
  DeleteNumbered(5, 9);
  EXPECT_THAT(tombstones(), SizeIs(5));
  Reopen();  // the dead rows are in no delta any more
  EXPECT_THAT(tombstones(), SizeIs(5));
  DeleteNumbered(10, 11);
  EXPECT_EQ(SealAll(), 1);
  EXPECT_THAT(tombstones(), IsEmpty());
  DeleteNumbered(1, 1);  // a row of the segment: needed until the segment is written anew
  EXPECT_THAT(tombstones(), SizeIs(1));
  const std::string before = Answers();
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(MaintenanceTest, AFreezeBetweenWritesOfOneGroupEndsBeforeTheLaterOnes) {
  PutNumbered(1, 5);
  {
    CommitQueue queue(*commits_);
    queue.Add([this] { PutNumbered(6, 7); });
    queue.Add([this] { EXPECT_THAT(collection_->FreezeDelta(), IsOk()); });
    queue.Add([this] { PutNumbered(8, 12); });
    queue.Add([this] { EXPECT_THAT(collection_->FreezeDelta(), IsOk()); });
    queue.Add([this] { PutNumbered(13, 20); });
  }
  ASSERT_NO_FATAL_FAILURE(ExpectRangesApart());
  ASSERT_FALSE(HasFailure());  // sealing would end the process
  const std::string before = Answers();
  EXPECT_EQ(Count(), 20U);
  EXPECT_TRUE(collection_->SealSomething());
  EXPECT_EQ(Answers(), before);
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(MaintenanceTest, AQuietDeltaIsSealedOnlyIfItIsWorthIt) {
  seal_after_quiet_ms_ = 0;
  limits_.delta_rows_max = 5'000;
  Open();
  PutNumbered(1, 999);
  EXPECT_FALSE(collection_->SealSomething());
  PutNumbered(1'000, 1'000);
  EXPECT_TRUE(collection_->SealSomething());
  EXPECT_EQ(collection_->Stats().delta_rows, 0U);

  seal_after_quiet_ms_ = 1'000'000;
  Reopen();
  PutNumbered(2'001, 3'500);
  EXPECT_FALSE(collection_->SealSomething());  // not quiet yet
}

TEST_F(MaintenanceTest, SmallSegmentsAreMergedWhenThereAreSome) {
  for (uint64_t i = 0; i < 4; ++i) {
    PutNumbered(100 * i, 100 * i + 20);
    SealAll();
    EXPECT_EQ(collection_->BuildSomething(), i == 3) << i;
  }
  EXPECT_THAT(collection_->Stats().segments, SizeIs(1));
  EXPECT_EQ(collection_->Stats().segments[0].rows, 84U);
  EXPECT_FALSE(collection_->BuildSomething());
  EXPECT_EQ(Count(), 84U);
}

TEST_F(MaintenanceTest, MergingDropsDeadRowsAndTheirTombstonesAndFiles) {
  for (uint64_t i = 0; i < 4; ++i) {
    PutNumbered(100 * i, 100 * i + 20);
    SealAll();
    DeleteNumbered(100 * i, 100 * i + 9);
  }
  const std::string before = Answers();
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_EQ(Answers(), before);
  const CollectionStats stats = collection_->Stats();
  ASSERT_THAT(stats.segments, SizeIs(1));
  EXPECT_EQ(stats.segments[0].rows, 44U);
  EXPECT_EQ(stats.segments[0].deleted_rows, 0U);
  size_t tombstones = 0;
  ASSERT_THAT(store_->ScanTombstones({kId, ShardId(0)},
                                     RowNo(0),
                                     RowNo(~uint64_t{0}),
                                     [&](RowNo, SeqNo) {
                                       ++tombstones;
                                       return OkStatus();
                                     }),
              IsOk());
  EXPECT_EQ(tombstones, 0U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto directories, ListDirectory(OwnSegments()));
  EXPECT_THAT(directories, SizeIs(1));
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(MaintenanceTest, ASegmentWhoseRowsAreAllDeadDisappears) {
  limits_.delta_rows_max = 2'000;
  Open();
  PutNumbered(1, 1'200);
  SealAll();
  DeleteNumbered(1, 1'200);
  Settle();
  EXPECT_THAT(collection_->Stats().segments, IsEmpty());
  EXPECT_EQ(Count(), 0U);
  Reopen();
  EXPECT_EQ(Count(), 0U);
  PutNumbered(1, 3);
  EXPECT_EQ(Count(), 3U);
}

TEST_F(MaintenanceTest, ManyDeadRowsMakeASegmentBeRebuilt) {
  PutNumbered(1, 2'000);
  SealAll();
  while (collection_->BuildSomething()) {
  }
  DeleteNumbered(1, 390);
  EXPECT_FALSE(collection_->BuildSomething());  // a fifth is not reached
  DeleteNumbered(391, 410);
  const std::string before = Answers();
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_EQ(collection_->Stats().segments.at(0).rows, 1'590U);
  EXPECT_EQ(Answers(), before);
}

TEST_F(MaintenanceTest, WornSegmentsThatAMergeTakesAreNotRebuiltBeforeIt) {
  limits_.delta_rows_max = 5'000;
  Open();
  for (uint64_t i = 0; i < 4; ++i) {
    PutNumbered(1'000 * i, 1'000 * i + 599);
    SealAll();
  }
  for (uint64_t i = 0; i < 4; ++i) {
    DeleteNumbered(1'000 * i, 1'000 * i + 299);
  }
  EXPECT_TRUE(collection_->BuildSomething());
  ASSERT_THAT(collection_->Stats().segments, SizeIs(1));
  EXPECT_EQ(collection_->Stats().segments[0].rows, 1'200U);
  EXPECT_FALSE(collection_->BuildSomething());
}

TEST_F(MaintenanceTest, AWornSegmentOutsideOfTheMergeIsRebuiltFirst) {
  limits_.delta_rows_max = 5'000;
  Open();
  PutNumbered(1, 3'000);
  Settle();
  for (uint64_t i = 5; i < 9; ++i) {
    PutNumbered(1'000 * i, 1'000 * i + 99);
    SealAll();
  }
  DeleteNumbered(1, 1'000);
  EXPECT_TRUE(collection_->BuildSomething());
  ASSERT_THAT(collection_->Stats().segments, SizeIs(5));
  EXPECT_EQ(collection_->Stats().segments[0].rows, 2'000U);
  EXPECT_TRUE(collection_->BuildSomething());
  EXPECT_EQ(collection_->Stats().segments.back().rows, 400U);
  EXPECT_FALSE(collection_->BuildSomething());
}

TEST_F(MaintenanceTest, AGraphIsBuiltExtendedAndKeepsAnswersRight) {
  limits_.delta_rows_max = 5'000;
  Open();
  PutNumbered(1, 2'400);
  Settle();
  EXPECT_EQ(collection_->Stats().segments.at(0).indexes.at(0), "hnsw");
  EXPECT_EQ(collection_->Stats().indexed_rows, 2'400U);
  EXPECT_EQ(collection_->Stats().builds_done, 1U);
  DeleteNumbered(1, 40);  // few enough that the graph may be extended
  PutNumbered(3'001, 3'700);
  PutNumbered(100, 120, /*round=*/1);
  const std::string before = Answers();
  Settle();
  EXPECT_EQ(Answers(), before);
  const CollectionStats stats = collection_->Stats();
  ASSERT_THAT(stats.segments, SizeIs(1));
  EXPECT_EQ(stats.pending_rows, 0U);
  EXPECT_EQ(stats.indexed_rows, Count());
  // An approximate search sees live rows only, and k means k.
  for (const float x : {20.0F, 110.0F, 3'300.0F}) {
    const auto found = Nearest({x, 0, 0, 1}, 50, /*exact=*/false);
    EXPECT_THAT(found, SizeIs(50));
    for (const PointId& id : found) {
      EXPECT_TRUE(GetPoint(id).has_value()) << id.ToString();
    }
  }
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(MaintenanceTest, DeletesDuringABuildAreCarriedOver) {
  PutNumbered(1, 1'500);
  SealAll();
  std::atomic<bool> stop{false};
  std::thread builder([&] {
    while (!stop.load()) {
      if (!collection_->SealSomething() && !collection_->BuildSomething()) {
        std::this_thread::yield();
      }
    }
  });
  std::mt19937_64 rng(3);
  std::vector<bool> alive(1'501, true);
  for (int i = 0; i < 120; ++i) {
    const uint64_t first = 1 + rng() % 1'480;
    if (i % 3 == 0) {
      PutNumbered(first, first + 15, i);
    } else {
      DeleteNumbered(first, first + 15);
    }
    for (uint64_t n = first; n <= first + 15 && n <= 1'500; ++n) {
      alive[n] = i % 3 == 0;
    }
  }
  stop.store(true);
  builder.join();
  uint64_t expected = 0;
  for (uint64_t n = 1; n <= 1'500; ++n) {
    expected += alive[n] ? 1U : 0U;
    ASSERT_EQ(GetPoint(Id(n)).has_value(), alive[n]) << n;
  }
  EXPECT_EQ(Count(), expected);
  EXPECT_EQ(Count(std::make_shared<Filter>(Filter{AllOf{}})), expected);
  Settle();
  const std::string before = Answers();
  Reopen();
  EXPECT_EQ(Answers(), before);
}

TEST_F(MaintenanceTest, StoppedMaintenanceDoesNothingAnyMore) {
  PutNumbered(1, 100);
  collection_->StopMaintenance();
  EXPECT_FALSE(collection_->SealSomething());
  EXPECT_FALSE(collection_->BuildSomething());
  EXPECT_EQ(Count(), 100U);
}

TEST_F(MaintenanceTest, StatisticsAddUp) {
  PutNumbered(1, 100);
  SealAll();
  PutNumbered(101, 110);
  DeleteNumbered(1, 5);
  const CollectionStats stats = collection_->Stats();
  EXPECT_EQ(stats.name, "c");
  EXPECT_EQ(stats.points, 105U);
  EXPECT_EQ(stats.indexed_rows + stats.pending_rows, 105U);
  EXPECT_EQ(stats.pending_rows, 10U);  // small segments are as good as indexed
  EXPECT_EQ(stats.delta_rows, 10U);
  EXPECT_GT(stats.delta_bytes, 0U);
  EXPECT_GT(stats.disk_bytes, 0U);
  EXPECT_EQ(stats.seq, SeqNo(3));
  EXPECT_EQ(stats.builds_failed, 0U);
  EXPECT_EQ(stats.segments.at(0).deleted_rows, 5U);
}

}  // namespace
}  // namespace alidade
