// What a graph goes through in its life must not cost recall: rows that come in sorted, growth by
// merges, deleted rows. Each is compared with a graph that was built at once over the same rows, on
// the bundled real embeddings, at an ef where recall has room to fall.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/index/recall_curve.h"
#include "alidade/query/plan.h"

#include "recall/bundled_set.h"
#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr double kLossMax = 0.01;
constexpr uint32_t kEf = 32;
constexpr uint32_t kMerges = 10;

StatusOr<Coded> MakeGraph(CodesSetting setting,
                          const VectorMatrix& matrix,
                          std::string_view previous = {}) {
  return MakeCodedGraph(setting, matrix, {.kind = IndexKind::kHnsw}, previous, {.places_from = 0});
}

class GraphQualityTest : public ::testing::TestWithParam<CodesSetting> {
 protected:
  static void SetUpTestSuite() {
    base_ = BundledBase().release();
    queries_ = BundledQueries().release();
  }
  static void TearDownTestSuite() {
    delete std::exchange(base_, nullptr);
    delete std::exchange(queries_, nullptr);
  }

  static double Recall(const Coded& graph,
                       const VectorMatrix& matrix,
                       const SlotFilter* filter = nullptr) {
    const auto recall =
        RecallOf(*graph.index, matrix, *queries_, {.k = 10, .ef = kEf, .filter = filter});
    EXPECT_THAT(recall, IsOk());
    return recall.ok() ? *recall : 0;
  }

  // Of searches that ask the filter only about what they found, and of `walk`s where that was too
  // little.
  static double RecallOfTried(const Coded& graph,
                              const IndexSearchOptions& tried,
                              const IndexSearchOptions& walk) {
    size_t hits = 0;
    size_t wanted = 0;
    for (uint32_t i = 0; i < queries_->count(); ++i) {
      const auto exact = ExactSearch(base_->matrix(), queries_->Row(i), walk);
      auto found = graph.index->Search(queries_->Row(i), tried);
      EXPECT_THAT(found, IsOk());
      if (found.ok() && found->size() < tried.k) {
        found = graph.index->Search(queries_->Row(i), walk);
      }
      if (!exact.ok() || !found.ok()) {
        return 0;
      }
      wanted += exact->size();
      hits += static_cast<size_t>(std::ranges::count_if(*found, [&](const Candidate& candidate) {
        return candidate.distance <= exact->back().distance;
      }));
    }
    return static_cast<double>(hits) / static_cast<double>(wanted);
  }

  static void ExpectLittleLoss(const char* what, double fresh, double now) {
    std::printf("%s, codes %s: recall@10 %.4f, fresh %.4f\n",
                what,
                std::string(CodesName(GetParam())).c_str(),
                now,
                fresh);
    EXPECT_GE(now, fresh - kLossMax) << what;
    EXPECT_LT(now, 1.0) << "nothing to lose at this ef";
  }

  static const VectorSet* base_;
  static const VectorSet* queries_;
};

const VectorSet* GraphQualityTest::base_ = nullptr;
const VectorSet* GraphQualityTest::queries_ = nullptr;

// Sorted by their similarity to one of them: neighbours come in one after the other.
TEST_P(GraphQualityTest, SortedRowsCostNoRecall) {
  const QueryDistance distance(base_->matrix(), base_->Row(0));
  std::vector<uint32_t> order(base_->count());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return Candidate{distance(a), a} < Candidate{distance(b), b};
  });
  std::vector<float> values;
  for (const uint32_t slot : order) {
    values.insert(values.end(), base_->Row(slot), base_->Row(slot) + base_->matrix().dim);
  }
  const VectorSet sorted(base_->matrix().metric, base_->matrix().dim, values);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded fresh, MakeGraph(GetParam(), base_->matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded now, MakeGraph(GetParam(), sorted.matrix()));
  ExpectLittleLoss("sorted", Recall(fresh, base_->matrix()), Recall(now, sorted.matrix()));
}

TEST_P(GraphQualityTest, TenMergesCostNoRecall) {
  const uint32_t rows = base_->count();
  std::string body;
  Coded now;
  for (uint32_t part = 1; part <= kMerges + 1; ++part) {
    const uint32_t count = rows * part / (kMerges + 1);
    ALIDADE_ASSERT_OK_AND_ASSIGN(now, MakeGraph(GetParam(), base_->First(count), body));
    body = now.graph_body;
  }
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded fresh, MakeGraph(GetParam(), base_->matrix()));
  ExpectLittleLoss("ten merges", Recall(fresh, base_->matrix()), Recall(now, base_->matrix()));
}

// Deleted rows stay in the graph, and walks pass through them, until a merge builds it anew.
TEST_P(GraphQualityTest, DeletesCostNoRecall) {
  std::mt19937_64 random(1);
  std::vector<bool> alive(base_->count());
  std::vector<float> values;
  for (uint32_t slot = 0; slot < base_->count(); ++slot) {
    alive[slot] = random() % 5 != 0;
    if (alive[slot]) {
      values.insert(values.end(), base_->Row(slot), base_->Row(slot) + base_->matrix().dim);
    }
  }
  const VectorSet left(base_->matrix().metric, base_->matrix().dim, values);
  const SlotSet filter(alive);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded fresh, MakeGraph(GetParam(), left.matrix()));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded now, MakeGraph(GetParam(), base_->matrix()));
  ExpectLittleLoss(
      "a fifth deleted", Recall(fresh, left.matrix()), Recall(now, base_->matrix(), &filter));
}

// The planner lets a walk work harder the fewer rows pass; then it finds as much as one without a
// filter, whether what passes lies anywhere or together, far from most queries.
TEST_P(GraphQualityTest, FiltersCostNoRecall) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded graph, MakeGraph(GetParam(), base_->matrix()));
  const auto recall_of = [&](uint32_t ef, const SlotFilter* filter, uint32_t slack = 0) {
    const auto recall = RecallOf(*graph.index,
                                 base_->matrix(),
                                 *queries_,
                                 {.k = 10, .ef = ef, .slack = slack, .filter = filter});
    EXPECT_THAT(recall, IsOk());
    return recall.value_or(0);
  };
  constexpr uint32_t kSmallEf = 12;  // a walk over few rows finds all of them with a large one
  const double plain = recall_of(kSmallEf, nullptr);
  ASSERT_LT(plain, 0.98) << "nothing to lose at this ef";
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const MeasuredRecall measured,
      MeasureRecallCurve(*graph.index, base_->matrix(), {.codes = graph.codes.get()}));
  const auto of_tenth = HardnessOfTenth(measured.all, measured.tenth, kSmallEf);
  ASSERT_TRUE(of_tenth.has_value());
  const auto places = PlacesAsGoodAs(measured, kSmallEf);
  ASSERT_EQ(places.has_value(), GetParam() != CodesSetting::kNone);
  const uint32_t rows = base_->count();
  const QueryDistance distance(base_->matrix(), base_->Row(1));
  std::vector<float> distances(rows);
  for (uint32_t slot = 0; slot < rows; ++slot) {
    distances[slot] = distance(slot);
  }
  std::vector<float> sorted = distances;
  std::ranges::sort(sorted);
  std::mt19937_64 random(2);
  for (const double share : {0.5, 0.2, 0.1, 0.05}) {
    const float edge = sorted[static_cast<size_t>(share * rows)];
    std::vector<bool> anywhere(rows);
    std::vector<bool> together(rows);
    for (uint32_t slot = 0; slot < rows; ++slot) {
      anywhere[slot] = static_cast<double>(random() % 1'000) < share * 1'000;
      together[slot] = distances[slot] < edge;
    }
    for (const auto& [what, allowed] :
         {std::pair("filter, anywhere", &anywhere), std::pair("filter, together", &together)}) {
      const SlotBitSet filter(*allowed);
      const auto ef = static_cast<uint32_t>(std::ceil(kSmallEf * WalkHardness(share, *of_tenth)));
      const double recall = recall_of(ef, &filter);
      std::printf("%s, %.0f %%, codes %s: recall@10 %.4f, without %.4f\n",
                  what,
                  share * 100,
                  std::string(CodesName(GetParam())).c_str(),
                  recall,
                  plain);
      EXPECT_GE(recall, plain - kLossMax) << what << " " << share;
      if (share >= kTriedShareMin) {
        const auto passing = static_cast<float>(share);
        const auto more = static_cast<uint32_t>(std::ceil(kSmallEf / share));
        const double tried =
            RecallOfTried(graph,
                          {.k = 10,
                           .ef = more,
                           .reach = ReachFor(measured.all, NearestWanted(10, passing), more),
                           .filter = &filter,
                           .passing = passing},
                          {.k = 10, .ef = ef, .filter = &filter});
        std::printf(".. tried on what is found: %.4f\n", tried);
        EXPECT_GE(tried, plain - kLossMax) << what << " " << share;
      }
      if (places.has_value() && share <= kPlacesShareMax) {
        const double by_places = recall_of(kPlacesEf, &filter, places->slack);
        std::printf(".. by places: %.4f\n", by_places);
        EXPECT_GE(by_places, plain - kLossMax) << what << " " << share;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codes,
                         GraphQualityTest,
                         ::testing::Values(CodesSetting::kNone,
                                           CodesSetting::kInt8,
                                           CodesSetting::kInt4,
                                           CodesSetting::kBit1),
                         [](const auto& tested) { return std::string(CodesName(tested.param)); });

}  // namespace
}  // namespace alidade
