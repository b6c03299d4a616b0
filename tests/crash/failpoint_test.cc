// A kill at every step of commit, seal, build, publish, merge, drop and start.
#include <string>
#include <string_view>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "crash/crash_run.h"

namespace alidade::testing {
namespace {

struct KillPoint {
  const char* name;
  int hit;  // the n-th time the point is reached
};

void PrintTo(const KillPoint& point, std::ostream* out) { *out << point.name << "@" << point.hit; }

class KillAtPoint : public ::testing::TestWithParam<KillPoint> {};

TEST_P(KillAtPoint, LosesNothing) {
  const KillPoint point = GetParam();
  TemporaryDirectory directory;
  CrashOptions options;
  options.data_dir = directory.path() + "/data";
  CrashRun run(options);
  const std::map<std::string, std::string> armed = {
      {"ALIDADE_FAILPOINTS", std::string(point.name) + "=kill@" + std::to_string(point.hit)}};
  if (run.Start(armed)) {
    run.StartLoad(static_cast<uint64_t>(point.hit) * 31);
  }
  ASSERT_TRUE(run.server().WaitForExit(25)) << point.name << " was never reached\n"
                                            << run.server().Log();
  ASSERT_EQ(run.server().exit_code(), 128 + 9) << run.server().Log();
  run.KillServer();
  auto problems = run.RestartAndVerify();
  ASSERT_TRUE(problems.empty()) << Lines(problems) << run.server().Log();
  // A second crash right away changes nothing.
  run.KillServer();
  problems = run.RestartAndVerify();
  EXPECT_TRUE(problems.empty()) << Lines(problems) << run.server().Log();
}

INSTANTIATE_TEST_SUITE_P(Steps,
                         KillAtPoint,
                         ::testing::Values(KillPoint{"storage.create.marked", 1},
                                           KillPoint{"storage.create.cleaned", 1},
                                           KillPoint{"storage.create.watermark", 1},
                                           KillPoint{"storage.create.database", 1},
                                           KillPoint{"storage.create.before_format", 1},
                                           KillPoint{"storage.create.after_format", 1},
                                           KillPoint{"start.store_opened", 1},
                                           KillPoint{"start.recovered", 1},
                                           KillPoint{"create.prepare", 1},
                                           KillPoint{"commit.before_write", 40},
                                           KillPoint{"storage.before_write", 41},
                                           KillPoint{"storage.after_write", 42},
                                           KillPoint{"commit.after_write", 43},
                                           KillPoint{"commit.after_apply", 44},
                                           KillPoint{"storage.before_watermark", 1},
                                           KillPoint{"storage.after_watermark", 2},
                                           KillPoint{"maintenance.before_write", 3},
                                           KillPoint{"segment.tmp_created", 2},
                                           KillPoint{"segment.rows_written", 3},
                                           KillPoint{"segment.payload_indexed", 3},
                                           KillPoint{"segment.sparse_written", 3},
                                           KillPoint{"segment.vectors_written", 4},
                                           KillPoint{"segment.index_built", 1},
                                           KillPoint{"segment.before_rename", 3},
                                           KillPoint{"segment.after_rename", 4},
                                           KillPoint{"segment.after_dirsync", 5},
                                           KillPoint{"maintenance.before_publish", 6},
                                           KillPoint{"maintenance.after_publish", 7}));

class DropCollection : public ::testing::TestWithParam<const char*> {};

TEST_P(DropCollection, IsWholeOrNotAtAll) {
  TemporaryDirectory directory;
  CrashOptions options;
  options.data_dir = directory.path() + "/data";
  CrashRun run(options);
  ASSERT_TRUE(run.Start({{"ALIDADE_FAILPOINTS", std::string(GetParam()) + "=kill@1"}}));
  run.StartLoad(5);
  run.WaitForBatches(150, 20);
  run.StopLoad();
  alidade::v1::DeleteCollectionRequest request;
  request.set_collection(kLedgerCollection);
  alidade::v1::DeleteCollectionResponse response;
  grpc::ClientContext context;
  const grpc::Status status =
      run.client().collections->DeleteCollection(&context, request, &response);
  ASSERT_TRUE(run.server().WaitForExit(5)) << GetParam() << " was never reached";
  // The last two points come after the commit, which the answer may or may not have outrun.
  const bool committed = GetParam() != std::string_view("drop.prepare");
  EXPECT_TRUE(committed || !status.ok());
  if (committed) {
    // It is gone after the restart, and a new one of that name is empty.
    ASSERT_TRUE(run.Start({})) << run.server().Log();
    CrashRun fresh(options);
    const auto problems = VerifyCollection(run.client(), fresh.ledgers());
    EXPECT_TRUE(problems.empty()) << Lines(problems);
  } else {
    const auto problems = run.RestartAndVerify();
    EXPECT_TRUE(problems.empty()) << Lines(problems);
  }
}

INSTANTIATE_TEST_SUITE_P(Steps,
                         DropCollection,
                         ::testing::Values("drop.prepare",
                                           "drop.keys_deleted",
                                           "drop.files_removed"));

}  // namespace
}  // namespace alidade::testing
