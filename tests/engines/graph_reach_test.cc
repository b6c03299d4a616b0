// Graphs by the default parameters: what a walk over them can come to.
//
// A vector out of reach is never answered, however wide the search, and a filter that allows only
// such vectors finds nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engines/agreement.h"
#include "support/built_index.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 24;
constexpr uint32_t kRows = 2'000;

class GraphReachTest : public ::testing::TestWithParam<Metric> {
 protected:
  std::mt19937_64 random_{20'260'109};
  const Engine engine_{"hnsw", IndexKind::kHnsw, {}};
};

INSTANTIATE_TEST_SUITE_P(Metrics,
                         GraphReachTest,
                         ::testing::Values(Metric::kL2, Metric::kDot, Metric::kCosine),
                         [](const auto& tested) { return std::string(MetricName(tested.param)); });

TEST_P(GraphReachTest, HardlyAnyVectorIsOutOfReach) {
  for (const size_t clusters : std::vector<size_t>{1, 10, 100}) {
    const std::vector<float> centres = NormalValues(random_, clusters * kDim);
    const VectorSet set(GetParam(), kDim, ClusteredValues(random_, centres, kDim, kRows, 0.3F));
    const EngineOver engine(engine_, set);
    for (int i = 0; i < 5; ++i) {
      const std::vector<float> query = NormalValues(random_, kDim);
      EXPECT_LE(std::ranges::count(engine.Reached(query.data()), false), 4)
          << "of " << kRows << " in " << clusters << " clusters";
    }
  }
}

// Texts repeat: hundreds of equal vectors are ordinary. They must neither push the others out of
// the graph nor hold a walk among themselves.
TEST_P(GraphReachTest, CopiesOfOneVectorCutNothingOff) {
  constexpr uint32_t kCopies = 100;  // more than a node has links
  const std::vector<float> copy = NormalValues(random_, kDim);
  std::vector<float> values;
  for (uint32_t row = 0; row < kRows; ++row) {
    const bool copied = row % (kRows / kCopies) == 0;
    const std::vector<float> own = copied ? copy : NormalValues(random_, kDim);
    values.insert(values.end(), own.begin(), own.end());
  }
  const VectorSet set(GetParam(), kDim, values);
  const auto built = BuiltIndex::Make(engine_.spec, engine_.kind, set.matrix());
  ASSERT_TRUE(built.ok()) << built.status();
  const VectorSet far(GetParam(), kDim, NormalValues(random_, size_t{100} * kDim));
  const VectorSet near(GetParam(), kDim, ClusteredValues(random_, copy, kDim, 20, 0.2F));
  const auto far_recall = RecallOf(**built, set.matrix(), far, {.k = 10});
  const auto near_recall = RecallOf(**built, set.matrix(), near, {.k = kCopies + 100});
  ASSERT_TRUE(far_recall.ok() && near_recall.ok());
  // Of eight seeds the worst had 0.976 under dot, which few rows answer, and 0.998 otherwise;
  // graphs that FAISS built had 0.972.
  EXPECT_GE(*far_recall, GetParam() == Metric::kDot ? 0.975 : 0.99);
  EXPECT_GE(*near_recall, 0.95) << "the copies are " << kCopies << " of " << kCopies + 100;
}

}  // namespace
}  // namespace alidade
