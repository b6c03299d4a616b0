// Payload indexes against an evaluator that shares no code with the module: what they say of a row
// is so, whatever they leave open. ALIDADE_TEST_SEED replays.
#include "alidade/filter/payload_index.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter_text.h"
#include "alidade/filter/indexed_selection.h"

#include "filter_case.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr PayloadIndexType kTypes[] = {PayloadIndexType::kKeyword,
                                       PayloadIndexType::kInteger,
                                       PayloadIndexType::kFloat,
                                       PayloadIndexType::kBool,
                                       PayloadIndexType::kDatetime,
                                       PayloadIndexType::kUuid,
                                       PayloadIndexType::kGeo};

// The body of an index over one payload a row.
std::string BodyOver(const PayloadIndexSpec& spec, const std::vector<Object>& payloads) {
  PayloadIndexBuilder builder(spec, static_cast<uint32_t>(payloads.size()));
  for (size_t row = 0; row < payloads.size(); ++row) {
    std::string payload;
    EncodeObject(payloads[row], payload);
    builder.Add(static_cast<RowId>(row), payload);
  }
  return std::move(builder).Finish();
}

KeyedPayloadIndex IndexOver(const std::string& key,
                            PayloadIndexType type,
                            const std::vector<Object>& payloads) {
  const PayloadIndexSpec spec{PayloadIndexId(1), key, type};
  const auto body = std::make_shared<const std::string>(BodyOver(spec, payloads));
  auto opened = PayloadIndex::Open(type, *body, static_cast<uint32_t>(payloads.size()));
  EXPECT_THAT(opened, IsOk());
  return {spec, *opened, body};
}

std::vector<RowId> RowsOf(const std::optional<RowBitmap>& rows) {
  std::vector<RowId> found;
  if (rows.has_value()) {
    rows->ForEach([&](RowId row) { found.push_back(row); });
  }
  return found;
}

Filter Parsed(const std::string& text) {
  const auto filter = ParseFilterText(text);
  EXPECT_THAT(filter, IsOk());
  return filter.value_or(Filter{});
}

TEST(PayloadIndexTest, WhatItSaysOfRowsIsSo) {
  const uint64_t seed = TestSeed();
  FilterGenerator generator(seed, /*any_double=*/true);
  for (const size_t rows : {size_t{1}, size_t{63}, size_t{4'500}}) {
    std::vector<FilterPoint> points;
    std::vector<Object> payloads;
    for (size_t i = 0; i < rows; ++i) {
      points.push_back(generator.Point());
      payloads.push_back(points.back().payload);
    }
    PayloadIndexes indexes;
    for (const char* key : {"a", "b", "c", "a.b", "p", "zz"}) {
      for (const PayloadIndexType type : kTypes) {
        indexes.push_back(IndexOver(key, type, payloads));
      }
    }
    uint64_t decided = 0;
    uint64_t open = 0;
    for (int i = 0; i < 150; ++i) {
      const Filter filter = generator.Tree();
      const auto selection = SelectByIndexes(filter, indexes, static_cast<uint32_t>(rows));
      if (!selection.has_value()) {
        open += rows;
        continue;
      }
      for (RowId row = 0; row < rows; ++row) {
        if (selection->unknown.has_value() && selection->unknown->Test(row)) {
          ASSERT_FALSE(selection->passing.Test(row)) << "both known and unknown";
          ++open;
          continue;
        }
        ++decided;
        ASSERT_EQ(selection->passing.Test(row), MatchesNaively(filter, points[row]))
            << Describe({filter, points[row]}) << "\nALIDADE_TEST_SEED=" << seed;
      }
    }
    if (rows > 1'000) {  // neither side is empty
      EXPECT_GT(decided, 150 * rows / 20) << "ALIDADE_TEST_SEED=" << seed;
      EXPECT_GT(open, 150 * rows / 20) << "ALIDADE_TEST_SEED=" << seed;
    }
  }
}

TEST(PayloadIndexTest, OrdersNumbersByValueWhateverTheirKind) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<Value> rising = {Value(-inf),
                                     Value(-1e300),
                                     Value(std::numeric_limits<int64_t>::min()),
                                     Value(int64_t{-2}),
                                     Value(-1.5),
                                     Value(int64_t{-1}),
                                     Value(-2e-20),
                                     Value(-1e-20),
                                     Value(int64_t{0}),
                                     Value(5e-324),
                                     Value(0.25),
                                     Value(int64_t{1}),
                                     Value(int64_t{9'007'199'254'740'992}),
                                     Value(int64_t{9'007'199'254'740'993}),
                                     Value(std::numeric_limits<int64_t>::max()),
                                     Value(9223372036854775808.0),
                                     Value(inf)};
  std::vector<Object> payloads;
  for (const Value& value : rising) {
    payloads.push_back({{"x", value}});
  }
  payloads.push_back({{"x", Value(std::nan(""))}});
  const auto index = IndexOver("x", PayloadIndexType::kFloat, payloads);
  ASSERT_EQ(index.values(), rising.size());
  for (uint64_t i = 0; i < rising.size(); ++i) {
    EXPECT_THAT(std::get<PayloadIndex>(index.index).RowsOf(i),
                ElementsAre(static_cast<uint32_t>(i)));
    const auto less = index.Select(Filter{Range{.key = "x", .lt = rising[i]}});
    EXPECT_EQ(RowsOf(less).size(), i);
    const auto same = index.Select(Filter{In{"x", {rising[i]}}});
    EXPECT_THAT(RowsOf(same), ElementsAre(static_cast<RowId>(i)));
  }
  EXPECT_THAT(RowsOf(index.Select(Parsed("x = 1.0"))), ElementsAre(11));
  EXPECT_THAT(RowsOf(index.Select(Parsed("x = -0.0"))), ElementsAre(8));
}

TEST(PayloadIndexTest, LeavesOpenWhatItsTypeDoesNotTell) {
  const auto keyword =
      IndexOver("x", PayloadIndexType::kKeyword, {{{"x", Value("a")}}, {{"x", Value(int64_t{1})}}});
  for (const char* open : {"x = 1",
                           "x IN [\"a\", 1]",
                           "x = null",
                           "x > 1",
                           "exists(x)",
                           "is_empty(x)",
                           "count(x) = 1",
                           "datetime(x) > \"2024-01-01\"",
                           "geo_radius(x, 0, 0, 1)"}) {
    EXPECT_FALSE(keyword.Select(Parsed(open)).has_value()) << open;
  }
  EXPECT_FALSE(keyword.Select(Filter{Range{.key = "x"}}).has_value());
  EXPECT_THAT(RowsOf(keyword.Select(Parsed("x = \"a\""))), ElementsAre(0));
  EXPECT_THAT(keyword.Select(Parsed("x = \"b\"")), Optional(RowBitmap(2)));
  const auto datetime =
      IndexOver("t", PayloadIndexType::kDatetime, {{{"t", Value("2024-01-01T00:00:00Z")}}});
  EXPECT_FALSE(datetime.Select(Parsed("t = \"2024-01-01T00:00:00Z\"")).has_value());
  EXPECT_THAT(RowsOf(datetime.Select(Parsed("datetime(t) >= \"2024-01-01\""))), ElementsAre(0));
}

TEST(PayloadIndexTest, CombinesWhatIsKnownWithWhatIsNot) {
  std::vector<Object> payloads;
  for (int64_t i = 0; i < 100; ++i) {
    payloads.push_back({{"x", Value(i)}, {"y", Value(i)}});
  }
  const PayloadIndexes indexes = {IndexOver("x", PayloadIndexType::kInteger, payloads)};
  const auto select = [&](const char* text) { return SelectByIndexes(Parsed(text), indexes, 100); };
  const auto both = select("x < 3 AND y < 2");
  ASSERT_TRUE(both.has_value());
  EXPECT_THAT(RowsOf(both->passing), IsEmpty());
  EXPECT_THAT(RowsOf(both->unknown), ElementsAre(0, 1, 2));
  const auto either = select("x < 97 OR y < 2");
  ASSERT_TRUE(either.has_value());
  EXPECT_EQ(either->passing.Count(), 97u);
  EXPECT_THAT(RowsOf(either->unknown), ElementsAre(97, 98, 99));
  const auto neither = select("NOT (x < 97 OR y < 2)");
  ASSERT_TRUE(neither.has_value());
  EXPECT_THAT(RowsOf(neither->passing), IsEmpty());
  EXPECT_THAT(RowsOf(neither->unknown), ElementsAre(97, 98, 99));
  EXPECT_FALSE(select("y < 2").has_value());
  const auto all = SelectByIndexes(Filter{AllOf{}}, {}, 70);
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->passing.Count(), 70u);
  EXPECT_FALSE(all->unknown.has_value());
}

TEST(PayloadIndexTest, RefusesBodiesThatDoNotFit) {
  const PayloadIndexSpec spec{PayloadIndexId(1), "x", PayloadIndexType::kKeyword};
  const std::string body =
      BodyOver(spec, {{{"x", Value("a")}}, {{"x", Value("b")}}, {{"x", Value("b")}}});
  EXPECT_THAT(PayloadIndex::Open(spec.type, body, 3), IsOk());
  EXPECT_THAT(PayloadIndex::Open(spec.type, body, 4),
              StatusIs(StatusCode::kDataLoss, HasSubstr("does not fit")));
  EXPECT_THAT(PayloadIndex::Open(PayloadIndexType::kUuid, body, 3),
              StatusIs(StatusCode::kDataLoss, HasSubstr("does not fit")));
  EXPECT_THAT(PayloadIndex::Open(spec.type, body + '\0', 3), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(PayloadIndex::Open(spec.type, body.substr(0, 50), 3),
              StatusIs(StatusCode::kDataLoss));
  std::string beyond = body;
  beyond[beyond.size() - 64] = '\7';  // the last section begins there: the first row
  EXPECT_THAT(PayloadIndex::Open(spec.type, beyond, 3),
              StatusIs(StatusCode::kDataLoss, HasSubstr("beyond")));
}

}  // namespace
}  // namespace alidade
