// A full disk: writes are refused with RESOURCE_EXHAUSTED, reads and deletes go on, and freed space
// heals it.
#include <chrono>
#include <random>
#include <string>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "crash/crash_run.h"
#include "crash/disk.h"

namespace alidade::testing {
namespace {

// Large points fill a small disk quickly. Gives the status of the first refused batch.
grpc::Status WriteUntilRefused(LedgerClient& client, uint64_t& next_id, int batches_max) {
  std::mt19937_64 random(next_id);
  for (int i = 0; i < batches_max; ++i) {
    alidade::v1::UpsertPointsRequest request;
    request.set_collection(kLedgerCollection);
    for (int row = 0; row < 20; ++row) {
      auto* point = request.mutable_rows()->add_points();
      point->mutable_id()->set_num(next_id++);
      std::string filler(30'000, '\0');  // random, so that no compression saves the disk
      for (char& c : filler) {
        c = static_cast<char>('!' + random() % 94);
      }
      (*point->mutable_payload()->mutable_fields())["filler"].set_string_value(filler);
    }
    alidade::v1::UpsertPointsResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const grpc::Status status = client.points->UpsertPoints(&context, request, &response);
    if (!status.ok()) {
      return status;
    }
  }
  return grpc::Status::OK;
}

TEST(FullDisk, RefusesWritesServesTheRestAndHeals) {
  Tmpfs disk(256);
  if (!disk.problem().empty()) {
    GTEST_SKIP() << disk.problem();
  }
  const std::string ballast = disk.path() + "/ballast";
  ASSERT_EQ(RunCommand("dd if=/dev/zero bs=1M count=120 of=" + ballast), 0);
  CrashOptions options;
  options.data_dir = disk.path() + "/data";
  options.extra_settings = {"limits.disk_free_bytes_min=48MiB"};
  CrashRun run(options);
  ASSERT_TRUE(run.Start({})) << run.server().Log();
  run.StartLoad(3);
  run.WaitForBatches(60, 20);
  run.StopLoad();

  uint64_t next_id = 1'000'000'000;
  const grpc::Status refused = WriteUntilRefused(run.client(), next_id, 2'000);
  ASSERT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  EXPECT_NE(refused.error_message().find("disk"), std::string::npos) << refused.error_message();
  EXPECT_TRUE(run.server().Running());

  // Reads and deletes go on.
  for (Ledger& ledger : run.ledgers()) {
    EXPECT_TRUE(ledger.Verify(run.client()).empty());
  }
  alidade::v1::DeletePointsRequest remove;
  remove.set_collection(kLedgerCollection);
  for (uint64_t id = 1'000'000'000; id < next_id; ++id) {
    if (remove.ids_size() == 5'000) {
      break;
    }
    remove.add_ids()->set_num(id);
  }
  {
    alidade::v1::DeletePointsResponse response;
    grpc::ClientContext context;
    const grpc::Status status = run.client().points->DeletePoints(&context, remove, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_GT(response.deleted_count(), 100U);
  }
  // It opens on the full disk too.
  run.KillServer();
  ASSERT_TRUE(run.Start({})) << run.server().Log();

  ASSERT_EQ(RunCommand("rm " + ballast), 0);
  // What waited to be sealed takes room first, and gives room back when it is merged.
  grpc::Status healed;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  do {
    healed = WriteUntilRefused(run.client(), next_id, 3);
  } while (!healed.ok() && std::chrono::steady_clock::now() < give_up);
  EXPECT_TRUE(healed.ok()) << healed.error_message();
  for (Ledger& ledger : run.ledgers()) {
    const auto problems = ledger.Verify(run.client());
    EXPECT_TRUE(problems.empty()) << Lines(problems);
  }
  EXPECT_EQ(run.server().Stop(), 0) << run.server().Log();
}

// How much a filter chooses is known only when it was looked at.
TEST(FullDisk, AWriteByFilterThatFindsNoRoomIsRefused) {
  Tmpfs disk(256);
  if (!disk.problem().empty()) {
    GTEST_SKIP() << disk.problem();
  }
  CrashOptions options;
  options.data_dir = disk.path() + "/data";
  options.extra_settings = {"limits.disk_free_bytes_min=48MiB"};
  CrashRun run(options);
  ASSERT_TRUE(run.Start({})) << run.server().Log();
  alidade::v1::UpsertPointsRequest points;
  points.set_collection(kLedgerCollection);
  for (uint64_t id = 0; id < 300; ++id) {
    points.mutable_columns()->mutable_number_ids()->add_values(id);
  }
  {
    alidade::v1::UpsertPointsResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(run.client().points->UpsertPoints(&context, points, &response).ok());
  }
  ASSERT_EQ(RunCommand("dd if=/dev/zero bs=1M count=150 of=" + disk.path() + "/ballast"), 0);
  const auto set_text = [&](size_t bytes) {
    alidade::v1::SetPayloadRequest request;
    request.set_collection(kLedgerCollection);
    request.mutable_filter()->mutable_all_of();
    (*request.mutable_payload()->mutable_fields())["text"].set_string_value(
        std::string(bytes, 'x'));
    alidade::v1::SetPayloadResponse response;
    grpc::ClientContext context;
    const grpc::Status status = run.client().points->SetPayload(&context, request, &response);
    EXPECT_EQ(response.updated_count(), status.ok() ? 300U : 0U);
    return status;
  };
  const grpc::Status refused = set_text(250 << 10);  // 75 MiB, about 50 are left
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  EXPECT_NE(refused.error_message().find("disk"), std::string::npos) << refused.error_message();
  EXPECT_TRUE(set_text(1'000).ok());
  EXPECT_EQ(run.server().Stop(), 0) << run.server().Log();
}

}  // namespace
}  // namespace alidade::testing
