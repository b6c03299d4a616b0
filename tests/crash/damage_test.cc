// Bit flips, truncation and deletion over every kind of file: the server refuses to start with the
// reason, or repairs itself; it never answers wrongly, crashes or hangs. `alidade check` sees the
// same.
#include "crash/damage.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "alidade/server/run.h"

#include "crash/crash_run.h"

namespace alidade::testing {
namespace {

using Case = std::tuple<FileClass, DamageKind>;

class DamagedFile : public ::testing::TestWithParam<Case> {
 protected:
  // One loaded and killed data directory for all cases; each damages a copy.
  static void SetUpTestSuite() {
    source_ = new TemporaryDirectory;
    CrashOptions options;
    options.data_dir = source_->path() + "/data";
    run_ = new CrashRun(options);
    ASSERT_TRUE(run_->Start({})) << run_->server().Log();
    // First what ends up in tables and segments with indexes, then some more that only the log has.
    for (uint64_t seed = 11; seed < 31 && FilesOf(options.data_dir, FileClass::kIndex).empty();
         ++seed) {
      run_->StartLoad(seed);
      run_->WaitForBatches(250, 40);
      run_->StopLoad();
      ASSERT_NO_FATAL_FAILURE(SealAndIndex());
    }
    run_->StartLoad(12);
    run_->WaitForBatches(60, 20);
    run_->StopLoad();
    // What the watermark does not cover yet (the last second) may be lost to a shortened file.
    uint64_t newest = 0;
    for (const Ledger& ledger : run_->ledgers()) {
      newest = std::max(newest, ledger.newest_seq());
    }
    ASSERT_TRUE(WaitForWatermark(options.data_dir, newest, 10));
    run_->KillServer();
  }
  static void SealAndIndex() {
    alidade::v1::FlushRequest flush;
    alidade::v1::FlushResponse flushed;
    grpc::ClientContext flush_context;
    ASSERT_TRUE(run_->client().admin->Flush(&flush_context, flush, &flushed).ok());
    alidade::v1::WaitIndexedRequest wait;
    wait.set_collection(kLedgerCollection);
    wait.mutable_timeout()->set_seconds(60);
    alidade::v1::WaitIndexedResponse waited;
    grpc::ClientContext wait_context;
    const auto status = run_->client().admin->WaitIndexed(&wait_context, wait, &waited);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  static void TearDownTestSuite() {
    delete run_;
    delete source_;
  }

  static TemporaryDirectory* source_;
  static CrashRun* run_;
};

TemporaryDirectory* DamagedFile::source_ = nullptr;
CrashRun* DamagedFile::run_ = nullptr;

TEST_P(DamagedFile, IsRefusedOrRepaired) {
  const auto [file_class, kind] = GetParam();
  const int tries = kind == DamageKind::kDelete ? 1 : EnvironmentNumber("ALIDADE_DAMAGE_TRIES", 3);
  std::mt19937_64 random(TestSeed());
  int refused = 0;
  int repaired = 0;
  for (int i = 0; i < tries; ++i) {
    TemporaryDirectory directory;
    const std::string data = directory.path() + "/data";
    ASSERT_TRUE(CopyDirectory(source_->path() + "/data", data));
    const auto files = FilesOf(data, file_class);
    ASSERT_FALSE(files.empty()) << "no file of class " << Name(file_class);
    const std::string what = Damage(files[0], kind, random);
    ServerOptions options;
    options.data_dir = data;
    options.settings = SmallLimits();
    ServerProcess server(options);
    if (!server.ready()) {
      ASSERT_FALSE(server.Running()) << what << ": hangs\n" << server.Log();
      EXPECT_TRUE(server.exit_code() == kExitDataLoss || server.exit_code() == kExitUnavailable)
          << what << ": exit code " << server.exit_code() << "\n"
          << server.Log();
      EXPECT_NE(server.Log().find("cannot start"), std::string::npos) << what << "\n"
                                                                      << server.Log();
      ++refused;
      continue;
    }
    LedgerClient client(server.address());
    std::vector<Ledger> ledgers = run_->ledgers();
    std::vector<std::string> problems;
    for (Ledger& ledger : ledgers) {
      for (std::string& problem : ledger.Verify(client)) {
        problems.push_back(std::move(problem));
      }
    }
    if (problems.empty()) {
      problems = VerifyCollection(client, ledgers);
      EXPECT_TRUE(problems.empty()) << what << "\n" << Lines(problems) << server.Log();
      ++repaired;
    } else {
      // Damage that is met while reading must be said, not answered around.
      EXPECT_NE(problems[0].find("checksum"), std::string::npos) << what << "\n"
                                                                 << Lines(problems) << server.Log();
      EXPECT_NE(problems[0].find("failed"), std::string::npos) << what << "\n" << Lines(problems);
      ++refused;
    }
  }
  std::printf("%s %s: %d refused, %d repaired or untouched\n",
              Name(file_class),
              Name(kind),
              refused,
              repaired);
}

INSTANTIATE_TEST_SUITE_P(EveryFile,
                         DamagedFile,
                         ::testing::Combine(::testing::Values(FileClass::kWal,
                                                              FileClass::kTable,
                                                              FileClass::kRocksManifest,
                                                              FileClass::kCurrent,
                                                              FileClass::kFormat,
                                                              FileClass::kWatermark,
                                                              FileClass::kRows,
                                                              FileClass::kVectors,
                                                              FileClass::kIndex,
                                                              FileClass::kSparse),
                                            ::testing::Values(DamageKind::kFlipBit,
                                                              DamageKind::kTruncate,
                                                              DamageKind::kDelete)),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return std::string(Name(std::get<0>(test.param))) +
                                  Name(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace alidade::testing
