#include "alidade/query/score_formula.h"

#include <cmath>

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
