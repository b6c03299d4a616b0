#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter.h"
#include "alidade/text/characters.h"

#include "scalar_order.h"
#include "support/filter_match.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kIntMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kIntMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kTwoTo53 = int64_t{1} << 53;

Value Int(int64_t x) { return Value(x); }
Value Real(double x) { return Value(x); }
Value Text(const char* x) { return Value(x); }

bool Holds(const Filter& filter, const Object& payload) {
  std::string bytes;
  EncodeObject(payload, bytes);
  return Matches(filter, bytes);
}

Filter Equals(const char* key, Value value) { return Filter{In{key, {std::move(value)}}}; }

struct Bounds {
  std::optional<Value> gt = std::nullopt;
  std::optional<Value> gte = std::nullopt;
  std::optional<Value> lt = std::nullopt;
  std::optional<Value> lte = std::nullopt;
};
Filter Between(const char* key, const Bounds& bounds) {
  return Filter{Range{key, bounds.gt, bounds.gte, bounds.lt, bounds.lte}};
}

TEST(MatchesTest, IntegersAndDoublesCompareWithoutRounding) {
  struct Case {
    int64_t a;
    double b;
    std::partial_ordering expected;
  };
  const std::vector<Case> cases = {
      {1, 1.0, std::partial_ordering::equivalent},
      {1, 1.5, std::partial_ordering::less},
      {2, 1.5, std::partial_ordering::greater},
      {-1, -1.5, std::partial_ordering::greater},
      {-2, -1.5, std::partial_ordering::less},
      {0, -0.0, std::partial_ordering::equivalent},
      {0, 5e-324, std::partial_ordering::less},
      {0, -5e-324, std::partial_ordering::greater},
      {kTwoTo53, 9007199254740992.0, std::partial_ordering::equivalent},
      {kTwoTo53 + 1, 9007199254740992.0, std::partial_ordering::greater},
      {kTwoTo53 + 1, 9007199254740994.0, std::partial_ordering::less},
      {-kTwoTo53 - 1, -9007199254740992.0, std::partial_ordering::less},
      {kIntMax, 9223372036854775808.0, std::partial_ordering::less},
      {kIntMax, 9223372036854774784.0, std::partial_ordering::greater},
      {kIntMin, -9223372036854775808.0, std::partial_ordering::equivalent},
      {kIntMin, -9223372036854777856.0, std::partial_ordering::greater},
      {kIntMin + 1, -9223372036854775808.0, std::partial_ordering::greater},
      {kIntMax, kInfinity, std::partial_ordering::less},
      {kIntMin, -kInfinity, std::partial_ordering::greater},
      {0, kNan, std::partial_ordering::unordered},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(CompareNumbers(c.a, c.b), c.expected) << c.a << " with " << c.b;
    // And through a filter, from both sides.
    const bool equal = c.expected == std::partial_ordering::equivalent;
    EXPECT_EQ(Holds(Equals("x", Real(c.b)), {{"x", Int(c.a)}}), equal) << c.a << " " << c.b;
    EXPECT_EQ(Holds(Equals("x", Int(c.a)), {{"x", Real(c.b)}}), equal) << c.a << " " << c.b;
    const bool less = c.expected == std::partial_ordering::less;
    EXPECT_EQ(Holds(Between("x", {.lt = Real(c.b)}), {{"x", Int(c.a)}}), less);
    EXPECT_EQ(Holds(Between("x", {.gt = Int(c.a)}), {{"x", Real(c.b)}}), less);
    const bool greater = c.expected == std::partial_ordering::greater;
    EXPECT_EQ(Holds(Between("x", {.gt = Real(c.b)}), {{"x", Int(c.a)}}), greater);
    EXPECT_EQ(Holds(Between("x", {.lt = Int(c.a)}), {{"x", Real(c.b)}}), greater);
    EXPECT_EQ(Holds(Between("x", {.lte = Real(c.b)}), {{"x", Int(c.a)}}), less || equal);
    EXPECT_EQ(Holds(Between("x", {.gte = Real(c.b)}), {{"x", Int(c.a)}}), greater || equal);
  }
}

// Every pair of kinds: row = value in the payload, column = value in the filter.
TEST(MatchesTest, EqualityHoldsOnlyWithinOneKind) {
  const std::vector<std::pair<const char*, Value>> values = {
      {"null", Value()},
      {"false", Value(false)},
      {"true", Value(true)},
      {"int 0", Int(0)},
      {"int 1", Int(1)},
      {"real 0", Real(0.0)},
      {"real 1", Real(1.0)},
      {"nan", Real(kNan)},
      {"inf", Real(kInfinity)},
      {"text empty", Text("")},
      {"text 1", Text("1")},
      {"text true", Text("true")},
      {"object", Value(Object{{"y", Int(1)}})},
      {"list empty", Value(List{})},
  };
  //                                   n f t 0 1 r R N I e 1 t
  const std::vector<std::string> expected = {"1...........",   // null
                                             ".1..........",   // false
                                             "..1.........",   // true
                                             "...1.1......",   // int 0
                                             "....1.1.....",   // int 1
                                             "...1.1......",   // real 0
                                             "....1.1.....",   // real 1
                                             "............",   // nan
                                             "........1...",   // inf
                                             ".........1..",   // text empty
                                             "..........1.",   // text 1
                                             "...........1",   // text true
                                             "............",   // object
                                             "............"};  // list empty
  for (size_t row = 0; row < values.size(); ++row) {
    std::string found;
    for (size_t column = 0; column < 12; ++column) {
      const Object payload = {{"x", values[row].second}};
      found += Holds(Equals("x", values[column].second), payload) ? '1' : '.';
    }
    EXPECT_EQ(found, expected[row]) << values[row].first;
  }
}

TEST(MatchesTest, RangesHoldForNumbersAndStringsOfTheSameKind) {
  const std::vector<Value> values = {
      Value(), Value(true), Int(5), Real(5.0), Real(kNan), Text("m"), Value(Object{})};
  const auto found = [&](const Bounds& bounds) {
    std::string text;
    for (const Value& value : values) {
      text += Holds(Between("x", bounds), {{"x", value}}) ? '1' : '.';
    }
    return text;
  };
  EXPECT_EQ(found({.gt = Int(4)}), "..11...");
  EXPECT_EQ(found({.gte = Real(5.0), .lte = Int(5)}), "..11...");
  EXPECT_EQ(found({.gt = Int(5)}), ".......");
  EXPECT_EQ(found({.lt = Int(5)}), ".......");
  EXPECT_EQ(found({.gte = Real(-kInfinity), .lte = Real(kInfinity)}), "..11...");
  EXPECT_EQ(found({.lt = Real(kNan)}), ".......");
  EXPECT_EQ(found({.gte = Real(kNan)}), ".......");
  EXPECT_EQ(found({.gte = Text("m"), .lt = Text("n")}), ".....1.");
  EXPECT_EQ(found({.gt = Text("")}), ".....1.");
  EXPECT_EQ(found({.gt = Text("m")}), ".......");
  // A filter that was not validated: bounds of other kinds hold for nothing.
  EXPECT_EQ(found({.gte = Value()}), ".......");
  EXPECT_EQ(found({.gte = Value(true)}), ".......");
  EXPECT_EQ(found({.gte = Int(1), .lt = Text("z")}), ".......");
}

TEST(MatchesTest, StringsCompareByUnsignedBytes) {
  EXPECT_TRUE(Holds(Between("x", {.gt = Text("z")}), {{"x", Text("\xC3\xA9")}}));
  EXPECT_TRUE(Holds(Between("x", {.lt = Text("ab")}), {{"x", Text("a")}}));
  EXPECT_TRUE(
      Holds(Equals("x", Value(std::string("a\0b", 3))), {{"x", Value(std::string("a\0b", 3))}}));
  EXPECT_FALSE(Holds(Equals("x", Value(std::string("a\0b", 3))), {{"x", Text("a")}}));
}

TEST(MatchesTest, ListHoldsIfAnyElementDoes) {
  const Object payload = {{"x", Value(List{Int(1), Text("a"), Value(), Real(20.0)})},
                          {"nested", Value(List{Value(List{Int(7)}), Value(List{})})},
                          {"empty", Value(List{})}};
  EXPECT_TRUE(Holds(Equals("x", Real(1.0)), payload));
  EXPECT_TRUE(Holds(Equals("x", Text("a")), payload));
  EXPECT_TRUE(Holds(Equals("x", Value()), payload));
  EXPECT_FALSE(Holds(Equals("x", Int(2)), payload));
  EXPECT_TRUE(Holds(Between("x", {.gt = Int(19)}), payload));
  // 1 is below 10 and 20 above 5, but no single element is between.
  EXPECT_FALSE(Holds(Between("x", {.gt = Int(5), .lt = Int(10)}), payload));
  EXPECT_TRUE(Holds(Filter{IsNull{"x"}}, payload));
  EXPECT_TRUE(Holds(Equals("nested", Int(7)), payload));
  EXPECT_FALSE(Holds(Equals("empty", Value()), payload));
  EXPECT_FALSE(Holds(Filter{IsNull{"empty"}}, payload));
  EXPECT_TRUE(Holds(Filter{Exists{"empty"}}, payload));
  EXPECT_FALSE(Holds(Filter{In{"x", {}}}, payload));
}

TEST(MatchesTest, MissingKeyIsNullAndNoValuesAndFailsTheRest) {
  const Object payload = {{"there", Value()}};
  EXPECT_TRUE(Holds(Equals("gone", Value()), payload));
  EXPECT_TRUE(Holds(Filter{In{"gone", {Int(1), Value()}}}, payload));
  EXPECT_TRUE(Holds(Filter{ContainsAll{"gone", {Value()}}}, payload));
  EXPECT_FALSE(Holds(Filter{ContainsAll{"gone", {Value(), Int(1)}}}, payload));
  EXPECT_TRUE(Holds(Filter{IsEmpty{"gone"}}, payload));
  EXPECT_TRUE(Holds(Filter{CountRange{.key = "gone", .lt = 1}}, payload));
  EXPECT_FALSE(Holds(Filter{CountRange{.key = "gone", .gte = 1}}, payload));
  EXPECT_FALSE(Holds(Equals("gone", Int(1)), payload));
  EXPECT_FALSE(Holds(Filter{DatetimeRange{.key = "gone", .gte = "0000-01-01"}}, payload));
  EXPECT_FALSE(Holds(Filter{StringMatch{"gone", StringMatchKind::kPrefix, "a"}}, payload));
  EXPECT_FALSE(Holds(Filter{GeoRadius{"gone", {0, 0}, 1e9}}, payload));
  EXPECT_FALSE(Holds(Filter{Nested{"gone", {Filter{}}}}, payload));
  EXPECT_FALSE(Holds(Between("gone", {.gte = Int(kIntMin)}), payload));
  EXPECT_FALSE(Holds(Filter{Range{.key = "gone"}}, payload));
  EXPECT_FALSE(Holds(Filter{Exists{"gone"}}, payload));
  EXPECT_TRUE(Holds(Filter{IsNull{"gone"}}, payload));
  EXPECT_TRUE(Holds(Filter{NoneOf{{Equals("gone", Int(1))}}}, payload));
  EXPECT_TRUE(Holds(Filter{Exists{"there"}}, payload));
  EXPECT_TRUE(Holds(Filter{IsNull{"there"}}, payload));
  EXPECT_TRUE(Holds(Equals("there", Value()), payload));
}

TEST(MatchesTest, GroupsAndEmptyGroups) {
  const Object payload = {{"a", Int(1)}, {"b", Int(2)}};
  const Filter yes = Equals("a", Int(1));
  const Filter no = Equals("b", Int(1));
  EXPECT_TRUE(Holds(Filter{AllOf{}}, payload));
  EXPECT_FALSE(Holds(Filter{AnyOf{}}, payload));
  EXPECT_TRUE(Holds(Filter{NoneOf{}}, payload));
  EXPECT_TRUE(Holds(Filter{AllOf{{yes, yes}}}, payload));
  EXPECT_FALSE(Holds(Filter{AllOf{{yes, no}}}, payload));
  EXPECT_TRUE(Holds(Filter{AnyOf{{no, yes}}}, payload));
  EXPECT_FALSE(Holds(Filter{AnyOf{{no, no}}}, payload));
  EXPECT_FALSE(Holds(Filter{NoneOf{{no, yes}}}, payload));
  EXPECT_TRUE(Holds(Filter{NoneOf{{no, no}}}, payload));
  EXPECT_TRUE(Holds(Filter{NoneOf{{Filter{NoneOf{{yes}}}}}}, payload));
}

TEST(MatchesTest, DottedPathsReachIntoObjects) {
  const Object payload = {
      {"author",
       Value(Object{{"name", Text("Ada")}, {"born", Value(Object{{"year", Int(1815)}})}})},
      {"a.b", Int(3)}};
  EXPECT_TRUE(Holds(Equals("author.name", Text("Ada")), payload));
  EXPECT_TRUE(Holds(Between("author.born.year", {.lt = Int(1900)}), payload));
  EXPECT_TRUE(Holds(Equals("a.b", Int(3)), payload));
  EXPECT_TRUE(Holds(Filter{Exists{"author.born"}}, payload));
  EXPECT_FALSE(Holds(Filter{Exists{"author.name.first"}}, payload));
  EXPECT_FALSE(Holds(Filter{Exists{"author."}}, payload));
  EXPECT_FALSE(Holds(Filter{Exists{"auth"}}, payload));
}

TEST(MatchesTest, NotEqualAndNotInHoldForAMissingKey) {
  const Object payload = {{"a", Value(List{Int(1), Int(2)})}};
  EXPECT_FALSE(Holds(Filter{NoneOf{{Equals("a", Int(2))}}}, payload));
  EXPECT_TRUE(Holds(Filter{NoneOf{{Equals("a", Int(3))}}}, payload));
  EXPECT_TRUE(Holds(Filter{NoneOf{{Filter{In{"gone", {Int(1), Int(2)}}}}}}, payload));
  EXPECT_FALSE(Holds(Filter{NoneOf{{Equals("gone", Value())}}}, payload));
}

TEST(MatchesTest, ARangeToNullHoldsForNothing) {
  for (const Value& value : {Value(), Int(1), Text("a"), Value(false)}) {
    EXPECT_FALSE(Holds(Between("x", {.gte = Value()}), {{"x", value}}));
    EXPECT_FALSE(Holds(Between("x", {.gte = Int(0), .lt = Value()}), {{"x", value}}));
    EXPECT_FALSE(Holds(Between("x", {.lte = Value()}), {}));
  }
}

TEST(MatchesTest, ContainsAllWantsEveryValueSomewhere) {
  const Object payload = {{"tags", Value(List{Text("a"), Int(1), Value(List{Text("b")})})},
                          {"one", Text("a")}};
  EXPECT_TRUE(Holds(Filter{ContainsAll{"tags", {Text("b"), Real(1.0), Text("a")}}}, payload));
  EXPECT_TRUE(Holds(Filter{ContainsAll{"tags", {Text("a"), Text("a"), Int(1), Real(1)}}}, payload));
  EXPECT_FALSE(Holds(Filter{ContainsAll{"tags", {Text("a"), Text("c")}}}, payload));
  EXPECT_FALSE(Holds(Filter{ContainsAll{"tags", {Text("a"), Real(kNan)}}}, payload));
  EXPECT_TRUE(Holds(Filter{ContainsAll{"one", {Text("a")}}}, payload));
  EXPECT_FALSE(Holds(Filter{ContainsAll{"one", {Text("a"), Text("b")}}}, payload));
  // More values than a machine word has bits.
  ContainsAll many{"many", {}};
  List held;
  for (int64_t i = 0; i < 200; ++i) {
    many.values.push_back(Int(i));
    held.push_back(Int(199 - i));
  }
  EXPECT_TRUE(Holds(Filter{many}, {{"many", Value(held)}}));
  for (const size_t gone : {size_t{0}, size_t{63}, size_t{64}, size_t{199}}) {
    List without = held;
    without[gone] = Int(-1);
    EXPECT_FALSE(Holds(Filter{many}, {{"many", Value(without)}})) << gone;
  }
}

TEST(MatchesTest, CountsAndEmptinessLookAtTheListItself) {
  const Object payload = {{"three", Value(List{Value(), Value(List{Int(1), Int(2)}), Int(3)})},
                          {"none", Value(List{})},
                          {"null", Value()},
                          {"text", Text("")},
                          {"object", Value(Object{})}};
  const auto count = [&](const char* key) {
    for (uint64_t n = 0; n < 5; ++n) {
      if (Holds(Filter{CountRange{.key = key, .gte = n, .lte = n}}, payload)) {
        return n;
      }
    }
    return uint64_t{99};
  };
  EXPECT_EQ(count("three"), 3U);
  EXPECT_EQ(count("none"), 0U);
  EXPECT_EQ(count("null"), 0U);
  EXPECT_EQ(count("gone"), 0U);
  EXPECT_EQ(count("text"), 1U);
  EXPECT_EQ(count("object"), 1U);
  EXPECT_FALSE(Holds(Filter{CountRange{.key = "three", .gt = 3}}, payload));
  EXPECT_TRUE(Holds(Filter{CountRange{.key = "three", .gt = 2, .lt = 4}}, payload));
  std::string empty;
  for (const char* key : {"three", "none", "null", "gone", "text", "object"}) {
    empty += Holds(Filter{IsEmpty{key}}, payload) ? '1' : '.';
  }
  EXPECT_EQ(empty, ".111..");
}

TEST(MatchesTest, NestedHoldsForOneAndTheSameElement) {
  const Object ada = {{"name", Text("Ada")}, {"born", Int(1815)}};
  const Object alan = {{"name", Text("Alan")}, {"born", Int(1912)}};
  const Object payload = {
      {"authors", Value(List{Value(ada), Text("anonymous"), Value(List{Value(alan)})})},
      {"editor", Value(ada)}};
  const auto both = [](const char* key, const char* name, int64_t before) {
    return Filter{Nested{key, {Equals("name", Text(name)), Between("born", {.lt = Int(before)})}}};
  };
  EXPECT_TRUE(Holds(both("authors", "Ada", 1900), payload));
  EXPECT_FALSE(Holds(both("authors", "Alan", 1900), payload));  // each holds for another element
  EXPECT_TRUE(Holds(both("authors", "Alan", 1950), payload));
  EXPECT_TRUE(Holds(both("editor", "Ada", 1900), payload));
  EXPECT_TRUE(
      Holds(Filter{Nested{"authors", {Filter{NoneOf{{Equals("name", Text("Ada"))}}}}}}, payload));
  EXPECT_FALSE(
      Holds(Filter{Nested{"editor", {Filter{NoneOf{{Equals("name", Text("Ada"))}}}}}}, payload));
  EXPECT_FALSE(Holds(Filter{Nested{"authors", {Filter{Exists{"authors"}}}}}, payload));
  // Paths do not reach into lists.
  EXPECT_FALSE(Holds(Equals("authors.name", Text("Ada")), payload));
}

TEST(MatchesTest, StringsByTheirWords) {
  const auto holds = [](TextMatchKind kind,
                        const std::string& text,
                        const std::string& value,
                        const AnalyzerConfig& analyzer = {}) {
    return Holds(Filter{TextMatch{"k", kind, text, analyzer}}, {{"k", Value(value)}});
  };
  const auto all = TextMatchKind::kAllWords;
  const auto any = TextMatchKind::kAnyWord;
  const auto phrase = TextMatchKind::kPhrase;
  EXPECT_TRUE(holds(all, "WATER, salt!", "A large body of salt water."));
  EXPECT_FALSE(holds(all, "salt lake", "A large body of salt water."));
  EXPECT_TRUE(holds(any, "salt lake", "A large body of salt water."));
  EXPECT_FALSE(holds(any, "bod lakes", "A large body of salt water."));
  EXPECT_TRUE(holds(phrase, "body-of_SALT", "A large body of salt water."));
  EXPECT_FALSE(holds(phrase, "body salt", "A large body of salt water."));
  EXPECT_FALSE(holds(phrase, "salt of", "A large body of salt water."));
  EXPECT_TRUE(holds(phrase, "a b a c", "a b a b a c"));  // begins again within itself
  const AnalyzerConfig english = {.language = Language::kEnglish,
                                  .stop_words = StopWords::kOfLanguage};
  EXPECT_TRUE(holds(all, "running the dogs", "the dog runs", english));
  EXPECT_FALSE(holds(all, "running the dogs", "the dog runs"));
  EXPECT_TRUE(holds(phrase, "the state of the art", "states in any art", english));
  EXPECT_FALSE(holds(phrase, "state of the art", "state of art", english));
  // Without a word that is looked for nothing holds.
  for (const TextMatchKind kind : {all, any, phrase}) {
    EXPECT_FALSE(holds(kind, "the", "the", english));
    EXPECT_FALSE(holds(kind, "?", "?"));
    EXPECT_FALSE(holds(kind, "x", ""));
  }
  // More words than bits of a machine word.
  std::string many;
  for (int i = 0; i < 200; ++i) {
    many += std::to_string(i) + " ";
  }
  for (const TextMatchKind kind : {all, any, phrase}) {
    EXPECT_TRUE(holds(kind, many, "x 0 1 2 " + many + " y"));
  }
  EXPECT_FALSE(holds(phrase, many + "200", many + "201 200"));
  EXPECT_TRUE(holds(all, many + "200", many + "201 200"));
  // Any element of a list; other values never.
  const Filter match{TextMatch{"k", all, "a b"}};
  EXPECT_TRUE(Holds(match, {{"k", Value(List{Value("a"), Value("b a")})}}));
  EXPECT_FALSE(Holds(match, {{"k", Value(List{Value("a"), Value("b")})}}));
  EXPECT_FALSE(Holds(match, {{"k", Value(int64_t{1})}}));
  EXPECT_FALSE(Holds(match, {}));
}

TEST(MatchesTest, StringsByPrefixSubstringAndFoldedSubstring) {
  const auto holds = [](StringMatchKind kind, const std::string& text, const std::string& value) {
    return Holds(Filter{StringMatch{"x", kind, text}}, {{"x", Value(value)}});
  };
  EXPECT_TRUE(holds(StringMatchKind::kPrefix, "sea", "seaside"));
  EXPECT_FALSE(holds(StringMatchKind::kPrefix, "Sea", "seaside"));
  EXPECT_FALSE(holds(StringMatchKind::kPrefix, "seaside", "sea"));
  EXPECT_TRUE(holds(StringMatchKind::kSubstring, "a s", "sea side"));
  EXPECT_FALSE(holds(StringMatchKind::kSubstring, "A s", "sea side"));
  EXPECT_TRUE(holds(StringMatchKind::kFolded, "A S", "sea side"));
  EXPECT_TRUE(holds(StringMatchKind::kFolded, "aab", "AaaAAB"));
  EXPECT_TRUE(holds(StringMatchKind::kFolded,
                    "STRA\xE1\xBA\x9E"
                    "E",
                    "stra\xC3\x9F"
                    "e"));
  EXPECT_FALSE(holds(StringMatchKind::kFolded,
                     "strasse",
                     "stra\xC3\x9F"
                     "e"));  // no full folding
  EXPECT_TRUE(holds(StringMatchKind::kFolded, "\xCE\x9F\xCE\xA3", "\xCE\xBF\xCF\x82"));
  EXPECT_FALSE(holds(StringMatchKind::kFolded, "i", "\xC4\xB0"));
  EXPECT_FALSE(holds(StringMatchKind::kFolded, "ab", "a"));
  EXPECT_FALSE(Holds(Filter{StringMatch{"x", StringMatchKind::kPrefix, "1"}}, {{"x", Int(12)}}));
  EXPECT_TRUE(Holds(Filter{StringMatch{"x", StringMatchKind::kSubstring, "b"}},
                    {{"x", Value(List{Text("a"), Text("abc")})}}));
}

TEST(MatchesTest, CasesFoldAsCaseFoldingTxtSays) {
  const std::vector<std::pair<char32_t, char32_t>> cases = {
      {'A', 'a'},         {'z', 'z'},         {'@', '@'},           {'[', '['},
      {0xB5, 0x3BC},      {0xC0, 0xE0},       {0xD7, 0xD7},         {0xDF, 0xDF},
      {0x130, 0x130},     {0x149, 0x149},     {0x17F, 's'},         {0x1C5, 0x1C6},
      {0x345, 0x3B9},     {0x390, 0x390},     {0x3C2, 0x3C3},       {0x3D0, 0x3B2},
      {0x587, 0x587},     {0x13A0, 0x13A0},   {0x13F8, 0x13F0},     {0xAB70, 0x13A0},
      {0x1C80, 0x432},    {0x1E9E, 0xDF},     {0x1E9B, 0x1E61},     {0x1F88, 0x1F80},
      {0x1FFC, 0x1FF3},   {0x2126, 0x3C9},    {0x212A, 'k'},        {0x212B, 0xE5},
      {0x2C2F, 0x2C5F},   {0xA64A, 0xA64B},   {0xFB00, 0xFB00},     {0x10400, 0x10428},
      {0x1E900, 0x1E922}, {0x1F600, 0x1F600}, {0x10FFFF, 0x10FFFF}, {0x1100C3, 0x1100C3}};
  for (const auto& [character, folded] : cases) {
    EXPECT_EQ(static_cast<uint32_t>(FoldCase(character)), static_cast<uint32_t>(folded))
        << std::hex << static_cast<uint32_t>(character);
    EXPECT_EQ(FoldCase(FoldCase(character)), FoldCase(character));
  }
}

TEST(MatchesTest, DatetimesCompareAsInstantsAndPlainStringsByBytes) {
  const Object payload = {{"at", Text("2024-03-01T01:30:00+02:00")}};  // 23:30 the day before
  const DatetimeRange february{.key = "at", .gte = "2024-02-01", .lt = "2024-03-01"};
  EXPECT_TRUE(Holds(Filter{february}, payload));
  EXPECT_FALSE(
      Holds(Between("at", {.gte = Text("2024-02-01"), .lt = Text("2024-03-01")}), payload));
  EXPECT_FALSE(Holds(Filter{DatetimeRange{.key = "at", .gt = "2024-02-29T23:30:00Z"}}, payload));
  EXPECT_TRUE(Holds(Filter{DatetimeRange{.key = "at", .gte = "2024-02-29T23:30:00Z"}}, payload));
  EXPECT_FALSE(Holds(Filter{february}, {{"at", Text("in February 2024")}}));
  EXPECT_FALSE(Holds(Filter{february}, {{"at", Int(1'708'000'000)}}));
  EXPECT_TRUE(Holds(Filter{february}, {{"at", Value(List{Text("x"), Text("2024-02-29")})}}));
}

Value Place(double lat, double lon) {
  return Value(Object{{"lat", Value(lat)}, {"lon", Value(lon)}});
}

TEST(MatchesTest, RadiusIsMeasuredOnTheSphere) {
  const auto within = [](const GeoPoint& center, double metres, double lat, double lon) {
    return Holds(Filter{GeoRadius{"p", center, metres}}, {{"p", Place(lat, lon)}});
  };
  // Berlin to Paris: 877 to 878 km.
  EXPECT_TRUE(within({52.52, 13.405}, 878'500, 48.8566, 2.3522));
  EXPECT_FALSE(within({52.52, 13.405}, 876'500, 48.8566, 2.3522));
  EXPECT_TRUE(within({0, 179.9}, 23'000, 0, -179.9));
  EXPECT_FALSE(within({0, 179.9}, 22'000, 0, -179.9));
  EXPECT_TRUE(within({90, 0}, 1, 90, 123));
  EXPECT_TRUE(within({0, 0}, 20'015'200, 0, 180));
  EXPECT_FALSE(within({0, 0}, 20'015'000, 0, 180));
  EXPECT_TRUE(within({10, 20}, 0.001, 10, 20));
  const Filter near{GeoRadius{"p", {10, 20}, 1'000}};
  EXPECT_TRUE(Holds(near, {{"p", Value(Object{{"lat", Int(10)}, {"lon", Int(20)}})}}));
  EXPECT_TRUE(Holds(near, {{"p", Value(List{Place(0, 0), Place(10, 20)})}}));
  EXPECT_FALSE(Holds(near, {{"p", Value(Object{{"lat", Text("10")}, {"lon", Int(20)}})}}));
  EXPECT_FALSE(Holds(near, {{"p", Value(Object{{"lat", Int(10)}})}}));
  EXPECT_FALSE(Holds(near, {{"p", Value(List{Int(10), Int(20)})}}));
  EXPECT_FALSE(Holds(Filter{GeoRadius{"p", {0, 0}, 1e9}}, {{"p", Place(91, 0)}}));
  EXPECT_FALSE(Holds(Filter{GeoRadius{"p", {0, 0}, 1e9}}, {{"p", Place(0, kNan)}}));
}

TEST(MatchesTest, BoxesCrossTheAntimeridianAndOwnTheirEdges) {
  const auto found = [](const GeoPoint& south_west, const GeoPoint& north_east) {
    std::string text;
    for (const auto& [lat, lon] : {std::pair(0.0, 0.0),
                                   {10.0, 0.0},
                                   {0.0, 170.0},
                                   {0.0, 175.0},
                                   {0.0, 180.0},
                                   {0.0, -180.0},
                                   {0.0, -175.0},
                                   {10.1, 0.0}}) {
      text +=
          Holds(Filter{GeoBox{"p", south_west, north_east}}, {{"p", Place(lat, lon)}}) ? '1' : '.';
    }
    return text;
  };
  EXPECT_EQ(found({-10, -10}, {10, 10}), "11......");
  EXPECT_EQ(found({-10, 170}, {10, -175}), "..11111.");
  EXPECT_EQ(found({-10, 175}, {10, 180}), "...111..");
  EXPECT_EQ(found({-10, -180}, {10, -179}), "....11..");
  EXPECT_EQ(found({-10, -180}, {10, 180}), "1111111.");
  EXPECT_EQ(found({0, 0}, {0, 0}), "1.......");
}

TEST(MatchesTest, PolygonsOwnTheirEdgesAndThoseOfTheirHoles) {
  const std::vector<GeoPoint> square = {{0, 0}, {0, 10}, {10, 10}, {10, 0}};
  const std::vector<GeoPoint> hole = {{2, 2}, {2, 4}, {4, 4}, {4, 2}, {2, 2}};
  const auto in = [](const GeoPolygon& polygon, double lat, double lon) {
    return Holds(Filter{polygon}, {{"p", Place(lat, lon)}});
  };
  const GeoPolygon holed{"p", square, {hole}};
  EXPECT_TRUE(in(holed, 5, 5));
  EXPECT_TRUE(in(holed, 0, 0));
  EXPECT_TRUE(in(holed, 0, 5));
  EXPECT_TRUE(in(holed, 10, 10));
  EXPECT_FALSE(in(holed, 10.001, 5));
  EXPECT_FALSE(in(holed, 3, 3));
  EXPECT_TRUE(in(holed, 2, 3));
  EXPECT_TRUE(in(holed, 4, 4));
  EXPECT_TRUE(in(holed, 3, 1.999));
  EXPECT_FALSE(in(holed, 2, -1));  // on the line of an edge and of corners, outside
  const GeoPolygon bow{"p", {{0, 0}, {10, 10}, {10, 0}, {0, 10}}};
  EXPECT_TRUE(in(bow, 5, 5));
  EXPECT_FALSE(in(bow, 5, 2));
  EXPECT_TRUE(in(bow, 8, 5));
  // The antimeridian has two names.
  const GeoPolygon east{"p", {{0, 170}, {0, 180}, {10, 180}, {10, 170}}};
  EXPECT_TRUE(in(east, 5, -180));
  EXPECT_FALSE(in(east, 5, -179.999));
}

TEST(MatchesTest, AsksAboutThePointAreToldAndAnswered) {
  const std::vector<std::string_view> fields = {"title", "body"};
  const Filter ids{IdIn{{PointId(7), PointId(std::string("a"))}}};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto by_id, CompiledFilter::Make(ids, fields, "f"));
  EXPECT_TRUE(by_id.asks_id());
  EXPECT_EQ(by_id.asks_vectors(), 0U);
  std::string nothing;
  EncodeObject({}, nothing);
  const auto has_id = [&](const PointId& id) {
    const std::string encoded = id.Encode();
    return by_id.Matches({.payload = nothing, .encoded_id = encoded});
  };
  EXPECT_TRUE(has_id(PointId(7)));
  EXPECT_TRUE(has_id(PointId(std::string("a"))));
  EXPECT_FALSE(has_id(PointId(std::string("7"))));
  EXPECT_FALSE(has_id(PointId(8)));

  const Filter body{NoneOf{{Filter{HasVector{"body"}}}}};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto without, CompiledFilter::Make(body, fields, "f"));
  EXPECT_FALSE(without.asks_id());
  EXPECT_EQ(without.asks_vectors(), 2U);
  EXPECT_TRUE(without.Matches({.payload = nothing, .vectors = 1}));
  EXPECT_FALSE(without.Matches({.payload = nothing, .vectors = 2}));

  const Status unknown =
      CompiledFilter::Make(Filter{AnyOf{{Filter{}, Filter{HasVector{"image"}}}}}, fields, "f")
          .status();
  EXPECT_THAT(unknown, FieldErrorAt("f.any_of.filters[1].has_vector.field"));
}

// Bytes that no codec wrote must not crash; deep nesting must not exhaust the stack.
TEST(MatchesTest, SurvivesBytesThatAreNoPayload) {
  std::string bytes;
  EncodeObject({{"x", Value(List{Int(1), Value(List{Text("deep")})})}, {"y", Text("z")}}, bytes);
  const Filter filter{AnyOf{{Equals("x", Text("none")), Equals("y", Text("none"))}}};
  for (size_t length = 0; length <= bytes.size(); ++length) {
    EXPECT_FALSE(Matches(filter, std::string(bytes.data(), length)));
  }
  std::string nested;  // list in list in list, 100,000 deep
  for (int i = 0; i < 100'000; ++i) {
    std::string next(1, static_cast<char>(ValueTag::kList));
    const auto length = static_cast<uint32_t>(9 * (100'000 - i) - 5);
    next.append(reinterpret_cast<const char*>(&length), sizeof(length));
    next.append({1, 0, 0, 0});
    nested += next;
  }
  std::string payload({1, 0, 0, 0, 1, 0, 0, 0, 'x'});
  EXPECT_FALSE(Matches(Equals("x", Int(1)), payload + nested));
}

}  // namespace
}  // namespace alidade
