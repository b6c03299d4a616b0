#include "alidade/query/score_formula.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "unit/query/delta_view.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

class ScoreFormulaTest : public ::testing::Test {
 protected:
  // Of a point with this payload and the score 0.5.
  static StatusOr<double> Score(Expression formula, Object payload) {
    const SegmentSet view = ViewOfRows({{.id = 7, .payload = std::move(payload)}});
    ALIDADE_ASSIGN_OR_RETURN(
        const CompiledFormula compiled,
        CompiledFormula::Make(
            std::make_shared<const Expression>(std::move(formula)), view.schema, "f"));
    return compiled.ScoreOf(view, HitAt(0, 0.5));
  }
  static double ScoreOf(Expression formula, Object payload) {
    const auto score = Score(std::move(formula), std::move(payload));
    EXPECT_THAT(score, IsOk());
    return score.ok() ? *score : std::nan("");
  }
};

Expression Number(const char* key, double missing = 0) {
  return {NumberAt{.key = key, .missing = missing}};
}

TEST_F(ScoreFormulaTest, SumsProductsAndConditions) {
  const auto noun = std::make_shared<const Filter>(Filter{In{"pos", {Value(std::string("noun"))}}});
  const Expression formula{Sum{{Expression{ScoreSoFar{}},
                                Expression{Product{{Expression{0.2}, Expression{Holds{noun}}}}},
                                Expression{Product{{Expression{2.0}, Number("views")}}}}}};
  EXPECT_DOUBLE_EQ(ScoreOf(formula, {{"pos", Value("noun")}, {"views", Value(int64_t{3})}}), 6.7);
  EXPECT_DOUBLE_EQ(ScoreOf(formula, {{"pos", Value("verb")}, {"views", Value(1.5)}}), 3.5);
  EXPECT_DOUBLE_EQ(ScoreOf(formula, {}), 0.5);
  EXPECT_DOUBLE_EQ(ScoreOf({Sum{}}, {}), 0);
  EXPECT_DOUBLE_EQ(ScoreOf({Product{}}, {}), 1);
}

TEST_F(ScoreFormulaTest, NumbersOfOtherKindsAreMissing) {
  EXPECT_DOUBLE_EQ(ScoreOf(Number("a.b", 9), {{"a", Value(Object{{"b", Value(2.0)}})}}), 2);
  EXPECT_DOUBLE_EQ(ScoreOf(Number("a", 9), {{"a", Value("3")}}), 9);
  EXPECT_DOUBLE_EQ(ScoreOf(Number("a", 9), {{"a", Value(true)}}), 9);
  EXPECT_DOUBLE_EQ(
      ScoreOf(Number("a", 9), {{"a", Value(List{Value("x"), Value(int64_t{4}), Value(5.0)})}}), 4);
  EXPECT_DOUBLE_EQ(ScoreOf(Number("a", 9), {{"a", Value(List{})}}), 9);
}

TEST_F(ScoreFormulaTest, DecaysFallAsTheySay) {
  Decay decay{.key = "n", .target = 10.0, .scale = 4, .midpoint = 0.5, .missing = -1};
  const auto at = [&decay](Decay::Kind kind, double value) {
    decay.kind = kind;
    return ScoreOf({decay}, {{"n", Value(value)}});
  };
  for (const auto kind :
       {Decay::Kind::kExponential, Decay::Kind::kGaussian, Decay::Kind::kLinear}) {
    EXPECT_DOUBLE_EQ(at(kind, 10), 1);
    EXPECT_DOUBLE_EQ(at(kind, 14), 0.5);
    EXPECT_DOUBLE_EQ(at(kind, 6), 0.5);
  }
  EXPECT_DOUBLE_EQ(at(Decay::Kind::kExponential, 18), 0.25);
  EXPECT_DOUBLE_EQ(at(Decay::Kind::kGaussian, 18), 0.0625);
  EXPECT_DOUBLE_EQ(at(Decay::Kind::kLinear, 18), 0);
  EXPECT_DOUBLE_EQ(at(Decay::Kind::kLinear, 1000), 0);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {}), -1);
}

TEST_F(ScoreFormulaTest, DatetimesDecayBySeconds) {
  Decay decay{.key = "t", .target = *ParseInstant("2024-03-01T00:00:00Z"), .scale = 86'400};
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"t", Value("2024-02-29T00:00:00Z")}}), 0.5);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"t", Value("2024-03-01T12:00:00Z")}}), std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"t", Value("yesterday")}}), 0);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"t", Value(5.0)}}), 0);
}

Value Place(double lat, double lon) {
  return Value(Object{{"lat", Value(lat)}, {"lon", Value(lon)}});
}

// The central angle by the chord between the places as vectors: another way than the haversine.
double MetresByChord(const GeoPoint& a, const GeoPoint& b) {
  const auto unit = [](const GeoPoint& p) {
    const double lat = p.lat * std::numbers::pi / 180;
    const double lon = p.lon * std::numbers::pi / 180;
    return std::array{std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)};
  };
  double squared = 0;
  for (size_t i = 0; i < 3; ++i) {
    squared += std::pow(unit(a)[i] - unit(b)[i], 2);
  }
  return 6'371'008.8 * 2 * std::asin(std::min(1.0, std::sqrt(squared) / 2));
}

TEST_F(ScoreFormulaTest, PlacesDecayByMetres) {
  const GeoPoint berlin{.lat = 52.52, .lon = 13.405};
  Decay decay{.key = "at", .target = berlin, .scale = 500'000, .midpoint = 0.3, .missing = -1};
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> degrees(-1, 1);
  for (int i = 0; i < 200; ++i) {
    const GeoPoint to{.lat = 90 * degrees(random), .lon = 180 * degrees(random)};
    const double scaled = MetresByChord(berlin, to) / decay.scale;
    const auto at = [&](Decay::Kind kind) {
      decay.kind = kind;
      return ScoreOf({decay}, {{"at", Place(to.lat, to.lon)}});
    };
    EXPECT_NEAR(at(Decay::Kind::kExponential), std::pow(0.3, scaled), 1e-9);
    EXPECT_NEAR(at(Decay::Kind::kGaussian), std::pow(0.3, scaled * scaled), 1e-9);
    EXPECT_NEAR(at(Decay::Kind::kLinear), std::max(0.0, 1 - 0.7 * scaled), 1e-9);
  }
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Place(berlin.lat, berlin.lon)}}), 1);
}

TEST_F(ScoreFormulaTest, PlacesAroundTheWorld) {
  // A quarter of a meridian, half way round, and across the antimeridian.
  const double quarter = 6'371'008.8 * std::numbers::pi / 2;
  Decay decay{.key = "at", .target = GeoPoint{.lat = 90, .lon = 0}, .scale = quarter};
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Place(0, 77)}}), 0.5);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Place(-90, 5)}}), 0.25);
  decay.target = GeoPoint{.lat = 0, .lon = 179};
  decay.scale = quarter / 45;
  EXPECT_NEAR(ScoreOf({decay}, {{"at", Place(0, -179)}}), 0.5, 1e-12);
}

TEST_F(ScoreFormulaTest, WhatIsNoPlaceIsMissing) {
  const Decay decay{.key = "at", .target = GeoPoint{.lat = 1, .lon = 2}, .missing = -1};
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {}), -1);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Value("1,2")}}), -1);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Place(91, 2)}}), -1);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Value(Object{{"lat", Value(1.0)}})}}), -1);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Value(List{Value(4.0), Place(91, 2)})}}), -1);
  // Integers are degrees too; of a list the first place counts.
  const Value whole(Object{{"lat", Value(int64_t{1})}, {"lon", Value(int64_t{2})}});
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", whole}}), 1);
  EXPECT_DOUBLE_EQ(ScoreOf({decay}, {{"at", Value(List{Value(4.0), whole, Place(3, 3)})}}), 1);
}

TEST_F(ScoreFormulaTest, WhatIsNoNumberNamesThePoint) {
  const Expression logarithm{Logarithm{{Number("views")}}};
  EXPECT_DOUBLE_EQ(ScoreOf(logarithm, {{"views", Value(1.0)}}), std::log(2));
  const auto none = Score(logarithm, {{"views", Value(-1.0)}});
  EXPECT_EQ(none.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(none.status()), HasSubstr("the point 7 "));
  const auto infinite =
      Score({Product{{Expression{1e300}, Number("views")}}}, {{"views", Value(1e300)}});
  EXPECT_EQ(infinite.status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace alidade
