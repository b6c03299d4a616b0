// A read that asks for a write which nobody has made: it is told so after a while.
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/collection/commit_group.h"

#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

TEST(MinSeqWaitTest, ASeqThatNobodyWritesIsRefusedAfterTenSeconds) {
  const ScratchDirectory scratch;
  StoreOptions options;
  options.directory = scratch.Path("data");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(options));
  RequestLedger ledger(10);
  const CommitGroup commits(*store, ledger, Limits(), SeqNo(41));
  const auto start = Deadline::Clock::now();
  const Status refused = commits.WaitVisible(SeqNo(1'000'000), Deadline());
  const auto took = Deadline::Clock::now() - start;
  EXPECT_THAT(refused, StatusIs(StatusCode::kFailedPrecondition, HasSubstr("41")));
  EXPECT_EQ(ReasonOf(refused), "MIN_SEQ_NOT_REACHED");
  EXPECT_GE(took, std::chrono::seconds(9));
  EXPECT_LE(took, std::chrono::seconds(30));
}

}  // namespace
}  // namespace alidade
