// Fields of narrow numbers: what is written is rounded, stored in half the bytes, and found by what
// it was rounded to, wherever rows lie.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/vec/element.h"

#include "collection_testing.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ElementTypeTest : public CollectionTest, public ::testing::WithParamInterface<ElementType> {
 protected:
  ElementTypeTest() {
    config_.fields[0].element = GetParam();
    config_.fields.push_back({.id = FieldId(2),
                              .name = "c",
                              .dim = 2,
                              .metric = Metric::kCosine,
                              .index = {},
                              .element = GetParam()});
  }
  static OwnedPoint WithVector(uint64_t number, std::vector<float> vector) {
    OwnedPoint point;
    point.id = Id(number);
    point.vectors["v"] = std::move(vector);
    return point;
  }
  static std::vector<float> Rounded(const std::vector<float>& values) {
    const std::string bytes = EncodeElements(values, GetParam());
    return VectorView{bytes.data(), static_cast<uint32_t>(values.size()), GetParam()}.Floats();
  }
};

INSTANTIATE_TEST_SUITE_P(Types,
                         ElementTypeTest,
                         ::testing::Values(ElementType::kFloat16, ElementType::kBfloat16),
                         [](const auto& type) { return std::string(ElementTypeName(type.param)); });

TEST_P(ElementTypeTest, VectorsAreRoundedAndFoundByThatWhereverRowsLie) {
  const std::vector<float> first = {0.1F, 1.0F / 3, -1e-3F, 1'234.567F};
  const std::vector<float> second = {0.2F, 0.3F, 5, 1'000.01F};
  ASSERT_NE(Rounded(first), first);
  ASSERT_THAT(Put({WithVector(1, first), WithVector(2, second)}), IsOk());
  const std::vector<float> query = {0, 0.7F, 0, 1'100.1F};  // not representable: not rounded
  const auto check = [&](const std::string& where) {
    SCOPED_TRACE(where);
    ListRequest list;
    list.page_size = 10;
    list.vectors = {"v", "c"};
    ALIDADE_ASSERT_OK_AND_ASSIGN(const ListResponse points, collection_->List(list));
    ASSERT_THAT(points.points, SizeIs(2));
    EXPECT_EQ(points.points[0].vectors.at("v"), Rounded(first));
    EXPECT_EQ(points.points[1].vectors.at("v"), Rounded(second));
    SearchQuery search = QueryFor(query, 2);
    search.field = "v";
    search.vectors = {"v"};
    ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found, SearchFor(search));
    ASSERT_THAT(found.hits, SizeIs(2));
    for (const SearchHit& hit : found.hits) {
      const std::vector<float> stored = Rounded(hit.point.id == Id(1) ? first : second);
      EXPECT_EQ(hit.point.vectors.at("v"), stored);
      double square = 0;
      for (size_t i = 0; i < stored.size(); ++i) {
        const double difference = double{stored[i]} - double{query[i]};
        square += difference * difference;
      }
      EXPECT_NEAR(hit.distance, std::sqrt(square), 1e-3);
    }
    // A stored vector as the target: the rounded one.
    search.target = Id(2);
    search.k = 1;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult near, SearchFor(search));
    ASSERT_THAT(near.hits, SizeIs(1));
    EXPECT_EQ(near.hits[0].point.id, Id(1));  // not itself
  };
  check("delta");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  check("replayed");
  Settle();
  check("sealed");
  ASSERT_NO_FATAL_FAILURE(Reopen());
  check("opened again");
}

TEST_P(ElementTypeTest, ASegmentTakesTwoBytesANumber) {
  std::vector<OwnedPoint> points;
  for (uint64_t number = 1; number <= 30; ++number) {
    points.push_back(WithVector(number, {static_cast<float>(number), 1, 2, 3}));
  }
  ASSERT_THAT(Put(points), IsOk());
  EXPECT_EQ(collection_->Stats().fields[0].delta_vectors.anonymous, 30U * (2 * kDim + 1));
  Settle();
  EXPECT_EQ(collection_->Stats().fields[0].sealed.vectors.mapped, 30U * 2 * kDim);
}

TEST_P(ElementTypeTest, WhatCannotBeRoundedIsRefused) {
  const auto refused = [&](OwnedPoint point) {
    const Status status = Put({Numbered(1), std::move(point)}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return MessageOf(status);
  };
  constexpr float kMax = std::numeric_limits<float>::max();
  if (GetParam() == ElementType::kFloat16) {
    EXPECT_THAT(refused(WithVector(2, {1, 65'520, 0, 0})),
                HasSubstr("points[1].vectors[\"v\"][1]: is 65520, too large for float16"));
    OwnedPoint tiny;
    tiny.id = Id(3);
    tiny.vectors["c"] = {1e-9F, 1e-9F};  // nothing is left of it, and zero has no cosine
    EXPECT_THAT(refused(tiny), HasSubstr("points[1].vectors[\"c\"]: its norm is zero"));
  } else {
    OwnedPoint large;
    large.id = Id(3);
    large.vectors["c"] = {kMax, 1};  // as a float its norm overflows already
    EXPECT_THAT(refused(large), HasSubstr("points[1].vectors[\"c\"]"));
  }
  EXPECT_EQ(Count(), 0U);
  EXPECT_THAT(Put({WithVector(2, {1, 65'504, 0, 0})}), IsOk());
}

TEST_P(ElementTypeTest, RescoresAndDiversifiesByTheRoundedVectors) {
  std::vector<OwnedPoint> points;
  for (uint64_t number = 1; number <= 8; ++number) {
    points.push_back(WithVector(number, {static_cast<float>(number) / 3, 1, 0.1F, 0}));
    points.back().vectors["c"] = {static_cast<float>(number), 0.3F};
  }
  ASSERT_THAT(Put(points), IsOk());
  for (const bool sealed : {false, true}) {
    SearchQuery search = QueryFor(std::vector<float>{1, 1, 1, 1}, 3);
    search.field = "v";
    RerankStage diversity;
    diversity.stage = DiversityStage{.lambda = 0.5, .field = "c"};
    RerankStage rescore;
    rescore.stage = VectorRescore{.vector = std::vector<float>{1, 1}, .field = "c"};
    search.rerank = std::make_shared<const std::vector<RerankStage>>(
        std::vector<RerankStage>{rescore, diversity});
    ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult found, SearchFor(search));
    EXPECT_THAT(found.hits, SizeIs(3));
    search.rerank = std::make_shared<const std::vector<RerankStage>>(1, rescore);
    ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchResult rescored, SearchFor(search));
    ASSERT_THAT(rescored.hits, SizeIs(3));
    for (const SearchHit& hit : rescored.hits) {
      const auto number = static_cast<float>(hit.point.id.number());
      const std::vector<float> stored = Rounded({number, 0.3F});
      const double norm = std::hypot(double{stored[0]}, double{stored[1]});
      EXPECT_NEAR(hit.score, (double{stored[0]} + double{stored[1]}) / norm / std::sqrt(2.0), 1e-6);
    }
    if (!sealed) {
      Settle();
    }
  }
}

}  // namespace
}  // namespace alidade
