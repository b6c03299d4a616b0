#include "alidade/query/merger.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/point_id.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Rows are named by their numbers in the results.
MergeInput Input(float distance, std::string_view id, uint32_t row) {
  return {.hit = {.distance = distance, .segment = row / 100, .row = row},
          .encoded_id = id,
          .row_number = RowNo(row)};
}

std::vector<RowId> Rows(const std::vector<GlobalHit>& hits) {
  std::vector<RowId> rows;
  for (const GlobalHit& hit : hits) {
    rows.push_back(hit.row);
  }
  return rows;
}

TEST(MergeHitsTest, OrdersByDistanceThenIdWhateverTheInputOrder) {
  std::vector<MergeInput> inputs = {Input(0.5F, "d", 1),
                                    Input(0.25F, "c", 200),
                                    Input(0.5F, "a", 300),
                                    Input(-1.0F, "z", 4),
                                    Input(0.5F, "b", 105)};
  std::ranges::sort(inputs, {}, &MergeInput::encoded_id);
  do {
    EXPECT_THAT(Rows(MergeHits(inputs, 10)), ElementsAre(4, 200, 300, 105, 1));
    EXPECT_THAT(Rows(MergeHits(inputs, 3)), ElementsAre(4, 200, 300));
  } while (std::ranges::next_permutation(inputs, {}, &MergeInput::encoded_id).found);
  EXPECT_THAT(MergeHits({}, 3), IsEmpty());
  EXPECT_THAT(MergeHits(inputs, 0), IsEmpty());
  EXPECT_EQ(MergeHits(inputs, std::numeric_limits<uint32_t>::max()).size(), 5u);
}

TEST(MergeHitsTest, NewestVersionOfAnIdWinsEvenIfFarther) {
  EXPECT_THAT(
      Rows(MergeHits({Input(0.1F, "a", 7), Input(0.9F, "a", 205), Input(0.5F, "b", 3)}, 10)),
      ElementsAre(3, 205));
  EXPECT_THAT(
      Rows(MergeHits({Input(0.9F, "a", 205), Input(0.1F, "a", 7), Input(0.2F, "a", 100)}, 1)),
      ElementsAre(205));
}

TEST(MergeHitsTest, NumbersComeBeforeTextAmongEqualDistances) {
  const std::string nine = PointId(9).Encode();
  const std::string ten = PointId(10).Encode();
  const std::string text = PointId(std::string("1")).Encode();
  EXPECT_THAT(Rows(MergeHits({Input(0, text, 1), Input(0, ten, 2), Input(0, nine, 3)}, 3)),
              ElementsAre(3, 2, 1));
}

TEST(MergeHitsTest, NegativeZeroIsZeroAndInfinityIsLast) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(
      Rows(MergeHits({Input(infinity, "a", 1), Input(0.0F, "c", 2), Input(-0.0F, "b", 3)}, 3)),
      ElementsAre(3, 2, 1));
}

}  // namespace
}  // namespace alidade
