// The promises of the API under real data and concurrency: k means k whatever the filter and the
// index, filters are exact, a search after an acknowledgement sees the write, deleted ids never
// appear.
#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/client.h"
#include "point_source.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

constexpr uint64_t kWords = 5'000;

class PromisesTest : public ::testing::Test {
 protected:
  PromisesTest()
      : server_({.data_dir = directory_.path() + "/data",
                 // Small deltas: sealing and merging go on under the searches.
                 .settings = {"limits.delta_rows_max=2500", "background.nice=0"},
                 .environment = {},
                 .flags = {}}),
        client_(server_.address()) {
    client_.set_timeout(milliseconds(60'000) * kPatience);
  }

  // The bundled words, their row as the number "n".
  void ImportWords(const std::string& collection, const std::string& index) {
    auto source = PointSource::Open({.path = ALIDADE_TEST_DATA "/base.f16.npy",
                                     .points = "",
                                     .dataset = "",
                                     .id_offset = 0,
                                     .limit = 0});
    ASSERT_TRUE(source.ok()) << source.status();
    ASSERT_EQ((*source)->rows(), kWords);
    const uint32_t dim = (*source)->dim();
    auto create = NewCollection(collection, dim, v1::METRIC_COSINE, index);
    Must(client_, create);
    for (uint64_t first = 0; first < kWords; first += 1'000) {
      const auto batch = (*source)->Next(1'000);
      ASSERT_TRUE(batch.ok()) << batch.status();
      v1::UpsertPointsRequest request;
      request.set_collection(collection);
      for (uint64_t i = 0; i < 1'000; ++i) {
        request.mutable_columns()->mutable_number_ids()->add_values(first + i);
        v1::Object& payload = *request.mutable_columns()->add_payloads();
        payload = batch->payloads[i];
        (*payload.mutable_fields())["n"].set_int64_value(static_cast<int64_t>(first + i));
      }
      v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
      column.set_field("v");
      column.set_data(Packed(batch->vectors));
      Must(client_, request);
      if (words_.size() < kWords * dim) {
        words_.insert(words_.end(), batch->vectors.begin(), batch->vectors.end());
      }
    }
    dim_ = dim;
  }

  std::vector<float> Word(uint64_t n) const {
    return {words_.data() + n * dim_, words_.data() + (n + 1) * dim_};
  }

  // What a server that ended has said matters more than the calls that failed after it.
  void TearDown() override {
    EXPECT_TRUE(server_.Running()) << "exit code " << server_.exit_code() << "\n" << server_.Log();
  }

  TemporaryDirectory directory_;
  ServerProcess server_;
  Client client_;
  std::vector<float> words_;
  size_t dim_ = 0;
};

// Searches `collection` for some words among those with n < `below` that are not deleted, and
// compares numbers and rules with what must come back.
void ExpectEnoughHits(Client& client,
                      const std::string& collection,
                      const std::vector<std::vector<float>>& queries,
                      uint64_t below,
                      const std::set<uint64_t>& deleted) {
  uint64_t live = 0;
  for (uint64_t n = 0; n < below; ++n) {
    live += deleted.contains(n) ? 0U : 1U;
  }
  v1::SearchRequest request;
  request.set_collection(collection);
  request.mutable_payload()->set_all(false);
  if (below < kWords) {
    request.mutable_filter()->mutable_range()->set_key("n");
    request.mutable_filter()->mutable_range()->mutable_lt()->set_int64_value(
        static_cast<int64_t>(below));
  }
  for (const std::vector<float>& query : queries) {
    request.add_queries()->mutable_vector()->set_packed(Packed(query));
  }
  for (const uint32_t k : {10U, 100U, 700U}) {
    SCOPED_TRACE(fmt::format("{}: n < {}, k = {}", collection, below, k));
    request.set_k(k);
    request.mutable_params()->set_ef(k == 10 ? 10 : 0);
    request.mutable_params()->set_nprobe(k == 10 ? 1 : 0);
    const auto answer = Must(client, request);
    for (const v1::QueryResult& result : answer.results()) {
      EXPECT_EQ(static_cast<uint64_t>(result.hits_size()), std::min<uint64_t>(k, live));
      std::set<uint64_t> ids;
      for (const v1::Hit& hit : result.hits()) {
        EXPECT_TRUE(ids.insert(hit.id().num()).second) << "twice: " << hit.id().num();
        EXPECT_LT(hit.id().num(), below);
        EXPECT_FALSE(deleted.contains(hit.id().num())) << "deleted: " << hit.id().num();
      }
    }
  }
}

TEST_F(PromisesTest, KMeansKUnderEveryFilterIndexAndDelete) {
  ASSERT_TRUE(server_.ready()) << server_.Log();
  const std::vector<std::pair<std::string, std::string>> indexes = {
      {"graph", "hnsw { m: 8 ef_construction: 40 }"}, {"lists", "ivf {}"}, {"auto", ""}};
  for (const auto& [name, index] : indexes) {
    ImportWords(name, index);
    ASSERT_FALSE(HasFatalFailure());
  }
  std::vector<std::vector<float>> queries;
  for (uint64_t n = 0; n < kWords; n += 1'301) {
    queries.push_back(Word(n));
  }
  std::set<uint64_t> deleted;
  // Before the graphs are there, with them, and with a third of the rows dead.
  for (const std::string when : {"while building", "built", "after deletes"}) {
    SCOPED_TRACE(when);
    for (const auto& [name, index] : indexes) {
      if (when == "built") {
        Must(client_, Parse<v1::WaitIndexedRequest>("collection: '" + name + "'"));
      }
      if (when == "after deletes") {
        v1::DeletePointsRequest remove;
        remove.set_collection(name);
        for (uint64_t n = 0; n < kWords; n += 3) {
          remove.add_ids()->set_num(n);
          deleted.insert(n);
        }
        EXPECT_EQ(Must(client_, remove).deleted_count(), deleted.size());
      }
      for (const uint64_t below : {5U, 50U, 500U, 2'500U, 5'000U}) {
        ExpectEnoughHits(client_, name, queries, below, deleted);
      }
    }
  }
}

TEST_F(PromisesTest, DefaultSettingsFindTheNeighbours) {
  ASSERT_TRUE(server_.ready()) << server_.Log();
  ImportWords("words", "");
  ASSERT_FALSE(HasFatalFailure());
  Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'words'"));
  v1::SearchRequest request;
  request.set_collection("words");
  request.set_k(11);
  request.mutable_payload()->set_all(false);
  for (uint64_t n = 0; n < kWords; n += 50) {
    request.add_queries()->mutable_vector()->set_packed(Packed(Word(n)));
  }
  const auto approximate = Must(client_, request);
  EXPECT_FALSE(approximate.results(0).stats().exact());
  request.mutable_params()->set_exact(true);
  const auto exact = Must(client_, request);
  EXPECT_TRUE(exact.results(0).stats().exact());
  int found = 0;
  int wanted = 0;
  for (int q = 0; q < exact.results_size(); ++q) {
    const auto& truth = exact.results(q).hits();
    EXPECT_EQ(truth[0].id().num(), static_cast<uint64_t>(q) * 50);
    for (const v1::Hit& hit : approximate.results(q).hits()) {
      found += hit.score() >= truth[truth.size() - 1].score() - 1e-5F ? 1 : 0;
    }
    wanted += truth.size();
  }
  std::printf("recall@11 %.4f\n", static_cast<double>(found) / wanted);
  EXPECT_GE(found, wanted * 95 / 100);
}

// One client of the test below: its points are its own, searches are over all.
void WriteAndLook(const std::string& address, uint64_t writer, int rounds) {
  constexpr size_t kDim = 16;
  Client client(address);
  const auto near = [](const std::vector<float>& vector) {
    auto request = Parse<v1::SearchRequest>("collection: 'shared' k: 3 payload { all: false }");
    request.add_queries()->mutable_vector()->set_packed(Packed(vector));
    return request;
  };
  for (int round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
    const uint64_t id = writer * 1'000'000 + static_cast<uint64_t>(round);
    const std::vector<float> vector = RandomVector(id, kDim);
    v1::UpsertPointsRequest upsert;
    upsert.set_collection("shared");
    upsert.set_durability(v1::DURABILITY_BUFFERED);
    // Others around it, so that deltas fill and are sealed.
    for (uint64_t i = 0; i < 10; ++i) {
      v1::Point& point = *upsert.mutable_rows()->add_points();
      point.mutable_id()->set_num(id + (i == 0 ? 0 : 1'000 * i));
      (*point.mutable_vectors())["v"].set_packed(
          Packed(i == 0 ? vector : RandomVector(id + 1'000 * i, kDim)));
    }
    Must(client, upsert);
    const auto seen = Must(client, near(vector));
    ASSERT_GT(seen.results(0).hits_size(), 0);
    EXPECT_EQ(seen.results(0).hits(0).id().num(), id) << "the write is not seen";
    EXPECT_EQ(seen.results(0).hits(0).distance(), 0);
    v1::GetPointsRequest get;
    get.set_collection("shared");
    get.add_ids()->set_num(id);
    EXPECT_EQ(Must(client, get).points_size(), 1);

    v1::DeletePointsRequest remove;
    remove.set_collection("shared");
    remove.add_ids()->set_num(id);
    EXPECT_EQ(Must(client, remove).deleted_count(), 1U);
    const auto after = Must(client, near(vector));
    for (const v1::Hit& hit : after.results(0).hits()) {
      EXPECT_NE(hit.id().num(), id) << "a deleted point was found";
    }
    EXPECT_EQ(Must(client, get).points_size(), 0);
  }
}

TEST_F(PromisesTest, ASearchAfterAnAnswerSeesTheWriteWhileOthersWrite) {
  ASSERT_TRUE(server_.ready()) << server_.Log();
  Must(client_, NewCollection("shared", 16, v1::METRIC_L2, "hnsw { m: 8 ef_construction: 40 }"));
  std::vector<std::thread> writers;
  for (uint64_t writer = 1; writer <= 6; ++writer) {
    writers.emplace_back([this, writer] { WriteAndLook(server_.address(), writer, 150); });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  const auto count = Must(client_, Parse<v1::CountPointsRequest>("collection: 'shared'"));
  EXPECT_EQ(count.count(), 6U * 150 * 9);
  const auto stats = Must(client_, Parse<v1::GetCollectionStatsRequest>("collection: 'shared'"));
  EXPECT_GE(stats.segments_size(), 2) << "nothing was sealed: the test proves less than it should";
}

TEST_F(PromisesTest, CollectionsComeAndGoWhileOthersAreSealed) {
  ASSERT_TRUE(server_.ready()) << server_.Log();
  Must(client_, NewCollection("busy", 32, v1::METRIC_L2, "hnsw { m: 8 ef_construction: 100 }"));
  for (uint64_t i = 0; i < 40; ++i) {
    v1::UpsertPointsRequest request;
    request.set_collection("busy");
    request.set_durability(v1::DURABILITY_BUFFERED);
    for (uint64_t id = 0; id < 250; ++id) {
      request.mutable_columns()->mutable_number_ids()->add_values(i * 250 + id);
    }
    v1::VectorColumn& column = *request.mutable_columns()->add_vectors();
    column.set_field("v");
    column.set_data(Packed(RandomVector(i, 250 * 32)));
    Must(client_, request);
    const std::string name = "passing" + std::to_string(i);
    Must(client_, NewCollection(name, 2, v1::METRIC_L2));
    Must(client_,
         Parse<v1::UpsertPointsRequest>("collection: '" + name +
                                        "' rows { points { id { num: 1 } } }"));
    if (i >= 3) {
      Must(
          client_,
          Parse<v1::DeleteCollectionRequest>("collection: 'passing" + std::to_string(i - 3) + "'"));
    }
  }
  Must(client_, Parse<v1::WaitIndexedRequest>("collection: 'busy'"));
  EXPECT_EQ(Must(client_, Parse<v1::CountPointsRequest>("collection: 'busy'")).count(), 10'000U);
  EXPECT_EQ(Must(client_, v1::ListCollectionsRequest()).collections_size(), 4);
}

}  // namespace
}  // namespace alidade::testing
