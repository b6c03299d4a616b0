#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/filter/filter_text.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

Value Int(int64_t x) { return Value(x); }
Filter Not(Filter x) { return Filter{NoneOf{{std::move(x)}}}; }

// What is printed for each tree, and read as it.
TEST(FilterTextTest, IsOneReadableLine) {
  const Filter a{Exists{"a"}};
  const Filter b{Exists{"b"}};
  const Filter c{Exists{"c"}};
  const std::vector<std::pair<std::string, Filter>> cases = {
      {R"(year >= 2020 AND lang IN ["en", "de"] AND NOT exists(deleted))",
       Filter{AllOf{{Filter{Range{.key = "year", .gte = Int(2020)}},
                     Filter{In{"lang", {Value("en"), Value("de")}}},
                     Not(Filter{Exists{"deleted"}})}}}},
      {"exists(a) OR exists(b) AND exists(c)", Filter{AnyOf{{a, Filter{AllOf{{b, c}}}}}}},
      {"(exists(a) OR exists(b)) AND exists(c)", Filter{AllOf{{Filter{AnyOf{{a, b}}}, c}}}},
      {"exists(a) OR (exists(b) OR exists(c))", Filter{AnyOf{{a, Filter{AnyOf{{b, c}}}}}}},
      {"exists(a) AND (exists(b) AND exists(c))", Filter{AllOf{{a, Filter{AllOf{{b, c}}}}}}},
      {"NOT (exists(a) AND exists(b))", Not(Filter{AllOf{{a, b}}})},
      {"NOT NOT exists(a)", Not(Not(a))},
      {"NOT exists(a) AND exists(b)", Filter{AllOf{{Not(a), b}}}},
      {"none_of(exists(a), exists(b))", Filter{NoneOf{{a, b}}}},
      {"all_of()", Filter{}},
      {"any_of(all_of(exists(a) OR exists(b)))",
       Filter{AnyOf{{Filter{AllOf{{Filter{AnyOf{{a, b}}}}}}}}}},
      {"NOT none_of()", Not(Filter{NoneOf{}})},
      {"x = null", Filter{In{"x", {Value()}}}},
      {"x = true", Filter{In{"x", {Value(true)}}}},
      {"x = -7", Filter{In{"x", {Int(-7)}}}},
      {"x = 7.0", Filter{In{"x", {Value(7.0)}}}},
      {"x = -1.5e-300", Filter{In{"x", {Value(-1.5e-300)}}}},
      {"x = 1e+100", Filter{In{"x", {Value(1e100)}}}},
      {"x != \"7\"", Not(Filter{In{"x", {Value("7")}}})},
      {"x IN []", Filter{In{"x", {}}}},
      {"x NOT IN [1, 2]", Not(Filter{In{"x", {Int(1), Int(2)}}})},
      {"contains_all(x, [\"a\", 2])", Filter{ContainsAll{"x", {Value("a"), Int(2)}}}},
      {"x > 1", Filter{Range{.key = "x", .gt = Int(1)}}},
      {"x < \"m\"", Filter{Range{.key = "x", .lt = Value("m")}}},
      {"x <= null", Filter{Range{.key = "x", .lte = Value()}}},
      {"x BETWEEN 1 AND 2.5", Filter{Range{.key = "x", .gte = Int(1), .lte = Value(2.5)}}},
      {"1 < x <= 3", Filter{Range{.key = "x", .gt = Int(1), .lte = Int(3)}}},
      {"NOT 1 <= x < 3", Not(Filter{Range{.key = "x", .gte = Int(1), .lt = Int(3)}})},
      {"datetime(t) >= \"2024-01-01T00:00:00Z\"",
       Filter{DatetimeRange{.key = "t", .gte = "2024-01-01T00:00:00Z"}}},
      {"\"2024-01-01\" <= datetime(t) < \"2025-01-01\"",
       Filter{DatetimeRange{.key = "t", .gte = "2024-01-01", .lt = "2025-01-01"}}},
      {"count(k) BETWEEN 1 AND 3", Filter{CountRange{.key = "k", .gte = 1, .lte = 3}}},
      {"0 < count(k) < 18446744073709551615",
       Filter{CountRange{.key = "k", .gt = 0, .lt = ~uint64_t{0}}}},
      {"is_null(k) AND is_empty(k.l-2)",
       Filter{AllOf{{Filter{IsNull{"k"}}, Filter{IsEmpty{"k.l-2"}}}}}},
      {"starts_with(k, \"x\")", Filter{StringMatch{"k", StringMatchKind::kPrefix, "x"}}},
      {"contains(k, \"x\")", Filter{StringMatch{"k", StringMatchKind::kSubstring, "x"}}},
      {"icontains(k, \"x\")", Filter{StringMatch{"k", StringMatchKind::kFolded, "x"}}},
      {"match(k, \"a b\")", Filter{TextMatch{"k", TextMatchKind::kAllWords, "a b"}}},
      {"match_any(k, \"a b\")", Filter{TextMatch{"k", TextMatchKind::kAnyWord, "a b"}}},
      {"match_phrase(match, \"a b\", \"english stop_words=default\")",
       Filter{TextMatch{"match",
                        TextMatchKind::kPhrase,
                        "a b",
                        {.language = Language::kEnglish, .stop_words = StopWords::kOfLanguage}}}},
      {"nested(authors, name = \"Ada\" AND born < 1900)",
       Filter{Nested{"authors",
                     {Filter{AllOf{{Filter{In{"name", {Value("Ada")}}},
                                    Filter{Range{.key = "born", .lt = Int(1900)}}}}}}}}},
      {"nested(authors, exists(a), exists(b) OR exists(c))",
       Filter{Nested{"authors", {a, Filter{AnyOf{{b, c}}}}}}},
      {"geo_radius(at, 48.1, -11.5, 2000)", Filter{GeoRadius{"at", {48.1, -11.5}, 2000}}},
      {"geo_box(at, -10, 170, 10, -170)", Filter{GeoBox{"at", {-10, 170}, {10, -170}}}},
      {"geo_polygon(at, [[0, 0], [0, 9], [9, 0]], [[1, 1], [1, 2], [2, 1]])",
       Filter{GeoPolygon{"at", {{0, 0}, {0, 9}, {9, 0}}, {{{1, 1}, {1, 2}, {2, 1}}}}}},
      {"id = 18446744073709551615", Filter{IdIn{{PointId(~uint64_t{0})}}}},
      {"id NOT IN [1, \"1\"]", Not(Filter{IdIn{{PointId(1), PointId(std::string("1"))}}})},
      {"has_vector(\"title\")", Filter{HasVector{"title"}}},
      // Keys that are not bare.
      {"`id` = 1", Filter{In{"id", {Int(1)}}}},
      {"`And` = 1", Filter{In{"And", {Int(1)}}}},
      {R"(`a \`b\\\x0a"` = "q\"\\\x0a`")", Filter{In{"a `b\\\n\"", {Value("q\"\\\n`")}}}},
      {"`\xC3\xA9` = \"\xC3\xA9\"", Filter{In{"\xC3\xA9", {Value("\xC3\xA9")}}}},
      {"exists(`2d`) OR count = 1",
       Filter{AnyOf{{Filter{Exists{"2d"}}, Filter{In{"count", {Int(1)}}}}}}},
  };
  for (const auto& [text, filter] : cases) {
    EXPECT_EQ(FilterText(filter), text);
    EXPECT_EQ(DescribeFilter(filter), text);
    const auto parsed = ParseFilterText(text);
    ASSERT_THAT(parsed, IsOk()) << text << ": " << MessageOf(parsed.status());
    EXPECT_TRUE(*parsed == filter) << text << " is read as " << FilterText(*parsed);
  }
}

TEST(FilterTextTest, OtherSpellingsAreReadToo) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"  a=1 and\tb==2\nor not c<3 ", "a = 1 AND b = 2 OR NOT c < 3"},
      {"((a = 1))", "a = 1"},
      {"not (a = 1)", "a != 1"},
      {"NOT a IN [1, 2]", "a NOT IN [1, 2]"},
      {"missing(a)", "NOT exists(a)"},
      {"contains_any(a, [1, 2])", "a IN [1, 2]"},
      {"a IN [1]", "a = 1"},
      {"a not between 1 and 2", "NOT a BETWEEN 1 AND 2"},
      {"5 < a", "a > 5"},
      {"\"x\" <= a", "a >= \"x\""},
      {"datetime(t) = \"2024-01-01\"", "datetime(t) BETWEEN \"2024-01-01\" AND \"2024-01-01\""},
      {"count(k) != 2", "NOT count(k) BETWEEN 2 AND 2"},
      {"ID != \"a\"", "id != \"a\""},
      {R"(a = "\u00e9\ud83d\ude00\/\t")", "a = \"\xC3\xA9\xF0\x9F\x98\x80/\\x09\""},
      {R"(a = "\xc3\xa9")", "a = \"\xC3\xA9\""},
      {"a = 1E3", "a = 1000.0"},
      {"NULL < a", "a > null"},
      {"`a` = TRUE", "a = true"}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = ParseFilterText(text);
    ASSERT_THAT(parsed, IsOk()) << text << ": " << MessageOf(parsed.status());
    EXPECT_EQ(FilterText(*parsed), expected) << text;
  }
}

TEST(FilterTextTest, MistakesAreToldWithTheirPlace) {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"", "column 1: expected a condition, found the end"},
      {"pos", "column 4: expected a comparison, found the end"},
      {"pos = noun",
       "column 7: expected a value: null, true, false, a number or a string in double quotes, "
       "found noun"},
      {"pos = \"noun", "column 7: the closing \" is missing"},
      {"a = 1 b = 2", "column 7: expected AND, OR or the end, found b"},
      {"a = 1 AND", "column 10: expected a condition, found the end"},
      {"(a = 1", "column 7: expected AND, OR or ), found the end"},
      {"a = 1)", "column 6: expected AND, OR or the end, found )"},
      {"a = 'x'", "column 5: this begins nothing"},
      {"a ~ 1", "column 3: this begins nothing"},
      {"{\"pos\": \"noun\"}", "column 1: this begins nothing"},
      {"größe = 3", "column 3: this begins nothing"},
      {"a IN 1", "column 6: expected [, found 1"},
      {"a IN [1 2]", "column 9: expected a comma or ], found 2"},
      {"a IN [1, [2]]", "column 10: expected a value"},
      {"a NOT 1", "column 7: expected IN or BETWEEN, found 1"},
      {"a BETWEEN 1, 2", "column 12: expected AND and the upper bound, found ,"},
      {"a = 9223372036854775808", "column 5: this integer has more than 64 bits"},
      {"a = -9223372036854775809", "column 5: this integer has more than 64 bits"},
      {"a = 1e999", "column 5: this number is no double"},
      {"match(a, \"x\", \"klingon\")", "column 15: \"klingon\" is no setting of text analysis"},
      {"a = \"\\q\"", "column 6: expected one of \\\""},
      {"a = \"\\ud800\"", "column 6: half a surrogate pair"},
      {"a = \"\\ud800\\u0041\"", "column 6: the second half"},
      {"a = \"\\x4\"", "column 8: expected 2 hexadecimal digits"},
      {"a = \"\\xff\"", "column 5: this is not UTF-8"},
      {"a = \"\xFF\"", "column 5: this is not UTF-8"},
      {"\"a\" = 1",
       "column 5: expected < or <= after a literal (keys stand bare or in `backquotes`)"},
      {"1 < 2", "column 5: expected a key, found 2"},
      {"1 < and", "column 5: expected a key, found and"},
      {"exist(a)", "column 1: there is no function exist; did you mean exists?"},
      {"frobnicate(a)", "column 1: there is no function frobnicate"},
      {"exists(\"a\")", "column 8: expected a key, found a string"},
      {"exists(a", "column 9: expected ), found the end"},
      {"contains(a)", "column 11: expected a comma, found )"},
      {"contains(a, 1)", "column 13: expected a string in double quotes, found 1"},
      {"datetime(t) > 5", "column 15: expected a datetime such as"},
      {"datetime(t) > \"soon\"", "column 15: expected a datetime such as"},
      {"datetime(t) IN [\"2024-01-01\"]", "column 13: expected a comparison, found IN"},
      {"count(t) > -1", "column 12: expected an integer from 0 on"},
      {"count(t) > 1.5", "column 12: expected an integer from 0 on"},
      {"id > 5",
       "column 4: expected =, !=, IN or NOT IN after id (a payload key of that name: `id`), found "
       ">"},
      {"id = -5", "column 6: expected an id"},
      {"id = \"\"", "column 6: expected an id"},
      {"geo_radius(a, 1, 2)", "column 19: expected a comma, found )"},
      {"geo_box(a, 1, 2, 3, x)", "column 21: expected a number, found x"},
      {"geo_polygon(a, [1, 2])", "column 17: expected a point: [lat, lon], found 1"},
      {"nested(a)", "column 9: expected a comma, found )"},
      {"nested(a,)", "column 10: expected a condition, found )"},
      {"all_of(a = 1 b = 2)", "column 14: expected a comma or ), found b"}};
  for (const Case& c : cases) {
    EXPECT_THAT(ParseFilterText(c.text),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("filter, " + c.message)))
        << c.text;
  }
}

TEST(FilterTextTest, NestingIsBounded) {
  const auto repeated = [](const std::string& text, size_t times) {
    std::string out;
    for (size_t i = 0; i < times; ++i) {
      out += text;
    }
    return out;
  };
  for (const auto& [begin, end] : {std::pair("(", ")"),
                                   std::pair("NOT ", ""),
                                   std::pair("all_of(", ")"),
                                   std::pair("nested(k, ", ")")}) {
    EXPECT_THAT(ParseFilterText(repeated(begin, 63) + "a = 1" + repeated(end, 63)), IsOk());
    EXPECT_THAT(ParseFilterText(repeated(begin, 64) + "a = 1" + repeated(end, 64)),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("nested deeper than 64 levels")));
    // So deep that following it would overflow the stack.
    EXPECT_THAT(ParseFilterText(repeated(begin, 200'000)),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("nested deeper")));
  }
}

TEST(FilterTextTest, LongOnesAreCutInLogsOnly) {
  std::vector<Value> many;
  for (int64_t i = 0; i < 10; ++i) {
    many.push_back(Int(i));
  }
  const Filter list{In{"a", many}};
  EXPECT_EQ(DescribeFilter(list), "a IN [0, 1, 2, 3, 4, 5, 6, 7, ... 2 more]");
  EXPECT_EQ(FilterText(list), "a IN [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]");
  // Not inside a character.
  const std::string beginning(63, 'x');
  const Filter text{In{"a", {Value(beginning + "\xC3\xA9tude")}}};
  EXPECT_EQ(DescribeFilter(text), "a = \"" + beginning + "...\"");
  EXPECT_EQ(FilterText(text), "a = \"" + beginning + "\xC3\xA9tude\"");
  AnyOf wide;
  for (int64_t i = 0; i < 1'000; ++i) {
    wide.children.push_back(Filter{In{"a", {Int(i)}}});
  }
  const std::string described = DescribeFilter(Filter{wide});
  EXPECT_LT(described.size(), 2'100U);
  EXPECT_TRUE(described.ends_with("...")) << described;
  // Bytes that are no UTF-8, and values that no valid filter has.
  EXPECT_EQ(DescribeFilter(Filter{In{"\xFF", {Value("\xC3"), Value(List{})}}}),
            R"(`\xff` IN ["\xc3", ?])");
}

}  // namespace
}  // namespace alidade
