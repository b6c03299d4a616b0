// Indexes over rows of float16 and bfloat16 are, bit for bit, those over the same numbers as
// floats, and answer the same.
#include <cstdint>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 24;
constexpr uint32_t kRows = 2'500;
constexpr ElementType kNarrow[] = {ElementType::kFloat16, ElementType::kBfloat16};
constexpr Metric kMetrics[] = {Metric::kL2, Metric::kDot, Metric::kCosine};

void ExpectSameAnswers(const VectorIndex& narrow, const VectorIndex& wide, const VectorSet& set) {
  for (uint32_t i = 0; i < 40; ++i) {
    const float* query = set.Row(i * 61 % set.count());
    const auto found = narrow.Search(query, {.k = 10, .ef = 30, .nprobe = 3});
    const auto wanted = wide.Search(query, {.k = 10, .ef = 30, .nprobe = 3});
    ASSERT_THAT(found, IsOk());
    ASSERT_THAT(wanted, IsOk());
    ASSERT_EQ(*found, *wanted);
  }
}

TEST(NarrowRowsTest, ExactSearchesAnswerTheSame) {
  std::mt19937_64 random(PrintedTestSeed());
  for (const ElementType element : kNarrow) {
    for (const Metric metric : kMetrics) {
      const NarrowSet set(element, metric, kDim, NormalValues(random, size_t{kRows} * kDim));
      ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCodes(CodesSetting::kInt8, set.matrix()));
      for (uint32_t i = 0; i < 20; ++i) {
        const float* query = set.wide().Row(i * 7);
        const auto wanted = ExactSearch(set.wide().matrix(), query, {.k = 10});
        ASSERT_THAT(wanted, IsOk());
        EXPECT_THAT(ExactSearch(set.matrix(), query, {.k = 10}), IsOkAndHolds(*wanted));
        EXPECT_THAT(ExactSearch(set.matrix(), query, {.k = 10}, coded.codes->coded()),
                    IsOkAndHolds(*wanted));
      }
    }
  }
}

TEST(NarrowRowsTest, GraphsAndTheirCodesAreTheSame) {
  std::mt19937_64 random(PrintedTestSeed());
  const IndexSpec spec{.kind = IndexKind::kHnsw, .hnsw_m = 8, .hnsw_ef_construction = 40};
  for (const ElementType element : kNarrow) {
    for (const Metric metric : kMetrics) {
      const NarrowSet set(element, metric, kDim, NormalValues(random, size_t{kRows} * kDim));
      for (const CodesSetting codes : {CodesSetting::kNone, CodesSetting::kInt4}) {
        ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded narrow, MakeCodedGraph(codes, set.matrix(), spec));
        ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded wide,
                                     MakeCodedGraph(codes, set.wide().matrix(), spec));
        ASSERT_TRUE(narrow.codes_body == wide.codes_body);
        if (codes != CodesSetting::kNone) {
          // Without codes a distance between two rows is added up in another order than one to a
          // row of floats.
          ASSERT_TRUE(narrow.graph_body == wide.graph_body);
          ASSERT_NO_FATAL_FAILURE(ExpectSameAnswers(*narrow.index, *wide.index, set.wide()));
        }
        double found = 0;
        for (uint32_t i = 0; i < 50; ++i) {
          const float* query = set.wide().Row(i * 11);
          const auto hits = narrow.index->Search(query, {.k = 1, .ef = 60});
          ASSERT_THAT(hits, IsOk());
          const auto exact = ExactSearch(set.matrix(), query, {.k = 1});
          ASSERT_THAT(exact, IsOk());
          found += *hits == *exact ? 1 : 0;
        }
        EXPECT_GE(found, 45) << MetricName(metric);
      }
    }
  }
}

TEST(NarrowRowsTest, ListsAreTheSame) {
  std::mt19937_64 random(PrintedTestSeed());
  for (const ElementType element : kNarrow) {
    for (const IvfCodes codes : {IvfCodes::kFlat, IvfCodes::kSq8, IvfCodes::kPq}) {
      const NarrowSet set(element, Metric::kCosine, kDim, NormalValues(random, kRows * kDim));
      const IndexSpec spec{.kind = IndexKind::kIvf, .ivf_nlist = 20, .ivf_codes = codes};
      ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string narrow,
                                   BuildBody(spec, IndexKind::kIvf, set.matrix()));
      ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string wide,
                                   BuildBody(spec, IndexKind::kIvf, set.wide().matrix()));
      ASSERT_TRUE(narrow == wide);
      ALIDADE_ASSERT_OK_AND_ASSIGN(const auto narrow_index,
                                   OpenIndex(IndexKind::kIvf, narrow, set.matrix()));
      ALIDADE_ASSERT_OK_AND_ASSIGN(const auto wide_index,
                                   OpenIndex(IndexKind::kIvf, wide, set.wide().matrix()));
      ASSERT_NO_FATAL_FAILURE(ExpectSameAnswers(*narrow_index, *wide_index, set.wide()));
    }
  }
}

}  // namespace
}  // namespace alidade
