// BM25 against a plain loop over all documents: equal to the last bit.
#include "alidade/text/bm25.h"

#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "support/vector_set.h"
#include "unit/text/postings_case.h"

namespace alidade {

void PrintTo(const DocumentHit& hit, std::ostream* out) {
  *out << hit.part << "/" << hit.document << ": " << hit.score;
}

namespace {

std::vector<QueryTerm> RandomQuery(std::mt19937_64& random) {
  std::vector<std::string> tokens;
  for (uint64_t count = random() % 6 + 1; count > 0; --count) {
    const uint64_t range = uint64_t{1} << (random() % 9);
    tokens.push_back("w" + std::to_string(random() % range));
  }
  return CountTokens(tokens);
}

Collection RandomCollection(std::mt19937_64& random) {
  Collection collection;
  for (uint64_t parts = random() % 4 + 1; parts > 0; --parts) {
    const auto documents = static_cast<uint32_t>(random() % (random() % 2 == 0 ? 40 : 3'000));
    const bool grow = parts == 1 || random() % 4 == 0;
    const std::optional<double> share =
        random() % 2 == 0 ? std::nullopt : std::optional(random() % 3 == 0 ? 0.01 : 0.5);
    collection.AddPart(
        PostingsKind::kText, RandomTexts(random, documents, 200, 10), grow, random, share);
  }
  return collection;
}

TEST(Bm25Test, EqualsAPlainLoopOverAllDocuments) {
  const uint64_t seed = PrintedTestSeed();
  std::mt19937_64 random(seed);
  size_t hits = 0;
  PostingCounters counters;
  for (int round = 0; round < 30; ++round) {
    const Collection collection = RandomCollection(random);
    for (int query = 0; query < 40; ++query) {
      const std::vector<QueryTerm> terms = RandomQuery(random);
      Bm25Parameters parameters;
      if (random() % 4 == 0) {
        parameters = {.k1 = static_cast<double>(random() % 4),
                      .b = static_cast<double>(random() % 5) / 4};
      }
      const auto k = static_cast<uint32_t>(random() % 5 == 0 ? 1'000 : random() % 20 + 1);
      PostingSearch search{.parts = collection.parts, .k = k};
      const std::vector<DocumentHit> all = SearchPlainly(collection, terms, parameters, k, {});
      if (random() % 3 == 0 && !all.empty()) {
        search.score_min = all[random() % all.size()].score;
      }
      const auto expected = SearchPlainly(collection, terms, parameters, k, search.score_min);
      hits += expected.size();
      const auto found = SearchBm25(search, terms, parameters, &counters);
      ASSERT_THAT(found.status(), IsOk());
      ASSERT_EQ(*found, expected);
      search.exhaustive = true;
      const auto exhaustive = SearchBm25(search, terms, parameters, nullptr);
      ASSERT_THAT(exhaustive.status(), IsOk());
      ASSERT_EQ(*exhaustive, expected);
    }
  }
  EXPECT_GT(hits, 1'000U);
  EXPECT_GT(counters.blocks_skipped, 100U);
}

// A segment more or less changes nothing, so long as the rows are the same in the same order.
TEST(Bm25Test, SpreadOverPartsScoresTheSame) {
  std::mt19937_64 random(11);
  const PlainPart all = RandomTexts(random, 2'000, 100, 10);
  Collection one;
  one.AddPart(PostingsKind::kText, all, /*grow=*/false, random, {});
  Collection three;
  three.AddPart(PostingsKind::kText, {all.begin(), all.begin() + 700}, false, random, {});
  three.AddPart(PostingsKind::kText, {all.begin() + 700, all.begin() + 701}, false, random, {});
  three.AddPart(PostingsKind::kText, {all.begin() + 701, all.end()}, /*grow=*/true, random, {});
  const uint32_t starts[] = {0, 700, 701};
  for (int query = 0; query < 50; ++query) {
    const std::vector<QueryTerm> terms = RandomQuery(random);
    const auto expected = SearchBm25({.parts = one.parts, .k = 10}, terms, {}, nullptr);
    auto found = SearchBm25({.parts = three.parts, .k = 10}, terms, {}, nullptr);
    ASSERT_THAT(found.status(), IsOk());
    for (DocumentHit& hit : *found) {
      hit.document += starts[hit.part];
      hit.part = 0;
    }
    EXPECT_EQ(*found, *expected);
  }
}

TEST(Bm25Test, ScoresByTheFormula) {
  Collection collection;
  std::mt19937_64 random(0);
  collection.AddPart(PostingsKind::kText,
                     {{.length = 4, .terms = {{"a", 3}, {"b", 1}}},
                      {.length = 2, .terms = {{"b", 2}}},
                      {},  // without text: counts nowhere
                      {.length = 3, .terms = {{"c", 3}}}},
                     /*grow=*/false,
                     random,
                     {});
  const auto hits =
      SearchBm25({.parts = collection.parts, .k = 10}, CountTokens({"a", "b", "a"}), {}, nullptr);
  ASSERT_THAT(hits.status(), IsOk());
  ASSERT_EQ(hits->size(), 2U);
  const auto share = [](double n, double f, double length) {
    return std::log(1 + (3 - n + 0.5) / (n + 0.5)) * f / (f + 1.2 * (0.25 + 0.75 * length / 3));
  };
  EXPECT_EQ((*hits)[0].document, 0U);
  EXPECT_NEAR((*hits)[0].score, 2 * share(1, 3, 4) + share(2, 1, 4), 1e-12);
  EXPECT_EQ((*hits)[1].document, 1U);
  EXPECT_NEAR((*hits)[1].score, share(2, 2, 2), 1e-12);
}

TEST(Bm25Test, EqualScoresComeInTheOrderOfRows) {
  Collection collection;
  std::mt19937_64 random(0);
  const PlainPart equal(300, {.length = 1, .terms = {{"a", 1}}});
  collection.AddPart(PostingsKind::kText, equal, /*grow=*/false, random, {});
  collection.AddPart(PostingsKind::kText, equal, /*grow=*/true, random, {});
  const auto hits =
      SearchBm25({.parts = collection.parts, .k = 400}, CountTokens({"a"}), {}, nullptr);
  ASSERT_THAT(hits.status(), IsOk());
  ASSERT_EQ(hits->size(), 400U);
  for (uint32_t i = 0; i < 400; ++i) {
    EXPECT_EQ((*hits)[i].part, i / 300);
    EXPECT_EQ((*hits)[i].document, i % 300);
  }
}

TEST(Bm25Test, PassesOverWhatCannotBeAHit) {
  std::mt19937_64 random(12);
  PlainPart part = RandomTexts(random, 20'000, 1'000, 20);
  // The best of all come early, so the rest is below the bar.
  for (uint32_t i = 0; i < 20; ++i) {
    part[i] = {.length = 2, .terms = {{"w0", 1}, {"w999", 1}}};
  }
  Collection collection;
  collection.AddPart(PostingsKind::kText, std::move(part), /*grow=*/false, random, {});
  PostingCounters counters;
  PostingSearch search{.parts = collection.parts, .k = 10};
  const std::vector<QueryTerm> terms = CountTokens({"w0", "w999"});
  ASSERT_THAT(SearchBm25(search, terms, {}, &counters).status(), IsOk());
  PostingCounters all;
  search.exhaustive = true;
  ASSERT_THAT(SearchBm25(search, terms, {}, &all).status(), IsOk());
  EXPECT_EQ(all.blocks_skipped, 0U);
  EXPECT_EQ(counters.blocks_read + counters.blocks_skipped, all.blocks_read);
  EXPECT_GT(counters.blocks_skipped, counters.blocks_read);
  EXPECT_LT(counters.postings_scored * 2, all.postings_scored);
}

// What is not allowed is not even read, where a whole block of it lies together.
TEST(Bm25Test, BlocksWithoutAnAllowedRowAreNotRead) {
  Collection collection;
  std::mt19937_64 random(0);
  collection.AddPart(PostingsKind::kText,
                     PlainPart(12'800, {.length = 1, .terms = {{"a", 1}}}),
                     /*grow=*/false,
                     random,
                     0.0);
  collection.allowed[0]->Set(6'000);
  PostingCounters counters;
  const auto hits =
      SearchBm25({.parts = collection.parts, .k = 10}, CountTokens({"a"}), {}, &counters);
  ASSERT_THAT(hits.status(), IsOk());
  ASSERT_EQ(hits->size(), 1U);
  EXPECT_EQ((*hits)[0].document, 6'000U);
  EXPECT_EQ(counters.blocks_read, 1U);
  EXPECT_EQ(counters.blocks_skipped, 99U);
}

TEST(Bm25Test, NothingToFindGivesNothing) {
  std::mt19937_64 random(1);
  Collection collection;
  EXPECT_TRUE(SearchBm25({.parts = {}, .k = 3}, CountTokens({"a"}), {}, nullptr)->empty());
  collection.AddPart(PostingsKind::kText, PlainPart(10), false, random, {});
  collection.AddPart(PostingsKind::kText, {}, false, random, {});
  const PostingSearch search{.parts = collection.parts, .k = 3};
  EXPECT_TRUE(SearchBm25(search, CountTokens({"a"}), {}, nullptr)->empty());
  EXPECT_TRUE(SearchBm25(search, {}, {}, nullptr)->empty());
}

TEST(Bm25Test, StopsWhenNobodyWaits) {
  std::mt19937_64 random(13);
  Collection collection;
  collection.AddPart(
      PostingsKind::kText, RandomTexts(random, 20'000, 10, 10), /*grow=*/false, random, {});
  const Deadline passed(Deadline::Clock::now() - std::chrono::seconds(1));
  PostingSearch search{.parts = collection.parts, .k = 10, .deadline = &passed, .exhaustive = true};
  EXPECT_THAT(SearchBm25(search, CountTokens({"w0"}), {}, nullptr).status(),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST(Bm25Test, RefusesWhatMakesNoSense) {
  EXPECT_EQ(FieldOf(ValidateBm25({.k1 = -1}, "x")), "x.k1");
  EXPECT_EQ(FieldOf(ValidateBm25({.k1 = INFINITY}, "x")), "x.k1");
  EXPECT_EQ(FieldOf(ValidateBm25({.k1 = NAN}, "x")), "x.k1");
  EXPECT_EQ(FieldOf(ValidateBm25({.b = 1.5}, "x")), "x.b");
  EXPECT_EQ(FieldOf(ValidateBm25({.b = NAN}, "x")), "x.b");
  EXPECT_THAT(ValidateBm25({.k1 = 0, .b = 1}, "x"), IsOk());
  std::vector<std::string> tokens;
  for (size_t i = 0; i <= kQueryTermsMax; ++i) {
    tokens.push_back(std::to_string(i));
  }
  EXPECT_THAT(SearchBm25({.parts = {}, .k = 3}, CountTokens(tokens), {}, nullptr).status(),
              StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace alidade
