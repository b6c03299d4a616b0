// Random histories of the whole engine against a plain map.
//
// ALIDADE_TEST_SEED=<n>        the seed of the first history; each history prints its own on
// failure ALIDADE_MODEL_SEQUENCES=<n>  how many small histories (default 12; a quarter as many
// large ones)
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/operation.h"
#include "model/plain_model.h"
#include "model/shrink.h"
#include "model/trace_run.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kDefaultSeed = 20'261'124;
constexpr uint64_t kDefaultSequences = 8;
constexpr int kShrinkRunsMax = 250;

const Scale kSmall;
// Enough rows for graphs and lists.
const Scale kLarge{
    .operations = 140, .ids = 8'000, .rows_max = 4'000, .deletes_max = 150, .settle_weight = 40};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

std::string Listing(const Trace& trace) {
  std::string text;
  for (const Operation& operation : trace) {
    text += Describe(operation) + "\n";
  }
  return text;
}

class ModelTest : public ::testing::Test {
 protected:
  // Runs histories; a failing one is shrunk and printed.
  void RunHistories(uint64_t count, const Scale& scale) {
    const uint64_t seed = FromEnvironment("ALIDADE_TEST_SEED", kDefaultSeed);
    std::cout << "ALIDADE_TEST_SEED=" << seed << " ALIDADE_MODEL_SEQUENCES=" << count << "\n";
    for (uint64_t i = 0; i < count; ++i) {
      const Trace trace = MakeTrace(seed + i, scale);
      const TraceResult result = RunTrace(trace, Mistake::kNone);
      Add(result);
      if (result.difference.has_value()) {
        const Trace shortest = Shrink<Operation>(
            trace,
            [](const Trace& shorter) {
              return RunTrace(shorter, Mistake::kNone).difference.has_value();
            },
            kShrinkRunsMax);
        FAIL() << *result.difference << "\nALIDADE_TEST_SEED=" << seed + i
               << " ALIDADE_MODEL_SEQUENCES=1\nshortest trace that fails:\n"
               << Listing(shortest);
      }
    }
    std::cout << "sealed segments seen " << total_.seals << ", with an index " << total_.graphs
              << ", healed " << total_.healed << ", hits compared " << total_.hits_compared
              << ", retries " << total_.replays << ", payloads changed " << total_.payloads_changed
              << ", writes refused " << total_.refused << "\n";
  }
  void Add(const TraceResult& result) {
    total_.seals += result.seals;
    total_.graphs += result.graphs;
    total_.healed += result.healed;
    total_.hits_compared += result.hits_compared;
    total_.replays += result.replays;
    total_.payloads_changed += result.payloads_changed;
    total_.refused += result.refused;
  }

  TraceResult total_;
};

TEST_F(ModelTest, SmallHistoriesAnswerLikeAMap) {
  const uint64_t count = FromEnvironment("ALIDADE_MODEL_SEQUENCES", kDefaultSequences);
  ASSERT_NO_FATAL_FAILURE(RunHistories(count, kSmall));
  if (count >= kDefaultSequences) {
    EXPECT_GT(total_.seals, 500U);
    EXPECT_GT(total_.hits_compared, 2'000U);
    EXPECT_GT(total_.healed, 0U);
    EXPECT_GT(total_.replays, 10U);
    EXPECT_GT(total_.payloads_changed, 1'000U);
    EXPECT_GT(total_.refused, 5U);
  }
}

TEST_F(ModelTest, LargeHistoriesAnswerLikeAMap) {
  const uint64_t count = FromEnvironment("ALIDADE_MODEL_SEQUENCES", kDefaultSequences);
  ASSERT_NO_FATAL_FAILURE(RunHistories(std::max<uint64_t>(1, count / 4), kLarge));
  if (count >= kDefaultSequences) {
    EXPECT_GT(total_.graphs, 50U);
  }
}

TEST(ShrinkTest, FindsTheFewElementsThatMatter) {
  std::vector<int> sequence;
  for (int i = 0; i < 100; ++i) {
    sequence.push_back(i);
  }
  int runs = 0;
  const auto fails = [&runs](const std::vector<int>& part) {
    ++runs;
    const auto has = [&part](int x) {
      return std::find(part.begin(), part.end(), x) != part.end();
    };
    return has(13) && has(14) && has(77);
  };
  EXPECT_THAT(Shrink<int>(sequence, fails, 1'000), ElementsAre(13, 14, 77));
  EXPECT_LT(runs, 200);
}

TEST(ShrinkTest, StopsAtItsLimitWithSomethingThatFails) {
  const std::vector<int> sequence(64, 1);
  int runs = 0;
  const auto fails = [&runs](const std::vector<int>& part) {
    ++runs;
    return part.size() >= 10;
  };
  EXPECT_GE(Shrink<int>(sequence, fails, 5).size(), 10U);
  EXPECT_LE(runs, 5);
  EXPECT_THAT(Shrink<int>(
                  sequence, [](const std::vector<int>&) { return true; }, 100),
              IsEmpty());
}

// The model itself is wrong here: the difference must be found and cut down to the few steps that
// show it.
class WrongModelTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(WrongModelTest, IsFoundOutAndShrunk) {
  const Mistake mistake = GetParam();
  Trace failing;
  for (uint64_t seed = 1; seed <= 10 && failing.empty(); ++seed) {
    const Trace trace =
        MakeTrace(seed, {.operations = 60, .ids = 60, .rows_max = 20, .deletes_max = 20});
    if (RunTrace(trace, mistake).difference.has_value()) {
      failing = trace;
    }
  }
  ASSERT_FALSE(failing.empty()) << "the mistake was not noticed";
  const Trace shortest = Shrink<Operation>(
      failing,
      [mistake](const Trace& shorter) { return RunTrace(shorter, mistake).difference.has_value(); },
      kShrinkRunsMax);
  // A write and the one that meets it; an upsert may meet itself.
  EXPECT_LE(shortest.size(), 2U) << Listing(shortest);
  EXPECT_GE(shortest.size(), 1U);
  EXPECT_TRUE(RunTrace(shortest, mistake).difference.has_value());
  EXPECT_EQ(RunTrace(shortest, Mistake::kNone).difference, std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Mistakes,
                         WrongModelTest,
                         ::testing::Values(Mistake::kForgetsADelete,
                                           Mistake::kKeepsPayloadOnReplace,
                                           Mistake::kCountsReplacedTwice,
                                           Mistake::kForgetsAPayloadChange));

}  // namespace
}  // namespace alidade
