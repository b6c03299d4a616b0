#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter.h"

#include "scalar_order.h"

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

TEST(MatchesTest, MissingKeyFailsAllButIsNullAndNoneOf) {
  const Object payload = {{"there", Value()}};
  EXPECT_FALSE(Holds(Equals("gone", Value()), payload));
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
