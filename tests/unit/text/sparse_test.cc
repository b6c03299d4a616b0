#include "alidade/text/sparse.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "support/vector_set.h"
#include "unit/text/postings_case.h"

namespace alidade {
namespace {

SparseVector RandomQuery(std::mt19937_64& random, bool negative) {
  std::normal_distribution<float> normal;
  std::map<uint32_t, float> values;
  for (uint64_t count = random() % 40 + 1; count > 0; --count) {
    const float weight = normal(random);
    values[static_cast<uint32_t>(random() % (1U << (random() % 8))) * 2'654'435'761U] =
        negative ? weight : std::abs(weight);
  }
  SparseVector query;
  for (const auto& [dimension, weight] : values) {
    query.dimensions.push_back(dimension);
    query.weights.push_back(weight);
  }
  return query;
}

TEST(SparseTest, EqualsAPlainLoopOverAllDocuments) {
  const uint64_t seed = PrintedTestSeed();
  std::mt19937_64 random(seed);
  size_t hits = 0;
  size_t below_zero = 0;
  PostingCounters counters;
  for (int round = 0; round < 20; ++round) {
    const bool negative = round % 2 == 0;
    Collection collection;
    for (uint64_t parts = random() % 3 + 1; parts > 0; --parts) {
      collection.AddPart(
          PostingsKind::kSparse,
          RandomSparse(random, static_cast<uint32_t>(random() % 2'500), 150, 20, negative),
          /*grow=*/parts == 1,
          random,
          random() % 2 == 0 ? std::nullopt : std::optional(0.2));
    }
    for (int i = 0; i < 30; ++i) {
      const SparseVector query = RandomQuery(random, negative);
      const bool idf = random() % 2 == 0;
      const auto k = static_cast<uint32_t>(random() % 4 == 0 ? 2'000 : random() % 20 + 1);
      PostingSearch search{.parts = collection.parts, .k = k};
      if (random() % 4 == 0) {
        search.score_min = 0.5;
      }
      const auto expected = SearchSparsePlainly(collection, query, idf, k, search.score_min);
      const auto found = SearchSparse(search, query, idf, &counters);
      ASSERT_THAT(found.status(), IsOk());
      ASSERT_EQ(*found, expected);
      hits += expected.size();
      below_zero += static_cast<size_t>(
          std::ranges::count_if(expected, [](const DocumentHit& hit) { return hit.score < 0; }));
    }
  }
  EXPECT_GT(hits, 1'000U);
  EXPECT_GT(below_zero, 100U);
  EXPECT_GT(counters.blocks_skipped, 10U);
}

TEST(SparseTest, WeightsOfAnySizeAreRankedExactly) {
  constexpr float kMost = std::numeric_limits<float>::max();
  Collection collection;
  std::mt19937_64 random(0);
  const auto document = [](float a, float b) {
    return PlainDocument{.terms = {{SparseTerm(1), std::bit_cast<uint32_t>(a)},
                                   {SparseTerm(2), std::bit_cast<uint32_t>(b)}}};
  };
  collection.AddPart(PostingsKind::kSparse,
                     {document(kMost, -kMost),
                      document(kMost, kMost),
                      document(1e-45F, 0),
                      document(-0.0F, 0),
                      document(-kMost, 1)},
                     /*grow=*/false,
                     random,
                     {});
  const SparseVector query{{1, 2}, {kMost, 1}};
  for (const uint32_t k : {1U, 2U, 5U}) {
    const auto found = SearchSparse({.parts = collection.parts, .k = k}, query, false, nullptr);
    ASSERT_THAT(found.status(), IsOk());
    EXPECT_EQ(*found, SearchSparsePlainly(collection, query, false, k, {}));
  }
}

TEST(SparseTest, VectorsAreSortedAndChecked) {
  const auto made = MakeSparseVector({7, 0, 4'294'967'295}, {1, -2, 3}, "x");
  ASSERT_THAT(made.status(), IsOk());
  EXPECT_EQ(*made, (SparseVector{{0, 7, 4'294'967'295}, {-2, 1, 3}}));
  const auto field = [](std::vector<uint32_t> dimensions, std::vector<float> weights) {
    return FieldOf(MakeSparseVector(std::move(dimensions), std::move(weights), "x").status())
        .value_or("");
  };
  EXPECT_EQ(field({}, {}), "x.indices");
  EXPECT_EQ(field({1, 2}, {1}), "x.values");
  EXPECT_EQ(field({1, 2, 1}, {1, 1, 1}), "x.indices");
  EXPECT_EQ(field({1, 2}, {1, NAN}), "x.values[1]");
  EXPECT_EQ(field({1, 2}, {INFINITY, 1}), "x.values[0]");
  EXPECT_EQ(field(std::vector<uint32_t>(kSparseValuesMax + 1, 1),
                  std::vector<float>(kSparseValuesMax + 1, 1)),
            "x.indices");
}

TEST(SparseTest, BytesComeBackOrAreRefused) {
  for (const SparseVector& vector :
       {SparseVector{{0}, {-0.0F}}, SparseVector{{1, 7, 4'294'967'295}, {1.5F, -2, 1e-38F}}}) {
    const auto back = DecodeSparseVector(EncodeSparseVector(vector));
    ASSERT_THAT(back.status(), IsOk());
    EXPECT_EQ(*back, vector);
  }
  const std::string bytes = EncodeSparseVector({{3, 5}, {1, 2}});
  const auto refused = [](std::string_view changed) {
    return DecodeSparseVector(changed).status().code() == StatusCode::kDataLoss;
  };
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_TRUE(refused(bytes.substr(0, length))) << length;
  }
  EXPECT_TRUE(refused(bytes + "x"));
  EXPECT_TRUE(refused("\2" + bytes.substr(1)));
  EXPECT_TRUE(refused(EncodeSparseVector({{5, 3}, {1, 2}})));
  EXPECT_TRUE(refused(EncodeSparseVector({{5, 5}, {1, 2}})));
  EXPECT_TRUE(refused(EncodeSparseVector({{5}, {INFINITY}})));
  EXPECT_TRUE(refused(EncodeSparseVector({})));
  // A count that would take gigabytes.
  std::string huge = bytes;
  huge.replace(1, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_TRUE(refused(huge));
}

TEST(SparseTest, TermsAreInTheOrderOfDimensions) {
  SparseTerms terms;
  const auto of = terms.Of({{1, 256, 70'000}, {1.5F, 0, -2}});
  ASSERT_EQ(of.size(), 3U);
  EXPECT_LT(of[0].term, of[1].term);
  EXPECT_LT(of[1].term, of[2].term);
  EXPECT_EQ(of[2].term, SparseTerm(70'000));
  EXPECT_EQ(std::bit_cast<float>(of[0].value), 1.5F);
}

}  // namespace
}  // namespace alidade
