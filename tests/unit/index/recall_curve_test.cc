#include "alidade/index/recall_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
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

VectorSet Clustered(uint32_t rows, uint64_t seed) {
  std::mt19937_64 random(1);
  const std::vector<float> centres = NormalValues(random, size_t{50} * kDim);
  random.seed(seed);
  return {Metric::kL2, kDim, ClusteredValues(random, centres, kDim, rows, 0.7F)};
}

IndexSpec Spec(IndexKind kind) {
  IndexSpec spec;
  spec.kind = kind;
  spec.hnsw_m = 6;
  spec.hnsw_ef_construction = 30;
  return spec;
}

TEST(RecallCurveTest, RisesForEachKUntilAlmostAllIsFound) {
  const VectorSet set = Clustered(5'000, 2);
  for (const IndexKind kind : {IndexKind::kHnsw, IndexKind::kIvf}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const BuiltIndex built,
                                 BuiltIndex::Make(Spec(kind), kind, set.matrix()));
    ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall curve_measured,
                                 MeasureRecallCurve(*built, set.matrix(), {}));
    const RecallCurve& curve = curve_measured.all;
    ASSERT_GE(curve.size(), 4u);
    EXPECT_TRUE(std::ranges::is_sorted(curve, [](const RecallPoint& a, const RecallPoint& b) {
      return a.k < b.k || (a.k == b.k && a.effort < b.effort);
    }));
    for (const uint32_t k : kRecallCurveK) {
      const auto first = std::ranges::find(curve, k, &RecallPoint::k);
      ASSERT_NE(first, curve.end()) << k;
      const auto end =
          std::find_if(first, curve.end(), [k](const RecallPoint& point) { return point.k != k; });
      EXPECT_GT(first->recall, 0.0F);
      EXPECT_GE((end - 1)->recall, 0.99F) << k;
      EXPECT_LT(first->recall, (end - 1)->recall) << k;
    }
  }
}

// Codes too coarse for a high recall: more lists than there are would not help.
TEST(RecallCurveTest, EndsWhenAllListsAreLookedAt) {
  const VectorSet set = Clustered(5'000, 2);
  IndexSpec spec = Spec(IndexKind::kIvf);
  spec.ivf_nlist = 8;
  spec.ivf_codes = IvfCodes::kPq;
  spec.ivf_pq_m = 1;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const BuiltIndex built,
                               BuiltIndex::Make(spec, IndexKind::kIvf, set.matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall curve_measured,
                               MeasureRecallCurve(*built, set.matrix(), {}));
  const RecallCurve& curve = curve_measured.all;
  EXPECT_LT(curve.back().recall, 0.9F);
  EXPECT_GE(curve.back().effort, 8u);
  EXPECT_LE(curve.back().effort, 11u);
}

// What the curve promises is what queries get that are not among the vectors.
TEST(RecallCurveTest, OtherQueriesGetWhatWasMeasured) {
  const VectorSet set = Clustered(5'000, 2);
  const VectorSet queries = Clustered(200, 3);
  for (const IndexKind kind : {IndexKind::kHnsw, IndexKind::kIvf}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const BuiltIndex built,
                                 BuiltIndex::Make(Spec(kind), kind, set.matrix()));
    ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall curve_measured,
                                 MeasureRecallCurve(*built, set.matrix(), {}));
    const RecallCurve& curve = curve_measured.all;
    for (const uint32_t k : kRecallCurveK) {
      for (const double wanted : {0.8, 0.9, 0.95, 0.99}) {
        const uint32_t effort = EffortForRecall(curve, k, wanted);
        ASSERT_GT(effort, 0u);
        ALIDADE_ASSERT_OK_AND_ASSIGN(
            const double recall,
            RecallOf(*built, set.matrix(), queries, {.k = k, .ef = effort, .nprobe = effort}));
        EXPECT_GE(recall, wanted - 0.03) << "k " << k << " effort " << effort;
      }
    }
  }
}

TEST(RecallCurveTest, IsTheSameEachTimeAndOfEqualVectorsPerfect) {
  const VectorSet set = Clustered(3'000, 4);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const BuiltIndex built,
      BuiltIndex::Make(Spec(IndexKind::kHnsw), IndexKind::kHnsw, set.matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall once_measured,
                               MeasureRecallCurve(*built, set.matrix(), {}));
  const RecallCurve& once = once_measured.all;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall again_measured,
                               MeasureRecallCurve(*built, set.matrix(), {.threads = 3}));
  const RecallCurve& again = again_measured.all;
  EXPECT_EQ(once, again);
  EXPECT_EQ(once_measured, again_measured);

  const VectorSet equal(Metric::kL2, 4, std::vector<float>(size_t{4} * 2'500, 1.0F));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const BuiltIndex of_equal,
      BuiltIndex::Make(Spec(IndexKind::kHnsw), IndexKind::kHnsw, equal.matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall perfect_measured,
                               MeasureRecallCurve(*of_equal, equal.matrix(), {}));
  const RecallCurve& perfect = perfect_measured.all;
  EXPECT_EQ(EffortForRecall(perfect, 10, 0.99), perfect.front().effort);
}

TEST(RecallCurveTest, StopsWhenTheBuildIsCancelled) {
  const VectorSet set = Clustered(2'100, 5);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const BuiltIndex built,
      BuiltIndex::Make(Spec(IndexKind::kHnsw), IndexKind::kHnsw, set.matrix()));
  BuildProgress progress;
  progress.cancelled = true;
  EXPECT_THAT(MeasureRecallCurve(*built, set.matrix(), {.progress = &progress}),
              StatusIs(StatusCode::kCancelled));
}

// Under a filter too, of a graph: here for queries from outside under another tenth.
TEST(RecallCurveTest, OtherTenthsAreAsHardAsTheOneThatWasMeasured) {
  const VectorSet set = Clustered(20'000, 2);
  const VectorSet queries = Clustered(200, 3);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const BuiltIndex built,
      BuiltIndex::Make(Spec(IndexKind::kHnsw), IndexKind::kHnsw, set.matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall measured,
                               MeasureRecallCurve(*built, set.matrix(), {}));
  ASSERT_FALSE(measured.tenth.empty());
  EXPECT_GE(measured.tenth.back().recall, 0.95F);
  std::mt19937_64 random(4);
  std::vector<bool> allowed(set.count());
  for (uint32_t slot = 0; slot < set.count(); ++slot) {
    allowed[slot] = random() % 10 == 0;
  }
  const SlotBitSet filter(allowed);
  for (const uint32_t effort : {10U, 20U, 40U}) {
    const std::optional<double> hardness = HardnessOfTenth(measured.all, measured.tenth, effort);
    ASSERT_TRUE(hardness.has_value());
    EXPECT_GE(*hardness, 1);
    ALIDADE_ASSERT_OK_AND_ASSIGN(const double plain,
                                 RecallOf(*built, set.matrix(), queries, {.k = 10, .ef = effort}));
    const auto harder = static_cast<uint32_t>(std::ceil(effort * *hardness));
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const double filtered,
        RecallOf(*built, set.matrix(), queries, {.k = 10, .ef = harder, .filter = &filter}));
    EXPECT_GE(filtered, plain - 0.02) << "ef " << effort << " and " << harder;
  }
  const BuiltIndex lists =
      *BuiltIndex::Make(Spec(IndexKind::kIvf), IndexKind::kIvf, set.First(3'000));
  const auto of_lists = MeasureRecallCurve(*lists, set.First(3'000), {});
  ASSERT_THAT(of_lists, IsOk());
  EXPECT_TRUE(of_lists->tenth.empty());
}

TEST(RecallCurveTest, HardnessIsTheRatioOfEffortsAtTheRecallReached) {
  const RecallCurve all = {{.k = 10, .effort = 10, .recall = 0.8F},
                           {.k = 10, .effort = 20, .recall = 0.9F},
                           {.k = 100, .effort = 100, .recall = 0.7F}};
  const RecallCurve tenth = {{.k = 10, .effort = 10, .recall = 0.5F},
                             {.k = 10, .effort = 30, .recall = 0.8F},
                             {.k = 10, .effort = 90, .recall = 0.89F}};
  EXPECT_EQ(HardnessOfTenth(all, tenth, 10), 3.0);
  EXPECT_EQ(HardnessOfTenth(all, tenth, 19), 3.0);
  EXPECT_EQ(HardnessOfTenth(all, tenth, 4), 3.0);
  EXPECT_EQ(HardnessOfTenth(all, tenth, 20), std::nullopt) << "0.9 was not reached";
  EXPECT_EQ(HardnessOfTenth(all, {}, 10), std::nullopt);
  EXPECT_EQ(HardnessOfTenth({}, tenth, 10), std::nullopt);
  EXPECT_EQ(HardnessOfTenth(all, {{.k = 10, .effort = 10, .recall = 0.9F}}, 20), 1.0);
}

TEST(RecallCurveTest, PlacesAreAsGoodAsAWalkWhereTheyWereMeasuredToFindAsMuch) {
  const MeasuredRecall measured = {.all = {{.k = 10, .effort = 10, .recall = 0.5F},
                                           {.k = 10, .effort = 20, .recall = 0.95F},
                                           {.k = 10, .effort = 40, .recall = 0.99F},
                                           {.k = 100, .effort = 100, .recall = 0.9F}},
                                   .tenth = {},
                                   .places = {{.slack = 50, .recall = 0.6F, .distances = 500},
                                              {.slack = 60, .recall = 0.92F, .distances = 900},
                                              {.slack = 70, .recall = 0.97F, .distances = 2'000}}};
  const auto slack = [&measured](uint32_t effort) {
    const auto point = PlacesAsGoodAs(measured, effort);
    return point.has_value() ? point->slack : 0;
  };
  EXPECT_EQ(slack(20), 70U);
  EXPECT_EQ(slack(39), 70U);
  EXPECT_EQ(slack(40), 0U);
  EXPECT_EQ(slack(10), 60U) << "less than 0.9 is not aimed at";
  EXPECT_FALSE(PlacesAsGoodAs({.all = measured.all, .tenth = {}, .places = {}}, 10).has_value());
  EXPECT_FALSE(PlacesAsGoodAs({.all = {}, .tenth = {}, .places = measured.places}, 10).has_value());
}

// What was measured holds for other queries and other tenths, too.
TEST(RecallCurveTest, OtherTenthsAreFoundByPlacesAsMeasured) {
  const VectorSet set = Clustered(5'000, 2);
  const VectorSet queries = Clustered(100, 3);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const Coded graph,
      MakeCodedGraph(
          CodesSetting::kInt8, set.matrix(), Spec(IndexKind::kHnsw), {}, {.places_from = 0}));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const MeasuredRecall measured,
      MeasureRecallCurve(*graph.index, set.matrix(), {.codes = graph.codes.get()}));
  const std::vector<PlacePoint>& places = measured.places;
  ASSERT_GE(places.size(), 3U);
  EXPECT_GE(places.back().recall, 0.99F);
  EXPECT_TRUE(std::ranges::is_sorted(places, {}, &PlacePoint::slack));
  EXPECT_TRUE(std::ranges::is_sorted(places, {}, &PlacePoint::distances));
  std::mt19937_64 random(8);
  std::vector<bool> allowed(set.count());
  for (uint32_t slot = 0; slot < set.count(); ++slot) {
    allowed[slot] = random() % 10 == 0;
  }
  const SlotBitSet filter(allowed);
  for (const PlacePoint& point : places) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const double recall,
        RecallOf(*graph.index,
                 set.matrix(),
                 queries,
                 {.k = 10, .ef = kPlacesEf, .slack = point.slack, .filter = &filter}));
    EXPECT_GE(recall, point.recall - 0.05) << point.slack;
  }
}

TEST(RecallCurveTest, ReachLiesBetweenWhatWasMeasured) {
  const RecallCurve curve = {
      {.k = 10, .effort = 10, .recall = 0.5F, .reach = 0},
      {.k = 10, .effort = 20, .recall = 0.9F, .reach = 1.1F},
      {.k = 10, .effort = 40, .recall = 0.95F, .reach = 1.2F},
      {.k = 100, .effort = 100, .recall = 0.9F, .reach = 1.0F},
      {.k = 100, .effort = 200, .recall = 0.95F, .reach = 1.1F},
  };
  EXPECT_EQ(ReachFor(curve, 10, 5), 0);
  EXPECT_EQ(ReachFor(curve, 10, 10), 0);
  EXPECT_FLOAT_EQ(ReachFor(curve, 10, 15), 1.1F) << "less than that was not measured";
  EXPECT_FLOAT_EQ(ReachFor(curve, 10, 20), 1.1F);
  EXPECT_FLOAT_EQ(ReachFor(curve, 1, 30), 1.15F);
  EXPECT_GT(ReachFor(curve, 10, 80), 1.2F) << "more than was measured";
  EXPECT_LT(ReachFor(curve, 10, 80), ReachFor(curve, 10, 160));
  EXPECT_FLOAT_EQ(ReachFor(curve, 100, 50), 1.0F);
  EXPECT_FLOAT_EQ(ReachFor(curve, 100, 150), 1.05F);
  EXPECT_FLOAT_EQ(ReachFor(curve, 1'000, 150), 1.05F);
  const float between = ReachFor(curve, 30, 40);
  EXPECT_GT(between, 1.0F);
  EXPECT_LT(between, 1.2F);
  EXPECT_EQ(ReachFor(curve, 30, 10), 0) << "none of one of them";
  EXPECT_EQ(ReachFor({}, 10, 20), 0);
  EXPECT_EQ(ReachFor({{.k = 10, .effort = 10, .recall = 0.5F}}, 10, 20), 0);
}

TEST(RecallCurveTest, AWishForMoreThanWasReachedHasNoEffort) {
  const RecallCurve curve = {{.k = 10, .effort = 20, .recall = 0.9F}};
  EXPECT_EQ(EffortForRecall(curve, 10, 0.9F), 20u);
  EXPECT_EQ(EffortForRecall(curve, 10, 0.91), 0u);
  EXPECT_EQ(EffortForRecall(curve, 11, 0.9F), 22u);
  EXPECT_EQ(EffortForRecall({}, 10, 0.5), 0u);
  EXPECT_EQ(EffortForRecall({{.k = 1, .effort = 4'000'000'000, .recall = 1}}, 10, 1), UINT32_MAX);
}

}  // namespace
}  // namespace alidade
