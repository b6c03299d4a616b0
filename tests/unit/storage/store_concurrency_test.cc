// All kinds of callers at once: nobody loses a write of another. The sanitizer of threads judges
// it.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/storage/store.h"

#include "store_testing.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

constexpr uint64_t kPoints = 400;
constexpr uint64_t kRecords = 200;  // of each other writer
constexpr int kOtherWriters = 3;
constexpr uint64_t kDroppedRows = 1'000;
constexpr uint32_t kDropKeysPerStep = 100;

class StoreConcurrencyTest : public StoreTest {
 protected:
  static std::string RecordName(int writer, uint64_t number) {
    return std::to_string(writer) + "/" + std::to_string(number);
  }
  // Long enough for RocksDB's and libstdc++'s copies to reach the heap, and of many lengths.
  static std::string RecordValue(int writer, uint64_t number) {
    return std::string(20 + 7 * number, static_cast<char>('a' + writer));
  }

  void FillDroppedCollection() {
    WriteBatch batch(*store_);
    for (uint64_t number = 1; number <= kDroppedRows; ++number) {
      batch.PutRow(Space(2),
                   RowNo(number),
                   {.encoded_id = IdBytes(number), .seq = SeqNo(number), .payload = "payload"});
    }
    ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  }

  // As the commit group's leader does.
  void WriteAllPoints() {
    for (uint64_t number = 1; number <= kPoints; ++number) {
      WriteBatch batch(*store_);
      AddPoint(batch, number);
      const bool sync = number % 16 == 0;
      EXPECT_THAT(store_->Write(batch, sync), IsOk());
      if (sync) {
        EXPECT_THAT(store_->RaiseWatermark(SeqNo(number), /*now=*/true), IsOk());
      }
      written_.store(number, std::memory_order_release);
    }
  }
  void WriteRecords(int writer) {
    for (uint64_t number = 0; number < kRecords; ++number) {
      WriteBatch batch(*store_);
      batch.PutMeta(MetaKind::kManifest, RecordName(writer, number), RecordValue(writer, number));
      EXPECT_THAT(store_->Write(batch, /*sync=*/number % 32 == 0), IsOk());
    }
  }
  void DropCollection() {
    bool done = false;
    while (!done) {
      const StatusOr<bool> step = store_->DeleteSomeKeys(CollectionId(2), kDropKeysPerStep);
      ASSERT_THAT(step, IsOk());
      done = *step;
    }
  }
  // What was written before the snapshot is in it, whole and in order.
  void ReadUntilAllIsWritten() {
    uint64_t before = 0;
    while (before < kPoints) {
      before = written_.load(std::memory_order_acquire);
      const std::unique_ptr<StoreSnapshot> snapshot = store_->TakeSnapshot();
      uint64_t seen = 0;
      EXPECT_THAT(store_->ScanRows(Space(1),
                                   RowNo(0),
                                   RowNo(~uint64_t{0}),
                                   snapshot.get(),
                                   [&seen](RowNo row, const StoredRow& value) {
                                     ++seen;
                                     EXPECT_EQ(row, RowNo(seen));
                                     EXPECT_EQ(value.id, PointId(seen));
                                     return OkStatus();
                                   }),
                  IsOk());
      EXPECT_GE(seen, before);
      const auto rows = store_->GetRows(Space(1), {RowNo(1), RowNo(kPoints)}, snapshot.get());
      ASSERT_THAT(rows, IsOk());
      EXPECT_EQ((*rows)[0].has_value(), seen >= 1);
      EXPECT_EQ((*rows)[1].has_value(), seen >= kPoints);
    }
  }
  void ExpectEverything() {
    ExpectPoints(*store_, kPoints);
    for (int writer = 0; writer < kOtherWriters; ++writer) {
      for (uint64_t number = 0; number < kRecords; ++number) {
        std::optional<std::string> value;
        ASSERT_THAT(store_->GetMeta(MetaKind::kManifest, RecordName(writer, number), value),
                    IsOk());
        ASSERT_EQ(value, RecordValue(writer, number));
      }
    }
    const auto left = store_->GetRows(Space(2), {RowNo(1), RowNo(kDroppedRows)}, nullptr);
    ASSERT_THAT(left, IsOk());
    EXPECT_FALSE((*left)[0].has_value());
    EXPECT_FALSE((*left)[1].has_value());
  }

  std::atomic<uint64_t> written_{0};
};

TEST_F(StoreConcurrencyTest, WritersReadersFlushesAndADropDoNotDisturbEachOther) {
  OpenStore();
  ASSERT_NO_FATAL_FAILURE(FillDroppedCollection());
  std::vector<std::thread> threads;
  threads.emplace_back([this] { WriteAllPoints(); });
  for (int writer = 0; writer < kOtherWriters; ++writer) {
    threads.emplace_back([this, writer] { WriteRecords(writer); });
  }
  threads.emplace_back([this] { DropCollection(); });
  threads.emplace_back([this] { ReadUntilAllIsWritten(); });
  threads.emplace_back([this] {
    for (int round = 0; round < 4; ++round) {
      EXPECT_THAT(store_->Flush(), IsOk());
      EXPECT_GT(store_->DiskBytes() + store_->MemoryBytes(), 0U);
    }
  });
  for (std::thread& thread : threads) {
    thread.join();
  }
  ASSERT_NO_FATAL_FAILURE(ExpectEverything());
  OpenStore();
  ExpectEverything();
}

}  // namespace
}  // namespace alidade
