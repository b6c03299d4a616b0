// Sparse and multi-vector fields through the real binary: imported, searched across the delta and
// a sealed segment, after a restart and with a damaged file.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/command_server_test.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

using ::testing::HasSubstr;

class SparseCommandTest : public CommandServerTest {
 protected:
  CommandResult Import(const std::string& lines, const std::vector<std::string>& more) const {
    std::ofstream(Path("points.jsonl")) << lines;
    std::vector<std::string> arguments = {
        "import", Path("points.jsonl"), "--collection", "papers", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  // The ids of the hits, best first, joined by spaces, or the error.
  std::string Search(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"search", "papers"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return IdsOf(Run(arguments));
  }
};

constexpr char kPoints[] =
    R"({"id": 1, "vector": [1, 0], "sparse": {"plain": {"indices": [7, 3], "values": [2, 1]}, "rare": {"3": 1, "8": 1}}, "payload": {"n": 1}}
{"id": 2, "vector": [0, 1], "sparse": {"plain": {"3": 5}, "rare": {"3": 1}}, "payload": {"n": 2}}
{"id": 3, "vector": [1, 1], "sparse": {"rare": {"3": 1}}, "payload": {"n": 3}}
)";

TEST_F(SparseCommandTest, VectorsAreFoundWhereverRowsLie) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  const CommandResult imported =
      Import(kPoints, {"--create", "--sparse-field", "plain", "--sparse-field", "rare:idf"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(Run({"collections", "list"}).out, HasSubstr("plain: sparse  rare: sparse, idf"));
  const auto check = [&](const std::string& where) {
    SCOPED_TRACE(where);
    EXPECT_EQ(Search({"--sparse", R"({"3": 1, "7": 3})", "--field", "plain"}), "1 2");
    EXPECT_EQ(Search({"--sparse", R"({"3": 2})", "--field", "plain"}), "2 1");
    EXPECT_EQ(Search({"--sparse", R"({"3": 2, "8": 0.9})", "--field", "rare"}), "1 2 3");
    EXPECT_EQ(Search({"--sparse", R"({"3": 1})", "--field", "rare", "--filter", "n >= 2"}), "2 3");
    EXPECT_EQ(Search({"--id", "1", "--field", "plain"}), "2");
    EXPECT_EQ(Search({"--positive", "2", "--negative", "3", "--field", "rare"}), "1");
    EXPECT_THAT(Search({"--positive", "1,3", "--field", "plain"}),
                HasSubstr("recommend.positive[1].point_id: the point 3 has no vector"));
    EXPECT_EQ(Search({"--sparse", R"({"99": 1})", "--field", "plain"}), "");
    EXPECT_EQ(Run({"points", "count", "papers", "--filter", "has_vector(\"plain\")"}).out, "2\n");
    EXPECT_EQ(Run({"verify", Path("points.jsonl"), "--collection", "papers"}).out,
              "3 acknowledged rows checked: 0 missing or different\n");
  };
  check("delta");
  ASSERT_EQ(Run({"flush", "papers"}).exit_code, 0);
  check("sealed");
  EXPECT_THAT(Run({"points", "get", "papers", "2", "--vectors"}).out, HasSubstr("sparse_vectors"));
  EXPECT_THAT(Run({"stats", "papers"}).out, HasSubstr("plain"));
  EXPECT_THAT(Search({"--sparse", R"({"3": 1})"}), HasSubstr("one of the 2 sparse fields"));
  EXPECT_THAT(Search({"--sparse", "[3]", "--field", "plain"}), HasSubstr("JSON object"));

  ASSERT_EQ(server_->Stop(), 0) << server_->Log();
  size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(Path("data") + "/segments")) {
    if (entry.path().filename().string().starts_with("sparse_")) {
      std::filesystem::resize_file(entry.path(), entry.file_size() - 1);
      ++files;
    }
  }
  EXPECT_GE(files, 2U);
  const CommandResult checked = RunCommand({"check", Path("data")});
  EXPECT_THAT(checked.out, HasSubstr("field \"plain\""));
  EXPECT_THAT(checked.out, HasSubstr("would be made anew"));
  ServerOptions options;
  options.data_dir = Path("data");
  server_ = std::make_unique<ServerProcess>(options);
  ASSERT_TRUE(server_->ready()) << server_->Log();
  check("made anew");
  ASSERT_EQ(Run({"collections", "delete", "papers"}).exit_code, 0);
  EXPECT_THAT(Search({"--sparse", R"({"3": 1})", "--field", "plain"}), HasSubstr("no collection"));
}

TEST_F(SparseCommandTest, MultiVectorsAreImportedAndRankWhatWasFound) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  const std::vector<std::string> create = {
      "--create", "--multi-vector-field", "tokens:2:dot", "--multi-vector-field", "patches:3"};
  const CommandResult imported = Import(
      R"({"id": 1, "vector": [1, 0], "multi_vectors": {"tokens": [[1, 0], [0, 1]]}}
{"id": 2, "vector": [0.9, 0.1], "multi_vectors": {"tokens": [[3, 0]], "patches": [[1, 2, 3]]}}
{"id": 3, "vector": [0.8, 0.2]}
)",
      create);
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(Run({"collections", "list"}).out,
              HasSubstr("tokens: multi-vector, 2 x dot  patches: multi-vector, 3 x cosine"));
  std::ofstream(Path("request.json"))
      << R"({"collection": "papers", "k": 3, "queries": [{"vector": {"values": {"values": [1, 0]}}}],
             "rerank": [{"maxSim": {"multiVectorField": "tokens",
                                    "vectors": {"rows": {"lists": [{"values": [0, 2]}, {"values": [1, 0]}]}}}}]})";
  // 2 + 1 and 0 + 3: a tie; the third has none.
  EXPECT_EQ(Search({"--request", Path("request.json")}), "1 2");
  const std::vector<std::string> verify = {
      "verify", Path("points.jsonl"), "--collection", "papers"};
  EXPECT_EQ(Run(verify).out, "3 acknowledged rows checked: 0 missing or different\n");
  std::ofstream(Path("points.jsonl"))
      << R"({"id": 1, "vector": [1, 0], "multi_vectors": {"tokens": [[1, 0], [0, 2]]}})"
      << "\n";
  EXPECT_THAT(Run(verify).out, HasSubstr("point 1: a multi-vector differs"));

  EXPECT_THAT(Import(R"({"id": 4, "vector": [1, 0]}
{"id": 5, "vector": [1, 0], "multi_vectors": {"tokens": [[1, 0], [1]]}}
)",
                     {})
                  .err,
              HasSubstr("points.jsonl:2: \"multi_vectors\", \"tokens\": "));
  EXPECT_THAT(
      Import(R"({"id": 4, "vector": [1, 0], "multi_vectors": {"tokens": [[1, 0, 0]]}})", {}).err,
      HasSubstr("rows.points[0].multi_vectors[\"tokens\"]"));
  EXPECT_EQ(Run({"points", "count", "papers"}).out, "3\n");
  EXPECT_EQ(
      Run({"collections", "create", "other", "--dim", "2", "--multi-vector-field", "m"}).exit_code,
      64);  // a command line that is not allowed
}

}  // namespace
}  // namespace alidade::testing
