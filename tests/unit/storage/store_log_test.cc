// A write-ahead log that was shortened, removed or damaged: refused, never silently less.
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/storage/store.h"

#include "store_testing.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSafe = 40;   // points that the watermark vouches for
constexpr uint64_t kAfter = 44;  // points written behind it

class StoreLogTest : public StoreTest {
 protected:
  void SetUp() override {
    OpenStore();
    ASSERT_NO_FATAL_FAILURE(WritePoints(1, kSafe, /*sync=*/false));
    ASSERT_THAT(store_->RaiseWatermark(SeqNo(kSafe), /*now=*/true), IsOk());
    safe_bytes_ = FileBytes(Log());
    ASSERT_NO_FATAL_FAILURE(WritePoints(kSafe + 1, kAfter, /*sync=*/false));
    CloseStore();
    CopyTree(directory(), scratch_.Path("kept"));
  }
  void Restore() {
    store_.reset();
    CopyTree(scratch_.Path("kept"), directory());
  }
  std::string Log() const {
    const auto logs = FilesBelow(directory() + "/db", ".log");
    EXPECT_EQ(logs.size(), 1U);
    return logs.empty() ? "" : logs.back();
  }

  size_t safe_bytes_ = 0;  // of the log, up to the watermark
};

TEST_F(StoreLogTest, AWholeLogIsReplayed) {
  OpenStore();
  ExpectPoints(*store_, kAfter);
  // Again: what was replayed stays in its log, nothing was flushed.
  OpenStore();
  ExpectPoints(*store_, kAfter);
}

TEST_F(StoreLogTest, ALogShortenedBelowTheWatermarkIsRefusedEveryTime) {
  const std::string log = Log();
  for (const size_t bytes :
       {size_t{0}, size_t{7}, safe_bytes_ / 3, safe_bytes_ / 2, safe_bytes_ - 1}) {
    ASSERT_NO_FATAL_FAILURE(Restore());
    CutFile(log, bytes);
    for (int attempt = 0; attempt < 3; ++attempt) {
      const Status refused = OpenError();
      ASSERT_THAT(refused, StatusIs(StatusCode::kDataLoss)) << bytes << " attempt " << attempt;
      ASSERT_EQ(ReasonOf(refused), "ACKNOWLEDGED_WRITES_MISSING");
    }
  }
}

TEST_F(StoreLogTest, ARemovedLogIsRefusedUntilTheLossIsAccepted) {
  ASSERT_THAT(RemoveTree(Log()), IsOk());
  const Status refused = OpenError();
  ASSERT_THAT(refused, StatusIs(StatusCode::kDataLoss, HasSubstr("40 acknowledged")));
  StoreOptions options = SmallOptions(directory());
  options.accept_loss_to = SeqNo(kSafe);
  { EXPECT_THAT(Store::Open(options), IsOk()); }
  OpenStore();
  ASSERT_NE(store_, nullptr);
  ExpectPoints(*store_, 0);
}

TEST_F(StoreLogTest, ATornTailBehindTheWatermarkIsTolerated) {
  const std::string log = Log();
  const size_t whole = FileBytes(log);
  for (const size_t bytes : {safe_bytes_, safe_bytes_ + 1, safe_bytes_ + 30, whole - 1}) {
    ASSERT_NO_FATAL_FAILURE(Restore());
    CutFile(log, bytes);
    ASSERT_NO_FATAL_FAILURE(OpenStore());
    const uint64_t last = bytes == whole - 1 ? kAfter - 1 : kSafe;
    ASSERT_NO_FATAL_FAILURE(ExpectPoints(*store_, last)) << bytes;
    // Life goes on behind the cut, also over another restart.
    ASSERT_NO_FATAL_FAILURE(WritePoint(last + 1));
    ASSERT_NO_FATAL_FAILURE(OpenStore());
    ASSERT_NO_FATAL_FAILURE(ExpectPoints(*store_, last + 1));
  }
}

TEST_F(StoreLogTest, AFlippedBitAnywhereNeverCostsAnAcknowledgedWriteSilently) {
  const std::string log = Log();
  size_t refused = 0;
  size_t flips = 0;
  for (size_t byte = 3; byte < safe_bytes_; byte += safe_bytes_ / 37 + 1, ++flips) {
    ASSERT_NO_FATAL_FAILURE(Restore());
    FlipBit(log, byte, static_cast<int>(byte % 8));
    const auto opened = Store::Open(SmallOptions(directory()));
    if (opened.ok()) {
      // Then nothing may be missing.
      ASSERT_NO_FATAL_FAILURE(ExpectPoints(**opened, kAfter)) << "byte " << byte;
    } else {
      ASSERT_THAT(opened, StatusIs(StatusCode::kDataLoss)) << "byte " << byte;
      ++refused;
    }
  }
  EXPECT_GE(flips, 30U);
  EXPECT_EQ(refused, flips);  // every byte of the log is covered by a checksum
}

TEST_F(StoreLogTest, AFlippedBitInAnyTableIsDataLossAtTheStartOrToReadersAndTheCheck) {
  OpenStore();
  ASSERT_THAT(store_->Flush(), IsOk());
  CloseStore();
  CopyTree(directory(), scratch_.Path("kept"));
  const auto tables = FilesBelow(directory() + "/db", ".sst");
  ASSERT_GE(tables.size(), 3U);  // meta, ids, rows
  size_t opened_well = 0;
  for (const std::string& table : tables) {
    ASSERT_NO_FATAL_FAILURE(Restore());
    FlipBit(table, 20, 3);  // in the first data block
    auto opened = Store::Open(SmallOptions(directory()));
    if (!opened.ok()) {  // the start reads `meta`
      EXPECT_THAT(opened, StatusIs(StatusCode::kDataLoss)) << table;
      continue;
    }
    ++opened_well;
    EXPECT_THAT((*opened)->VerifyChecksums(), StatusIs(StatusCode::kDataLoss)) << table;
    const bool ids = !(*opened)->GetIds(Space(1), {IdBytes(1)}, nullptr).ok();
    const bool rows = !(*opened)->GetRows(Space(1), {RowNo(1)}, nullptr).ok();
    EXPECT_NE(ids, rows) << table;
  }
  EXPECT_EQ(opened_well, 2U);
}

}  // namespace
}  // namespace alidade
