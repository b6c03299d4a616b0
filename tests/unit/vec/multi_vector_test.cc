#include "alidade/vec/multi_vector.h"

#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

MultiVector Random(std::mt19937_64& random, uint32_t rows, uint32_t dim) {
  std::normal_distribution<float> normal;
  MultiVector vector{.rows = rows, .values = {}};
  for (size_t i = 0; i < size_t{rows} * dim; ++i) {
    vector.values.push_back(normal(random));
  }
  return vector;
}

double Plainly(const MultiVector& query, const MultiVector& document, uint32_t dim, Metric metric) {
  double sum = 0;
  for (uint32_t i = 0; i < query.rows; ++i) {
    double best = -std::numeric_limits<double>::infinity();
    for (uint32_t j = 0; j < document.rows; ++j) {
      double dot = 0;
      double a = 0;
      double b = 0;
      for (uint32_t k = 0; k < dim; ++k) {
        const double x = static_cast<double>(query.values[i * dim + k]);
        const double y = static_cast<double>(document.values[j * dim + k]);
        dot += x * y;
        a += x * x;
        b += y * y;
      }
      best = std::max(best, metric == Metric::kCosine ? dot / std::sqrt(a * b) : dot);
    }
    sum += best;
  }
  return sum;
}

TEST(MultiVectorTest, MaxSimIsThatOfAPlainLoop) {
  std::mt19937_64 random(PrintedTestSeed());
  for (int round = 0; round < 200; ++round) {
    const auto dim = static_cast<uint32_t>(random() % 140 + 1);
    const auto query = Random(random, static_cast<uint32_t>(random() % 33 + 1), dim);
    const auto document = Random(random, static_cast<uint32_t>(random() % 90 + 1), dim);
    for (const Metric metric : {Metric::kDot, Metric::kCosine}) {
      const double expected = Plainly(query, document, dim, metric);
      EXPECT_NEAR(MaxSim(query, document, dim, metric), expected, 1e-4 * (1 + std::abs(expected)));
    }
  }
}

TEST(MultiVectorTest, EachRowOfTheQueryHasItsOwnBest) {
  const MultiVector query{.rows = 2, .values = {2, 0, 0, 1}};
  const MultiVector document{.rows = 3, .values = {3, 0, 0, 5, -1, -1}};
  EXPECT_EQ(MaxSim(query, document, 2, Metric::kDot), 11);
  EXPECT_NEAR(MaxSim(query, document, 2, Metric::kCosine), 2, 1e-6);
  // All below zero: the least bad one counts.
  EXPECT_EQ(
      MaxSim({.rows = 1, .values = {1, 0}}, {.rows = 2, .values = {-3, 0, -2, 0}}, 2, Metric::kDot),
      -2);
  // The other way round it is another question.
  EXPECT_EQ(MaxSim(document, query, 2, Metric::kDot), 10);
}

TEST(MultiVectorTest, BytesComeBackOrAreRefused) {
  std::mt19937_64 random(2);
  const MultiVector vector = Random(random, 3, 5);
  const std::string bytes = EncodeMultiVector(vector);
  EXPECT_THAT(DecodeMultiVector(bytes, 5), IsOkAndHolds(vector));
  const auto refused = [](std::string_view changed, uint32_t dim) {
    return DecodeMultiVector(changed, dim).status().code() == StatusCode::kDataLoss;
  };
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_TRUE(refused(bytes.substr(0, length), 5)) << length;
  }
  EXPECT_TRUE(refused(bytes + "x", 5));
  EXPECT_TRUE(refused(bytes, 4));
  EXPECT_TRUE(refused("\2" + bytes.substr(1), 5));
  std::string huge = bytes;
  huge.replace(1, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_TRUE(refused(huge, 5));
  EXPECT_TRUE(refused(std::string("\1\0\0\0\0", 5), 5)) << "no rows";
}

TEST(MultiVectorTest, RowsAreChecked) {
  const auto check = [](const MultiVector& vector, Metric metric = Metric::kCosine) {
    return ValidateMultiVector(vector, 2, metric, "x");
  };
  EXPECT_THAT(check({.rows = 2, .values = {1, 2, 3, 4}}), IsOk());
  EXPECT_THAT(check({.rows = 0, .values = {}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("1 to 4096")));
  EXPECT_THAT(check({.rows = 2, .values = {1, 2, 3}}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(check({.rows = 0, .values = {1}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("has 1 values in 0 vectors")));
  EXPECT_EQ(FieldOf(check({.rows = 2, .values = {1, 2, 0, 0}})), "x.rows[1]");
  EXPECT_THAT(check({.rows = 2, .values = {1, 2, 0, 0}}, Metric::kDot), IsOk());
  EXPECT_THAT(MessageOf(check({.rows = 2, .values = {1, 2, NAN, 0}})), HasSubstr("x.rows[1]"));
  const MultiVector many{.rows = kMultiVectorRowsMax + 1,
                         .values = std::vector<float>(2 * (kMultiVectorRowsMax + 1), 1)};
  EXPECT_EQ(FieldOf(check(many)), "x");
  const MultiVector large{.rows = 1'025, .values = std::vector<float>(1'025 * 1'024, 1)};
  EXPECT_THAT(ValidateMultiVector(large, 1'024, Metric::kDot, "x"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("bytes")));
}

}  // namespace
}  // namespace alidade
