// Full text through the real binary: an index made online, words searched for across the delta, a
// sealed segment, changes, a restart and a damaged file.
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

class TextCommandTest : public CommandServerTest {
 protected:
  void Import(const std::string& lines) const {
    std::ofstream(Path("points.jsonl")) << lines;
    const CommandResult result = Run({"import",
                                      Path("points.jsonl"),
                                      "--collection",
                                      "places",
                                      "--create",
                                      "--metric",
                                      "cosine",
                                      "--quiet"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  // The ids of the hits, best first, joined by spaces, or the error.
  std::string Search(const std::string& words, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "search", "places", "--words", words, "--text-key", "note"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return IdsOf(Run(arguments));
  }
};

constexpr char kPoints[] =
    R"({"id": "sea", "vector": [1, 0], "payload": {"note": "a large body of salt water", "n": 1}}
{"id": "lake", "vector": [0, 1], "payload": {"note": "a body of fresh water surrounded by land", "n": 2}}
{"id": "swim", "vector": [1, 1], "payload": {"note": ["moving through waters", "sport"], "n": 3}}
{"id": "rock", "vector": [1, 2], "payload": {"note": 7, "n": 4}}
)";

TEST_F(TextCommandTest, WordsAreFoundWhereverRowsLie) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  Import(kPoints);
  EXPECT_THAT(Search("water"), HasSubstr("there is no text index on \"note\""));
  const CommandResult made = Run({"collections",
                                  "index",
                                  "places",
                                  "note",
                                  "text",
                                  "--analyzer",
                                  "english stop_words=default"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("index note: text (english)"));
  const auto check = [&](const std::string& where) {
    SCOPED_TRACE(where);
    EXPECT_EQ(Search("salted water"), "sea swim lake");
    EXPECT_EQ(Search("WATER", {"-k", "2"}), "sea swim");
    EXPECT_EQ(Search("water", {"--filter", "n <= 2"}), "sea lake");
    EXPECT_EQ(Search("of the"), "");
    EXPECT_EQ(Search("rock 7"), "");
    EXPECT_EQ(Run({"points",
                   "count",
                   "places",
                   "--filter",
                   "match_any(note, \"lands sports\", \"english stop_words=default\")"})
                  .out,
              "2\n");
  };
  check("older delta");
  ASSERT_EQ(Run({"flush", "places"}).exit_code, 0);
  check("sealed");
  Import(R"({"id": "pond", "vector": [2, 1], "payload": {"note": "a small lake", "n": 5}}
{"id": "lake", "vector": [0, 1], "payload": {"note": "a lake of wine", "n": 2}}
)");
  EXPECT_EQ(Search("lakes"), "lake pond");
  EXPECT_EQ(Search("land"), "");
  ASSERT_EQ(Run({"points", "delete", "places", "sea"}).exit_code, 0);
  EXPECT_EQ(Search("salt water"), "swim");
  ASSERT_EQ(Run({"flush", "places"}).exit_code, 0);
  EXPECT_EQ(Search("lakes"), "lake pond");
  EXPECT_EQ(Search("salt water"), "swim");
  const CommandResult explained =
      Run({"search", "places", "--words", "lake", "--text-key", "note", "--explain"});
  EXPECT_THAT(explained.out,
              HasSubstr("text index on \"note\" (english stop_words=default): lake"));
  EXPECT_THAT(explained.out, HasSubstr("exact ranking"));

  ASSERT_EQ(server_->Stop(), 0) << server_->Log();
  size_t indexes = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(Path("data") + "/segments")) {
    if (entry.path().filename().string().starts_with("payload")) {
      std::filesystem::resize_file(entry.path(), entry.file_size() - 1);
      ++indexes;
    }
  }
  EXPECT_GT(indexes, 0U);
  ServerOptions options;
  options.data_dir = Path("data");
  server_ = std::make_unique<ServerProcess>(options);
  ASSERT_TRUE(server_->ready()) << server_->Log();
  EXPECT_EQ(Search("lakes"), "lake pond");
  EXPECT_EQ(Search("salt water"), "swim");

  ASSERT_EQ(Run({"collections", "unindex", "places", "note", "text"}).exit_code, 0);
  EXPECT_THAT(Search("water"), HasSubstr("there is no text index on \"note\""));
}

}  // namespace
}  // namespace alidade::testing
