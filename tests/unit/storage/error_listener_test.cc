// What RocksDB reports from its background threads, and what of it makes the store fail.
#include <gtest/gtest.h>

#include "store_impl.h"

namespace alidade {
namespace {

bool FailsAfter(rocksdb::Status status) {
  ErrorListener listener;
  listener.OnBackgroundError(rocksdb::BackgroundErrorReason::kFlush, &status);
  return listener.failed();
}

TEST(ErrorListenerTest, EveryErrorFailsTheStore) {
  EXPECT_TRUE(FailsAfter(rocksdb::Status::Corruption("bad block")));
  EXPECT_TRUE(FailsAfter(rocksdb::Status::IOError("cannot write")));
  EXPECT_TRUE(FailsAfter(rocksdb::Status::NoSpace("full")));
}

TEST(ErrorListenerTest, AFlushThatClosingCutShortIsNoFailure) {
  EXPECT_FALSE(FailsAfter(rocksdb::Status::ShutdownInProgress()));
}

}  // namespace
}  // namespace alidade
