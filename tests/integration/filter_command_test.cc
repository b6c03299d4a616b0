// Filters through the real binary: their text on the command line, counts, lists and searches of a
// real server, against what the data files say.
#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "integration/command_server_test.h"
#include "support/server_process.h"

namespace alidade::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class FilterCommandTest : public CommandServerTest {
 protected:
  void Import(const std::string& file, const std::string& collection) const {
    const CommandResult result = Run({"import",
                                      file,
                                      "--collection",
                                      collection,
                                      "--create",
                                      "--metric",
                                      "cosine",
                                      "--quiet",
                                      "--durability",
                                      "buffered"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  // The ids of `points list`, joined by spaces, or the error.
  std::string List(const std::string& collection, const std::string& filter) const {
    const CommandResult result = Run({"points", "list", collection, "--filter", filter});
    std::string ids;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
      ids += (ids.empty() ? "" : " ") + line.substr(0, line.find(' '));
    }
    return result.exit_code == 0 ? ids : result.err;
  }
};

struct WordCase {
  std::string filter;
  std::function<bool(const Json& payload)> holds;
};

std::vector<WordCase> WordCases() {
  const auto text = [](const Json& x, const char* key) { return x.at(key).get<std::string>(); };
  const auto length = [](const Json& x) { return x.at("length").get<int>(); };
  return {
      {R"(pos = "noun")", [=](const Json& x) { return text(x, "pos") == "noun"; }},
      {R"(pos != "noun")", [=](const Json& x) { return text(x, "pos") != "noun"; }},
      {R"(pos IN ["verb", "adverb"] AND length < 60)",
       [=](const Json& x) {
         return (text(x, "pos") == "verb" || text(x, "pos") == "adverb") && length(x) < 60;
       }},
      {R"(NOT (pos NOT IN ["verb"] OR length >= 40.5))",
       [=](const Json& x) { return text(x, "pos") == "verb" && length(x) <= 40; }},
      {"20 < length <= 30", [=](const Json& x) { return length(x) > 20 && length(x) <= 30; }},
      {"length BETWEEN 20 AND 30",
       [=](const Json& x) { return length(x) >= 20 && length(x) <= 30; }},
      {"length = null OR length = \"63\"", [](const Json&) { return false; }},
      {"gone != 3 AND missing(gone)", [](const Json&) { return true; }},
      {"gone > null OR exists(gone)", [](const Json&) { return false; }},
      {"count(words) >= 3", [](const Json& x) { return x.at("words").size() >= 3; }},
      {R"(contains_all(words, ["object", "physical object"]))",
       [=](const Json& x) { return text(x, "word") == "object" && x.at("words").size() == 2; }},
      {R"(starts_with(lexname, "noun.a"))",
       [=](const Json& x) { return text(x, "lexname").starts_with("noun.a"); }},
      {R"(contains(word, " "))",
       [=](const Json& x) { return text(x, "word").find(' ') != std::string::npos; }},
      {R"(icontains(word, "ENG"))",
       [=](const Json& x) {
         std::string word = text(x, "word");
         std::ranges::transform(
             word, word.begin(), [](unsigned char c) { return std::tolower(c); });
         return word.find("eng") != std::string::npos;
       }},
  };
}

TEST_F(FilterCommandTest, CountsAndHitsOfWordsAreThoseOfTheFile) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  const std::string data = ALIDADE_TEST_DATA;
  Import(data + "/base.f16.npy", "words");
  std::vector<Json> payloads;
  std::ifstream file(data + "/base.jsonl");
  for (std::string line; std::getline(file, line);) {
    payloads.push_back(Json::parse(line).at("payload"));
  }
  ASSERT_EQ(payloads.size(), 5'000U);
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_EQ(Run({"flush", "words"}).exit_code, 0);
    }
    for (const WordCase& c : WordCases()) {
      const auto expected = std::ranges::count_if(payloads, c.holds);
      EXPECT_EQ(Run({"points", "count", "words", "--filter", c.filter}).out,
                std::to_string(expected) + "\n")
          << c.filter << (sealed ? ", sealed" : "");
      const CommandResult search = Run({"search",
                                        "words",
                                        "--file",
                                        data + "/queries.f16.npy",
                                        "--row",
                                        "0",
                                        "-k",
                                        "20",
                                        "--filter",
                                        c.filter});
      ASSERT_EQ(search.exit_code, 0) << search.err;
      std::istringstream lines(search.out);
      int64_t hits = 0;
      for (std::string line; std::getline(lines, line);) {
        if (const size_t brace = line.find('{'); brace != std::string::npos) {
          EXPECT_TRUE(c.holds(Json::parse(line.substr(brace)))) << c.filter << ": " << line;
          ++hits;
        }
      }
      EXPECT_EQ(hits, std::min<int64_t>(20, expected)) << c.filter;
    }
  }
  EXPECT_EQ(List("words", "id IN [100001740, \"x\"] OR id = 100002684"), "100001740 100002684");
  EXPECT_THAT(Run({"search",
                   "words",
                   "--id",
                   "100001740",
                   "--explain",
                   "--filter",
                   R"(pos="verb" and length<50)"})
                  .out,
              HasSubstr(R"(filter: pos = "verb" AND length < 50)"));
}

// Times, places, elements, vectors: each point by the filters that hold for it.
TEST_F(FilterCommandTest, TimesPlacesAndElementsAreFound) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  std::ofstream(Path("places.jsonl"))
      << R"({"id": "berlin", "vector": [1, 0], "payload": {"at": {"lat": 52.52, "lon": 13.405},)"
      << R"( "seen": "2024-03-01T00:30:00+01:00", "authors": [{"name": "Ada", "born": 1815}, {"name": "Alan", "born": 1912}]}})"
      << "\n"
      << R"({"id": "paris", "vector": [0, 1], "payload": {"at": {"lat": 48.8566, "lon": 2.3522},)"
      << R"( "seen": "2024-02-29T23:30:00.000000001Z", "authors": [], "note": null}})"
      << "\n"
      << R"({"id": "suva", "vector": [1, 1], "payload": {"at": [{"lat": -18.1416, "lon": 178.4419}, {"lat": 0, "lon": 180}],)"
      << R"( "seen": "yesterday", "authors": {"name": "Ada", "born": 1990}, "note": "STRASSE"}})"
      << "\n"
      << R"({"id": 7, "vector": [1, 2], "payload": {}})"
      << "\n";
  Import(Path("places.jsonl"), "places");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"datetime(seen) <= \"2024-02-29T23:30:00Z\"", "berlin"},
      {"datetime(seen) > \"2024-02-29T23:30:00Z\"", "paris"},
      {"datetime(seen) = \"2024-02-29T23:30:00Z\"", "berlin"},
      {"NOT datetime(seen) >= \"2000-01-01\"", "7 suva"},
      {"seen > \"2024-03\"", "berlin suva"},
      {"geo_radius(at, 52.52, 13.405, 878500)", "berlin paris"},
      {"geo_radius(at, 52.52, 13.405, 876500)", "berlin"},
      {"geo_radius(at, -18.1416, -178, 400000)", "suva"},
      {"geo_box(at, -1, 179, 1, -179)", "suva"},
      {"geo_box(at, 48, 2, 53, 14)", "berlin paris"},
      {"geo_polygon(at, [[48, 2], [48, 14], [53, 14], [53, 2]], [[52, 13], [52, 14], [53, 14], "
       "[53, 13]])",
       "paris"},
      {"nested(authors, name = \"Ada\", born < 1900)", "berlin"},
      {"nested(authors, name = \"Alan\" AND born < 1900)", ""},
      {"nested(authors, name = \"Ada\")", "berlin suva"},
      {"is_empty(authors)", "7 paris"},
      {"count(authors) = 1", "suva"},
      {"is_null(note)", "7 berlin paris"},
      {"note = null AND exists(note)", "paris"},
      {"note != \"x\"", "7 berlin paris suva"},
      {"icontains(note, \"rass\")", "suva"},
      {"id != 7 AND id NOT IN [\"paris\", 9]", "berlin suva"},
      {"has_vector(\"vector\")", "7 berlin paris suva"},
      {"NOT has_vector(\"vector\")", ""}};
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_EQ(Run({"flush", "places"}).exit_code, 0);
    }
    for (const auto& [filter, expected] : cases) {
      EXPECT_EQ(List("places", filter), expected) << filter;
      const auto count = std::ranges::count(expected, ' ') + (expected.empty() ? 0 : 1);
      EXPECT_EQ(Run({"points", "count", "places", "--filter", filter}).out,
                std::to_string(count) + "\n")
          << filter << (sealed ? ", sealed" : "");
    }
  }
}

TEST_F(FilterCommandTest, PayloadsAndPointsAreChangedByFilterOrId) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  std::ofstream(Path("few.jsonl")) << R"({"id": 1, "vector": [1, 0], "payload": {"n": 1}})"
                                   << "\n"
                                   << R"({"id": 2, "vector": [0, 1], "payload": {"n": 2}})"
                                   << "\n"
                                   << R"({"id": "x", "vector": [1, 1], "payload": {"n": 3}})"
                                   << "\n";
  Import(Path("few.jsonl"), "few");
  const auto points = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "points");
    return Run(std::move(arguments));
  };
  EXPECT_THAT(
      points({"set-payload", "few", "--filter", "n >= 2", "--payload", R"({"tag": ["a"]})"}).out,
      HasSubstr("2 points updated, seq "));
  EXPECT_EQ(List("few", "contains_any(tag, [\"a\"])"), "2 x");
  EXPECT_THAT(points({"delete-payload", "few", "x", "9", "--keys", "tag", "n"}).out,
              HasSubstr("1 points updated"));
  EXPECT_EQ(List("few", "exists(tag)"), "2");
  EXPECT_THAT(points({"overwrite-payload", "few", "1", "2", "--payload", "{}"}).out,
              HasSubstr("2 points updated"));
  EXPECT_EQ(List("few", "exists(n)"), "");
  CommandResult result = points({"delete", "few", "1", "--if-seq", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("ABORTED"), HasSubstr("the point 1 was expected")));
  EXPECT_THAT(points({"delete", "few", "--filter", "id IN [1, \"x\"]"}).out,
              HasSubstr("2 points deleted"));
  EXPECT_EQ(List("few", "NOT exists(n)"), "2");

  result = points({"delete", "few"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("either ids or --filter"));
  EXPECT_EQ(points({"delete", "few", "2", "--filter", "n = 1"}).exit_code, 64);
  EXPECT_EQ(points({"delete", "few", "--filter", "n ="}).exit_code, 64);
  for (const char* payload : {"", "[1]", "{\"a\":", R"({"a": 18446744073709551615})"}) {
    result = points({"set-payload", "few", "2", "--payload", payload});
    EXPECT_EQ(result.exit_code, 64) << payload;
    EXPECT_THAT(result.err, HasSubstr("--payload")) << payload;
  }
  EXPECT_EQ(List("few", "NOT exists(a)"), "2");
}

TEST_F(FilterCommandTest, MistakesAreToldBeforeAndByTheServer) {
  ASSERT_TRUE(server_->ready()) << server_->Log();
  ASSERT_EQ(Run({"collections", "create", "c", "--dim", "2", "--metric", "l2"}).exit_code, 0);
  CommandResult result = Run({"points", "count", "c", "--filter", "pos = noun"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("filter, column 7: expected a value"));
  result = Run({"points", "count", "c", "--filter", R"(a = 1 OR NOT has_vector("title"))"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("INVALID_ARGUMENT"),
                    HasSubstr("filter.any_of.filters[1].none_of.filters[0].has_vector.field"),
                    HasSubstr("no vector field \"title\"")));
  result = Run({"points", "count", "c", "--filter", "geo_radius(at, 95, 0, 10)"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("filter.geo_radius.center.lat: is 95; -90..90 are allowed"));
}

}  // namespace
}  // namespace alidade::testing
