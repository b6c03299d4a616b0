// Scalars, the order of payloads, and what payload indexes tell of both.
#include "alidade/filter/scalar.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/bytes.h"
#include "alidade/filter/payload_index.h"
#include "alidade/filter/payload_order.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string Encoded(const Object& payload) {
  std::string bytes;
  EncodeObject(payload, bytes);
  return bytes;
}

// Rising in the order of facets.
std::vector<Value> RisingValues() {
  const double inf = std::numeric_limits<double>::infinity();
  return {Value(false),
          Value(true),
          Value(-inf),
          Value(-1e300),
          Value(std::numeric_limits<int64_t>::min()),
          Value(int64_t{-2}),
          Value(-1.5),
          Value(int64_t{-1}),
          Value(-1e-20),
          Value(int64_t{0}),
          Value(5e-324),
          Value(0.25),
          Value(int64_t{1}),
          Value(int64_t{9'007'199'254'740'992}),
          Value(int64_t{9'007'199'254'740'993}),
          Value(std::numeric_limits<int64_t>::max()),
          Value(9223372036854775808.0),
          Value(inf),
          Value(""),
          Value("A"),
          Value("a"),
          Value("aa"),
          Value("\xC3\xA9")};
}

Scalar OnlyScalar(const Object& payload, std::string& backing) {
  backing = Encoded(payload);
  ScalarReader reader("x");
  const auto scalars = reader.Of(backing);
  EXPECT_EQ(scalars.size(), 1U);
  return scalars.empty() ? Scalar(false) : scalars[0];
}

TEST(ScalarTest, SortKeysRiseWithTheValuesAndComeBack) {
  const std::vector<Value> rising = RisingValues();
  std::vector<std::string> keys;
  for (const Value& value : rising) {
    std::string backing;
    const Scalar scalar = OnlyScalar({{"x", value}}, backing);
    EXPECT_EQ(ValueOf(scalar), value);
    keys.push_back(SortKey(scalar));
  }
  for (size_t i = 1; i < keys.size(); ++i) {
    EXPECT_LT(keys[i - 1], keys[i]) << i;
  }
}

TEST(ScalarTest, AreTheValuesOfListsEachOnce) {
  ScalarReader reader("a.b");
  const std::string payload =
      Encoded({{"a",
                Value(Object{{"b",
                              Value(List{Value(int64_t{1}),
                                         Value(1.0),
                                         Value(),
                                         Value(List{Value("1"), Value(true), Value("1")}),
                                         Value(Object{{"b", Value("in an object")}}),
                                         Value(std::nan("")),
                                         Value(-0.0)})}})}});
  std::vector<Scalar> found(reader.Of(payload).begin(), reader.Of(payload).end());
  EXPECT_THAT(
      found,
      UnorderedElementsAre(
          Scalar(int64_t{1}), Scalar(std::string_view("1")), Scalar(true), Scalar(int64_t{0})));
  EXPECT_THAT(reader.Of(Encoded({{"b", Value("x")}})), IsEmpty());
  // Bytes that are no payload are read, never past their end.
  for (size_t cut = 0; cut < payload.size(); ++cut) {
    EXPECT_LE(reader.Of(std::string(payload, 0, cut)).size(), 4U);
  }
}

std::string BodyOver(PayloadIndexType type, const std::vector<Value>& values) {
  PayloadIndexBuilder builder({PayloadIndexId(1), "x", type}, static_cast<uint32_t>(values.size()));
  for (size_t row = 0; row < values.size(); ++row) {
    builder.Add(static_cast<RowId>(row), Encoded({{"x", values[row]}}));
  }
  return std::move(builder).Finish();
}

TEST(ScalarTest, AnIndexTellsItsValuesAndWhetherTheyAreAll) {
  struct Expected {
    PayloadIndexType type;
    size_t values;
    bool tells;
  };
  const std::vector<Value> mixed = RisingValues();
  for (const auto& [type, count, tells] : {Expected{PayloadIndexType::kBool, 2, true},
                                           Expected{PayloadIndexType::kInteger, 16, true},
                                           Expected{PayloadIndexType::kFloat, 16, true},
                                           Expected{PayloadIndexType::kKeyword, 5, true},
                                           Expected{PayloadIndexType::kUuid, 5, true},
                                           Expected{PayloadIndexType::kDatetime, 0, false}}) {
    SCOPED_TRACE(PayloadIndexTypeName(type));
    const std::string body = BodyOver(type, mixed);
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const PayloadIndex index,
        PayloadIndex::Open(type, body, static_cast<uint32_t>(mixed.size())));
    ASSERT_EQ(index.values(), count);
    EXPECT_FALSE(index.holds_all_scalars());
    std::vector<Value> own;
    for (uint64_t i = 0; i < index.values(); ++i) {
      ASSERT_TRUE(index.scalar(i).has_value()) << i;
      own.push_back(ValueOf(*index.scalar(i)));
      EXPECT_EQ(own.back(), mixed[index.RowsOf(i)[0]]);
    }
    // The same values alone, with some that are no scalars.
    own.insert(own.end(), {Value(), Value(Object{}), Value(List{}), Value(std::nan(""))});
    std::string alone = BodyOver(type, own);
    const auto rows = static_cast<uint32_t>(own.size());
    ALIDADE_ASSERT_OK_AND_ASSIGN(const PayloadIndex whole, PayloadIndex::Open(type, alone, rows));
    EXPECT_EQ(whole.holds_all_scalars(), tells);
    // Bodies of before did not say, and later ones may say more.
    constexpr size_t kAt = 12;
    alone[kAt] = 0;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const PayloadIndex old, PayloadIndex::Open(type, alone, rows));
    EXPECT_FALSE(old.holds_all_scalars());
    alone[kAt] = 3;
    EXPECT_THAT(PayloadIndex::Open(type, alone, rows), StatusIs(StatusCode::kDataLoss));
  }
}

TEST(PayloadOrderTest, IsThatOfTheIndex) {
  const std::vector<Value> mixed = RisingValues();
  for (const auto type :
       {PayloadIndexType::kBool, PayloadIndexType::kInteger, PayloadIndexType::kKeyword}) {
    const std::string body = BodyOver(type, mixed);
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const PayloadIndex index,
        PayloadIndex::Open(type, body, static_cast<uint32_t>(mixed.size())));
    const PayloadOrder rising({PayloadIndexId(1), "x", type}, /*descending=*/false);
    std::vector<std::string> places;
    for (const Value& value : mixed) {
      if (const auto place = rising.PlaceOf(Encoded({{"x", value}})); place.has_value()) {
        EXPECT_EQ(rising.PlaceOf(value), place);
        EXPECT_EQ(index.LowerBound(*place), places.size());
        EXPECT_EQ(index.UpperBound(*place), places.size() + 1);
        places.push_back(*place);
      }
    }
    ASSERT_EQ(places.size(), index.values());
    EXPECT_TRUE(std::ranges::is_sorted(places));
    EXPECT_TRUE(rising.Before(places[0], places[1]));
    EXPECT_FALSE(rising.Before(places[0], places[0]));
  }
}

TEST(PayloadOrderTest, OfAListTheFirstInTheOrderCounts) {
  const PayloadIndexSpec spec{PayloadIndexId(1), "x", PayloadIndexType::kInteger};
  const PayloadOrder rising(spec, /*descending=*/false);
  const PayloadOrder falling(spec, /*descending=*/true);
  const std::string payload = Encoded(
      {{"x", Value(List{Value(2.5), Value("0"), Value(List{Value(int64_t{-7})}), Value(true)})}});
  EXPECT_EQ(rising.PlaceOf(payload), rising.PlaceOf(Value(int64_t{-7})));
  EXPECT_EQ(falling.PlaceOf(payload), rising.PlaceOf(Value(2.5)));
  EXPECT_TRUE(falling.Before(*falling.PlaceOf(payload), *rising.PlaceOf(payload)));
  EXPECT_EQ(rising.PlaceOf(Encoded({{"x", Value(List{Value("0"), Value()})}})), std::nullopt);
  EXPECT_EQ(rising.PlaceOf(Value("0")), std::nullopt);
  EXPECT_FALSE(HasOrder(PayloadIndexType::kGeo));
  EXPECT_FALSE(HasOrder(PayloadIndexType::kText));
  EXPECT_TRUE(SameOrder(PayloadIndexType::kInteger, PayloadIndexType::kFloat));
  EXPECT_FALSE(SameOrder(PayloadIndexType::kKeyword, PayloadIndexType::kDatetime));
}

}  // namespace
}  // namespace alidade
