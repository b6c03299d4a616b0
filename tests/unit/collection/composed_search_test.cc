// Fusions, stages, groups, ranges and pages over a collection, against plain loops over the whole
// rankings of simple searches.
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/filter/filter_text.h"

#include "collection_testing.h"

namespace alidade {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::Not;
using ::testing::SizeIs;

constexpr uint64_t kPoints = 300;
constexpr double kSmall = 1e-9;

struct Scored {
  uint64_t id = 0;
  double score = 0;
};

class ComposedSearchTest : public CollectionTest {
 protected:
  ComposedSearchTest() {
    config_.fields[0].metric = Metric::kCosine;
    config_.sparse_fields.push_back({.id = FieldId(2), .name = "s"});
    config_.multi_vector_fields.push_back(
        {.id = FieldId(3), .name = "m", .dim = 2, .metric = Metric::kDot});
  }

  void SetUp() override {
    CollectionTest::SetUp();
    ASSERT_THAT(collection_->ChangePayloadIndex(
                    {.collection = "c", .key = "text", .type = PayloadIndexType::kText}),
                IsOk());
    for (uint64_t id = 1; id <= kPoints; ++id) {
      ASSERT_THAT(Put({Random(id)}), IsOk());
      if (id == kPoints * 2 / 3) {
        Settle();
      }
    }
    DeleteNumbered(20, 39);
  }

  OwnedPoint Random(uint64_t id) {
    std::normal_distribution<float> normal;
    std::vector<float> vector(kDim);
    for (float& x : vector) {
      x = normal(random_);
    }
    std::string text;
    for (uint64_t words = random_() % 6; words > 0; --words) {
      text += "word" + std::to_string(random_() % 8) + " ";
    }
    OwnedPoint point = MakePoint(Id(id),
                                 vector,
                                 {{"text", Value(text)},
                                  {"n", Value(static_cast<int64_t>(random_() % 10))},
                                  {"doc", Value("d" + std::to_string(random_() % 25))}});
    if (id % 2 == 1) {
      point.multi_vectors["m"] = RandomRows(1 + static_cast<uint32_t>(random_() % 4));
      point.sparse_vectors["s"] = {{static_cast<uint32_t>(id % 8), 100}, {1, normal(random_)}};
    }
    return point;
  }

  MultiVector RandomRows(uint32_t rows) {
    std::normal_distribution<float> normal;
    MultiVector out{rows, std::vector<float>(size_t{rows} * 2)};
    for (float& x : out.values) {
      x = normal(random_);
    }
    return out;
  }

  static std::shared_ptr<const Filter> Parsed(const std::string& text) {
    const auto filter = ParseFilterText(text);
    EXPECT_THAT(filter, IsOk());
    return std::make_shared<Filter>(*filter);
  }
  SearchQuery Near(uint32_t k = kPoints) {
    std::normal_distribution<float> normal;
    return QueryFor(
        std::vector<float>{normal(random_), normal(random_), normal(random_), normal(random_)}, k);
  }
  static SearchQuery Words(const std::string& words, uint32_t k = kPoints) {
    return QueryFor(WordsTarget{"text", words}, k);
  }
  static SearchQuery Fused(std::vector<FusionBranch> branches, FusionMethod method, uint32_t k) {
    FusionTarget target{std::move(branches), method};
    return QueryFor(std::make_shared<const FusionTarget>(std::move(target)), k);
  }
  static void Rerank(SearchQuery& query, std::vector<RerankStage> stages) {
    query.rerank = std::make_shared<const std::vector<RerankStage>>(std::move(stages));
  }

  SearchResult Found(const SearchQuery& query) const {
    auto result = SearchFor(query);
    EXPECT_THAT(result, IsOk());
    return result.ok() ? std::move(*result) : SearchResult{};
  }
  std::vector<Scored> Ranked(const SearchQuery& query) const { return ScoredOf(Found(query).hits); }
  static std::vector<Scored> ScoredOf(const std::vector<SearchHit>& hits) {
    std::vector<Scored> out;
    for (const SearchHit& hit : hits) {
      out.push_back({hit.point.id.number(), hit.score});
    }
    return out;
  }
  static void Sort(std::vector<Scored>& ranking) {
    std::ranges::sort(ranking, [](const Scored& a, const Scored& b) {
      return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
  }
  Value PayloadOf(uint64_t id, const std::string& key) const {
    const auto point = GetPoint(Id(id));
    EXPECT_TRUE(point.has_value());
    return point->payload.at(key);
  }

  // The fusion of two whole rankings, each cut to its limit first.
  static std::vector<Scored> PlainFusion(const std::vector<std::vector<Scored>>& rankings,
                                         const std::vector<size_t>& limits,
                                         const std::vector<double>& weights,
                                         bool by_rank) {
    std::map<uint64_t, double> sums;
    for (size_t branch = 0; branch < rankings.size(); ++branch) {
      std::vector<Scored> ranking = rankings[branch];
      ranking.resize(std::min(ranking.size(), limits[branch]));
      for (size_t i = 0; i < ranking.size(); ++i) {
        const double low = ranking.back().score;
        const double high = ranking.front().score;
        sums[ranking[i].id] +=
            weights[branch] * (by_rank       ? 1 / (60.0 + static_cast<double>(i) + 1)
                               : low == high ? 1
                                             : (ranking[i].score - low) / (high - low));
      }
    }
    std::vector<Scored> out;
    for (const auto& [id, score] : sums) {
      out.push_back({id, score});
    }
    Sort(out);
    return out;
  }

  std::map<std::string, MultiVector> MultiVectorsOf(uint64_t id) const {
    GetRequest request;
    request.ids = {Id(id)};
    request.vectors = {"m"};
    const auto response = collection_->Get(request);
    EXPECT_THAT(response, IsOk());
    return response->points.at(0)->multi_vectors;
  }

  // Without its threshold.
  uint64_t RankOfId(SearchQuery query, uint64_t id) const {
    query.score_threshold.reset();
    query.k = kPoints;
    const std::vector<Scored> ranking = Ranked(query);
    return static_cast<uint64_t>(std::ranges::find(ranking, id, &Scored::id) - ranking.begin()) + 1;
  }

  static void ExpectSame(const std::vector<Scored>& found, const std::vector<Scored>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].id, expected[i].id) << "hit " << i;
      ASSERT_NEAR(found[i].score, expected[i].score, kSmall) << "hit " << i;
    }
  }

  std::mt19937_64 random_{11};
};

TEST_F(ComposedSearchTest, FusionsAreWhatAPlainLoopMakesOfTheirBranches) {
  for (int round = 0; round < 40; ++round) {
    SearchQuery near = Near();
    SearchQuery words = Words("word1 word2 word" + std::to_string(random_() % 8));
    if (round % 3 == 0) {
      near.filter = Parsed("n < 5");
      words.filter = Parsed("n > 2");
    }
    const std::vector<size_t> limits = {1 + random_() % 80, 1 + random_() % 80};
    const std::vector<double> weights = {static_cast<double>(random_() % 4),
                                         0.5 + static_cast<double>(random_() % 3)};
    const bool by_rank = round % 2 == 0;
    const std::vector<Scored> expected =
        PlainFusion({Ranked(near), Ranked(words)}, limits, weights, by_rank);
    near.k = static_cast<uint32_t>(limits[0]);
    words.k = static_cast<uint32_t>(limits[1]);
    const FusionMethod method = by_rank ? FusionMethod(ReciprocalRank{}) : WeightedScores{};
    const auto k = static_cast<uint32_t>(1 + random_() % 100);
    std::vector<Scored> cut = expected;
    cut.resize(std::min<size_t>(cut.size(), k));
    ExpectSame(Ranked(Fused({{near, weights[0]}, {words, weights[1]}}, method, k)), cut);
  }
}

TEST_F(ComposedSearchTest, BranchesWithoutALimitGiveEnoughForK) {
  SearchQuery near = Near(0);
  EXPECT_THAT(Found(Fused({{near}}, ReciprocalRank{}, 250)).hits, SizeIs(250));
  EXPECT_THAT(Found(Fused({{near}}, ReciprocalRank{}, 1)).hits, SizeIs(1));
}

TEST_F(ComposedSearchTest, PartsSayWhatEachBranchAndStageSaid) {
  const SearchQuery near = Near(50);
  const SearchQuery inner = Fused({{near}}, ReciprocalRank{}, 50);
  SearchQuery query = Fused({{near}, {inner}}, ReciprocalRank{}, 3);
  query.score_parts = true;
  query.explain = true;
  Rerank(query, {{std::make_shared<const Expression>(Expression{NumberAt{.key = "n"}})}});
  const SearchResult result = Found(query);
  ASSERT_THAT(result.hits, SizeIs(3));
  std::map<uint64_t, std::pair<uint32_t, double>> places;
  for (const SearchHit& hit : Found(near).hits) {
    places.emplace(hit.point.id.number(),
                   std::pair(static_cast<uint32_t>(places.size() + 1), hit.score));
  }
  for (uint32_t i = 0; i < 3; ++i) {
    const SearchHit& hit = result.hits[i];
    const auto& [rank, score] = places.at(hit.point.id.number());
    EXPECT_THAT(hit.parts,
                ElementsAre(ScorePart{"fusion.branches[0]", rank, score},
                            ScorePart{"fusion.branches[1].query.fusion.branches[0]", rank, score},
                            ScorePart{"fusion.branches[1]", rank, 1.0 / (60 + rank)},
                            ScorePart{"rerank[0]", i + 1, hit.score}));
    EXPECT_EQ(hit.distance, -hit.score);
  }
  EXPECT_THAT(result.plan,
              AllOf(HasSubstr("branches[1]: 50 hits\n  branches[0]: 50 hits\n    no filter"),
                    HasSubstr("rerank[0]: formula, 50 candidates, 50 hits")));
  query.score_parts = false;
  EXPECT_THAT(Found(query).hits[0].parts, IsEmpty());
}

TEST_F(ComposedSearchTest, KGroupsComeBackWhateverFillsTheFront) {
  for (int round = 0; round < 20; ++round) {
    SearchQuery query = Near();
    query.filter = round % 2 == 0 ? nullptr : Parsed("n < 4");
    std::vector<std::string> names;
    std::map<std::string, std::vector<uint64_t>> members;
    for (const Scored& hit : Ranked(query)) {
      const std::string doc = *PayloadOf(hit.id, "doc").As<std::string>();
      if (members[doc].empty()) {
        names.push_back(doc);
      }
      members[doc].push_back(hit.id);
    }
    query.k = static_cast<uint32_t>(1 + random_() % 30);
    query.group_by = GroupBy{"doc", static_cast<uint32_t>(1 + random_() % 5)};
    const SearchResult result = Found(query);
    EXPECT_THAT(result.hits, IsEmpty());
    ASSERT_EQ(result.groups.size(), std::min<size_t>(query.k, names.size()));
    for (size_t i = 0; i < result.groups.size(); ++i) {
      EXPECT_EQ(result.groups[i].value, Value(names[i]));
      std::vector<uint64_t> expected = members[names[i]];
      expected.resize(std::min<size_t>(expected.size(), query.group_by->group_size));
      std::vector<uint64_t> ids;
      for (const Scored& hit : ScoredOf(result.groups[i].hits)) {
        ids.push_back(hit.id);
      }
      EXPECT_EQ(ids, expected) << "group " << i;
    }
  }
}

TEST_F(ComposedSearchTest, PagesAreThePartsOfOneLongAnswer) {
  const SearchQuery near = Near();
  SearchQuery approximate = near;
  approximate.exact = false;
  SearchQuery by_number = near;
  Rerank(by_number,
         {{std::make_shared<const Expression>(Expression{NumberAt{.key = "n"}}), kPoints}});
  SearchQuery ranged = near;
  ranged.score_threshold = -0.5;
  ranged.score_ceiling = 0.5;
  for (SearchQuery query : {near,
                            approximate,
                            Words("word1 word3"),
                            Fused({{near}, {Words("word2")}}, ReciprocalRank{}, kPoints),
                            by_number,
                            ranged}) {
    const std::vector<Scored> whole = Ranked(query);
    EXPECT_GT(whole.size(), 30U);
    query.k = 7;
    query.paged = true;
    std::vector<Scored> pages;
    while (true) {
      const SearchResult page = Found(query);
      const std::vector<Scored> hits = ScoredOf(page.hits);
      pages.insert(pages.end(), hits.begin(), hits.end());
      if (!page.next.has_value()) {
        break;
      }
      ASSERT_THAT(hits, SizeIs(7));
      ASSERT_LT(pages.size(), 2 * kPoints);
      query.after = page.next;
      if (pages.size() == 21) {
        Settle();  // where rows lie does not matter
      }
    }
    ExpectSame(pages, whole);
  }
}

TEST_F(ComposedSearchTest, ARangeHasAllOfItsHitsAndNoOthers) {
  SearchQuery query = Near();
  std::vector<Scored> expected;
  for (const Scored& hit : Ranked(query)) {
    if (hit.score >= 0.1 && hit.score < 0.3) {
      expected.push_back(hit);
    }
  }
  ASSERT_THAT(expected, Not(IsEmpty()));
  query.score_threshold = 0.1;
  query.score_ceiling = 0.3;
  ExpectSame(Ranked(query), expected);
  query.k = 2;  // of which the nearest ones are not in the range
  expected.resize(2);
  ExpectSame(Ranked(query), expected);
  query.score_ceiling = -2;
  EXPECT_THAT(Ranked(query), IsEmpty());
}

TEST_F(ComposedSearchTest, RecommendationsLookBetweenTheExamples) {
  const auto vector_of = [this](uint64_t id) {
    const auto point = GetPoint(Id(id));
    std::vector<float> vector = point->vectors.at("v");
    double norm = 0;
    for (const float x : vector) {
      norm += static_cast<double>(x) * static_cast<double>(x);
    }
    for (float& x : vector) {
      x /= static_cast<float>(std::sqrt(norm));
    }
    return vector;
  };
  const std::vector<float> a = vector_of(1);
  const std::vector<float> b = vector_of(2);
  const std::vector<float> c = vector_of(3);
  std::vector<float> target(kDim);
  for (size_t i = 0; i < kDim; ++i) {
    target[i] = a[i] + b[i] - c[i];
  }
  std::vector<Scored> expected;
  for (const Scored& hit : Ranked(QueryFor(target, kPoints))) {
    if (hit.id > 3) {
      expected.push_back(hit);
    }
  }
  const std::vector<Scored> found =
      Ranked(QueryFor(RecommendTarget{{Id(1), Id(2)}, {Id(3)}}, kPoints));
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i].score, expected[i].score, 1e-5) << i;
  }
  // An example by its vector may be a hit.
  EXPECT_NE(Ranked(QueryFor(RecommendTarget{{Id(1), vector_of(1)}, {}}, 1)).at(0).id, 1U);
  EXPECT_EQ(Ranked(QueryFor(RecommendTarget{{vector_of(2)}, {}}, 1)).at(0).id, 2U);
  const auto nowhere = SearchFor(QueryFor(
      RecommendTarget{{std::vector<float>{1, 0, 0, 0}, std::vector<float>{-1, 0, 0, 0}}, {}}, 1));
  EXPECT_EQ(nowhere.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(nowhere.status()), HasSubstr("queries[0].recommend"));
  const auto missing = SearchFor(QueryFor(RecommendTarget{{Id(1)}, {Id(9'999)}}, 1));
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(missing.status()), HasSubstr("queries[0].recommend.negative[0]"));
}

TEST_F(ComposedSearchTest, StagesChooseAmongTheCandidates) {
  SearchQuery query = Near();
  const std::vector<Scored> whole = Ranked(query);
  query.k = 5;
  // By n, of the 40 nearest.
  std::vector<Scored> expected;
  for (size_t i = 0; i < 40; ++i) {
    expected.push_back(
        {whole[i].id, static_cast<double>(*PayloadOf(whole[i].id, "n").As<int64_t>())});
  }
  Sort(expected);
  expected.resize(5);
  const RerankStage by_number{std::make_shared<const Expression>(Expression{NumberAt{.key = "n"}}),
                              40};
  Rerank(query, {by_number});
  ExpectSame(Ranked(query), expected);
  query.score_threshold = 100;  // is for the last score
  EXPECT_THAT(Ranked(query), IsEmpty());
  query.score_threshold.reset();

  // And again by another vector: the scores of a search with it, the order too.
  const SearchQuery other = Near();
  std::map<uint64_t, double> scores;
  for (const Scored& hit : Ranked(other)) {
    scores[hit.id] = hit.score;
  }
  expected.clear();
  for (size_t i = 0; i < 40; ++i) {
    expected.push_back({whole[i].id, scores.at(whole[i].id)});
  }
  Sort(expected);
  expected.resize(5);
  Rerank(query, {by_number, {VectorRescore{std::get<std::vector<float>>(other.target), "v"}}});
  ExpectSame(Ranked(query), expected);

  Rerank(query, {{DiversityStage{1, "v"}, 40}});
  const std::vector<Scored> relevant = Ranked(query);
  ASSERT_THAT(relevant, SizeIs(5));
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(relevant[i].id, whole[i].id);
  }
  query.k = 40'000;  // times the points: too many pairs
  Rerank(query, {{DiversityStage{1, "v"}}});
  EXPECT_THAT(MessageOf(SearchFor(query).status()),
              HasSubstr("rerank[0].candidates: 280 candidates times 40000 hits"));
  query.k = 5;
  Rerank(query, {{DiversityStage{0.3, ""}, 40}});
  const std::vector<Scored> diverse = Ranked(query);
  ASSERT_THAT(diverse, SizeIs(5));
  EXPECT_EQ(diverse[0].id, whole[0].id);
  EXPECT_THAT(diverse[1].score, AllOf(Ge(-0.7), Lt(0.3)));
}

TEST_F(ComposedSearchTest, LateInteractionRanksWhatWasFound) {
  SearchQuery query = Near();
  const std::vector<Scored> whole = Ranked(query);
  const MultiVector tokens = RandomRows(3);
  std::vector<Scored> expected;
  for (size_t i = 0; i < 60; ++i) {
    const auto vectors = MultiVectorsOf(whole[i].id);
    ASSERT_EQ(vectors.size(), whole[i].id % 2);
    if (vectors.empty()) {
      continue;
    }
    const MultiVector& document = vectors.at("m");
    double sum = 0;
    for (size_t token = 0; token < 3; ++token) {
      double best = -1e9;
      for (size_t row = 0; row < document.rows; ++row) {
        double dot = 0;
        for (size_t x = 0; x < 2; ++x) {
          dot += static_cast<double>(tokens.values[token * 2 + x]) *
                 static_cast<double>(document.values[row * 2 + x]);
        }
        best = std::max(best, dot);
      }
      sum += best;
    }
    expected.push_back({whole[i].id, sum});
  }
  Sort(expected);
  expected.resize(5);
  query.k = 5;
  // As the wire packs them: not counted yet.
  Rerank(query, {{MaxSimStage{{0, tokens.values}, "m"}, 60}});
  const std::vector<Scored> found = Ranked(query);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].id, expected[i].id);
    EXPECT_NEAR(found[i].score, expected[i].score, 1e-5);
  }
  query.vectors = {"m", "s"};
  EXPECT_EQ(Found(query).hits[0].point.multi_vectors, MultiVectorsOf(found[0].id));
  EXPECT_THAT(Found(query).hits[0].point.sparse_vectors, SizeIs(1));
  Rerank(query, {{MaxSimStage{{0, {1, 2, 3}}, "m"}}});
  EXPECT_THAT(MessageOf(SearchFor(query).status()), HasSubstr("rerank[0].max_sim.vectors"));
  Rerank(query, {{MaxSimStage{{1, {1, 2}}, "v"}}});
  EXPECT_THAT(MessageOf(SearchFor(query).status()),
              HasSubstr("rerank[0].max_sim.multi_vector_field"));
}

TEST_F(ComposedSearchTest, SparseVectorsAreBranchesLikeOthers) {
  SearchQuery sparse = QueryFor(SparseVector{{1, 3, 100}, {0.5, 2, 1}}, kPoints);
  const std::vector<Scored> ranked = Ranked(sparse);
  EXPECT_THAT(ranked, SizeIs(Ge(100U)));
  const SearchQuery near = Near();
  const std::vector<Scored> expected =
      PlainFusion({Ranked(near), ranked}, {kPoints, kPoints}, {1, 2}, true);
  ExpectSame(Ranked(Fused({{near}, {sparse, 2}}, ReciprocalRank{}, kPoints)), expected);
  SearchQuery stored = QueryFor(Id(7), 3);
  stored.field = "s";
  stored.why_not = {Id(7), Id(8)};
  const SearchResult result = Found(stored);
  ASSERT_THAT(result.why_not, SizeIs(2));
  EXPECT_EQ(result.why_not[0].stage, LossStage::kExcluded);
  EXPECT_EQ(result.why_not[1].stage, LossStage::kNoMatch);
  EXPECT_THAT(result.why_not[1].detail, HasSubstr("shares no index"));
}

TEST_F(ComposedSearchTest, EveryLossIsExplained) {
  const SearchQuery near = Near(10);
  SearchQuery all = near;
  all.k = kPoints;
  const std::vector<Scored> whole = Ranked(all);
  const auto why = [this](SearchQuery query, uint64_t id) {
    query.why_not = {Id(id)};
    const SearchResult result = Found(query);
    EXPECT_THAT(result.why_not, SizeIs(1));
    return result.why_not.empty() ? WhyNot{Id(0), LossStage::kFound, "", 0} : result.why_not[0];
  };
  const auto expect = [](const WhyNot& loss, LossStage stage, uint64_t rank, const char* detail) {
    EXPECT_EQ(loss.stage, stage) << loss.detail;
    EXPECT_EQ(loss.rank, rank) << loss.detail;
    EXPECT_THAT(loss.detail, HasSubstr(detail));
  };
  expect(why(near, whole[3].id), LossStage::kFound, 4, "place 4");
  expect(why(near, whole[42].id), LossStage::kRank, 43, "place 43 by exact scores, 10 were");
  expect(why(near, 20), LossStage::kNotVisible, 0, "no such point");
  expect(why(near, 9'999), LossStage::kNotVisible, 0, "no such point");
  expect(why(QueryFor(Id(5), 3), 5), LossStage::kExcluded, 0, "is the target");

  SearchQuery filtered = near;
  filtered.filter = Parsed("exists(text) AND NOT (n >= 0 AND exists(nope)) AND NOT exists(n)");
  expect(why(filtered, whole[0].id), LossStage::kFiltered, 0, "does not hold: NOT exists(n)");
  filtered.filter = Parsed("n < 0 OR n > 100");
  expect(why(filtered, whole[0].id), LossStage::kFiltered, 0, "does not hold: n < 0 OR n > 100");

  SearchQuery ranged = near;
  ranged.score_threshold = whole[4].score;
  expect(why(ranged, whole[5].id), LossStage::kScore, 6, "the threshold");
  ranged.score_threshold.reset();
  ranged.score_ceiling = whole[4].score;
  expect(why(ranged, whole[4].id), LossStage::kScore, 5, "its score is");

  SearchQuery paged = near;
  paged.paged = true;
  paged.after = Found(paged).next;
  ASSERT_TRUE(paged.after.has_value());
  expect(why(paged, whole[0].id), LossStage::kCursor, 1, "an earlier page");
  expect(why(paged, whole[10].id), LossStage::kFound, 1, "place 1");

  SearchQuery grouped = near;
  grouped.k = 2;
  grouped.group_by = GroupBy{"doc", 1};
  SearchQuery front = near;
  front.k = 100;
  front.group_by = GroupBy{"doc", 100};
  const SearchResult groups = Found(front);
  expect(why(grouped, groups.groups[0].hits[0].point.id.number()),
         LossStage::kFound,
         1,
         "place 1 in its group");
  front.group_by = GroupBy{"doc", 1};
  ASSERT_THAT(groups.groups[0].hits, SizeIs(Ge(2U)));
  // All groups are asked for, one of them is full.
  EXPECT_EQ(why(front, groups.groups[0].hits[1].point.id.number()).stage, LossStage::kGroups);
  EXPECT_THAT(why(front, groups.groups[0].hits[1].point.id.number()).detail,
              HasSubstr("its group is full"));
  grouped.group_by = GroupBy{"nope", 1};
  expect(why(grouped, whole[0].id), LossStage::kGroups, 1, "no value to group by at \"nope\"");

  SearchQuery staged = near;
  Rerank(staged, {{std::make_shared<const Expression>(Expression{NumberAt{.key = "n"}}), 20}});
  expect(why(staged, whole[30].id), LossStage::kRank, 31, "place 31 by exact scores, 20 were");
  SearchQuery longer = staged;
  longer.k = 20;
  expect(why(staged, Ranked(longer)[15].id), LossStage::kRerank, 16, "place 16, 10 were asked for");
  Rerank(staged,
         {{std::make_shared<const Expression>(Expression{NumberAt{.key = "n"}}), 20},
          {DiversityStage{1, ""}, 10}});
  EXPECT_EQ(why(staged, Ranked(longer)[15].id).stage, LossStage::kRerank);
  EXPECT_THAT(why(staged, Ranked(longer)[15].id).detail,
              HasSubstr("rerank[1] dropped it, it had place 16 of 20"));

  uint64_t wordless = 0;
  for (const Scored& hit : whole) {
    if (PayloadOf(hit.id, "text") == Value("")) {
      wordless = hit.id;
    }
  }
  const SearchQuery words = Words("word1 word2", 5);
  expect(why(words, wordless), LossStage::kNoMatch, 0, "none of the words");
  SearchQuery fused = Fused({{near}, {words}}, ReciprocalRank{}, 10);
  longer = words;
  longer.k = kPoints;
  uint64_t lost = 0;  // far by the vector, by the words too
  const double last = Ranked(words).back().score;
  for (const Scored& hit : Ranked(longer)) {
    const auto at = std::ranges::find(whole, hit.id, &Scored::id);
    if (at - whole.begin() >= 10 && hit.score < last) {
      lost = hit.id;
    }
  }
  const WhyNot loss = why(fused, lost);
  EXPECT_EQ(loss.stage, LossStage::kRank) << loss.detail;
  EXPECT_THAT(loss.detail, HasSubstr("branches[0]: place"));
  EXPECT_THAT(loss.detail, HasSubstr("; branches[1]: place"));
  fused.score_threshold = 1;
  expect(
      why(fused, whole[0].id), LossStage::kScore, RankOfId(fused, whole[0].id), "the threshold 1");
}

TEST_F(ComposedSearchTest, WhatIsWrongIsNamedByItsPlace) {
  const auto refusal = [this](const SearchQuery& query) {
    const auto result = SearchFor(query);
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument) << result.status();
    return MessageOf(result.status());
  };
  SearchQuery short_vector = QueryFor(std::vector<float>{1, 2}, 3);
  EXPECT_THAT(refusal(Fused({{Near()}, {short_vector}}, ReciprocalRank{}, 3)),
              HasSubstr("queries[0].fusion.branches[1].query.vector: has 2 dimensions"));
  EXPECT_THAT(refusal(QueryFor(WordsTarget{"doc", "x"}, 3)),
              HasSubstr("queries[0].words.key: there is no text index on \"doc\""));
  SearchQuery query = Near(3);
  Rerank(query, {{DiversityStage{0.5, "w"}}});
  EXPECT_THAT(refusal(query), HasSubstr("rerank[0].diversity.vector_field"));
  Rerank(query, {{VectorRescore{{1, 2}, ""}}});
  EXPECT_THAT(refusal(query), HasSubstr("rerank[0].vector.vector: has 2 dimensions"));
  const auto holds = std::make_shared<const Filter>(Filter{HasVector{"w"}});
  Rerank(query, {{std::make_shared<const Expression>(Expression{Holds{holds}})}});
  EXPECT_THAT(refusal(query), HasSubstr("rerank[0].formula.condition.has_vector"));
  // The only text index need not be named, one of two has to be.
  EXPECT_THAT(Found(QueryFor(WordsTarget{"", "word1"}, 3)).hits, SizeIs(3));
  ASSERT_THAT(collection_->ChangePayloadIndex(
                  {.collection = "c", .key = "doc", .type = PayloadIndexType::kText}),
              IsOk());
  EXPECT_THAT(refusal(QueryFor(WordsTarget{"", "word1"}, 3)),
              HasSubstr("queries[0].words.key: must name one of the text indexes"));
}

}  // namespace
}  // namespace alidade
