// Words and vectors in one call, stages, groups and pages through the real binary.
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

class ComposedCommandTest : public CommandServerTest {
 protected:
  void SetUp() override {
    CommandServerTest::SetUp();
    ASSERT_TRUE(server_->ready()) << server_->Log();
    std::ofstream(Path("points.jsonl")) <<
        R"({"id": 1, "vector": [1, 0], "payload": {"doc": "sea", "note": "salt water", "n": 1, "at": {"lat": 0, "lon": 1}}}
{"id": 2, "vector": [0.9, 0.1], "payload": {"doc": "sea", "note": "deep water", "n": 2, "at": {"lat": 0, "lon": 2}}}
{"id": 3, "vector": [0.8, 0.3], "payload": {"doc": "sea", "note": "blue", "n": 3, "at": {"lat": 0, "lon": 3}}}
{"id": 4, "vector": [0.1, 1], "payload": {"doc": "lake", "note": "fresh water water", "n": 4, "at": {"lat": 0, "lon": 4}}}
{"id": 5, "vector": [0, 1], "payload": {"doc": "rock", "note": "stone", "n": 5}}
)";
    ASSERT_EQ(Run({"import",
                   Path("points.jsonl"),
                   "--collection",
                   "places",
                   "--create",
                   "--metric",
                   "cosine",
                   "--payload-index",
                   "note:text",
                   "--quiet"})
                  .exit_code,
              0);
  }

  CommandResult Search(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"search", "places"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Run(all);
  }
  std::string Ids(const std::vector<std::string>& arguments) const {
    return IdsOf(Search(arguments));
  }
};

TEST_F(ComposedCommandTest, WordsAndVectorsAreFused) {
  EXPECT_EQ(Ids({"--vector", "[1, 0]"}), "1 2 3 4 5");
  EXPECT_EQ(Ids({"--text", "water"}), "4 1 2");
  // Places 1 and 2, 2 and 3, 4 and 1; 3 and 5 by the vector alone.
  EXPECT_EQ(Ids({"--vector", "[1, 0]", "--text", "water"}), "1 4 2 3 5");
  EXPECT_EQ(Ids({"--vector", "[1, 0]", "--text", "water", "--weights", "0,1", "-k", "3"}), "4 1 2");
  EXPECT_EQ(Ids({"--vector",
                 "[1, 0]",
                 "--text",
                 "water",
                 "--fusion",
                 "min-max",
                 "--filter",
                 "n < 4",
                 "--branch-limit",
                 "1"}),
            "1");
  const CommandResult explained =
      Search({"--vector", "[1, 0]", "--text", "salt", "--explain", "--score-parts", "-k", "1"});
  EXPECT_THAT(explained.out, HasSubstr("fusion.branches[0]: place 1, score 1.0000"));
  EXPECT_THAT(explained.out, HasSubstr("fusion.branches[1]: place 1, score"));
  EXPECT_THAT(explained.out,
              HasSubstr("branches[1]: 1 hits\n  no filter\n  text index on \"note\""));
  EXPECT_THAT(explained.out, HasSubstr("ms, rerank 0.000 ms, fetch "));
  const CommandResult lost =
      Search({"--vector", "[1, 0]", "-k", "1", "--why-not", "1,4,9", "--filter", "n < 4"});
  EXPECT_THAT(lost.out, HasSubstr("1: LOSS_STAGE_FOUND, place 1"));
  EXPECT_THAT(lost.out, HasSubstr("4: LOSS_STAGE_FILTERED, does not hold: n < 4"));
  EXPECT_THAT(lost.out, HasSubstr("9: LOSS_STAGE_NOT_VISIBLE, there is no such point"));
  EXPECT_THAT(Ids({"--vector", "[1, 0]", "--text", "x", "--weights", "1"}),
              HasSubstr("--weights has 1 weights, there are 2"));
  EXPECT_THAT(Ids({"--vector", "[1, 0]", "--text", "x", "--text-key", "doc"}),
              HasSubstr("queries[0].fusion.branches[1].query.words.key"));
}

TEST_F(ComposedCommandTest, StagesGroupsAndExamples) {
  EXPECT_EQ(Ids({"--vector", "[1, 0]", "--boost", "5:doc = \"rock\"", "-k", "2"}), "5 1");
  EXPECT_THAT(Ids({"--vector", "[1, 0]", "--boost", "doc"}), HasSubstr("--boost wants"));
  EXPECT_THAT(Ids({"--vector", "[1, 0]", "--recency", "when"}), HasSubstr("--recency wants"));
  EXPECT_EQ(Ids({"--vector", "[1, 0]", "--recency", "when:60:2", "-k", "2"}), "1 2");
  EXPECT_EQ(Ids({"--vector", "[1, 0]", "--diversity", "0.4", "-k", "2"}), "1 5");
  EXPECT_EQ(Ids({"--positive", "1,2", "--negative", "5", "-k", "2"}), "3 4");
  const CommandResult groups = Search(
      {"--vector", "[1, 0]", "--group-by", "doc", "--group-size", "2", "-k", "2", "--keys", "n"});
  EXPECT_THAT(groups.out, HasSubstr("\"sea\"\n    1  1 "));
  EXPECT_THAT(groups.out, HasSubstr("\"lake\"\n    1  4 "));
  EXPECT_THAT(groups.out, HasSubstr("2 groups in"));
  EXPECT_EQ(IdsOf(groups), "1 2 4");
}

TEST_F(ComposedCommandTest, PagesGoOnWhereTheyEnded) {
  std::string cursor;
  std::string ids;
  for (int page = 0; page < 3; ++page) {
    const CommandResult result = Search({"--vector", "[1, 0]", "-k", "2", "--cursor", cursor});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    ids += IdsOf(result) + "|";
    const size_t at = result.out.find("--cursor ");
    ASSERT_EQ(at == std::string::npos, page == 2) << result.out;
    if (at != std::string::npos) {
      cursor = result.out.substr(at + 9, result.out.find('\n', at) - at - 9);
    }
  }
  EXPECT_EQ(ids, "1 2|3 4|5|");
  EXPECT_THAT(Ids({"--vector", "[1, 0]", "-k", "3", "--cursor", cursor}),
              HasSubstr("cursor: is damaged or belongs to another request"));
}

TEST_F(ComposedCommandTest, ARequestMayComeFromAFile) {
  std::ofstream(Path("request.json")) << R"({"k": 2, "queries": [{"fusion": {"branches": [
      {"query": {"words": {"text": "water"}}, "filter": {"exists": {"key": "doc"}}}]}},
      {"point_id": {"num": 1}}]})";
  EXPECT_EQ(Ids({"--request", Path("request.json")}), "4 1 2 3");
  std::ofstream(Path("request.json"))
      << R"({"k": 5, "queries": [{"vector": {"values": {"values": [1, 0]}}}],
      "rerank": [{"formula": {"expression": {"decay":
          {"key": "at", "place": {"lat": 0, "lon": 4}, "scale": 100000, "missing": -1}}}}]})";
  EXPECT_EQ(Ids({"--request", Path("request.json")}), "4 3 2 1 5");
  std::ofstream(Path("request.json"))
      << R"({"k": 5, "queries": [{"vector": {"values": {"values": [1, 0]}}}],
      "rerank": [{"formula": {"expression": {"decay": {"key": "at", "place": {"lat": 91}, "scale": 1}}}}]})";
  EXPECT_THAT(Ids({"--request", Path("request.json")}),
              HasSubstr("rerank[0].formula.expression.decay.place.lat: is 91"));
  std::ofstream(Path("request.json")) << R"({"kk": 2})";
  EXPECT_THAT(Ids({"--request", Path("request.json")}), HasSubstr("is no SearchRequest"));
}

}  // namespace
}  // namespace alidade::testing
