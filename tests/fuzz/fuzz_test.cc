// Every decoder under damaged bytes. ALIDADE_TEST_SEED replays a run, ALIDADE_FUZZ_ROUNDS makes it
// longer.
#include <ostream>

#include <gtest/gtest.h>

#include "support/vector_set.h"
#include "targets.h"

namespace alidade::fuzz {

// For GoogleTest, which would print the bytes of the object.
void PrintTo(const FuzzTarget& target, std::ostream* out) { *out << target.name; }

namespace {

std::vector<FuzzTarget> AllTargets() {
  std::vector<FuzzTarget> all;
  for (auto& some : {PayloadTargets(),
                     StorageTargets(),
                     CollectionTargets(),
                     SegmentTargets(),
                     RequestTargets(),
                     FilterTargets(),
                     PayloadIndexTargets(),
                     TextTargets(),
                     ConfigTargets(),
                     ClientFileTargets()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

class FuzzTest : public ::testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzTest, DamagedBytesAreRefusedOrMakeSense) {
  const FuzzResult result =
      RunFuzz(GetParam(), {.seed = PrintedTestSeed(), .rounds = RoundsFromEnvironment()});
  ASSERT_FALSE(result.finding.has_value()) << *result.finding;
  // Some damage is harmless: otherwise nothing behind the first check was ever reached.
  EXPECT_GT(result.accepted, 0U);
  EXPECT_LT(result.accepted, result.inputs);
}

INSTANTIATE_TEST_SUITE_P(Decoders,
                         FuzzTest,
                         ::testing::ValuesIn(AllTargets()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace alidade::fuzz
