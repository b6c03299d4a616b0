#include "alidade/query/fusion.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/query/delta_view.h"

namespace alidade {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr double kSmall = 1e-12;

SegmentSet FourRows() { return ViewOfRows({{.id = 4}, {.id = 3}, {.id = 2}, {.id = 1}}); }

TEST(FusionTest, RanksAddUpWhateverTheScores) {
  const SegmentSet view = FourRows();
  const Ranking fused =
      Fuse(view,
           ReciprocalRank{},
           {{{HitAt(0, 1e9), HitAt(1, 5), HitAt(2, 4)}}, {{HitAt(2, 0.3), HitAt(3, 0.2)}}});
  EXPECT_THAT(RowsAndScores(fused),
              ElementsAre(Pair(2, DoubleNear(1.0 / 63 + 1.0 / 61, kSmall)),
                          Pair(0, DoubleNear(1.0 / 61, kSmall)),
                          // Equal scores: the smaller id first.
                          Pair(3, DoubleNear(1.0 / 62, kSmall)),
                          Pair(1, DoubleNear(1.0 / 62, kSmall))));
}

TEST(FusionTest, WeightsAndTheConstantCount) {
  const SegmentSet view = FourRows();
  const Ranking fused =
      Fuse(view, ReciprocalRank{1}, {{{HitAt(0, 1)}, 0.5}, {{HitAt(1, 1), HitAt(0, 0)}, 3}});
  EXPECT_THAT(RowsAndScores(fused),
              ElementsAre(Pair(1, DoubleNear(1.5, kSmall)),
                          Pair(0, DoubleNear(0.5 / 2 + 3.0 / 3, kSmall))));
}

TEST(FusionTest, ScoresAreBroughtToOneScale) {
  const SegmentSet view = FourRows();
  const Ranking fused =
      Fuse(view,
           WeightedScores{WeightedScores::Normalization::kMinMax},
           {{{HitAt(0, 30), HitAt(1, 25), HitAt(2, 10)}, 2}, {{HitAt(3, -1), HitAt(1, -1)}}});
  EXPECT_THAT(RowsAndScores(fused),
              ElementsAre(Pair(1, DoubleNear(2 * 0.75 + 1, kSmall)),
                          Pair(0, DoubleNear(2, kSmall)),
                          Pair(3, DoubleNear(1, kSmall)),
                          Pair(2, DoubleNear(0, kSmall))));
}

TEST(FusionTest, AnOutlierDoesNotFlattenADistribution) {
  const SegmentSet view = FourRows();
  const WeightedScores method{WeightedScores::Normalization::kDistribution};
  // Mean 4, deviation 2: from -2 to 10.
  const Ranking fused =
      Fuse(view, method, {{{HitAt(0, 6), HitAt(1, 6), HitAt(2, 2), HitAt(3, 2)}}});
  EXPECT_THAT(RowsAndScores(fused),
              ElementsAre(Pair(1, DoubleNear(8.0 / 12, kSmall)),
                          Pair(0, DoubleNear(8.0 / 12, kSmall)),
                          Pair(3, DoubleNear(4.0 / 12, kSmall)),
                          Pair(2, DoubleNear(4.0 / 12, kSmall))));
  EXPECT_THAT(RowsAndScores(Fuse(view, method, {{{HitAt(0, 7)}}})), ElementsAre(Pair(0, 0.5)));
}

TEST(FusionTest, PartsOfAllBranchesAreKept) {
  const SegmentSet view = FourRows();
  Ranking words = {HitAt(1, 5), HitAt(0, 4)};
  Ranking near = {HitAt(0, 0.9)};
  NoteParts("a", words);
  NoteParts("b", near);
  const Ranking fused = Fuse(view, ReciprocalRank{}, {{words}, {near}});
  ASSERT_EQ(fused.size(), 2U);
  EXPECT_THAT(fused[0].parts, ElementsAre(ScorePart{"a", 2, 4}, ScorePart{"b", 1, 0.9}));
  EXPECT_THAT(fused[1].parts, ElementsAre(ScorePart{"a", 1, 5}));
  EXPECT_THAT(Fuse(view, ReciprocalRank{}, {{{}}, {{}}}), IsEmpty());
}

}  // namespace
}  // namespace alidade
