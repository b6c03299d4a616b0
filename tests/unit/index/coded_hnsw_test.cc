// Graphs that are built and walked by codes.
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 96;
constexpr CodesSetting kCoded[] = {CodesSetting::kInt8, CodesSetting::kInt4, CodesSetting::kBit1};
constexpr Metric kMetrics[] = {Metric::kL2, Metric::kDot, Metric::kCosine};

std::unique_ptr<VectorSet> Clustered(Metric metric, uint32_t rows, uint64_t seed) {
  std::mt19937_64 random(1);
  const std::vector<float> centres = NormalValues(random, 20 * kDim);
  random.seed(seed);
  return std::make_unique<VectorSet>(
      metric, kDim, ClusteredValues(random, centres, kDim, rows, 0.5F));
}

StatusOr<Coded> MakeCoded(CodesSetting setting, const VectorMatrix& matrix) {
  IndexSpec spec;
  spec.kind = IndexKind::kHnsw;
  spec.hnsw_ef_construction = 100;
  return MakeCodedGraph(setting, matrix, spec);
}

TEST(CodedHnswTest, FindsTheNearestAndGivesTheirExactDistances) {
  for (const Metric metric : kMetrics) {
    const auto set = Clustered(metric, 3'000, 2);
    const auto queries = Clustered(metric, 40, 3);
    for (const CodesSetting setting : kCoded) {
      ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCoded(setting, set->matrix()));
      IndexSearchOptions options;
      options.ef = 200;
      ALIDADE_ASSERT_OK_AND_ASSIGN(const double recall,
                                   RecallOf(*coded.index, set->matrix(), *queries, options));
      EXPECT_GE(recall, 0.98) << MetricName(metric) << " " << CodesName(setting);
      ALIDADE_ASSERT_OK_AND_ASSIGN(const auto found, coded.index->Search(queries->Row(0), options));
      const QueryDistance exact(set->matrix(), queries->Row(0));
      ASSERT_EQ(found.size(), options.k);
      for (const Candidate& candidate : found) {
        EXPECT_NEAR(candidate.distance,
                    exact(candidate.slot),
                    1e-5F * (1 + std::abs(exact(candidate.slot))));
      }
    }
  }
}

TEST(CodedHnswTest, AnswersOnlyWhatTheFilterAllows) {
  const auto set = Clustered(Metric::kCosine, 3'000, 4);
  const auto queries = Clustered(Metric::kCosine, 20, 5);
  std::vector<bool> thirds(set->count());
  for (uint32_t slot = 0; slot < set->count(); slot += 3) {
    thirds[slot] = true;
  }
  const SlotSet allowed(thirds);
  for (const CodesSetting setting : kCoded) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCoded(setting, set->matrix()));
    IndexSearchOptions options;
    options.ef = 300;
    options.filter = &allowed;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const double recall,
                                 RecallOf(*coded.index, set->matrix(), *queries, options));
    EXPECT_GE(recall, 0.95) << CodesName(setting);
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto found, coded.index->Search(queries->Row(0), options));
    for (const Candidate& candidate : found) {
      EXPECT_TRUE(allowed.Allows(candidate.slot));
    }
  }
}

TEST(CodedHnswTest, ResidentCopiesGiveTheSameAnswers) {
  const auto set = Clustered(Metric::kL2, 2'500, 6);
  const auto queries = Clustered(Metric::kL2, 20, 7);
  for (const CodesSetting setting : kCoded) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded coded, MakeCoded(setting, set->matrix()));
    std::vector<std::vector<Candidate>> before;
    for (uint32_t i = 0; i < queries->count(); ++i) {
      ALIDADE_ASSERT_OK_AND_ASSIGN(auto found, coded.index->Search(queries->Row(i), {}));
      before.push_back(std::move(found));
    }
    EXPECT_FALSE(coded.codes->resident());
    coded.codes->MakeResident();
    coded.index->MakeResident();
    EXPECT_TRUE(coded.codes->resident());
    for (uint32_t i = 0; i < queries->count(); ++i) {
      ALIDADE_ASSERT_OK_AND_ASSIGN(auto found, coded.index->Search(queries->Row(i), {}));
      EXPECT_EQ(found, before[i]) << i;
    }
  }
}

TEST(CodedHnswTest, EqualInputGivesEqualBytes) {
  const auto set = Clustered(Metric::kCosine, 2'200, 8);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded one, MakeCoded(CodesSetting::kBit1, set->matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded two, MakeCoded(CodesSetting::kBit1, set->matrix()));
  EXPECT_EQ(one.codes_body, two.codes_body);
  EXPECT_EQ(one.graph_body, two.graph_body);
}

TEST(VectorCodesTest, RefusesAWrongBody) {
  const auto set = Clustered(Metric::kL2, 50, 9);
  StringSink sink;
  ASSERT_THAT(VectorCodes::Write(CodesSetting::kBit1, set->matrix(), nullptr, sink), IsOk());
  const std::string& body = sink.bytes();
  EXPECT_THAT(VectorCodes::Open(body, set->matrix()), IsOk());
  EXPECT_THAT(VectorCodes::Open(body.substr(0, body.size() - 1), set->matrix()),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(VectorCodes::Open(body.substr(0, 20), set->matrix()),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(VectorCodes::Open(body, set->First(49)), StatusIs(StatusCode::kDataLoss));
  for (const size_t at : {0U, 4U, 8U, 12U, 16U}) {
    std::string wrong = body;
    wrong[at] = static_cast<char>(wrong[at] + 1);
    EXPECT_THAT(VectorCodes::Open(wrong, set->matrix()), StatusIs(StatusCode::kDataLoss)) << at;
  }
}

TEST(VectorCodesTest, StopsWhenAsked) {
  const auto set = Clustered(Metric::kL2, 50, 9);
  BuildProgress progress;
  progress.cancelled = true;
  StringSink sink;
  EXPECT_THAT(VectorCodes::Write(CodesSetting::kInt8, set->matrix(), &progress, sink),
              StatusIs(StatusCode::kCancelled));
}

TEST(VectorCodesTest, AreChosenByDimension) {
  IndexSpec spec;
  EXPECT_EQ(ResolveCodes(spec, IndexKind::kHnsw, kCodesDimMin - 1), CodesSetting::kNone);
  EXPECT_EQ(ResolveCodes(spec, IndexKind::kHnsw, kCodesDimMin), CodesSetting::kInt8);
  EXPECT_EQ(ResolveCodes(spec, IndexKind::kHnsw, kInt4CodesDimMin - 1), CodesSetting::kInt8);
  EXPECT_EQ(ResolveCodes(spec, IndexKind::kHnsw, kInt4CodesDimMin), CodesSetting::kInt4);
  EXPECT_EQ(ResolveCodes(spec, IndexKind::kIvf, 768), CodesSetting::kNone);
  EXPECT_EQ(ResolveCodes(spec, IndexKind::kFlat, 768), CodesSetting::kNone);
  spec.codes = CodesSetting::kInt4;
  EXPECT_EQ(ResolveCodes(spec, IndexKind::kHnsw, 768), CodesSetting::kInt4);
}

}  // namespace
}  // namespace alidade
