#include "batch_file.h"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

StatusOr<v1::WriteBatchRequest> Read(const std::string& text) {
  std::istringstream lines(text);
  return ReadBatch(lines, "f");
}

TEST(BatchFileTest, EveryOperationInOrder) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const v1::WriteBatchRequest batch, Read(R"(
{"op": "upsert", "collection": "c", "mode": "insert_only", "if_seqs": [3, 0], "points": [{"id": 7, "vectors": {"v": [1, 2.5]}, "payload": {"a": 1, "b": 1.0}}, {"id": "x"}]}

{"op": "delete", "collection": "d", "ids": [7, "7"]}
{"op": "set_payload", "collection": "c", "filter": "a = 1", "payload": {"t": "x"}}
{"op": "overwrite_payload", "collection": "c", "ids": [1], "payload": {}}
{"op": "delete_payload", "collection": "c", "ids": [1], "if_seqs": [9], "keys": ["a.b", "c"]})"));
  ASSERT_EQ(batch.operations_size(), 5);
  const auto& upsert = batch.operations(0).upsert_points();
  EXPECT_EQ(upsert.collection(), "c");
  EXPECT_EQ(upsert.mode(), v1::UPSERT_MODE_INSERT_ONLY);
  EXPECT_EQ(upsert.if_seqs_size(), 2);
  ASSERT_EQ(upsert.rows().points_size(), 2);
  EXPECT_EQ(upsert.rows().points(0).id().num(), 7U);
  EXPECT_EQ(upsert.rows().points(0).vectors().at("v").values().values(1), 2.5F);
  EXPECT_EQ(upsert.rows().points(0).payload().fields().at("a").int64_value(), 1);
  EXPECT_EQ(upsert.rows().points(0).payload().fields().at("b").double_value(), 1.0);
  EXPECT_EQ(upsert.rows().points(1).id().str(), "x");
  const auto& remove = batch.operations(1).delete_points();
  EXPECT_EQ(remove.collection(), "d");
  EXPECT_EQ(remove.ids(0).num(), 7U);
  EXPECT_EQ(remove.ids(1).str(), "7");
  const auto& set = batch.operations(2).set_payload();
  EXPECT_TRUE(set.has_filter());
  EXPECT_EQ(set.payload().fields().at("t").string_value(), "x");
  EXPECT_TRUE(batch.operations(3).overwrite_payload().has_payload());
  const auto& keys = batch.operations(4).delete_payload_keys();
  EXPECT_EQ(keys.keys(0), "a.b");
  EXPECT_EQ(keys.if_seqs(0), 9U);
}

TEST(BatchFileTest, VectorsOfEachKind) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const v1::WriteBatchRequest batch, Read(R"(
{"op": "upsert", "collection": "c", "points": [{"id": 7, "sparse": {"s": {"9": 0.5, "3": 2}}, "multi_vectors": {"m": [[1, 2], [0, 1]], "n": [[3]]}}]})"));
  const v1::Point& point = batch.operations(0).upsert_points().rows().points(0);
  EXPECT_EQ(point.vectors_size(), 0);
  ASSERT_EQ(point.sparse_vectors().at("s").indices_size(), 2);
  EXPECT_EQ(point.sparse_vectors().at("s").indices(0), 3U);
  EXPECT_EQ(point.sparse_vectors().at("s").values(0), 2.0F);
  EXPECT_EQ(point.multi_vectors().at("m").packed().size(), 4 * sizeof(float));
  EXPECT_EQ(point.multi_vectors().at("n").packed().size(), sizeof(float));
}

TEST(BatchFileTest, AMistakeIsNamedByItsLine) {
  const std::string good = R"({"op": "delete", "collection": "c", "ids": [1]})";
  struct Case {
    std::string line;
    std::string message;
  };
  for (
      const auto& [line, message] : {
          Case{"[1]", "is no JSON object"},
          Case{R"({"op": "delete"})", "\"collection\" is no string"},
          Case{R"({"op": "drop", "collection": "c"})", "\"op\" is \"drop\""},
          Case{R"({"op": "delete", "collection": "c"})", "either \"ids\" or \"filter\""},
          Case{R"({"op": "delete", "collection": "c", "ids": [1], "filter": "a = 1"})", "either"},
          Case{R"({"op": "delete", "collection": "c", "ids": []})", "\"ids\" is no list"},
          Case{R"({"op": "delete", "collection": "c", "ids": [-1]})", "not -1"},
          Case{R"({"op": "delete", "collection": "c", "ids": [1.5]})", "not 1.5"},
          Case{R"({"op": "delete", "collection": "c", "filter": "a ="})", "column"},
          Case{R"({"op": "delete", "collection": "c", "ids": [1], "if_seq": [1]})",
               "\"if_seq\" is not known"},
          Case{R"({"op": "delete", "collection": "c", "ids": [1], "if_seqs": ["1"]})", "if_seqs"},
          Case{R"({"op": "set_payload", "collection": "c", "ids": [1]})", "\"payload\" is missing"},
          Case{R"({"op": "set_payload", "collection": "c", "ids": [1], "payload": 3})",
               "\"payload\": a JSON object"},
          Case{R"({"op": "delete_payload", "collection": "c", "ids": [1], "keys": [1]})",
               "no string"},
          Case{R"({"op": "upsert", "collection": "c", "points": [{"id": 1}, {"vectors": {}}]})",
               "points[1]"},
          Case{R"({"op": "upsert", "collection": "c", "points": [{"id": 1, "vector": [1]}]})",
               "\"vector\" is not known"},
          Case{R"({"op": "upsert", "collection": "c", "points": [{"id": 1, "vectors": {"v": 1}}]})",
               "\"v\": a vector is a list of numbers, not number"},
          Case{
              R"({"op": "upsert", "collection": "c", "points": [{"id": 1, "vectors": {"v": [1, "a"]}}]})",
              "no number"},
          Case{
              R"({"op": "upsert", "collection": "c", "points": [{"id": 1, "sparse": {"s": [1]}}]})",
              "\"sparse\", \"s\""},
          Case{
              R"({"op": "upsert", "collection": "c", "points": [{"id": 1, "multi_vectors": [1]}]})",
              "no object of vectors by name"},
          Case{R"({"op": "upsert", "collection": "c", "mode": "all", "points": [{"id": 1}]})",
               "\"mode\""},
      }) {
    EXPECT_THAT(Read(good + "\n" + line),
                StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("f:2"), HasSubstr(message))))
        << line;
  }
}

}  // namespace
}  // namespace alidade
