#include "alidade/vec/codes.h"

#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/vec/kernels.h"
#include "alidade/vec/rotation.h"

namespace alidade {
namespace {

using ::testing::Each;

constexpr CodeKind kKinds[] = {CodeKind::kInt8, CodeKind::kInt4, CodeKind::kBit1};
constexpr Metric kMetrics[] = {Metric::kL2, Metric::kDot, Metric::kCosine};

std::vector<float> RandomRows(uint32_t rows, uint32_t dim, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size_t{rows} * dim);
  for (size_t i = 0; i < values.size(); ++i) {
    // Off the origin, and with one dimension that stands out.
    values[i] = 0.7F + normal(random) * (i % dim == 3 ? 8.0F : 1.0F);
  }
  return values;
}

// Vectors with everything that distances to their codes need.
struct Coded {
  Coded(Metric metric, CodeKind kind, uint32_t rows, uint32_t dim)
      : values(RandomRows(rows, dim, 7)), matrix{values.data(), nullptr, rows, dim, metric} {
    for (uint32_t row = 0; row < rows; ++row) {
      inv_norms.push_back(InverseNorm(values.data() + row * dim, dim));
    }
    matrix.inv_norms = inv_norms.data();
    space.emplace(metric, CodeSpace::MeanOf(matrix));
    records.resize(rows * CodeStride(kind, dim));
    std::vector<float> residual(dim);
    for (uint32_t row = 0; row < rows; ++row) {
      space->Residual(values.data() + row * dim, inv_norms[row], residual.data());
      EncodeRecord(
          metric, kind, residual.data(), dim, records.data() + row * CodeStride(kind, dim));
    }
    codes = {.records = records.data(), .kind = kind, .dim = dim, .count = rows};
  }
  std::vector<float> values;
  std::vector<float> inv_norms;
  VectorMatrix matrix;
  std::optional<CodeSpace> space;
  std::vector<uint8_t> records;
  CodeMatrix codes;
};

TEST(RotationTest, KeepsDotProducts) {
  for (const uint32_t dim : {1U, 2U, 3U, 16U, 31U, 100U, 384U, 768U, 1000U}) {
    std::vector<float> rows = RandomRows(2, dim, dim);
    double before = 0;
    double length = 0;
    for (uint32_t d = 0; d < dim; ++d) {
      before += static_cast<double>(rows[d]) * static_cast<double>(rows[dim + d]);
      length += static_cast<double>(rows[d]) * static_cast<double>(rows[d]);
    }
    const Rotation rotation(dim);
    rotation.Apply(rows.data());
    rotation.Apply(rows.data() + dim);
    double after = 0;
    for (uint32_t d = 0; d < dim; ++d) {
      after += static_cast<double>(rows[d]) * static_cast<double>(rows[dim + d]);
    }
    EXPECT_NEAR(after, before, 1e-4 * (length + std::abs(before))) << dim;
  }
}

TEST(RotationTest, SpreadsOneDimensionOverAll) {
  for (const uint32_t dim : {128U, 384U, 768U, 1000U}) {
    for (uint32_t one = 0; one < dim; one += 37) {
      std::vector<float> row(dim);
      row[one] = 1;
      Rotation(dim).Apply(row.data());
      for (const float value : row) {
        EXPECT_LT(std::abs(value), 12 / std::sqrt(static_cast<float>(dim))) << dim << " " << one;
      }
    }
  }
}

TEST(RotationTest, IsTheSameOnEveryInstructionSet) {
  std::mt19937_64 random(4);
  for (const uint32_t dim : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 15U, 16U, 17U, 33U, 100U, 384U, 1'000U}) {
    const std::vector<float> row = RandomRows(1, dim, random());
    std::vector<std::vector<float>> turned;
    for (const std::string& target : KernelTargets()) {
      ASSERT_TRUE(ForceKernelTargetForTest(target));
      turned.push_back(row);
      Rotation(dim).Apply(turned.back().data());
    }
    ForceKernelTargetForTest("");
    EXPECT_THAT(turned, Each(turned.front())) << dim;
  }
}

TEST(RotationTest, NeverChanges) {
  // Codes on disk depend on it.
  std::vector<float> row = {1, 2, 3, 4, 5, 6};
  Rotation(6).Apply(row.data());
  const std::vector<float> expected = {
      -3.2187498F, -6.5937495F, -3.4999993F, -1.7812502F, -3.28125F, -3.3124998F};
  float square = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    EXPECT_FLOAT_EQ(row[i], expected[i]) << i;
    square += row[i] * row[i];
  }
  EXPECT_NEAR(square, 91, 1e-3);
}

TEST(CodesTest, EstimatesAreNearTheDistances) {
  for (const Metric metric : kMetrics) {
    for (const CodeKind kind : kKinds) {
      for (const uint32_t dim : {16U, 100U, 384U, 768U}) {
        const Coded set(metric, kind, 300, dim);
        const std::vector<float> query = RandomRows(1, dim, 99);
        CodeQuery coded;
        coded.Set(*set.space, query.data());
        coded.Prepare(kind);
        const CodeDistance estimate(set.codes, coded);
        const QueryDistance exact(set.matrix, query.data());
        double error = 0;
        double bias = 0;
        double spread = 0;
        double mean = 0;
        for (uint32_t row = 0; row < 300; ++row) {
          mean += static_cast<double>(exact(row)) / 300;
        }
        for (uint32_t row = 0; row < 300; ++row) {
          const double difference = static_cast<double>(estimate(row) - exact(row));
          error += difference * difference;
          bias += difference / 300;
          spread += std::pow(static_cast<double>(exact(row)) - mean, 2);
        }
        // What part of the differences between distances is noise.
        const double noise = std::sqrt(error / spread);
        const double allowed = kind == CodeKind::kInt8 ? 0.06 : kind == CodeKind::kInt4 ? 0.6 : 2.5;
        EXPECT_LT(noise, allowed) << MetricName(metric) << " " << static_cast<int>(kind) << " "
                                  << dim;
        EXPECT_LT(std::abs(bias), std::sqrt(error / 300) * 0.5 + 1e-6)
            << MetricName(metric) << " " << static_cast<int>(kind) << " " << dim;
      }
    }
  }
}

TEST(CodesTest, ErrorsAreBounded) {
  for (const Metric metric : kMetrics) {
    for (const CodeKind kind : {CodeKind::kInt8, CodeKind::kInt4, CodeKind::kBit1}) {
      for (const uint32_t dim : {16U, 100U, 384U}) {
        const Coded set(metric, kind, 500, dim);
        int beyond_likely = 0;
        for (uint64_t seed = 0; seed < 10; ++seed) {
          const std::vector<float> query = RandomRows(1, dim, 1'000 + seed);
          CodeQuery coded;
          coded.Set(*set.space, query.data());
          coded.Prepare(kind);
          const CodeDistance estimate(set.codes, coded);
          const QueryDistance exact(set.matrix, query.data());
          for (uint32_t row = 0; row < 500; ++row) {
            const float off = std::abs(estimate(row) - exact(row));
            if (kind != CodeKind::kBit1) {  // the errors of bits have no bound
              EXPECT_LE(off, estimate.ErrorMax(row)) << MetricName(metric) << " " << dim;
            }
            beyond_likely += off > estimate.ErrorOf(row) ? 1 : 0;
          }
        }
        EXPECT_LE(beyond_likely, 50) << MetricName(metric) << " " << dim << ": of 5,000";
      }
    }
  }
}

TEST(CodesTest, ManyAndRangeAgreeWithOne) {
  for (const CodeKind kind : kKinds) {
    const Coded set(Metric::kL2, kind, 200, 77);
    const std::vector<float> query = RandomRows(1, 77, 5);
    CodeQuery coded;
    coded.Set(*set.space, query.data());
    coded.Prepare(kind);
    const CodeDistance estimate(set.codes, coded);
    std::vector<uint32_t> slots;
    for (uint32_t i = 0; i < 150; ++i) {
      slots.push_back(i * 61 % 200);
    }
    std::vector<float> many(slots.size());
    std::vector<float> range(180);
    estimate.Many(slots.data(), slots.size(), many.data());
    estimate.Range(13, range.size(), range.data());
    for (size_t i = 0; i < slots.size(); ++i) {
      EXPECT_EQ(many[i], estimate(slots[i]));
    }
    for (uint32_t i = 0; i < range.size(); ++i) {
      EXPECT_EQ(range[i], estimate(13 + i));
    }
  }
}

TEST(CodesTest, EqualVectorsAndZerosHaveNoNan) {
  for (const CodeKind kind : kKinds) {
    for (const float value : {0.0F, 1e-20F, 3e18F}) {
      const std::vector<float> residual(32, value);
      std::vector<uint8_t> record(CodeStride(kind, 32));
      EncodeRecord(Metric::kL2, kind, residual.data(), 32, record.data());
      const CodeMatrix codes{.records = record.data(), .kind = kind, .dim = 32, .count = 1};
      const CodeSpace space(Metric::kL2, std::vector<float>(32));
      for (const float of_query : {0.0F, 1.0F, -3e18F}) {
        const std::vector<float> query(32, of_query);
        CodeQuery coded;
        coded.Set(space, query.data());
        coded.Prepare(kind);
        EXPECT_FALSE(std::isnan(CodeDistance(codes, coded)(0))) << value << " " << of_query;
      }
    }
  }
}

TEST(CodesTest, SmallRecordsFillCacheLines) {
  EXPECT_EQ(CodeStride(CodeKind::kBit1, 384), 64U);
  EXPECT_EQ(CodeStride(CodeKind::kBit1, 768), 128U);
  EXPECT_EQ(CodeStride(CodeKind::kInt8, 128), 144U);
  EXPECT_EQ(CodeStride(CodeKind::kInt8, 768), 832U);
}

}  // namespace
}  // namespace alidade
