// What `query-file` reads beside the vectors, and what it prints.
#include "prepared_queries.h"

#include "data_files.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class PreparedLinesTest : public DataFilesTest {};

TEST_F(PreparedLinesTest, ALineBelongsToEachRow) {
  Write("queries.jsonl", "{\"text\": \"a\"}\n{\"exact\": true, \"other\": 1}\n");
  // The name ends at its first dot, whatever dots the directory has.
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::vector<Json> lines,
                               ReadPreparedLines(Path("queries.f16.npy"), 2));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["text"], "a");
  EXPECT_EQ(lines[1]["other"], 1);
}

TEST_F(PreparedLinesTest, BadLinesAreRefusedByTheirNumber) {
  EXPECT_THAT(ReadPreparedLines(Path("missing.npy"), 1),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("missing.jsonl: 0 lines for 1")));
  Write("few.jsonl", "{}\n");
  EXPECT_THAT(ReadPreparedLines(Path("few.npy"), 2),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("1 lines for 2 rows")));
  for (const std::string line : {"[]", "{", "7"}) {
    Write("bad.jsonl", "{}\n" + line + "\n");
    EXPECT_THAT(ReadPreparedLines(Path("bad.npy"), 2),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("line 2 is no JSON object")))
        << line;
  }
  for (const std::string line : {R"({"text": 7})", R"({"text": null})", R"({"exact": "yes"})"}) {
    Write("kinds.jsonl", line + "\n");
    EXPECT_THAT(ReadPreparedLines(Path("kinds.npy"), 1),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("line 1: \"text\" is a string")))
        << line;
  }
}

TEST(QuestionTextTest, TellsTextFilterAndExactness) {
  struct Case {
    std::string line;
    std::string text;
  };
  for (const Case& c : std::vector<Case>{
           {R"({})", R"("")"},
           {R"({"text": "a cat"})", R"("a cat")"},
           {R"({"text": "a", "exact": true})", R"("a", exact)"},
           {R"({"text": "a", "exact": false})", R"("a")"},
           {R"({"text": "a", "filter": {"equals": {"pos": "verb"}}})", R"("a", only pos = verb)"},
           {R"({"text": "a", "filter": {"equals": {"n": 1, "pos": true}}, "exact": true})",
            R"("a", only n = 1 and pos = true, exact)"},
           {R"({"text": "a", "filter": {"range": {"key": "length", "lt": 60, "gte": 1.5}}})",
            R"("a", only length >= 1.5 and length < 60)"},
           {R"({"text": "a", "filter": {"range": {"key": "w", "gt": "b", "lte": "c"}}})",
            R"("a", only w > b and w <= c)"},
           // Anything else as it stands.
           {R"({"text": "a", "filter": {"pos": "verb"}})", R"("a", only {"pos":"verb"})"},
           {R"({"text": "a", "filter": {"range": {"lt": 6}}})", R"("a", only {"range":{"lt":6}})"},
           {R"({"text": "a", "filter": {"equals": {}}})", R"("a", only {"equals":{}})"},
           {R"({"text": "a", "filter": {"a": 1, "b": 2}})", R"("a", only {"a":1,"b":2})"},
           {R"({"text": "a", "filter": [1]})", R"("a", only [1])"},
           {R"({"text": "a", "filter": 5})", R"("a", only 5)"}}) {
    EXPECT_EQ(QuestionText(Json::parse(c.line)), c.text) << c.line;
  }
}

TEST(AnswersTextTest, ColumnsHaveOneWidthOverAllAnswers) {
  const std::vector<QueryAnswer> answers = {
      {.question = "\"short\"",
       .seconds = 0.0123,
       .hits = {{"cat", "noun"}, {"a", "-"}},
       .scores = {0.98765F, -12.5F}},
      {.question = "\"a longer one\"", .seconds = 1, .hits = {{"catamaran", "n"}}, .scores = {1}},
      {.question = "\"none\"", .seconds = 0, .hits = {}, .scores = {}}};
  EXPECT_EQ(AnswersText(answers, 2),
            "\"short\"           12.3 ms\n"
            "    cat        noun   0.988\n"
            "    a          -     -12.500\n"
            "\"a longer one\"  1000.0 ms\n"
            "    catamaran  n      1.000\n"
            "\"none\"             0.0 ms\n");
  EXPECT_EQ(AnswersText({}, 2), "");
}

}  // namespace
}  // namespace alidade
