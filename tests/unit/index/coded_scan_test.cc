// Exact scans over codes: the same answers as over the vectors, from fewer bytes.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr CodesSetting kCoded[] = {CodesSetting::kInt8, CodesSetting::kInt4, CodesSetting::kBit1};
constexpr Metric kMetrics[] = {Metric::kL2, Metric::kDot, Metric::kCosine};

// How many vectors the scan over codes read, given that its answer is that of the plain scan.
uint64_t ExpectSameAnswer(const VectorSet& set,
                          const VectorCodes& codes,
                          const float* query,
                          IndexSearchOptions options) {
  const auto plain = ExactSearch(set.matrix(), query, options);
  SearchStats stats;
  options.stats = &stats;
  const auto coded = ExactSearch(set.matrix(), query, options, codes.coded());
  EXPECT_THAT(plain, IsOk());
  EXPECT_THAT(coded, IsOk());
  if (plain.ok() && coded.ok()) {
    EXPECT_EQ(*coded, *plain);
  }
  return stats.distance_computations - stats.rows_scanned;
}

TEST(CodedScanTest, GivesTheAnswerOfThePlainScan) {
  std::mt19937_64 random(PrintedTestSeed());
  for (const Metric metric : kMetrics) {
    for (const uint32_t dim : {1U, 7U, 24U, 100U, 384U}) {
      const uint32_t rows = 512 + static_cast<uint32_t>(random() % 700);
      const std::vector<float> centres = NormalValues(random, size_t{10} * dim);
      const VectorSet set(metric, dim, ClusteredValues(random, centres, dim, rows, 0.3F));
      const VectorSet queries(metric, dim, ClusteredValues(random, centres, dim, 20, 0.3F));
      for (const CodesSetting setting : kCoded) {
        SCOPED_TRACE(fmt::format("{} {} {}", MetricName(metric), CodesName(setting), dim));
        ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCodes(setting, set.matrix()));
        for (uint32_t i = 0; i < queries.count(); ++i) {
          ExpectSameAnswer(set, *coded.codes, queries.Row(i), {.k = 1 + i});
        }
      }
    }
  }
}

TEST(CodedScanTest, SpareThreadsChangeNothing) {
  std::mt19937_64 random(PrintedTestSeed());
  constexpr uint32_t kDim = 64;
  const std::vector<float> centres = NormalValues(random, size_t{10} * kDim);
  const VectorSet set(Metric::kDot, kDim, ClusteredValues(random, centres, kDim, 70'000, 0.5F));
  SpareThreads spare(4);
  for (const CodesSetting setting : kCoded) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCodes(setting, set.matrix()));
    for (uint32_t i = 0; i < 20; ++i) {
      const float* query = set.Row(static_cast<uint32_t>(random() % set.count()));
      ExpectSameAnswer(set, *coded.codes, query, {.k = 1 + 5 * i, .spare = &spare});
    }
  }
}

TEST(CodedScanTest, ReadsFewVectors) {
  std::mt19937_64 random(1);
  constexpr uint32_t kDim = 384;
  const std::vector<float> centres = NormalValues(random, size_t{10} * kDim);
  const VectorSet set(Metric::kCosine, kDim, ClusteredValues(random, centres, kDim, 4'000, 0.5F));
  const VectorSet queries(Metric::kCosine, kDim, ClusteredValues(random, centres, kDim, 20, 0.5F));
  for (const CodesSetting setting : {CodesSetting::kInt8, CodesSetting::kBit1}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCodes(setting, set.matrix()));
    uint64_t read = 0;
    for (uint32_t i = 0; i < queries.count(); ++i) {
      read += ExpectSameAnswer(set, *coded.codes, queries.Row(i), {.k = 10});
    }
    EXPECT_GE(read, 10u * queries.count());
    EXPECT_LT(read, set.count() * queries.count() / 10) << CodesName(setting);
  }
}

TEST(CodedScanTest, AnswersOnlyWhatTheFilterAllows) {
  std::mt19937_64 random(PrintedTestSeed());
  const VectorSet set(Metric::kL2, 48, NormalValues(random, 3'000 * 48));
  const VectorSet queries(Metric::kL2, 48, NormalValues(random, 10 * 48));
  for (const uint64_t one_in : {2U, 50U, 1'000U}) {
    std::vector<bool> some(set.count());
    for (size_t slot = 0; slot < some.size(); ++slot) {
      some[slot] = random() % one_in == 0;
    }
    const SlotSet allowed(some);
    for (const CodesSetting setting : kCoded) {
      ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCodes(setting, set.matrix()));
      for (uint32_t i = 0; i < queries.count(); ++i) {
        ExpectSameAnswer(set, *coded.codes, queries.Row(i), {.k = 10, .filter = &allowed});
      }
    }
  }
}

// Equal vectors, of which the smaller slots win, and vectors whose codes say little or nothing.
TEST(CodedScanTest, HoldsForEqualLongAndTinyVectors) {
  std::mt19937_64 random(PrintedTestSeed());
  constexpr uint32_t kDim = 32;
  constexpr uint32_t kRows = 1'000;
  for (const Metric metric : kMetrics) {
    std::vector<float> values = NormalValues(random, size_t{kRows} * kDim);
    for (uint32_t row = 0; row < kRows; ++row) {
      float* vector = values.data() + size_t{row} * kDim;
      if (row % 4 == 1) {
        std::copy_n(values.data(), kDim, vector);
      } else if (row % 4 == 2) {
        const float scale = row % 8 == 2 ? 1e15F : 1e-15F;
        std::for_each(vector, vector + kDim, [scale](float& value) { value *= scale; });
      } else if (row % 4 == 3) {
        vector[row % kDim] *= 1'000;  // one dimension outweighs the others
      }
    }
    const VectorSet set(metric, kDim, values);
    for (const CodesSetting setting : kCoded) {
      SCOPED_TRACE(fmt::format("{} {}", MetricName(metric), CodesName(setting)));
      ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCodes(setting, set.matrix()));
      for (uint32_t i = 0; i < 40; ++i) {
        ExpectSameAnswer(set, *coded.codes, set.Row(i), {.k = 20});
      }
    }
  }
}

TEST(CodedScanTest, StopsInTheMiddleWhenCancelled) {
  std::mt19937_64 random(1);
  const VectorSet set(Metric::kL2, 8, NormalValues(random, 10'000 * 8));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCodes(CodesSetting::kInt8, set.matrix()));
  int looks = 0;
  const Deadline deadline(Deadline::Clock::time_point::max(), [&looks] { return ++looks == 3; });
  EXPECT_THAT(ExactSearch(set.matrix(), set.Row(0), {.deadline = &deadline}, coded.codes->coded()),
              StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(looks, 3);
}

}  // namespace
}  // namespace alidade
