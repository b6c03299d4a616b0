// Recall on clustered data from a fixed seed under squared L2 and dot, which the bundled set does
// not cover. The floors are what was measured, less about two points.
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recall/recall_floor.h"
#include "support/built_index.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 48;
constexpr uint32_t kRows = 6'000;
constexpr uint32_t kQueries = 200;
constexpr size_t kClusters = 60;
constexpr float kSpread = 0.9F;

struct SyntheticCase {
  Metric metric;
  RecallCase recall;
};

class SyntheticRecallTest : public ::testing::TestWithParam<SyntheticCase> {};

TEST_P(SyntheticRecallTest, StaysAboveItsFloor) {
  const auto& [metric, tested] = GetParam();
  std::mt19937_64 random(20'260'108);
  const std::vector<float> centres = NormalValues(random, kClusters * kDim);
  const VectorSet base(metric, kDim, ClusteredValues(random, centres, kDim, kRows, kSpread));
  const VectorSet queries(metric, kDim, ClusteredValues(random, centres, kDim, kQueries, kSpread));
  const auto built = BuiltIndex::Make(tested.spec, tested.kind, base.matrix());
  ASSERT_TRUE(built.ok()) << built.status();
  ExpectRecallAtLeast(tested, **built, base.matrix(), queries);
}

IndexSpec Ivf(IvfCodes codes) { return {.kind = IndexKind::kIvf, .ivf_codes = codes}; }

INSTANTIATE_TEST_SUITE_P(
    Indexes,
    SyntheticRecallTest,
    ::testing::Values(
        SyntheticCase{Metric::kL2, {"HnswL2", IndexKind::kHnsw, {}, {.k = 10}, 0.98}},
        SyntheticCase{Metric::kDot, {"HnswDot", IndexKind::kHnsw, {}, {.k = 10}, 0.98}},
        SyntheticCase{Metric::kL2,
                      {"IvfL2", IndexKind::kIvf, Ivf(IvfCodes::kFlat), {.k = 10}, 0.98}},
        SyntheticCase{Metric::kDot,
                      {"IvfDot", IndexKind::kIvf, Ivf(IvfCodes::kFlat), {.k = 10}, 0.98}},
        SyntheticCase{Metric::kL2,
                      {"IvfSq8L2", IndexKind::kIvf, Ivf(IvfCodes::kSq8), {.k = 10}, 0.98}},
        SyntheticCase{Metric::kDot,
                      {"IvfSq8Dot", IndexKind::kIvf, Ivf(IvfCodes::kSq8), {.k = 10}, 0.98}},
        SyntheticCase{Metric::kL2,
                      {"IvfSq4L2", IndexKind::kIvf, Ivf(IvfCodes::kSq4), {.k = 10}, 0.98}},
        SyntheticCase{Metric::kDot,
                      {"IvfSq4Dot", IndexKind::kIvf, Ivf(IvfCodes::kSq4), {.k = 10}, 0.98}},
        SyntheticCase{Metric::kL2,
                      {"IvfPqL2", IndexKind::kIvf, Ivf(IvfCodes::kPq), {.k = 10}, 0.96}},
        SyntheticCase{Metric::kDot,
                      {"IvfPqDot", IndexKind::kIvf, Ivf(IvfCodes::kPq), {.k = 10}, 0.96}}),
    [](const auto& tested) { return tested.param.recall.name; });

}  // namespace
}  // namespace alidade
