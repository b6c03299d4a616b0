// The one queue of writes: who shares a group, who is refused, what is durable when.
#include "alidade/collection/commit_group.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/bytes.h"

#include "commit_queue.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Puts one meta record named by the operation; remembers what happened to it.
class PutOperation final : public CommitOperation {
 public:
  explicit PutOperation(std::string name) : name_(std::move(name)) {}

  Status Prepare(CommitContext& context) override {
    prepared_ = context.seq;
    group_ = context.group;
    if (refuse) {
      return FailedPrecondition("{} is refused", name_);
    }
    context.batch.PutMeta(MetaKind::kAlias, name_, std::to_string(context.seq.value()));
    return OkStatus();
  }
  void Apply(SeqNo seq) override {
    applied.push_back(seq);
    if (order != nullptr) {
      order->push_back(seq);
    }
  }
  Durability durability() const override { return level; }
  size_t byte_size() const override { return bytes; }
  bool allowed_on_full_disk() const override { return on_full_disk; }
  const std::string& request_id() const override { return request; }
  uint64_t fingerprint() const override { return print; }
  void Count(WriteReceipt& receipt) const override { receipt.points = 3; }

  uint64_t group() const { return group_; }
  SeqNo prepared() const { return prepared_; }

  bool refuse = false;
  bool on_full_disk = false;
  Durability level = Durability::kDurable;
  size_t bytes = 0;
  std::string request;
  uint64_t print = 0;
  std::vector<SeqNo> applied;
  std::vector<SeqNo>* order = nullptr;

 private:
  const std::string name_;
  SeqNo prepared_;
  uint64_t group_ = 0;
};

class CommitGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    limits_.disk_free_bytes_min = 0;
    Open();
  }
  void Open() {
    commits_.reset();
    store_.reset();
    StoreOptions options;
    options.directory = scratch_.Path("data");
    options.block_cache_bytes = options.write_buffer_bytes = size_t{1} << 20;
    auto opened = Store::Open(options);
    ASSERT_THAT(opened, IsOk());
    store_ = std::move(opened).value();
    ledger_ = std::make_unique<RequestLedger>(limits_.request_ids_max);
    ASSERT_THAT(ledger_->Load(*store_), IsOk());
    commits_ = std::make_unique<CommitGroup>(*store_, *ledger_, limits_, SeqNo(StoredSeq()));
  }
  uint64_t StoredSeq() const {
    std::optional<std::string> value;
    EXPECT_THAT(store_->GetMeta(MetaKind::kServer, kAppliedSeqName, value), IsOk());
    return value.has_value() ? LoadLittleEndian<uint64_t>(value->data()) : 0;
  }
  std::optional<std::string> Stored(const std::string& name) const {
    std::optional<std::string> value;
    EXPECT_THAT(store_->GetMeta(MetaKind::kAlias, name, value), IsOk());
    return value;
  }
  // The larger slot of the watermark file.
  uint64_t StoredWatermark() const {
    const std::string bytes = *ReadWholeFile(scratch_.Path("data/watermark"));
    return std::max(LoadLittleEndian<uint64_t>(bytes.data() + 8),
                    LoadLittleEndian<uint64_t>(bytes.data() + 520));
  }

  const ScratchDirectory scratch_;
  Limits limits_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<RequestLedger> ledger_;
  std::unique_ptr<CommitGroup> commits_;
};

TEST_F(CommitGroupTest, OneOperationIsWrittenAppliedAndAnswered) {
  PutOperation operation("a");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, commits_->Submit(operation));
  EXPECT_EQ(receipt.seq, SeqNo(1));
  EXPECT_EQ(receipt.reached, Durability::kDurable);
  EXPECT_EQ(receipt.points, 3U);
  EXPECT_FALSE(receipt.replayed);
  EXPECT_THAT(operation.applied, ElementsAre(SeqNo(1)));
  EXPECT_EQ(Stored("a"), "1");
  EXPECT_EQ(StoredSeq(), 1U);
  EXPECT_EQ(commits_->visible(), SeqNo(1));
  EXPECT_EQ(commits_->durable(), SeqNo(1));
}

TEST_F(CommitGroupTest, WhoWaitsBehindALeaderSharesOneGroupInOrder) {
  constexpr size_t kCalls = 8;
  std::vector<SeqNo> order;
  std::vector<std::unique_ptr<PutOperation>> operations;
  std::vector<WriteReceipt> receipts(kCalls);
  const uint64_t syncs = store_->sync_seconds().Read().count;
  {
    CommitQueue queue(*commits_);
    for (size_t i = 0; i < kCalls; ++i) {
      operations.push_back(std::make_unique<PutOperation>("n" + std::to_string(i)));
      operations.back()->order = &order;
      queue.Add([&, i, operation = operations.back().get()] {
        receipts[i] = commits_->Submit(*operation).value_or(WriteReceipt());
      });
    }
    EXPECT_EQ(commits_->visible(), SeqNo(0));
  }
  EXPECT_EQ(commits_->groups(), 2U);  // the leader's own, and one for all who waited
  EXPECT_EQ(commits_->operations(), kCalls + 1);
  EXPECT_EQ(store_->sync_seconds().Read().count, syncs + 2);
  for (size_t i = 0; i < kCalls; ++i) {
    EXPECT_EQ(receipts[i].seq, SeqNo(i + 1));
    EXPECT_EQ(operations[i]->group(), operations[0]->group());
    EXPECT_EQ(order[i], SeqNo(i + 1));
  }
  EXPECT_EQ(StoredSeq(), kCalls);
}

TEST_F(CommitGroupTest, AGroupIsCutAtItsByteLimit) {
  limits_.commit_group_bytes_max = 100;
  Open();
  const std::vector<size_t> sizes = {40, 60, 1, 500, 50, 50};
  std::vector<std::unique_ptr<PutOperation>> operations;
  {
    CommitQueue queue(*commits_);
    for (const size_t size : sizes) {
      operations.push_back(std::make_unique<PutOperation>(std::to_string(operations.size())));
      operations.back()->bytes = size;
      queue.Add([&, operation = operations.back().get()] {
        EXPECT_THAT(commits_->Submit(*operation), IsOk());
      });
    }
  }
  std::vector<uint64_t> groups;
  for (const auto& operation : operations) {
    groups.push_back(operation->group() - operations[0]->group());
  }
  // One that is larger than the limit goes alone; nobody overtakes it.
  EXPECT_THAT(groups, ElementsAre(0, 0, 1, 2, 3, 3));
}

TEST_F(CommitGroupTest, ARefusalConcernsOneOperationAloneAndTakesNoSeq) {
  PutOperation first("first");
  PutOperation refused("refused");
  refused.refuse = true;
  PutOperation last("last");
  StatusOr<WriteReceipt> results[3] = {WriteReceipt(), WriteReceipt(), WriteReceipt()};
  {
    CommitQueue queue(*commits_);
    queue.Add([&] { results[0] = commits_->Submit(first); });
    queue.Add([&] { results[1] = commits_->Submit(refused); });
    queue.Add([&] { results[2] = commits_->Submit(last); });
  }
  ASSERT_THAT(results[0], IsOk());
  EXPECT_EQ(results[0]->seq, SeqNo(1));
  EXPECT_THAT(results[1], StatusIs(StatusCode::kFailedPrecondition, "refused is refused"));
  ASSERT_THAT(results[2], IsOk());
  EXPECT_EQ(results[2]->seq, SeqNo(2));
  EXPECT_EQ(last.prepared(), SeqNo(2));
  EXPECT_TRUE(refused.applied.empty());
  EXPECT_EQ(Stored("first"), "1");
  EXPECT_EQ(Stored("refused"), std::nullopt);
  EXPECT_EQ(Stored("last"), "2");
  EXPECT_EQ(commits_->visible(), SeqNo(2));
}

TEST_F(CommitGroupTest, ARefusedOperationAloneWritesNothing) {
  const uint64_t bytes = store_->WalBytes();
  PutOperation refused("refused");
  refused.refuse = true;
  EXPECT_THAT(commits_->Submit(refused), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(store_->WalBytes(), bytes);
  EXPECT_EQ(commits_->visible(), SeqNo(0));
}

TEST_F(CommitGroupTest, SeqsRiseWithoutHolesUnderConcurrency) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 150;
  std::vector<SeqNo> order;  // of Apply, which only one leader at a time calls
  std::vector<std::vector<SeqNo>> answered(kThreads);
  std::atomic<int> refusals{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 rng(static_cast<uint64_t>(t));
      for (int i = 0; i < kCalls; ++i) {
        PutOperation operation(std::to_string(t) + "." + std::to_string(i));
        operation.order = &order;
        operation.refuse = rng() % 4 == 0;
        operation.level = rng() % 2 == 0 ? Durability::kBuffered : Durability::kDurable;
        const auto receipt = commits_->Submit(operation);
        EXPECT_EQ(receipt.ok(), !operation.refuse);
        if (!receipt.ok()) {
          refusals.fetch_add(1);
          continue;
        }
        EXPECT_GE(commits_->visible(), receipt->seq);
        EXPECT_TRUE(receipt->reached == Durability::kBuffered ||
                    commits_->durable() >= receipt->seq);
        answered[static_cast<size_t>(t)].push_back(receipt->seq);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const auto accepted = static_cast<uint64_t>(kThreads * kCalls - refusals.load());
  ASSERT_EQ(order.size(), accepted);
  for (size_t i = 0; i < order.size(); ++i) {
    ASSERT_EQ(order[i], SeqNo(i + 1));
  }
  std::vector<SeqNo> all;
  for (const auto& own : answered) {
    EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
    all.insert(all.end(), own.begin(), own.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, order);
  EXPECT_EQ(StoredSeq(), accepted);
}

TEST_F(CommitGroupTest, ABufferedWriteBecomesDurableByTheTimerAndTheWatermarkFollows) {
  PutOperation operation("a");
  operation.level = Durability::kBuffered;
  const uint64_t syncs = store_->sync_seconds().Read().count;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, commits_->Submit(operation));
  EXPECT_EQ(receipt.reached, Durability::kBuffered);
  EXPECT_EQ(commits_->visible(), SeqNo(1));
  // The promise is a second; the rest of the time is for a busy machine.
  for (int i = 0; i < 1'000 && (commits_->durable() < SeqNo(1) || StoredWatermark() < 1); ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(commits_->durable(), SeqNo(1));
  EXPECT_EQ(StoredWatermark(), 1U);
  EXPECT_EQ(store_->sync_seconds().Read().count, syncs + 1);
}

TEST_F(CommitGroupTest, SyncNowMakesBufferedWritesDurable) {
  PutOperation operation("a");
  operation.level = Durability::kBuffered;
  ASSERT_THAT(commits_->Submit(operation), IsOk());
  commits_->SyncNow();
  EXPECT_EQ(commits_->durable(), SeqNo(1));
  EXPECT_EQ(commits_->visible(), SeqNo(1));  // it takes no seq of its own
}

TEST_F(CommitGroupTest, ABufferedWriteInASyncedGroupReachesMoreThanItAskedFor) {
  PutOperation buffered("buffered");
  buffered.level = Durability::kBuffered;
  PutOperation durable("durable");
  WriteReceipt receipt;
  {
    CommitQueue queue(*commits_);
    queue.Add([&] { receipt = commits_->Submit(buffered).value_or(WriteReceipt()); });
    queue.Add([&] { EXPECT_THAT(commits_->Submit(durable), IsOk()); });
  }
  EXPECT_EQ(receipt.seq, SeqNo(1));
  EXPECT_EQ(receipt.reached, Durability::kDurable);
  EXPECT_EQ(commits_->durable(), SeqNo(2));
}

TEST_F(CommitGroupTest, WaitVisibleAnswersAtOnceWhatIsThere) {
  PutOperation operation("a");
  ASSERT_THAT(commits_->Submit(operation), IsOk());
  EXPECT_THAT(commits_->WaitVisible(SeqNo(0), Deadline()), IsOk());
  EXPECT_THAT(commits_->WaitVisible(SeqNo(1), Deadline()), IsOk());
  // Even when the deadline has passed: nothing had to be waited for.
  EXPECT_THAT(commits_->WaitVisible(SeqNo(1), Deadline::After(milliseconds(-5))), IsOk());
}

TEST_F(CommitGroupTest, WaitVisibleEndsWithTheWriteItWaitsFor) {
  Status waited = Internal("not called");
  std::thread reader;
  {
    CommitQueue queue(*commits_);
    PutOperation operation("a");
    queue.Add([&] { EXPECT_THAT(commits_->Submit(operation), IsOk()); });
    reader = std::thread([&] { waited = commits_->WaitVisible(SeqNo(1), Deadline()); });
    queue.Release();
  }
  reader.join();
  EXPECT_THAT(waited, IsOk());
}

TEST_F(CommitGroupTest, WaitVisibleEndsWithTheDeadlineOrTheCaller) {
  EXPECT_THAT(commits_->WaitVisible(SeqNo(5), Deadline::After(milliseconds(-1))),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(commits_->WaitVisible(SeqNo(5), Deadline::After(milliseconds(20))),
              StatusIs(StatusCode::kDeadlineExceeded));
  int asked = 0;
  const Deadline cancelled(Deadline::Clock::time_point::max(), [&asked] { return ++asked > 2; });
  EXPECT_THAT(commits_->WaitVisible(SeqNo(5), cancelled), StatusIs(StatusCode::kCancelled));
}

TEST_F(CommitGroupTest, ARetriedRequestIsAnsweredAndNotDoneAgain) {
  PutOperation first("a");
  first.request = "r1";
  first.print = 7;
  ASSERT_THAT(commits_->Submit(first), IsOk());
  for (const bool reopened : {false, true}) {
    if (reopened) {
      Open();
    }
    PutOperation again("b");
    again.request = "r1";
    again.print = 7;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, commits_->Submit(again));
    EXPECT_TRUE(receipt.replayed);
    EXPECT_EQ(receipt.seq, SeqNo(1));
    EXPECT_EQ(receipt.points, 3U);
    EXPECT_TRUE(again.applied.empty());
    EXPECT_EQ(Stored("b"), std::nullopt);

    PutOperation other("c");
    other.request = "r1";
    other.print = 8;
    const auto refused = commits_->Submit(other);
    EXPECT_THAT(refused, FieldErrorAt("request_id"));
    EXPECT_EQ(ReasonOf(refused.status()), "REQUEST_ID_REUSED");
    EXPECT_EQ(commits_->visible(), SeqNo(1));
  }
}

TEST_F(CommitGroupTest, ARetryInTheSameGroupIsDoneOnce) {
  PutOperation first("a");
  PutOperation again("b");
  first.request = again.request = "r1";
  WriteReceipt receipts[2];
  {
    CommitQueue queue(*commits_);
    queue.Add([&] { receipts[0] = commits_->Submit(first).value_or(WriteReceipt()); });
    queue.Add([&] { receipts[1] = commits_->Submit(again).value_or(WriteReceipt()); });
  }
  EXPECT_EQ(receipts[0].seq, SeqNo(1));
  EXPECT_FALSE(receipts[0].replayed);
  EXPECT_EQ(receipts[1].seq, SeqNo(1));
  EXPECT_TRUE(receipts[1].replayed);
  EXPECT_TRUE(again.applied.empty());
  EXPECT_EQ(StoredSeq(), 1U);
}

TEST_F(CommitGroupTest, ARefusedRequestIsNotRemembered) {
  PutOperation first("a");
  first.request = "r1";
  first.refuse = true;
  EXPECT_THAT(commits_->Submit(first), StatusIs(StatusCode::kFailedPrecondition));
  PutOperation again("a");
  again.request = "r1";
  again.print = 99;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, commits_->Submit(again));
  EXPECT_FALSE(receipt.replayed);
  EXPECT_EQ(Stored("a"), "1");
}

TEST_F(CommitGroupTest, ADurableRetryOfABufferedWriteSyncsIt) {
  PutOperation first("a");
  first.request = "r1";
  first.level = Durability::kBuffered;
  ASSERT_THAT(commits_->Submit(first), IsOk());
  PutOperation again("a");
  again.request = "r1";
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, commits_->Submit(again));
  EXPECT_TRUE(receipt.replayed);
  EXPECT_EQ(commits_->durable(), SeqNo(1));
}

TEST_F(CommitGroupTest, AFullDiskRefusesWritesButNotWhatFreesSpace) {
  limits_.disk_free_bytes_min = uint64_t{1} << 62;
  Open();
  PutOperation operation("a");
  const auto refused = commits_->Submit(operation);
  EXPECT_THAT(refused, StatusIs(StatusCode::kResourceExhausted, HasSubstr("disk")));
  EXPECT_EQ(ReasonOf(refused.status()), "DISK_FULL");
  EXPECT_TRUE(RetryAfterMsOf(refused.status()).has_value());
  EXPECT_TRUE(commits_->disk_full());
  EXPECT_TRUE(operation.applied.empty());
  operation.on_full_disk = true;
  EXPECT_THAT(commits_->Submit(operation), IsOk());
  EXPECT_EQ(StoredSeq(), 1U);

  limits_.disk_free_bytes_min = 0;
  Open();
  PutOperation later("b");
  EXPECT_THAT(commits_->Submit(later), IsOk());
  EXPECT_FALSE(commits_->disk_full());
}

#if ALIDADE_FAILPOINTS
TEST(CommitGroupDeathTest, AFailedWriteOfTheLogEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // The child runs this test again from its start; the directory is the parent's, which removes it.
  constexpr const char* kDirectoryVariable = "ALIDADE_COMMIT_GROUP_DEATH_TEST";
  std::unique_ptr<ScratchDirectory> scratch;
  if (std::getenv(kDirectoryVariable) == nullptr) {
    scratch = std::make_unique<ScratchDirectory>();
    ASSERT_EQ(::setenv(kDirectoryVariable, scratch->Path("data").c_str(), 1), 0);
  }
  const auto child = [] {
    ::setenv("ALIDADE_FAILPOINTS", "storage.before_write=error", 1);
    StoreOptions options;
    options.directory = std::getenv(kDirectoryVariable);
    const auto store = Store::Open(options);
    RequestLedger ledger(10);
    Limits limits;
    limits.disk_free_bytes_min = 0;
    CommitGroup commits(**store, ledger, limits, SeqNo(0));
    PutOperation operation("a");
    (void)commits.Submit(operation);
    ::_exit(0);  // an answer would be a lie
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(kExitStorageFailed), "");
  ::unsetenv(kDirectoryVariable);
}
#endif

}  // namespace
}  // namespace alidade
