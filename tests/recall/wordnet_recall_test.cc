// Recall on the bundled set: 5,000 real embeddings, 200 held-out queries, cosine.
//
// The floor of the graph is a promise of the default parameters. The floors of IVF are what was
// measured, less about two points: they show when it gets worse, not how good it should be.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/index/recall_curve.h"

#include "recall/bundled_set.h"
#include "recall/recall_floor.h"
#include "support/built_index.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

class WordnetRecallTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    base_ = BundledBase().release();
    queries_ = BundledQueries().release();
  }
  static void TearDownTestSuite() {
    delete base_;
    delete queries_;
  }
  void SetUp() override {
    ASSERT_EQ(base_->count(), 5'000u);
    ASSERT_EQ(queries_->count(), 200u);
  }

  void ExpectRecall(const RecallCase& tested) {
    const auto built = BuiltIndex::Make(tested.spec, tested.kind, base_->matrix());
    ASSERT_TRUE(built.ok()) << built.status();
    ExpectRecallAtLeast(tested, **built, base_->matrix(), *queries_);
  }

  static const VectorSet* base_;
  static const VectorSet* queries_;
};

const VectorSet* WordnetRecallTest::base_ = nullptr;
const VectorSet* WordnetRecallTest::queries_ = nullptr;

// The graph by its defaults, built at once and by halves: the second half extends the graph of the
// first.
TEST_F(WordnetRecallTest, GraphReachesItsPromiseFreshAndExtended) {
  RecallCase tested{"hnsw", IndexKind::kHnsw, {}, {.k = 10}, 0.95};
  ExpectRecall(tested);
  const auto half = BuildBody(tested.spec, tested.kind, base_->First(2'500));
  ASSERT_TRUE(half.ok()) << half.status();
  const auto whole = BuiltIndex::Make(tested.spec, tested.kind, base_->matrix(), *half);
  ASSERT_TRUE(whole.ok()) << whole.status();
  tested.name = "hnsw extended";
  ExpectRecallAtLeast(tested, **whole, base_->matrix(), *queries_);
}

// A recall target is answered by the curve that was measured when the index was built, and here by
// queries that are not among the vectors.
TEST_F(WordnetRecallTest, CurvesHoldForQueriesFromOutside) {
  for (const IndexKind kind : {IndexKind::kHnsw, IndexKind::kIvf}) {
    const auto built = BuiltIndex::Make({.kind = kind}, kind, base_->matrix());
    ASSERT_TRUE(built.ok()) << built.status();
    const auto curve = MeasureRecallCurve(**built, base_->matrix(), {});
    ASSERT_TRUE(curve.ok()) << curve.status();
    for (const uint32_t k : kRecallCurveK) {
      for (const double wanted : {0.9, 0.95, 0.99}) {
        const uint32_t effort = EffortForRecall(curve->all, k, wanted);
        ASSERT_GT(effort, 0u);
        const RecallCase tested{"by its curve",
                                kind,
                                {.kind = kind},
                                {.k = k, .ef = effort, .nprobe = effort},
                                wanted - 0.04};
        ExpectRecallAtLeast(tested, **built, base_->matrix(), *queries_);
      }
    }
  }
}

TEST_F(WordnetRecallTest, ListsWithoutCodes) {
  ExpectRecall({"ivf", IndexKind::kIvf, {.kind = IndexKind::kIvf}, {.k = 10}, 0.91});
}

TEST_F(WordnetRecallTest, ListsWithSq8Codes) {
  ExpectRecall({"ivf sq8",
                IndexKind::kIvf,
                {.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kSq8},
                {.k = 10},
                0.91});
}

TEST_F(WordnetRecallTest, ListsWithSq4Codes) {
  ExpectRecall({"ivf sq4",
                IndexKind::kIvf,
                {.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kSq4},
                {.k = 10},
                0.91});
}

TEST_F(WordnetRecallTest, ListsWithPqCodes) {
  ExpectRecall({"ivf pq",
                IndexKind::kIvf,
                {.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kPq},
                {.k = 10},
                0.91});
}

}  // namespace
}  // namespace alidade
