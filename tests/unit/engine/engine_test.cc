// The whole engine without a network: opening, stopping, background work, waiting for it.
#include "alidade/engine/engine.h"

#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine_testing.h"

namespace alidade {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EngineLifeTest : public EngineTest {};

TEST_F(EngineLifeTest, ASecondEngineOnTheDirectoryIsRefused) {
  const auto second = Engine::Open(options_);
  EXPECT_THAT(second, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReasonOf(second.status()), "DATA_DIRECTORY_LOCKED");
}

TEST_F(EngineLifeTest, WritesAreThereAfterAStop) {
  Create("a");
  ASSERT_THAT(Put("a", 1, 100), IsOk());
  Open();
  EXPECT_THAT(Count("a"), IsOkAndHolds(100U));
  EXPECT_EQ(engine_->Stats().seq, SeqNo(2));
  EXPECT_EQ(engine_->Stats().durable_seq, SeqNo(2));
}

TEST_F(EngineLifeTest, ABufferedWriteIsDurableAfterAStop) {
  Create("a");
  UpsertRequest request = MakeUpsert({MakePoint(Id(1), {1, 1})}, "a");
  request.options.durability = Durability::kBuffered;
  ASSERT_THAT(engine_->Upsert(request), IsOk());
  engine_->Stop();
  const std::string bytes = *ReadWholeFile(scratch_.Path("data/watermark"));
  uint64_t newest = 0;
  for (const size_t slot : {size_t{0}, size_t{512}}) {
    uint64_t seq = 0;
    std::memcpy(&seq, bytes.data() + slot + 8, sizeof(seq));
    newest = std::max(newest, seq);
  }
  EXPECT_EQ(newest, 2U);
}

TEST_F(EngineLifeTest, AfterAStopEverythingIsUnavailable) {
  Create("a");
  engine_->Stop();
  engine_->Stop();  // again is fine
  const auto unavailable = StatusIs(StatusCode::kUnavailable);
  EXPECT_THAT(engine_->CreateCollection(ConfigNamed("b")), unavailable);
  EXPECT_THAT(engine_->GetCollection("a"), unavailable);
  EXPECT_THAT(engine_->UpdateCollection(CollectionUpdate()), unavailable);
  EXPECT_THAT(engine_->DropCollection("a"), unavailable);
  EXPECT_THAT(engine_->UpdateAliases({}), unavailable);
  EXPECT_THAT(Put("a", 1, 1), unavailable);
  EXPECT_THAT(engine_->Delete(MakeDelete({Id(1)}, "a")), unavailable);
  EXPECT_THAT(engine_->Get(GetRequest()), unavailable);
  EXPECT_THAT(Count("a"), unavailable);
  EXPECT_THAT(engine_->List(ListRequest()), unavailable);
  EXPECT_THAT(engine_->Search(SearchRequest()), unavailable);
  EXPECT_THAT(engine_->Flush("", Deadline()), unavailable);
  CollectionStats stats;
  EXPECT_THAT(engine_->WaitIndexed("a", Deadline(), stats), unavailable);
  EXPECT_THAT(engine_->Stats("a"), unavailable);
  EXPECT_THAT(engine_->Stats().collections, IsEmpty());
  EXPECT_THAT(engine_->ListCollections(), IsEmpty());
  EXPECT_EQ(ReasonOf(engine_->GetCollection("a").status()), "STOPPING");
}

TEST_F(EngineLifeTest, AStopUnderLoadKeepsEveryAcknowledgedWrite) {
  options_.limits.delta_rows_max = 32;
  Open();
  Create("a");
  constexpr uint64_t kThreads = 4;
  std::vector<uint64_t> acknowledged(kThreads, 0);
  std::atomic<uint64_t> total{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 1; i < 100'000; ++i) {
        const auto receipt = Put("a", t * 1'000'000 + i, t * 1'000'000 + i);
        if (!receipt.ok()) {
          EXPECT_THAT(receipt, StatusIs(StatusCode::kUnavailable));
          return;
        }
        acknowledged[t] = i;
        total.fetch_add(1);
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return total.load() > 150; }));
  engine_->Stop();
  for (std::thread& thread : threads) {
    thread.join();
  }
  Open();
  EXPECT_THAT(Count("a"), IsOkAndHolds(total.load()));
  for (uint64_t t = 0; t < kThreads; ++t) {
    GetRequest request;
    request.collection = "a";
    for (uint64_t i = 1; i <= acknowledged[t]; ++i) {
      request.ids.push_back(Id(t * 1'000'000 + i));
    }
    ALIDADE_ASSERT_OK_AND_ASSIGN(const GetResponse response, engine_->Get(request));
    for (const auto& point : response.points) {
      EXPECT_TRUE(point.has_value());
    }
  }
}

// Of the threads of this process that have this name.
std::vector<int> NicenessOf(const std::string& name) {
  std::vector<int> niceness;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string found;
    if (std::getline(file, found) && found == name) {
      const auto id = static_cast<id_t>(std::stoul(task.path().filename()));
      niceness.push_back(::getpriority(PRIO_PROCESS, id));
    }
  }
  return niceness;
}

class EngineWorkTest : public EngineTest {
 protected:
  CollectionStats StatsOf(const std::string& name) const {
    const auto stats = engine_->Stats(name);
    EXPECT_THAT(stats, IsOk());
    return stats.value_or(CollectionStats());
  }
  // Makes every build of the collection fail: its directory cannot be made.
  std::string BlockBuilds(CollectionId id) {
    const std::string path = scratch_.Path(fmt::format("data/segments/{:08x}", id.value()));
    PutBytes(path, "in the way");
    return path;
  }
};

TEST_F(EngineWorkTest, FlushSealsWhatIsInMemory) {
  Create("a");
  Create("b");
  ASSERT_THAT(Put("a", 1, 40), IsOk());
  ASSERT_THAT(Put("b", 1, 40), IsOk());
  EXPECT_EQ(StatsOf("a").delta_rows, 40U);
  ASSERT_THAT(engine_->Flush("a", Deadline()), IsOk());
  EXPECT_EQ(StatsOf("a").delta_rows, 0U);
  EXPECT_EQ(StatsOf("b").delta_rows, 40U);
  ASSERT_THAT(engine_->Flush("", Deadline()), IsOk());
  EXPECT_EQ(StatsOf("b").delta_rows, 0U);
  EXPECT_THAT(engine_->Flush("c", Deadline()), StatusIs(StatusCode::kNotFound));
}

TEST_F(EngineWorkTest, WaitIndexedReturnsWhenNothingIsPending) {
  Create("a");
  CollectionStats stats;
  EXPECT_THAT(engine_->WaitIndexed("a", Deadline(), stats), IsOk());
  ASSERT_THAT(Put("a", 1, 2'300), IsOk());
  EXPECT_EQ(StatsOf("a").pending_rows, 2'300U);
  ASSERT_THAT(engine_->WaitIndexed("a", Deadline(), stats), IsOk());
  EXPECT_EQ(stats.pending_rows, 0U);
  EXPECT_EQ(stats.indexed_rows, 2'300U);
  EXPECT_EQ(stats.segments.at(0).indexes.at(0), "hnsw");
  EXPECT_EQ(stats.builds_done, 1U);
  EXPECT_THAT(engine_->WaitIndexed("c", Deadline(), stats), StatusIs(StatusCode::kNotFound));
}

TEST_F(EngineWorkTest, WaitIndexedSaysHowFarItCameWhenItsTimeIsOver) {
  Create("a");
  BlockBuilds(engine_->GetCollection("a")->id);
  ASSERT_THAT(Put("a", 1, 10), IsOk());
  CollectionStats stats;
  EXPECT_THAT(engine_->WaitIndexed("a", Deadline::After(milliseconds(60)), stats),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("10 rows")));
  EXPECT_EQ(stats.pending_rows, 10U);
  EXPECT_THAT(engine_->Flush("a", Deadline::After(milliseconds(60))),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Count("a"), IsOkAndHolds(10U));
}

TEST_F(EngineWorkTest, AFailedBuildIsCountedAndTriedAgain) {
  Create("a");
  const std::string blocked = BlockBuilds(engine_->GetCollection("a")->id);
  ASSERT_THAT(Put("a", 1, 10), IsOk());
  CollectionStats stats;
  EXPECT_THAT(engine_->WaitIndexed("a", Deadline::After(milliseconds(300)), stats),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_GE(StatsOf("a").builds_failed, 1U);
  ASSERT_THAT(RemoveTree(blocked), IsOk());
  EXPECT_THAT(engine_->WaitIndexed("a", Deadline::After(milliseconds(30'000)), stats), IsOk());
  EXPECT_THAT(Count("a"), IsOkAndHolds(10U));
}

TEST_F(EngineWorkTest, WaitingEndsWhenTheCollectionIsDropped) {
  Create("a");
  BlockBuilds(engine_->GetCollection("a")->id);
  ASSERT_THAT(Put("a", 1, 10), IsOk());
  Status indexed;
  Status flushed;
  std::thread first([&] {
    CollectionStats stats;
    indexed = engine_->WaitIndexed("a", Deadline::After(milliseconds(10'000)), stats);
  });
  std::thread second([&] { flushed = engine_->Flush("a", Deadline::After(milliseconds(10'000))); });
  EXPECT_TRUE(Eventually([&] { return StatsOf("a").builds_failed > 0; }));
  ASSERT_THAT(engine_->DropCollection("a"), IsOk());
  first.join();
  second.join();
  EXPECT_THAT(indexed, StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(flushed, StatusIs(StatusCode::kNotFound));
}

TEST_F(EngineWorkTest, WaitingEndsWhenTheEngineStops) {
  Create("a");
  BlockBuilds(engine_->GetCollection("a")->id);
  ASSERT_THAT(Put("a", 1, 10), IsOk());
  Status indexed;
  std::thread waiting([&] {
    CollectionStats stats;
    indexed = engine_->WaitIndexed("a", Deadline::After(milliseconds(60'000)), stats);
  });
  EXPECT_TRUE(Eventually([&] { return StatsOf("a").builds_failed > 0; }));
  engine_->Stop();
  waiting.join();
  EXPECT_THAT(indexed, StatusIs(StatusCode::kUnavailable));
}

TEST_F(EngineWorkTest, AQuietDeltaIsSealedByItself) {
  options_.seal_after_quiet_ms = 20;
  Open();
  Create("a");
  ASSERT_THAT(Put("a", 1, 1'500), IsOk());
  EXPECT_TRUE(Eventually([&] { return StatsOf("a").delta_rows == 0; }));
  EXPECT_THAT(Count("a"), IsOkAndHolds(1'500U));
  ASSERT_THAT(Put("a", 2'000, 2'010), IsOk());  // too few to be worth a segment
  EXPECT_EQ(StatsOf("a").delta_rows, 11U);
}

TEST_F(EngineWorkTest, SearchesComeBeforeSealingAndSealingBeforeBuilding) {
  options_.background_nice = 5;
  options_.build_nice = 19;
  Open();
  EXPECT_TRUE(Eventually([] { return NicenessOf("sealing") == std::vector<int>{5}; }));
  EXPECT_TRUE(Eventually([] { return NicenessOf("building") == std::vector<int>{19}; }));
}

TEST_F(EngineWorkTest, FlushUnderLoadLosesNothing) {
  // Freezes land between the writes of commit groups.
  options_.limits.delta_rows_max = 64;
  Open();
  Create("a");
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> written{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 1; i <= 60; ++i) {
        const uint64_t first = t * 100'000 + i * 10;
        EXPECT_THAT(Put("a", first, first + 4), IsOk());
        written.fetch_add(5);
      }
    });
  }
  std::thread flusher([&] {
    while (!stop.load()) {
      EXPECT_THAT(engine_->Flush("a", Deadline()), IsOk());
    }
  });
  for (std::thread& thread : threads) {
    thread.join();
  }
  stop.store(true);
  flusher.join();
  EXPECT_THAT(Count("a"), IsOkAndHolds(written.load()));
  Open();
  EXPECT_THAT(Count("a"), IsOkAndHolds(written.load()));
}

TEST_F(EngineWorkTest, StatisticsCoverTheWholeServer) {
  Create("a");
  Create("b");
  ASSERT_THAT(Put("a", 1, 3), IsOk());
  const EngineStats stats = engine_->Stats();
  ASSERT_THAT(stats.collections, SizeIs(2));
  EXPECT_EQ(stats.collections[0].name, "a");
  EXPECT_EQ(stats.collections[0].points, 3U);
  EXPECT_EQ(stats.collections[1].points, 0U);
  EXPECT_EQ(stats.seq, SeqNo(3));
  EXPECT_EQ(stats.durable_seq, SeqNo(3));
  EXPECT_EQ(stats.commit_groups, 3U);
  EXPECT_EQ(stats.commit_operations, 3U);
  EXPECT_GE(stats.sync_seconds.count, 3U);
  EXPECT_GT(stats.wal_bytes, 0U);
  EXPECT_GT(stats.store_memory_bytes, 0U);
  EXPECT_GT(stats.disk_free_bytes, 0U);
  EXPECT_FALSE(stats.disk_full);
  EXPECT_GT(stats.start_seconds, 0);
  EXPECT_EQ(engine_->options().data_directory, options_.data_directory);
}

TEST_F(EngineWorkTest, AnUpdateIsJudgedByTheLimits) {
  Create("a");
  CollectionUpdate update;
  update.name = "a";
  update.default_ef = 1'000'000;
  EXPECT_THAT(engine_->UpdateCollection(update), FieldErrorAt("default_ef"));
  update.default_ef = 50;
  update.indexes["v"] = {.kind = IndexKind::kHnsw, .hnsw_m = 1};
  EXPECT_THAT(engine_->UpdateCollection(update), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(engine_->GetCollection("a")->config.default_ef, 0U);
  update.indexes["v"] = {.kind = IndexKind::kHnsw, .hnsw_m = 8};
  EXPECT_THAT(engine_->UpdateCollection(update), IsOk());
  Open();
  EXPECT_EQ(engine_->GetCollection("a")->config.default_ef, 50U);
  EXPECT_EQ(engine_->GetCollection("a")->config.fields[0].index.hnsw_m, 8U);
}

}  // namespace
}  // namespace alidade
