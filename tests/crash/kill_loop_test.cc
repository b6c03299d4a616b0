// kill -9 in the middle of upserts, deletes, searches, builds and merges; after each restart the
// ledgers must hold.
#include <chrono>
#include <cstdio>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "crash/crash_run.h"

namespace alidade::testing {
namespace {

uint64_t HealedSegments(LedgerClient& client) {
  alidade::v1::GetCollectionStatsRequest request;
  request.set_collection(kLedgerCollection);
  alidade::v1::GetCollectionStatsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = client.admin->GetCollectionStats(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.stats().healed_segments();
}

TEST(KillLoop, EveryAcknowledgedPointSurvives) {
  const int cycles = EnvironmentNumber("ALIDADE_CRASH_CYCLES", 25);
  std::mt19937_64 random(TestSeed());
  TemporaryDirectory directory;
  CrashOptions options;
  options.data_dir = directory.path() + "/data";
  CrashRun run(options);
  double slowest_start = 0;
  ASSERT_TRUE(run.Start({})) << run.server().Log();
  for (int cycle = 0; cycle < cycles; ++cycle) {
    run.StartLoad(random());
    // A fault only counts under load: some writes must have been acknowledged first.
    run.WaitForBatches(5, 20);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 700));
    ASSERT_GE(run.batches(), 5U) << run.server().Log();
    run.KillServer();
    const auto problems = run.RestartAndVerify();
    ASSERT_TRUE(problems.empty()) << "cycle " << cycle << "\n"
                                  << Lines(problems) << run.server().Log();
    // A kill leaves nothing to heal: files are published whole. Healing here would hide a bug of
    // publishing.
    ASSERT_EQ(HealedSegments(run.client()), 0U) << "cycle " << cycle << "\n" << run.server().Log();
    slowest_start = std::max(slowest_start, run.ready_seconds());
  }
  std::printf("%d kills, %llu points acknowledged, none lost; slowest restart %.2f s\n",
              cycles,
              static_cast<unsigned long long>(run.acknowledged()),
              slowest_start);
  // Recovery is idempotent, and a clean stop loses nothing either.
  EXPECT_EQ(run.server().Stop(), 0);
  const auto problems = run.RestartAndVerify();
  EXPECT_TRUE(problems.empty()) << Lines(problems);
}

}  // namespace
}  // namespace alidade::testing
