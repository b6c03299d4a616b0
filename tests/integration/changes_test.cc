// Changes of payloads, writes by filter, conditions and batches through the real server, with
// restarts and kills in between.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/client.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

constexpr uint64_t kPoints = 3'000;  // enough for a graph

class ChangesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Start();
    Must(*client_, NewCollection("c", 8, v1::METRIC_L2, "hnsw { m: 8 ef_construction: 40 }"));
    Must(*client_, NewCollection("other", 8, v1::METRIC_L2));
    v1::UpsertPointsRequest request;
    request.set_collection("c");
    v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
    column.set_field("v");
    for (uint64_t id = 0; id < kPoints; ++id) {
      request.mutable_columns()->mutable_number_ids()->add_values(id);
      column.mutable_data()->append(Packed(RandomVector(id, 8)));
      v1::Object& payload = *request.mutable_columns()->add_payloads();
      (*payload.mutable_fields())["n"].set_int64_value(static_cast<int64_t>(id));
      (*payload.mutable_fields())["tenant"].set_int64_value(static_cast<int64_t>(id % 10));
    }
    Must(*client_, request);
  }
  void TearDown() override { EXPECT_EQ(server_->Stop(), 0) << server_->Log(); }

  void Start() {
    ServerOptions options;
    options.data_dir = directory_.path() + "/data";
    server_ = std::make_unique<ServerProcess>(options);
    ASSERT_TRUE(server_->ready()) << server_->Log();
    client_ = std::make_unique<Client>(server_->address());
  }
  // Everything is the same after a kill and after a stop.
  void ExpectSurvives() {
    const std::string before = WholeState(*client_);
    server_->Kill();
    ASSERT_NO_FATAL_FAILURE(Start());
    EXPECT_EQ(WholeState(*client_), before);
    EXPECT_EQ(server_->Stop(), 0);
    ASSERT_NO_FATAL_FAILURE(Start());
    EXPECT_EQ(WholeState(*client_), before);
  }
  void WaitIndexed() { Must(*client_, Parse<v1::WaitIndexedRequest>("collection: 'c'")); }
  uint64_t CountTag(const std::string& tag) {
    return Must(*client_,
                Parse<v1::CountPointsRequest>("collection: 'c' filter { is_in { key: 'tag' values "
                                              "{ string_value: '" +
                                              tag + "' } } }"))
        .count();
  }
  // Through the graph, with a filter over the changed key.
  uint64_t FindTag(const std::string& tag, uint32_t k) {
    v1::SearchRequest request = Parse<v1::SearchRequest>(
        "collection: 'c' filter { is_in { key: 'tag' values { string_value: '" + tag + "' } } }");
    request.set_k(k);
    request.add_queries()->mutable_vector()->set_packed(Packed(RandomVector(77, 8)));
    const auto found = Must(*client_, request);
    for (const auto& hit : found.results(0).hits()) {
      EXPECT_EQ(hit.payload().fields().at("tag").string_value(), tag);
    }
    return static_cast<uint64_t>(found.results(0).hits_size());
  }

  const TemporaryDirectory directory_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(ChangesTest, ChangedPayloadsAreSearchedAtOnceAndSurviveKills) {
  WaitIndexed();
  const auto builds = [this] {
    return Must(*client_, Parse<v1::GetCollectionStatsRequest>("collection: 'c'"))
        .stats()
        .builds_done();
  };
  const uint64_t built = builds();
  const auto by_filter = Must(
      *client_,
      Parse<v1::SetPayloadRequest>("collection: 'c' filter { is_in { key: 'tenant' values { "
                                   "int64_value: 3 } } } payload { fields { key: 'tag' value { "
                                   "string_value: 'x' } } }"));
  EXPECT_EQ(by_filter.updated_count(), kPoints / 10);
  EXPECT_EQ(CountTag("x"), kPoints / 10);
  EXPECT_EQ(FindTag("x", kPoints), kPoints / 10);
  const auto by_ids = Must(
      *client_,
      Parse<v1::OverwritePayloadRequest>("collection: 'c' ids { num: 3 } ids { num: 4 } ids { num: "
                                         "99999 } payload { fields { key: 'tag' value { "
                                         "string_value: 'y' } } }"));
  EXPECT_EQ(by_ids.updated_count(), 2U);
  EXPECT_EQ(FindTag("y", 10), 2U);
  const auto keys = Must(
      *client_, Parse<v1::DeletePayloadKeysRequest>("collection: 'c' ids { num: 13 } keys: 'tag'"));
  EXPECT_EQ(keys.updated_count(), 1U);
  EXPECT_EQ(CountTag("x"), kPoints / 10 - 2);
  EXPECT_EQ(builds(), built);  // no graph was touched
  const auto point =
      Must(*client_, Parse<v1::GetPointsRequest>("collection: 'c' ids { num: 13 }")).points(0);
  EXPECT_EQ(point.seq(), keys.receipt().seq());
  EXPECT_FALSE(point.payload().fields().contains("tag"));
  ExpectSurvives();
  EXPECT_EQ(FindTag("x", kPoints), kPoints / 10 - 2);
}

TEST_F(ChangesTest, DeletesByFilterAreCountedAndSurviveKills) {
  WaitIndexed();
  const auto gone = Must(
      *client_,
      Parse<v1::DeletePointsRequest>("collection: 'c' request_id: 'r' filter { range { key: 'n' lt "
                                     "{ int64_value: 1000 } } }"));
  EXPECT_EQ(gone.deleted_count(), 1'000U);
  EXPECT_EQ(Must(*client_, Parse<v1::CountPointsRequest>("collection: 'c'")).count(),
            kPoints - 1'000);
  ExpectSurvives();
  const auto again = Must(
      *client_,
      Parse<v1::DeletePointsRequest>("collection: 'c' request_id: 'r' filter { range { key: 'n' lt "
                                     "{ int64_value: 1000 } } }"));
  EXPECT_TRUE(again.receipt().replayed());
  EXPECT_EQ(again.deleted_count(), 1'000U);
}

TEST_F(ChangesTest, ConditionsDecideByWhatIsThere) {
  const auto insert = Must(*client_,
                           Parse<v1::UpsertPointsRequest>(
                               "collection: 'c' mode: UPSERT_MODE_INSERT_ONLY rows { points { id { "
                               "num: 1 } } points { id { num: 99999 } } }"));
  EXPECT_EQ(insert.upserted_count(), 1U);
  EXPECT_EQ(insert.skipped_count(), 1U);
  const auto update = Must(*client_,
                           Parse<v1::UpsertPointsRequest>(
                               "collection: 'c' mode: UPSERT_MODE_UPDATE_ONLY rows { points { id { "
                               "num: 99999 } } points { id { num: 99998 } } }"));
  EXPECT_EQ(update.upserted_count(), 1U);
  EXPECT_EQ(update.skipped_count(), 1U);
  // Read, change, write: the second of two who read the same is told.
  const auto read =
      Must(*client_, Parse<v1::GetPointsRequest>("collection: 'c' ids { num: 7 }")).points(0);
  EXPECT_GT(read.seq(), 0U);
  v1::SetPayloadRequest write = Parse<v1::SetPayloadRequest>(
      "collection: 'c' ids { num: 7 } payload { fields { key: 'tag' value { string_value: 'mine' } "
      "} }");
  write.add_if_seqs(read.seq());
  Must(*client_, write);
  (*write.mutable_payload()->mutable_fields())["tag"].set_string_value("theirs");
  const grpc::Status refused = client_->Send(write);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::ABORTED) << Describe(refused);
  EXPECT_EQ(ReasonOfError(refused), "SEQ_MISMATCH");
  EXPECT_EQ(CountTag("mine"), 1U);
  ExpectSurvives();
}

TEST_F(ChangesTest, ABatchIsOneWrite) {
  const auto batch = Parse<v1::WriteBatchRequest>(
      "request_id: 'b' "
      "operations { upsert_points { collection: 'other' rows { points { id { num: 1 } } points { "
      "id { num: 2 } } } } } "
      "operations { set_payload { collection: 'c' filter { range { key: 'n' lt { int64_value: 20 } "
      "} } payload { fields { key: 'tag' value { string_value: 'moved' } } } } } "
      "operations { delete_points { collection: 'other' ids { num: 2 } ids { num: 3 } } } "
      "operations { delete_payload_keys { collection: 'c' ids { num: 5 } keys: 'tag' } } "
      "operations { overwrite_payload { collection: 'c' ids { num: 6 } payload {} } }");
  const auto written = Must(*client_, batch);
  std::vector<uint64_t> counts;
  for (const auto& result : written.results()) {
    counts.push_back(result.points_count());
  }
  EXPECT_THAT(counts, ::testing::ElementsAre(2, 20, 1, 1, 1));
  EXPECT_EQ(CountTag("moved"), 18U);
  EXPECT_EQ(Must(*client_, Parse<v1::CountPointsRequest>("collection: 'other'")).count(), 1U);
  const auto point =
      Must(*client_, Parse<v1::GetPointsRequest>("collection: 'other' ids { num: 1 }")).points(0);
  EXPECT_EQ(point.seq(), written.receipt().seq());
  ExpectSurvives();
  const auto again = Must(*client_, batch);
  EXPECT_TRUE(again.receipt().replayed());
  EXPECT_EQ(again.receipt().seq(), written.receipt().seq());
  EXPECT_EQ(again.results_size(), 5);
  EXPECT_EQ(again.results(1).points_count(), 20U);
}

}  // namespace
}  // namespace alidade::testing
