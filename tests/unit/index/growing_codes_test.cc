// Codes that exact searches make for themselves: the same answers whatever is encoded so far.
#include "alidade/index/growing_codes.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/memory_budget.h"
#include "alidade/index/vector_index.h"

#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 48;

VectorMatrix FirstOf(const VectorSet& set, uint32_t rows) {
  VectorMatrix matrix = set.matrix();
  matrix.count = rows;
  return matrix;
}

// How many vectors were read, given that the answer is that of the plain scan.
uint64_t ExpectSameAnswer(const VectorMatrix& matrix,
                          const CodedVectors& coded,
                          const float* query,
                          uint32_t k) {
  SearchStats stats;
  const auto plain = ExactSearch(matrix, query, {.k = k});
  const auto found = ExactSearch(matrix, query, {.k = k, .stats = &stats}, coded);
  EXPECT_THAT(plain, IsOk());
  EXPECT_THAT(found, IsOk());
  if (plain.ok() && found.ok()) {
    EXPECT_EQ(*found, *plain);
  }
  EXPECT_EQ(stats.rows_scanned, matrix.count);
  return stats.distance_computations - stats.rows_scanned;
}

TEST(GrowingCodesTest, AnswersAreThoseOfThePlainScanWhileRowsAndCodesGrow) {
  std::mt19937_64 random(PrintedTestSeed());
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    constexpr uint32_t kRows = 9'000;
    const std::vector<float> centres = NormalValues(random, size_t{10} * kDim);
    const VectorSet set(metric, kDim, ClusteredValues(random, centres, kDim, kRows, 0.3F));
    GrowingCodes codes(metric, kDim, kRows);
    uint32_t rows = 1;
    uint32_t coded_rows = 0;
    while (coded_rows < kRows) {
      const VectorMatrix matrix = FirstOf(set, rows);
      const CodedVectors coded = codes.Grow(matrix, rows);
      EXPECT_GE(coded.records.count, coded_rows);  // what there was stays
      EXPECT_LE(coded.records.count, rows);
      EXPECT_EQ(coded.space == nullptr, rows < kCodedRowsMin);
      EXPECT_EQ(codes.memory_bytes(), coded.records.count * CodeStride(CodeKind::kInt8, kDim));
      coded_rows = coded.records.count;
      ExpectSameAnswer(matrix,
                       coded,
                       set.Row(static_cast<uint32_t>(random() % kRows)),
                       1 + static_cast<uint32_t>(random() % 20));
      rows = std::min<uint32_t>(kRows, rows + static_cast<uint32_t>(random() % 700));
    }
    // All of them: hardly a vector is read.
    const uint64_t read =
        ExpectSameAnswer(set.matrix(), codes.Grow(set.matrix(), kRows), set.Row(7), 10);
    EXPECT_LT(read, kRows / 10);
  }
}

// An older view, of fewer rows than have codes by now.
TEST(GrowingCodesTest, AViewOfFewerRowsSeesNoOthers) {
  std::mt19937_64 random(PrintedTestSeed());
  const VectorSet set(Metric::kL2, kDim, NormalValues(random, 3'000 * kDim));
  GrowingCodes codes(Metric::kL2, kDim, 3'000);
  while (codes.Grow(set.matrix(), 3'000).records.count < 3'000) {
  }
  for (const uint32_t rows : {1U, 600U, 2'999U}) {
    const VectorMatrix view = FirstOf(set, rows);
    ExpectSameAnswer(view, codes.Grow(view, rows), set.Row(2'999), 10);
  }
}

TEST(GrowingCodesTest, WithoutRoomInTheBudgetNothingIsEncoded) {
  std::mt19937_64 random(PrintedTestSeed());
  const VectorSet set(Metric::kDot, kDim, NormalValues(random, 1'000 * kDim));
  const size_t wanted = 1'000 * CodeStride(CodeKind::kInt8, kDim);
  const auto budget = std::make_shared<MemoryBudget>(wanted);
  ASSERT_TRUE(budget->Take(1));
  {
    GrowingCodes codes(Metric::kDot, kDim, 1'000, budget);
    EXPECT_EQ(codes.Grow(set.matrix(), 1'000).space, nullptr);
    EXPECT_EQ(codes.memory_bytes(), 0U);
    EXPECT_EQ(budget->taken(), 1U);
    budget->GiveBack(1);
    const CodedVectors coded = codes.Grow(set.matrix(), 1'000);
    EXPECT_EQ(coded.records.count, kCodedRowsMin);
    EXPECT_EQ(budget->taken(), wanted);
    ExpectSameAnswer(set.matrix(), coded, set.Row(3), 5);
  }
  EXPECT_EQ(budget->taken(), 0U);
}

// Searches of growing views beside one another, as readers of a delta are.
TEST(GrowingCodesTest, ManySearchesGrowThemTogether) {
  std::mt19937_64 random(PrintedTestSeed());
  constexpr uint32_t kRows = 20'000;
  const VectorSet set(Metric::kCosine, kDim, NormalValues(random, size_t{kRows} * kDim));
  GrowingCodes codes(Metric::kCosine, kDim, kRows);
  std::atomic<uint32_t> visible{600};
  std::vector<std::thread> readers;
  for (uint32_t reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      for (uint32_t i = 0; i < 40; ++i) {
        const VectorMatrix view = FirstOf(set, visible.load());
        const CodedVectors coded = codes.Grow(view, view.count);
        ExpectSameAnswer(view, coded, set.Row(reader * 100 + i), 10);
      }
    });
  }
  while (visible < kRows) {
    visible += std::min(400U, kRows - visible);
    std::this_thread::yield();
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_GT(codes.memory_bytes(), 0U);
}

}  // namespace
}  // namespace alidade
