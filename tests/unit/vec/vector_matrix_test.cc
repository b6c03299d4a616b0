#include "alidade/vec/vector_matrix.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class QueryDistanceTest : public ::testing::TestWithParam<Metric> {
 protected:
  // Generous for float32 sums of the sizes used here.
  static double Tolerance(double distance) { return 1e-4 + 1e-5 * std::abs(distance); }

  std::mt19937_64 random_{20'260'103};
};

std::string MetricParamName(const ::testing::TestParamInfo<Metric>& info) {
  return std::string(MetricName(info.param));
}

INSTANTIATE_TEST_SUITE_P(Metrics,
                         QueryDistanceTest,
                         ::testing::Values(Metric::kL2, Metric::kDot, Metric::kCosine),
                         MetricParamName);

TEST_P(QueryDistanceTest, AllFormsAgreeWithALoop) {
  for (const uint32_t dim : std::vector<uint32_t>{1, 2, 3, 5, 8, 17, 64, 100, 384}) {
    const uint32_t count = 23;
    const VectorSet set(GetParam(), dim, NormalValues(random_, size_t{count} * dim));
    const VectorMatrix matrix = set.matrix();
    const std::vector<float> query = NormalValues(random_, dim);
    const std::vector<double> expected = set.DistancesByLoop(query.data());
    const QueryDistance distance(matrix, query.data());
    for (uint32_t slot = 0; slot < count; ++slot) {
      EXPECT_NEAR(distance(slot), expected[slot], Tolerance(expected[slot])) << dim;
    }
    for (const uint32_t first : {0U, 1U, 19U, count}) {
      std::vector<float> out(count - first + 1, -77.0F);
      distance.Range(first, count - first, out.data());
      for (uint32_t i = 0; first + i < count; ++i) {
        EXPECT_NEAR(out[i], expected[first + i], Tolerance(expected[first + i])) << dim;
      }
      EXPECT_EQ(out.back(), -77.0F);
    }
    const std::vector<uint32_t> slots = {22, 0, 7, 7, 1, 21, 2};
    for (size_t picked = 0; picked <= slots.size(); ++picked) {
      std::vector<float> out(picked + 1, -77.0F);
      distance.Many(slots.data(), picked, out.data());
      for (size_t i = 0; i < picked; ++i) {
        EXPECT_NEAR(out[i], expected[slots[i]], Tolerance(expected[slots[i]])) << dim;
      }
      EXPECT_EQ(out.back(), -77.0F);
    }
  }
}

TEST_P(QueryDistanceTest, NarrowRowsAreAsFarAsTheyAreAsFloats) {
  for (const ElementType element : {ElementType::kFloat16, ElementType::kBfloat16}) {
    for (const uint32_t dim : std::vector<uint32_t>{1, 5, 17, 384}) {
      const uint32_t count = 23;
      const NarrowSet set(element, GetParam(), dim, NormalValues(random_, size_t{count} * dim));
      const std::vector<float> query = NormalValues(random_, dim);
      const std::vector<double> expected = set.wide().DistancesByLoop(query.data());
      const QueryDistance narrow(set.matrix(), query.data());
      const QueryDistance wide(set.wide().matrix(), query.data());
      std::vector<float> out(count);
      std::vector<float> wanted(count);
      narrow.Range(0, count, out.data());
      wide.Range(0, count, wanted.data());
      EXPECT_EQ(out, wanted);
      const std::vector<uint32_t> slots = {22, 0, 7, 7, 1};
      narrow.Many(slots.data(), slots.size(), out.data());
      wide.Many(slots.data(), slots.size(), wanted.data());
      EXPECT_EQ(out, wanted);
      for (uint32_t slot = 0; slot < count; ++slot) {
        EXPECT_NEAR(narrow(slot), expected[slot], Tolerance(expected[slot]));
        EXPECT_NEAR(PairDistance(set.matrix(), slot, 3),
                    PairDistance(set.wide().matrix(), slot, 3),
                    Tolerance(expected[slot]));
        EXPECT_EQ(set.matrix().Row(slot).Floats(), set.wide().matrix().Row(slot).Floats());
      }
    }
  }
}

TEST_P(QueryDistanceTest, PairDistanceIsTheDistanceOfTheRowAsAQuery) {
  const VectorSet set(GetParam(), 33, NormalValues(random_, 33 * 9));
  for (uint32_t a = 0; a < set.count(); ++a) {
    const QueryDistance distance(set.matrix(), set.Row(a));
    for (uint32_t b = 0; b < set.count(); ++b) {
      const double expected = DistanceByLoop(GetParam(), set.Row(a), set.Row(b), 33);
      EXPECT_NEAR(PairDistance(set.matrix(), a, b), expected, Tolerance(expected));
      EXPECT_NEAR(PairDistance(set.matrix(), a, b), distance(b), Tolerance(expected));
      EXPECT_EQ(PairDistance(set.matrix(), a, b), PairDistance(set.matrix(), b, a));
    }
  }
}

TEST(QueryDistanceValuesTest, AreWhatTheMetricSays) {
  const std::vector<float> rows = {3, 4, 0, 2, -6, -8};
  const std::vector<float> query = {6, 8};
  const auto distances = [&](Metric metric) {
    const VectorSet set(metric, 2, rows);
    std::vector<float> out(3);
    QueryDistance(set.matrix(), query.data()).Range(0, 3, out.data());
    return out;
  };
  EXPECT_EQ(distances(Metric::kL2), (std::vector<float>{25, 72, 400}));
  EXPECT_EQ(distances(Metric::kDot), (std::vector<float>{-50, -16, 100}));
  const std::vector<float> cosine = distances(Metric::kCosine);
  EXPECT_NEAR(cosine[0], 0, 1e-6);
  EXPECT_NEAR(cosine[1], 0.2, 1e-6);
  EXPECT_NEAR(cosine[2], 2, 1e-6);
}

// The longest and the shortest vectors that are let in: neither norm nor product of inverse norms
// may overflow or vanish.
TEST(QueryDistanceValuesTest, CosineHoldsAtTheEndsOfTheRange) {
  const std::vector<float> lengths = {1.1e-19F, 1e-10F, 1, 1e10F, 1.8e19F};
  for (const float a : lengths) {
    for (const float b : lengths) {
      const VectorSet set(Metric::kCosine, 2, {a, 0, 0, a, -a, 0});
      const std::vector<float> query = {b, 0};
      ASSERT_THAT(ValidateVector({set.Row(0), 2}, Metric::kCosine, "v"), IsOk()) << a;
      ASSERT_THAT(ValidateVector(query, Metric::kCosine, "v"), IsOk()) << b;
      const QueryDistance distance(set.matrix(), query.data());
      EXPECT_NEAR(distance(0), 0, 1e-5) << a << " " << b;
      EXPECT_NEAR(distance(1), 1, 1e-5) << a << " " << b;
      EXPECT_NEAR(distance(2), 2, 1e-5) << a << " " << b;
    }
  }
}

TEST(InverseNormTest, InvertsTheLength) {
  const std::vector<float> vector = {3, 0, -4};
  EXPECT_FLOAT_EQ(InverseNorm(vector.data(), 3), 0.2F);
}

constexpr Metric kMetrics[] = {Metric::kL2, Metric::kDot, Metric::kCosine};

TEST(ValidateVectorTest, TakesOrdinaryVectors) {
  for (const Metric metric : kMetrics) {
    EXPECT_THAT(ValidateVector(std::vector<float>{1}, metric, "v"), IsOk());
    EXPECT_THAT(ValidateVector(std::vector<float>{-0.0F, 2, -3}, metric, "v"), IsOk());
    EXPECT_THAT(ValidateVector(std::vector<float>(65'536, 0.5F), metric, "v"), IsOk());
  }
}

TEST(ValidateVectorTest, NamesTheValueThatIsNotFinite) {
  for (const Metric metric : kMetrics) {
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      for (const size_t dim : std::vector<size_t>{1, 3, 8, 33, 100}) {
        for (const size_t at : {size_t{0}, dim / 2, dim - 1}) {
          std::vector<float> vector(dim, 1.0F);
          vector[at] = bad;
          const Status status = ValidateVector(vector, metric, "points[3].vectors.text");
          EXPECT_THAT(status, FieldErrorAt("points[3].vectors.text[" + std::to_string(at) + "]"));
          EXPECT_EQ(ReasonOf(status), "VECTOR_NOT_FINITE");
        }
      }
    }
  }
}

TEST(ValidateVectorTest, NamesTheFirstOfSeveral) {
  EXPECT_THAT(ValidateVector(std::vector<float>{1, 2, kInfinity, kNan}, Metric::kL2, "query"),
              FieldErrorAt("query[2]"));
  // Not the norm, which overflows as well.
  EXPECT_THAT(ValidateVector(std::vector<float>{3e38F, 3e38F, kNan}, Metric::kL2, "query"),
              FieldErrorAt("query[2]"));
}

TEST(ValidateVectorTest, RefusesANormThatOverflows) {
  for (const Metric metric : kMetrics) {
    for (const std::vector<float>& vector : {std::vector<float>{3e38F},
                                             std::vector<float>{-2e19F, 0, 0},
                                             std::vector<float>(1'000, 1e18F)}) {
      const Status status = ValidateVector(vector, metric, "query.vector");
      EXPECT_THAT(status, FieldErrorAt("query.vector"));
      EXPECT_EQ(ReasonOf(status), "VECTOR_NORM_OVERFLOW");
    }
  }
  EXPECT_THAT(ValidateVector(std::vector<float>{1.8e19F}, Metric::kDot, "query.vector"), IsOk());
  EXPECT_THAT(ValidateVector(std::vector<float>{1.8e19F}, Metric::kCosine, "query.vector"), IsOk());
}

// Twice as long is the farthest that two vectors of this length can be apart.
TEST(ValidateVectorTest, KeepsTheDistanceOfOppositeVectorsFiniteUnderL2) {
  const std::vector<float> longest = {9.2e18F};
  EXPECT_THAT(ValidateVector(longest, Metric::kL2, "query.vector"), IsOk());
  const VectorSet opposite(Metric::kL2, 1, {-longest[0]});
  EXPECT_TRUE(std::isfinite(QueryDistance(opposite.matrix(), longest.data())(0)));
  const Status status = ValidateVector(std::vector<float>{9.3e18F}, Metric::kL2, "query.vector");
  EXPECT_THAT(status, FieldErrorAt("query.vector"));
  EXPECT_EQ(ReasonOf(status), "VECTOR_NORM_OVERFLOW");
}

TEST(ValidateVectorTest, RefusesAVectorWithoutDirectionUnderCosineOnly) {
  const float smallest = std::numeric_limits<float>::denorm_min();
  for (const std::vector<float>& vector : {std::vector<float>{0, 0, 0},
                                           std::vector<float>{-0.0F},
                                           std::vector<float>{smallest, smallest},
                                           std::vector<float>{1e-39F, 0},
                                           std::vector<float>{1e-20F, 0}}) {
    const Status status = ValidateVector(vector, Metric::kCosine, "query.vector");
    EXPECT_THAT(status, FieldErrorAt("query.vector"));
    EXPECT_EQ(ReasonOf(status), "VECTOR_ZERO");
    EXPECT_THAT(ValidateVector(vector, Metric::kL2, "query.vector"), IsOk());
    EXPECT_THAT(ValidateVector(vector, Metric::kDot, "query.vector"), IsOk());
  }
  EXPECT_THAT(ValidateVector(std::vector<float>{0, 1.1e-19F}, Metric::kCosine, "v"), IsOk());
}

}  // namespace
}  // namespace alidade
