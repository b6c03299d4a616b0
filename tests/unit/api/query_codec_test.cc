// Composed searches: what good requests become, and which field each bad one is refused for.
#include "query_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec_testing.h"
#include "search_codec.h"

namespace alidade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kHead[] = "collection: \"c\" k: 2 ";

TEST(QueryCodec, BranchesTakeOverWhatTheyDoNotSay) {
  const auto decoded = DecodeSearch(Parse<v1::SearchRequest>(R"(
      collection: "c" k: 5 vector_field: "v" params { ef: 50 }
      filter { exists { key: "a" } }
      queries { fusion { reciprocal_rank { k: 7 }
        branches { query { point_id { num: 3 } } }
        branches { vector_field: "w" limit: 9 params { exact: true } score_threshold: 0.5 weight: 2
          filter { exists { key: "b" } } query { words { text: "x" } } }
        branches { query { recommend { positive { point_id { num: 1 } } positive { vector { values {
          values: 1 } } } negative { point_id { str: "n" } } negative { sparse { indices: [ 9, 4 ]
          values: [ 1, -2 ] } } } } } } })"),
                                    Limits(),
                                    Deadline());
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  const auto& fusion = *std::get<std::shared_ptr<const FusionTarget>>(decoded->queries[0].target);
  EXPECT_EQ(std::get<ReciprocalRank>(fusion.method).k, 7U);
  ASSERT_THAT(fusion.branches, SizeIs(3));
  const SearchQuery& plain = fusion.branches[0].query;
  EXPECT_EQ(plain.k, 0U);
  EXPECT_EQ(plain.field, "v");
  EXPECT_EQ(plain.ef, 50U);
  EXPECT_EQ(plain.filter, decoded->queries[0].filter);
  EXPECT_EQ(fusion.branches[0].weight, 1);
  const SearchQuery& own = fusion.branches[1].query;
  EXPECT_EQ(own.k, 9U);
  EXPECT_EQ(own.field, "w");
  EXPECT_EQ(own.ef, 0U);
  EXPECT_TRUE(own.exact);
  EXPECT_EQ(own.score_threshold, 0.5);
  EXPECT_EQ(fusion.branches[1].weight, 2);
  EXPECT_EQ(*own.filter, (Filter{AllOf{{Filter{Exists{"a"}}, Filter{Exists{"b"}}}}}));
  const auto& recommend = std::get<RecommendTarget>(fusion.branches[2].query.target);
  EXPECT_THAT(recommend.positive, ElementsAre(PointId(1), std::vector<float>{1}));
  EXPECT_THAT(recommend.negative,
              ElementsAre(PointId(std::string("n")),
                          SparseVector{.dimensions = {4, 9}, .weights = {-2, 1}}));
}

TEST(QueryCodec, StagesGroupsAndDefaults) {
  const auto decoded = DecodeSearch(Parse<v1::SearchRequest>(R"(
      collection: "c" k: 5 queries { point_id { num: 3 } } score_ceiling: 4 with_score_parts: true
      group_by { key: "doc" }
      rerank { candidates: 20 formula { expression { decay { key: "t" datetime: "2024-01-01" scale: 60 } } } }
      rerank { diversity { } })"),
                                    Limits(),
                                    Deadline());
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  const SearchQuery& query = decoded->queries[0];
  EXPECT_EQ(query.score_ceiling, 4);
  EXPECT_TRUE(query.score_parts);
  EXPECT_FALSE(query.paged);
  EXPECT_EQ(query.group_by->key, "doc");
  EXPECT_EQ(query.group_by->group_size, 1U);
  ASSERT_THAT(*query.rerank, SizeIs(2));
  EXPECT_EQ((*query.rerank)[0].candidates, 20U);
  const auto& formula = *std::get<std::shared_ptr<const Expression>>((*query.rerank)[0].stage);
  const auto& decay = std::get<Decay>(formula.node);
  EXPECT_EQ(decay.kind, Decay::Kind::kExponential);
  EXPECT_EQ(std::get<Instant>(decay.target), *ParseInstant("2024-01-01T00:00:00Z"));
  EXPECT_EQ(decay.midpoint, 0.5);
  EXPECT_EQ((*query.rerank)[1].candidates, 0U);
  EXPECT_EQ(std::get<DiversityStage>((*query.rerank)[1].stage).lambda, 0.5);
}

TEST(QueryCodec, CursorsGoOnWhereTheyEndedAndOnlyThere) {
  auto request = Parse<v1::SearchRequest>(
      "collection: \"c\" k: 2 cursor: \"\" queries { point_id { num: 3 } }");
  auto decoded = DecodeSearch(request, Limits(), Deadline());
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  EXPECT_TRUE(decoded->queries[0].paged);
  EXPECT_FALSE(decoded->queries[0].after.has_value());
  SearchResponse response;
  response.results.emplace_back().next = RankPosition{-0.1, PointId(7).Encode(), 12};
  v1::SearchResponse out;
  EncodeSearch(request, response, out);
  request.set_cursor(out.results(0).next_cursor());
  request.set_explain(true);
  request.mutable_payload()->set_all(true);
  decoded = DecodeSearch(request, Limits(), Deadline());
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  EXPECT_EQ(decoded->queries[0].after->score, -0.1);
  EXPECT_EQ(decoded->queries[0].after->encoded_id, PointId(7).Encode());
  EXPECT_EQ(decoded->queries[0].after->searched, 12U);
  request.set_k(3);
  EXPECT_EQ(FieldOf(DecodeSearch(request, Limits(), Deadline()).status()), "cursor");
  request.set_k(2);
  std::string changed = request.cursor();
  changed.back() = changed.back() == '0' ? '1' : '0';
  request.set_cursor(changed);
  EXPECT_EQ(FieldOf(DecodeSearch(request, Limits(), Deadline()).status()), "cursor");
}

std::string Branches(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "branches { query { point_id { num: 1 } } } ";
  }
  return text;
}

std::string Fusion(const std::string& inside) {
  return std::string(kHead) + "queries { fusion { " + inside + " } }";
}

std::string Nested(int depth) {
  std::string text = Branches(1);
  for (int i = 1; i < depth; ++i) {
    text = "branches { query { fusion { " + text + " } } }";
  }
  return Fusion(text);
}

std::string Stage(const std::string& inside) {
  return std::string(kHead) + "queries { point_id { num: 1 } } rerank { " + inside + " }";
}

std::string Formula(const std::string& inside) {
  return Stage("formula { expression { " + inside + " } }");
}

TEST(QueryCodec, DecaysFromPlaces) {
  const auto decoded =
      DecodeSearch(Parse<v1::SearchRequest>(Formula("decay { key: \"at\" kind: DECAY_KIND_GAUSSIAN "
                                                    "place { lat: 52.5 lon: -180 } scale: 500 }")),
                   Limits(),
                   Deadline());
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  const auto& formula =
      *std::get<std::shared_ptr<const Expression>>((*decoded->queries[0].rerank)[0].stage);
  const auto& decay = std::get<Decay>(formula.node);
  EXPECT_EQ(std::get<GeoPoint>(decay.target), (GeoPoint{.lat = 52.5, .lon = -180}));
  EXPECT_EQ(decay.kind, Decay::Kind::kGaussian);
  EXPECT_EQ(decay.scale, 500);
}

TEST(QueryCodec, RefusesBadRequestsWithTheirField) {
  const std::string near = std::string(kHead) + "queries { point_id { num: 1 } } ";
  const std::string branch = "queries[0].fusion.branches[0]";
  const std::string expression = "rerank[0].formula.expression";
  std::string deep = "constant: 1";
  for (int i = 0; i < 16; ++i) {
    deep = "log1p { " + deep + " }";
  }
  std::string wide;
  for (int i = 0; i < 256; ++i) {
    wide += "expressions { constant: 1 } ";
  }
  const std::vector<Refusal> refusals = {
      {"no branches", Fusion(""), "queries[0].fusion.branches", "has 0 branches; 1..16"},
      {"17 branches", Fusion(Branches(17)), "queries[0].fusion.branches", "has 17 branches"},
      {"nothing in a branch", Fusion("branches { }"), branch + ".query", "has none of"},
      {"four deep",
       Nested(4),
       branch + ".query.fusion.branches[0].query.fusion.branches[0].query.fusion",
       "deeper than 3"},
      {"limit", Fusion("branches { limit: 11 }"), branch + ".limit", "the limit is 10"},
      {"weight", Fusion("branches { weight: -1 }"), branch + ".weight", "from 0"},
      {"nan weight", Fusion("branches { weight: nan }"), branch + ".weight", "from 0"},
      {"threshold", Fusion("branches { score_threshold: inf }"), branch + ".score_threshold", ""},
      {"field", Fusion("branches { vector_field: \"a b\" }"), branch + ".vector_field", ""},
      {"ef", Fusion("branches { params { ef: 101 } }"), branch + ".params.ef", "100"},
      {"recall",
       Fusion("branches { params { recall_target: 2 } }"),
       branch + ".params.recall_target",
       ""},
      {"filter", Fusion("branches { filter { } }"), branch + ".filter", ""},
      {"constant",
       Fusion("reciprocal_rank { k: 1000001 } " + Branches(1)),
       "queries[0].fusion.reciprocal_rank.k",
       ""},
      {"normalization",
       Fusion("weighted_scores { normalization: 9 } " + Branches(1)),
       "queries[0].fusion.weighted_scores.normalization",
       ""},
      {"no example",
       std::string(kHead) + "queries { recommend { negative { point_id { num: 1 } } } }",
       "queries[0].recommend.positive",
       "is empty"},
      {"an empty example",
       std::string(kHead) + "queries { recommend { positive { } } }",
       "queries[0].recommend.positive[0]",
       "none of"},
      {"a sparse example without indices",
       std::string(kHead) +
           "queries { recommend { positive { point_id { num: 1 } } negative { sparse { } } } }",
       "queries[0].recommend.negative[0].sparse.indices",
       "has 0 entries"},
      {"a sparse example that is not finite",
       std::string(kHead) +
           "queries { recommend { positive { sparse { indices: 1 values: inf } } } }",
       "queries[0].recommend.positive[0].sparse.values[0]",
       "not finite"},
      {"no stage", Stage(""), "rerank[0]", "has none of"},
      {"candidates", Stage("candidates: 11 diversity { }"), "rerank[0].candidates", "2 (the hits"},
      {"few candidates", Stage("candidates: 1 diversity { }"), "rerank[0].candidates", ""},
      {"lambda", Stage("diversity { lambda: 1.5 }"), "rerank[0].diversity.lambda", ""},
      {"stage's field",
       Stage("diversity { vector_field: \"a b\" }"),
       "rerank[0].diversity.vector_field",
       ""},
      {"no vector", Stage("vector { }"), "rerank[0].vector.vector", ""},
      {"no vectors", Stage("max_sim { }"), "rerank[0].max_sim.vectors", ""},
      {"a field of no name",
       Stage("max_sim { vectors { packed: \"abcd\" } multi_vector_field: \"a b\" }"),
       "rerank[0].max_sim.multi_vector_field",
       ""},
      {"no expression", Stage("formula { }"), expression, "is empty"},
      {"constant nan", Formula("constant: nan"), expression + ".constant", "finite"},
      {"no key", Formula("number { }"), expression + ".number.key", "0 bytes"},
      {"missing",
       Formula("number { key: \"a\" missing: inf }"),
       expression + ".number.missing",
       ""},
      {"no condition", Formula("condition { }"), expression + ".condition", ""},
      {"no argument", Formula("log1p { }"), expression + ".log1p", "is empty"},
      {"no target", Formula("decay { key: \"t\" scale: 1 }"), expression + ".decay", "none of"},
      {"no scale", Formula("decay { key: \"t\" number: 1 }"), expression + ".decay.scale", ""},
      {"midpoint",
       Formula("decay { key: \"t\" number: 1 scale: 1 midpoint: 1 }"),
       expression + ".decay.midpoint",
       ""},
      {"decay",
       Formula("decay { key: \"t\" number: 1 scale: 1 kind: 9 }"),
       expression + ".decay.kind",
       ""},
      {"datetime",
       Formula("decay { key: \"t\" datetime: \"soon\" scale: 1 }"),
       expression + ".decay.datetime",
       "\"soon\" is neither"},
      {"latitude",
       Formula("decay { key: \"t\" place { lat: 90.5 } scale: 1 }"),
       expression + ".decay.place.lat",
       "is 90.5"},
      {"longitude",
       Formula("decay { key: \"t\" place { lon: nan } scale: 1 }"),
       expression + ".decay.place.lon",
       "is nan"},
      {"no scale of a place",
       Formula("decay { key: \"t\" place { } scale: 0 }"),
       expression + ".decay.scale",
       "is 0"},
      {"wide",
       Formula("sum { " + wide + " }"),
       expression + ".sum.expressions[255]",
       "more than the 256"},
      {"no group key", near + "group_by { }", "group_by.key", "0 bytes"},
      {"group size", near + "group_by { key: \"a\" group_size: 6 }", "group_by.group_size", "is 6"},
      {"ceiling", near + "score_ceiling: nan", "score_ceiling", ""},
      {"a cursor of two",
       near + "queries { point_id { num: 1 } } cursor: \"\"",
       "cursor",
       "2 queries"},
      {"a cursor of groups", near + "cursor: \"\" group_by { key: \"a\" }", "cursor", "group_by"},
      {"a cursor of what differs",
       near + "cursor: \"\" rerank { diversity { } }",
       "cursor",
       "diversity"},
      {"no cursor", near + "cursor: \"zz\"", "cursor", "not a token"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused<v1::SearchRequest>(refusal, [](const v1::SearchRequest& request) {
      return DecodeSearch(request, SmallLimits(), Deadline()).status();
    });
  }
  const auto too_deep =
      DecodeSearch(Parse<v1::SearchRequest>(Formula(deep)), SmallLimits(), Deadline());
  EXPECT_THAT(MessageOf(too_deep.status()), HasSubstr("nested deeper than 16"));
  std::string stages = near;
  for (int i = 0; i < 9; ++i) {
    stages += "rerank { diversity { } } ";
  }
  EXPECT_EQ(FieldOf(DecodeSearch(Parse<v1::SearchRequest>(stages), Limits(), Deadline()).status()),
            "rerank");
  auto much = Parse<v1::SearchRequest>(near);
  for (int i = 0; i < 11; ++i) {
    much.add_why_not()->set_num(1);
  }
  EXPECT_EQ(FieldOf(DecodeSearch(much, Limits(), Deadline()).status()), "why_not");
  much.clear_why_not();
  v1::RecommendQuery& recommend = *much.mutable_queries(0)->mutable_recommend();
  for (int i = 0; i < 501; ++i) {
    recommend.add_positive()->mutable_point_id()->set_num(1);
    recommend.add_negative()->mutable_point_id()->set_num(2);
  }
  EXPECT_EQ(FieldOf(DecodeSearch(much, Limits(), Deadline()).status()), "queries[0].recommend");
  // Sixteen of sixteen are 272.
  std::string many;
  for (int i = 0; i < 16; ++i) {
    many += "branches { query { fusion { " + Branches(16) + " } } } ";
  }
  const auto too_many = DecodeSearch(Parse<v1::SearchRequest>(Fusion(many)), Limits(), Deadline());
  EXPECT_THAT(MessageOf(too_many.status()), HasSubstr("more than 64 branches"));
}

}  // namespace
}  // namespace alidade
