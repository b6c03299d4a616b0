// What an import sends, in which batches, and what becomes of errors.
#include "ingest.h"

#include <numeric>
#include <set>

#include "data_files.h"
#include "fake_server.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kRows = 10;

class IngestTest : public DataFilesTest {
 protected:
  IngestTest() {
    options_.collection = "words";
    options_.field = "v";
    options_.batch_rows = 4;
    options_.writers = 1;
    options_.retry.seconds = 0;
  }

  // Row i is (i, -i) with the id 100 + i.
  void OpenMatrix() {
    std::vector<float> values;
    for (uint64_t row = 0; row < kRows; ++row) {
      values.push_back(static_cast<float>(row));
      values.push_back(-static_cast<float>(row));
    }
    Open(Write("set.npy", Npy(1, NpyHeader("<f4", "(10, 2)"), BytesOf(values))));
  }
  void OpenLines(const std::string& lines) { Open(Write("set.jsonl", lines)); }
  void Open(const std::string& path) {
    auto source = PointSource::Open({.path = path, .points = "", .id_offset = 100});
    ASSERT_THAT(source, IsOk());
    source_ = std::move(source).value();
  }

  Status Run() { return Ingest(server_.connection(), options_, *source_, result_); }

  // Numeric ids of every request, in the order of arrival.
  std::vector<std::vector<uint64_t>> SentIds() {
    std::vector<std::vector<uint64_t>> ids;
    for (const v1::UpsertPointsRequest& request : server_.upserts()) {
      const auto& values = request.columns().number_ids().values();
      ids.emplace_back(values.begin(), values.end());
    }
    return ids;
  }

  FakeServer server_;
  IngestOptions options_;
  std::unique_ptr<PointSource> source_;
  IngestResult result_;
};

TEST_F(IngestTest, RowsGoInColumnsBatchByBatch) {
  OpenMatrix();
  std::vector<uint64_t> told;
  options_.on_rows = [&](uint64_t rows) { told.push_back(rows); };
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(
      SentIds(),
      ElementsAre(
          ElementsAre(100, 101, 102, 103), ElementsAre(104, 105, 106, 107), ElementsAre(108, 109)));
  EXPECT_THAT(told, ElementsAre(4, 8, 10));
  EXPECT_EQ(result_.rows, kRows);
  EXPECT_EQ(result_.skipped, 0U);
  EXPECT_EQ(result_.batches.count(), 3U);
  EXPECT_EQ(result_.newest_seq, 102U);
  EXPECT_GT(result_.seconds, 0);

  const auto sent = server_.upserts();
  std::set<std::string> request_ids;
  for (const v1::UpsertPointsRequest& request : sent) {
    EXPECT_EQ(request.collection(), "words");
    EXPECT_EQ(request.durability(), v1::DURABILITY_DURABLE);
    request_ids.insert(request.request_id());
  }
  EXPECT_EQ(request_ids.size(), 3U);
  const v1::VectorColumn& column = sent[2].columns().vectors(0);
  EXPECT_EQ(column.field(), "v");
  EXPECT_EQ(column.element_type(), v1::ELEMENT_TYPE_FLOAT32);
  EXPECT_THAT(FloatsOf(column.data()), ElementsAre(8, -8, 9, -9));
  EXPECT_EQ(sent[2].columns().payloads_size(), 0);
}

TEST_F(IngestTest, TwoRunsHaveDifferentRequestIds) {
  OpenMatrix();
  ASSERT_THAT(Run(), IsOk());
  OpenMatrix();
  options_.durability = "buffered";
  ASSERT_THAT(Run(), IsOk());
  const auto sent = server_.upserts();
  ASSERT_EQ(sent.size(), 6U);
  EXPECT_NE(sent[0].request_id(), sent[3].request_id());
  EXPECT_EQ(sent[3].durability(), v1::DURABILITY_BUFFERED);
}

TEST_F(IngestTest, TextIdsGoInColumnsAndMixedOnesInRows) {
  OpenLines(R"({"id": "a", "vector": [1, 2], "payload": {"n": 1}}
{"id": "b", "vector": [3, 4]}
{"id": 7, "vector": [5, 6]}
{"id": "c", "vector": [7, 8], "payload": {"n": 2}}
)");
  options_.batch_rows = 2;
  ASSERT_THAT(Run(), IsOk());
  const auto sent = server_.upserts();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_THAT(sent[0].columns().string_ids().values(), ElementsAre("a", "b"));
  ASSERT_EQ(sent[0].columns().payloads_size(), 2);
  EXPECT_EQ(sent[0].columns().payloads(0).fields().at("n").int64_value(), 1);
  EXPECT_THAT(FloatsOf(sent[0].columns().vectors(0).data()), ElementsAre(1, 2, 3, 4));

  ASSERT_EQ(sent[1].rows().points_size(), 2);
  const v1::Point& number = sent[1].rows().points(0);
  const v1::Point& text = sent[1].rows().points(1);
  EXPECT_EQ(number.id().num(), 107U);
  EXPECT_EQ(text.id().str(), "c");
  EXPECT_THAT(FloatsOf(text.vectors().at("v").packed()), ElementsAre(7, 8));
  EXPECT_EQ(text.payload().fields().at("n").int64_value(), 2);
  EXPECT_TRUE(number.payload().fields().empty());
}

TEST_F(IngestTest, SparseVectorsGoInRows) {
  OpenLines(R"({"id": 1, "vector": [1, 2], "sparse": {"s": {"indices": [9, 4], "values": [0.5, 2]}}}
{"id": 2, "vector": [3, 4]}
)");
  ASSERT_THAT(Run(), IsOk());
  const auto sent = server_.upserts();
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_EQ(sent[0].rows().points_size(), 2);
  const v1::Point& point = sent[0].rows().points(0);
  EXPECT_THAT(FloatsOf(point.vectors().at("v").packed()), ElementsAre(1, 2));
  EXPECT_THAT(point.sparse_vectors().at("s").indices(), ElementsAre(4, 9));
  EXPECT_THAT(point.sparse_vectors().at("s").values(), ElementsAre(2, 0.5));
  EXPECT_EQ(sent[0].rows().points(1).sparse_vectors_size(), 0);
}

TEST_F(IngestTest, ABadLineIsNamedHoweverManyWritersThereAre) {
  options_.writers = 4;
  for (int round = 0; round < 50; ++round) {
    OpenLines("{\"id\": 1, \"vector\": [1]}\n{\"id\": 2, \"vector\": [\"x\"]}\n");
    EXPECT_THAT(Run(),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("set.jsonl:2: \"vector\"")));
  }
}

TEST_F(IngestTest, MultiVectorsGoInRows) {
  OpenLines(R"({"id": 1, "vector": [1, 2], "multi_vectors": {"m": [[1, 2], [3, 4]]}}
{"id": 2, "vector": [3, 4]}
)");
  ASSERT_THAT(Run(), IsOk());
  const auto sent = server_.upserts();
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_EQ(sent[0].rows().points_size(), 2);
  const v1::Point& point = sent[0].rows().points(0);
  EXPECT_THAT(FloatsOf(point.vectors().at("v").packed()), ElementsAre(1, 2));
  EXPECT_THAT(FloatsOf(point.multi_vectors().at("m").packed()), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(sent[0].rows().points(1).multi_vectors_size(), 0);
}

TEST_F(IngestTest, PointsMayHaveSparseVectorsAlone) {
  OpenLines("{\"id\": 1, \"sparse\": {\"s\": {\"3\": 1}}}\n{\"id\": 2}\n");
  options_.batch_rows = 1;
  ASSERT_THAT(Run(), IsOk());
  const auto sent = server_.upserts();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].rows().points(0).vectors_size(), 0);
  EXPECT_THAT(sent[0].rows().points(0).sparse_vectors().at("s").indices(), ElementsAre(3));
  EXPECT_EQ(sent[1].columns().vectors_size(), 0);
}

TEST_F(IngestTest, AcknowledgedRowsAreSkippedAndTheGapsBetweenThemFilled) {
  const std::string path = Write("progress", "title\n1 2\n6 1\n");
  {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, ProgressFile::Open(path, "title"));
    options_.progress = progress.get();
    OpenMatrix();
    ASSERT_THAT(Run(), IsOk());
  }
  EXPECT_THAT(
      SentIds(),
      ElementsAre(ElementsAre(100), ElementsAre(103, 104, 105), ElementsAre(107, 108, 109)));
  EXPECT_EQ(result_.rows, 7U);
  EXPECT_EQ(result_.skipped, 3U);
  // Everything is acknowledged now: another run sends nothing.
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, ProgressFile::Open(path, "title"));
  EXPECT_EQ(progress->rows(), kRows);
  options_.progress = progress.get();
  OpenMatrix();
  result_ = {};
  ASSERT_THAT(Run(), IsOk());
  EXPECT_EQ(result_.rows, 0U);
  EXPECT_EQ(result_.skipped, kRows);
  EXPECT_EQ(server_.upserts().size(), 3U);
}

TEST_F(IngestTest, ABatchWhoseAnswerWasLostIsSentAgainUnderItsName) {
  OpenMatrix();
  options_.retry.seconds = 20;
  server_.OnUpsert([](size_t number) {
    return number == 1 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost") : grpc::Status::OK;
  });
  ASSERT_THAT(Run(), IsOk());
  const auto sent = server_.upserts();
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_EQ(sent[1].request_id(), sent[2].request_id());
  EXPECT_EQ(sent[1].SerializeAsString(), sent[2].SerializeAsString());
  EXPECT_EQ(result_.rows, kRows);
  EXPECT_EQ(result_.batches.count(), 3U);
}

TEST_F(IngestTest, ARefusalEndsTheImportAndNamesTheRows) {
  OpenMatrix();
  const std::string path = Path("progress");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, ProgressFile::Open(path, "title"));
  options_.progress = progress.get();
  server_.OnUpsert([](size_t number) {
    return number == 1 ? grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad") : grpc::Status::OK;
  });
  EXPECT_THAT(Run(), StatusIs(StatusCode::kInvalidArgument, "rows 4 to 8: bad"));
  EXPECT_EQ(server_.upserts().size(), 2U);
  EXPECT_EQ(result_.rows, 4U);
  // What was refused is not acknowledged.
  EXPECT_THAT(ReadWholeFile(path), IsOkAndHolds(std::string("title\n0 4\n")));
}

TEST_F(IngestTest, ASourceThatEndsEarlyEndsTheImport) {
  OpenLines("{\"id\": 1, \"vector\": [1]}\n{\"id\": 2, \"vector\": [1, 2]}\n");
  options_.batch_rows = 1;
  EXPECT_THAT(Run(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("set.jsonl:2")));
  EXPECT_EQ(result_.rows, 1U);
}

TEST_F(IngestTest, SeveralWritersSendEveryRowOnce) {
  OpenMatrix();
  options_.batch_rows = 1;
  options_.writers = 4;
  ASSERT_THAT(Run(), IsOk());
  std::vector<uint64_t> ids;
  for (const auto& sent : SentIds()) {
    ASSERT_EQ(sent.size(), 1U);
    ids.push_back(sent[0]);
  }
  std::sort(ids.begin(), ids.end());
  std::vector<uint64_t> all(kRows);
  std::iota(all.begin(), all.end(), 100);
  EXPECT_EQ(ids, all);
  EXPECT_EQ(result_.rows, kRows);
  EXPECT_EQ(result_.newest_seq, 109U);
}

}  // namespace
}  // namespace alidade
