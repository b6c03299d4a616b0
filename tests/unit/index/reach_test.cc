#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/index/recall_curve.h"

#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 32;
constexpr uint32_t kRows = 6'000;

// Clusters far and near, so that queries are hard and easy; of many lengths.
VectorSet Clustered(Metric metric, uint32_t rows, uint64_t seed) {
  std::mt19937_64 random(1);
  const std::vector<float> centres = NormalValues(random, size_t{60} * kDim);
  random.seed(seed);
  return {metric, kDim, ClusteredValues(random, centres, kDim, rows, 0.6F)};
}

StatusOr<Coded> MakeGraph(CodesSetting codes, const VectorMatrix& matrix) {
  return MakeCodedGraph(
      codes, matrix, {.kind = IndexKind::kHnsw, .hnsw_m = 6, .hnsw_ef_construction = 40}, {}, {});
}

class ReachTest : public ::testing::TestWithParam<std::tuple<Metric, CodesSetting>> {
 protected:
  static Metric metric() { return std::get<0>(GetParam()); }
  static CodesSetting codes() { return std::get<1>(GetParam()); }
};

struct Cost {
  double recall = 0;
  uint64_t distances = 0;
};

Cost CostOf(const Coded& graph,
            const VectorSet& set,
            const VectorSet& queries,
            IndexSearchOptions options) {
  Cost cost;
  SearchStats stats;
  const auto recall = RecallOf(*graph.index, set.matrix(), queries, options);
  EXPECT_THAT(recall, IsOk());
  cost.recall = recall.value_or(0);
  options.stats = &stats;
  for (uint32_t i = 0; i < queries.count(); ++i) {
    EXPECT_THAT(graph.index->Search(queries.Row(i), options), IsOk());
  }
  cost.distances = stats.distance_computations;
  return cost;
}

// What was measured on the vectors of the index holds for other queries, for numbers of hits
// between those that were measured, and where most of the vectors pass a filter.
TEST_P(ReachTest, FindsAsMuchForFewerDistances) {
  const VectorSet set = Clustered(metric(), kRows, 2);
  const VectorSet queries = Clustered(metric(), 100, 3);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded graph, MakeGraph(codes(), set.matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const MeasuredRecall measured,
      MeasureRecallCurve(*graph.index, set.matrix(), {.codes = graph.codes.get()}));
  std::vector<bool> most(set.count());
  for (uint32_t slot = 0; slot < set.count(); ++slot) {
    most[slot] = slot % 5 != 0;
  }
  const SlotBitSet filter(most);
  uint64_t without = 0;
  uint64_t with = 0;
  uint32_t tried = 0;
  for (const uint32_t k : {1U, 10U, 30U, 100U}) {
    for (const uint32_t ef : {24U, 48U, 110U, 200U}) {
      const float reach = ReachFor(measured.all, k, ef);
      if (ef < k || reach == 0) {
        continue;
      }
      ++tried;
      EXPECT_GE(reach, 1.0F);
      const Cost plain = CostOf(graph, set, queries, {.k = k, .ef = ef});
      const Cost reaching = CostOf(graph, set, queries, {.k = k, .ef = ef, .reach = reach});
      EXPECT_GE(reaching.recall, plain.recall - 0.02) << "k " << k << " ef " << ef;
      without += plain.distances;
      with += reaching.distances;
      const Cost filtered =
          CostOf(graph, set, queries, {.k = k, .ef = ef, .reach = reach, .filter = &filter});
      EXPECT_GE(filtered.recall, plain.recall - 0.02) << "filter, k " << k << " ef " << ef;
    }
  }
  if (codes() != CodesSetting::kBit1) {  // of so few dimensions bits tell too little
    EXPECT_GE(tried, 4U);
    EXPECT_LT(static_cast<double>(with), 0.9 * static_cast<double>(without));
  }
}

// However short the reach, as many as there are are answered.
TEST_P(ReachTest, TheShortestReachFindsAsManyAsWanted) {
  const VectorSet set = Clustered(metric(), 1'000, 4);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded graph, MakeGraph(codes(), set.matrix()));
  for (const uint32_t k : {1U, 10U, 200U, 1'000U}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const std::vector<Candidate> found,
        graph.index->Search(set.Row(7), {.k = k, .ef = 1'000, .reach = 1}));
    EXPECT_EQ(found.size(), k);
  }
}

// Among vectors that differ by less than codes tell, a bound made of estimates alone would cut off
// what is as near. A query that is one of them, at distance 0, too.
TEST_P(ReachTest, AlmostEqualVectorsAreFound) {
  std::mt19937_64 random(5);
  std::vector<float> values = NormalValues(random, size_t{2'000} * kDim);
  std::normal_distribution<float> jitter(0, 1e-3F);
  for (uint32_t row = 1; row < 300; ++row) {
    for (uint32_t d = 0; d < kDim; ++d) {
      values[row * kDim + d] = values[d] + jitter(random);
    }
  }
  const VectorSet set(metric(), kDim, values);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded graph, MakeGraph(codes(), set.matrix()));
  const VectorSet queries(
      metric(), kDim, {values.begin(), values.begin() + static_cast<ptrdiff_t>(50) * kDim});
  const Cost plain = CostOf(graph, set, queries, {.k = 10, .ef = 128});
  const Cost reaching = CostOf(graph, set, queries, {.k = 10, .ef = 128, .reach = 1.2F});
  // Bits tell least of all.
  EXPECT_GE(reaching.recall, plain.recall - (codes() == CodesSetting::kBit1 ? 0.1 : 0.03));
}

INSTANTIATE_TEST_SUITE_P(Some,
                         ReachTest,
                         ::testing::Values(std::tuple(Metric::kL2, CodesSetting::kNone),
                                           std::tuple(Metric::kL2, CodesSetting::kInt8),
                                           std::tuple(Metric::kL2, CodesSetting::kBit1),
                                           std::tuple(Metric::kCosine, CodesSetting::kInt4),
                                           std::tuple(Metric::kDot, CodesSetting::kNone),
                                           std::tuple(Metric::kDot, CodesSetting::kInt4)),
                         [](const auto& tested) {
                           return std::string(MetricName(std::get<0>(tested.param))) + "_" +
                                  std::string(CodesName(std::get<1>(tested.param)));
                         });

}  // namespace
}  // namespace alidade
