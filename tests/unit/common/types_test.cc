#include "alidade/common/types.h"

#include <type_traits>
#include <unordered_set>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace alidade {
namespace {

static_assert(!std::is_convertible_v<uint64_t, SeqNo>);
static_assert(!std::is_constructible_v<SeqNo, RowNo>);

TEST(TypesTest, StrongNumbersAreOrderedHashedAndPrinted) {
  EXPECT_LT(SeqNo(1), SeqNo(2));
  EXPECT_EQ(SeqNo(1).Next(), SeqNo(2));
  EXPECT_EQ(SeqNo(), SeqNo(0));
  EXPECT_EQ(fmt::format("{} {:04}", RowNo(7), FieldId(42)), "7 0042");
  const std::unordered_set<SegmentId> set = {SegmentId(1), SegmentId(2), SegmentId(1)};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace alidade
