// The tests of the tests: deliberately broken servers must be caught by the same rules.
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "crash/crash_run.h"
#include "crash/damage.h"
#include "crash/disk.h"

namespace alidade::testing {
namespace {

using Environment = std::map<std::string, std::string>;

Environment Mutant(const std::string& name) { return {{"ALIDADE_MUTANTS", name}}; }

// Repeats until the mutant is caught; one catch is proof.
constexpr int kTries = 6;

TEST(Mutants, NoSyncIsCaughtByAPowerCut) {
  PowerDisk disk(512);
  if (!disk.problem().empty()) {
    GTEST_SKIP() << disk.problem();
  }
  bool caught = false;
  for (int i = 0; i < kTries && !caught; ++i) {
    CrashOptions options;
    options.data_dir = disk.path() + "/data" + std::to_string(i);
    options.extra_settings = {"limits.disk_free_bytes_min=32MiB"};
    CrashRun run(options);
    ASSERT_TRUE(run.Start(Mutant("no_sync"))) << run.server().Log();
    run.StartLoad(static_cast<uint64_t>(i));
    run.WaitForBatches(100, 20);
    ASSERT_TRUE(run.server().Freeze());  // as in power_cut_test.cc
    ASSERT_EQ(disk.CutPower(), "");
    run.KillServer();
    ASSERT_EQ(disk.PowerOn(), "");
    caught = !run.RestartAndVerify().empty();
    run.server().Kill();
  }
  EXPECT_TRUE(caught);
}

TEST(Mutants, AckBeforeSyncIsCaughtByAKill) {
  bool caught = false;
  for (int i = 0; i < kTries && !caught; ++i) {
    TemporaryDirectory directory;
    CrashOptions options;
    options.data_dir = directory.path() + "/data";
    CrashRun run(options);
    ASSERT_TRUE(run.Start({})) << run.server().Log();
    run.KillServer();
    ASSERT_TRUE(run.Start(Mutant("ack_before_sync"))) << run.server().Log();
    run.StartLoad(static_cast<uint64_t>(i));
    run.WaitForBatches(50, 20);
    run.KillServer();
    caught = !run.RestartAndVerify().empty();
  }
  EXPECT_TRUE(caught);
}

TEST(Mutants, WrongWalModeIsCaughtByAFlippedBit) {
  std::mt19937_64 random(7);
  bool caught = false;
  for (int i = 0; i < kTries && !caught; ++i) {
    TemporaryDirectory directory;
    CrashOptions options;
    options.data_dir = directory.path() + "/data";
    // Nothing leaves the log, so that a hole in it is a loss.
    options.extra_settings = {"storage.write_buffer_bytes=64MiB", "limits.delta_rows_max=20000"};
    CrashRun run(options);
    ASSERT_TRUE(run.Start({})) << run.server().Log();
    run.StartLoad(static_cast<uint64_t>(i));
    run.WaitForBatches(400, 20);
    run.KillServer();
    const auto files = FilesOf(options.data_dir, FileClass::kWal);
    ASSERT_FALSE(files.empty());
    // Behind the watermark, which is at most a second old: earlier holes are caught by that second
    // guard as well.
    Damage(files[0], DamageKind::kFlipBit, random, 0.93, 0.97);
    // The right mode refuses to start. With the wrong one the server starts and the ledger has to
    // notice.
    ASSERT_FALSE(run.Start({})) << "a damaged log was accepted";
    if (run.Start(Mutant("wal_mode"))) {
      caught = !run.Verify().empty();
    }
    run.server().Kill();
  }
  EXPECT_TRUE(caught);
}

TEST(Mutants, ManifestBeforeRenameIsCaughtByAKill) {
  bool caught = false;
  for (int i = 0; i < kTries && !caught; ++i) {
    TemporaryDirectory directory;
    CrashOptions options;
    options.data_dir = directory.path() + "/data";
    CrashRun run(options);
    Environment environment = Mutant("manifest_before_rename");
    environment["ALIDADE_FAILPOINTS"] = "maintenance.after_publish=kill@" + std::to_string(i + 1);
    ASSERT_TRUE(run.Start(environment)) << run.server().Log();
    run.StartLoad(static_cast<uint64_t>(i));
    run.WaitForBatches(1'000'000, 20);
    run.KillServer();
    const auto problems = run.RestartAndVerify();
    EXPECT_TRUE(problems.empty()) << Lines(
        problems);  // the rows are the truth: nothing is lost even so
    // But a mere kill must never leave a segment to heal.
    alidade::v1::GetCollectionStatsRequest request;
    request.set_collection(kLedgerCollection);
    alidade::v1::GetCollectionStatsResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(run.client().admin->GetCollectionStats(&context, request, &response).ok());
    caught = response.stats().healed_segments() > 0;
  }
  EXPECT_TRUE(caught);
}

TEST(Mutants, NoRecordOfAPayloadChangeIsCaughtByAKill) {
  bool caught = false;
  for (int i = 0; i < kTries && !caught; ++i) {
    TemporaryDirectory directory;
    CrashOptions options;
    options.data_dir = directory.path() + "/data";
    CrashRun run(options);
    ASSERT_TRUE(run.Start(Mutant("no_payload_change_record"))) << run.server().Log();
    run.StartLoad(static_cast<uint64_t>(i));
    run.WaitForBatches(300, 20);
    run.KillServer();
    caught = !run.RestartAndVerify().empty();
  }
  EXPECT_TRUE(caught);
}

TEST(Mutants, NoChecksumIsCaughtByAFlippedBit) {
  TemporaryDirectory source;
  CrashOptions options;
  options.data_dir = source.path() + "/data";
  options.writers = 2;
  options.ids_per_writer = 200;  // most rows are hit by the comparison below
  CrashRun run(options);
  ASSERT_TRUE(run.Start({})) << run.server().Log();
  run.StartLoad(4);
  run.WaitForBatches(60, 20);
  run.StopLoad();
  alidade::v1::FlushRequest flush;
  alidade::v1::FlushResponse flushed;
  grpc::ClientContext context;
  ASSERT_TRUE(run.client().admin->Flush(&context, flush, &flushed).ok());
  run.KillServer();
  // Searching returns vectors from the segment file; damage there must show as a wrong vector when
  // nobody checks.
  const auto count_wrong = [&](const Environment& environment) -> int {
    if (!run.Start(environment)) {
      return -1;
    }
    int wrong = 0;
    for (const Ledger& ledger : run.ledgers()) {
      for (uint64_t id = ledger.first(); id < ledger.first() + ledger.count(); ++id) {
        if (!ledger.IsLive(id)) {
          continue;
        }
        alidade::v1::SearchRequest request;
        request.set_collection(kLedgerCollection);
        request.set_k(1);
        request.mutable_params()->set_exact(true);
        request.add_with_vectors("v");
        request.mutable_payload()->set_all(true);
        const std::vector<float> nowhere = LedgerVector(id, 12345);
        request.add_queries()->mutable_vector()->set_packed(std::string(
            reinterpret_cast<const char*>(nowhere.data()), nowhere.size() * sizeof(float)));
        alidade::v1::SearchResponse response;
        grpc::ClientContext call;
        if (!run.client().search->Search(&call, request, &response).ok()) {
          ++wrong;
          continue;
        }
        for (const auto& hit : response.results(0).hits()) {
          const auto version =
              static_cast<uint64_t>(hit.payload().fields().at("born").int64_value());
          const std::vector<float> right = LedgerVector(hit.id().num(), version);
          const std::string bytes(reinterpret_cast<const char*>(right.data()),
                                  right.size() * sizeof(float));
          wrong += hit.vectors().at("v").packed() != bytes ? 1 : 0;
        }
      }
    }
    run.server().Kill();
    return wrong;
  };
  EXPECT_EQ(count_wrong({}), 0);
  const auto files = FilesOf(options.data_dir, FileClass::kVectors);
  ASSERT_FALSE(files.empty());
  std::mt19937_64 random(9);
  for (int i = 0; i < 400; ++i) {
    Damage(files[0], DamageKind::kFlipBit, random, 0.3, 1);
  }
  EXPECT_NE(count_wrong(Mutant("no_checksum")), 0) << "the damage was not noticed";
  EXPECT_EQ(count_wrong({}), 0) << "with checksums the segment is healed from the rows";
}

}  // namespace
}  // namespace alidade::testing
