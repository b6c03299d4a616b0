// Request ids seen lately: answers again, refusals, forgetting, and what a restart remembers.
#include "alidade/collection/request_ledger.h"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/bytes.h"

#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

class RequestLedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.directory = scratch_.Path("data");
    auto opened = Store::Open(options);
    ASSERT_THAT(opened, IsOk());
    store_ = std::move(opened).value();
  }
  void Remember(RequestLedger& ledger, const std::string& id, uint64_t print, uint64_t seq) {
    WriteBatch batch(*store_);
    WriteReceipt receipt;
    receipt.seq = SeqNo(seq);
    receipt.points = seq * 10;
    ledger.Remember(id, print, receipt, batch);
    ASSERT_THAT(store_->Write(batch, /*sync=*/false), IsOk());
  }
  // The seq of the first answer; 0 if the id is unknown.
  static uint64_t Found(const RequestLedger& ledger, const std::string& id, uint64_t print) {
    const auto found = ledger.Find(id, print);
    EXPECT_THAT(found, IsOk());
    if (!found.ok() || !found->has_value()) {
      return 0;
    }
    EXPECT_TRUE((*found)->replayed);
    EXPECT_EQ((*found)->points, (*found)->seq.value() * 10);
    return (*found)->seq.value();
  }
  size_t StoredRecords() const {
    size_t records = 0;
    EXPECT_THAT(store_->ScanMeta(MetaKind::kRequest,
                                 "",
                                 [&](std::string_view, std::string_view) {
                                   ++records;
                                   return OkStatus();
                                 }),
                IsOk());
    return records;
  }

  const ScratchDirectory scratch_;
  std::unique_ptr<Store> store_;
};

TEST_F(RequestLedgerTest, AnswersTheFirstReceiptAgain) {
  RequestLedger ledger(10);
  EXPECT_EQ(Found(ledger, "a", 1), 0U);
  Remember(ledger, "a", 1, 5);
  Remember(ledger, "b", 1, 6);
  EXPECT_EQ(Found(ledger, "a", 1), 5U);
  EXPECT_EQ(Found(ledger, "b", 1), 6U);
  EXPECT_EQ(Found(ledger, "A", 1), 0U);
}

TEST_F(RequestLedgerTest, RefusesOtherContentUnderTheSameId) {
  RequestLedger ledger(10);
  Remember(ledger, "a", 1, 5);
  const auto refused = ledger.Find("a", 2);
  EXPECT_THAT(refused, FieldErrorAt("request_id"));
  EXPECT_EQ(ReasonOf(refused.status()), "REQUEST_ID_REUSED");
}

TEST_F(RequestLedgerTest, ForgetsTheOldestPastItsLimitInMemoryAndInTheStore) {
  RequestLedger ledger(3);
  for (uint64_t i = 1; i <= 10; ++i) {
    // Names whose order is not the order of use.
    Remember(ledger, std::to_string(i * 7 % 11), 1, i);
    EXPECT_LE(StoredRecords(), 3U);
  }
  EXPECT_EQ(StoredRecords(), 3U);
  for (uint64_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(Found(ledger, std::to_string(i * 7 % 11), 1), i >= 8 ? i : 0) << i;
  }
  // A forgotten id is new: it may carry other content.
  EXPECT_EQ(Found(ledger, "7", 99), 0U);
}

TEST_F(RequestLedgerTest, ARestartKeepsEntriesAndTheirAge) {
  {
    RequestLedger ledger(3);
    Remember(ledger, "z", 1, 1);
    Remember(ledger, "m", 2, 2);
    Remember(ledger, "a", 3, 3);
  }
  RequestLedger ledger(3);
  ASSERT_THAT(ledger.Load(*store_), IsOk());
  EXPECT_EQ(Found(ledger, "z", 1), 1U);
  EXPECT_EQ(Found(ledger, "m", 2), 2U);
  EXPECT_EQ(Found(ledger, "a", 3), 3U);
  EXPECT_THAT(ledger.Find("a", 4), FieldErrorAt("request_id"));
  Remember(ledger, "b", 4, 4);
  EXPECT_EQ(Found(ledger, "z", 1), 0U);  // the oldest by use, not by name
  EXPECT_EQ(Found(ledger, "m", 2), 2U);
}

TEST_F(RequestLedgerTest, ASmallerLimitAfterARestartForgetsDownToIt) {
  {
    RequestLedger ledger(10);
    for (uint64_t i = 1; i <= 8; ++i) {
      Remember(ledger, std::to_string(i), 1, i);
    }
  }
  RequestLedger ledger(2);
  ASSERT_THAT(ledger.Load(*store_), IsOk());
  Remember(ledger, "9", 1, 9);
  EXPECT_EQ(StoredRecords(), 2U);
  EXPECT_EQ(Found(ledger, "7", 1), 0U);
  EXPECT_EQ(Found(ledger, "8", 1), 8U);
  EXPECT_EQ(Found(ledger, "9", 1), 9U);
}

TEST_F(RequestLedgerTest, CountsOfABatchAreRemembered) {
  WriteReceipt receipt;
  receipt.seq = SeqNo(3);
  receipt.points = 7;
  receipt.skipped = 2;
  receipt.parts = {{.points = 4, .skipped = 2}, {.points = 3, .skipped = 0}};
  WriteBatch batch(*store_);
  RequestLedger first(3);
  first.Remember("a", 1, receipt, batch);
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  RequestLedger ledger(3);
  ASSERT_THAT(ledger.Load(*store_), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto found, ledger.Find("a", 1));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->points, 7U);
  EXPECT_EQ(found->skipped, 2U);
  EXPECT_EQ(found->parts, receipt.parts);
}

TEST_F(RequestLedgerTest, RecordsOfBeforeThereWereBatchesAreRead) {
  std::string value(1, '\x01');
  for (const uint64_t number : {1U, 5U, 50U}) {  // fingerprint, seq, points
    AppendLittleEndian(value, number);
  }
  WriteBatch batch(*store_);
  batch.PutMeta(MetaKind::kRequest, "a", value);
  ASSERT_THAT(store_->Write(batch, /*sync=*/true), IsOk());
  RequestLedger ledger(3);
  ASSERT_THAT(ledger.Load(*store_), IsOk());
  EXPECT_EQ(Found(ledger, "a", 1), 5U);
}

TEST_F(RequestLedgerTest, AMalformedRecordIsDataLoss) {
  WriteBatch batch(*store_);
  batch.PutMeta(MetaKind::kRequest, "bad id", "short");
  ASSERT_THAT(store_->Write(batch, /*sync=*/false), IsOk());
  RequestLedger ledger(2);
  EXPECT_THAT(ledger.Load(*store_), StatusIs(StatusCode::kDataLoss, HasSubstr("bad id")));
}

}  // namespace
}  // namespace alidade
