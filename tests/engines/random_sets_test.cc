// Random sets of up to 3,000 vectors, with and without filters.
//
// A graph may leave nodes that no walk comes to: FAISS drops links when a list is full. So every
// answer for a query is held to the slots that its widest search reaches, and that search to
// leaving out hardly any. Flat and IVF reach all.
#include <algorithm>
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

constexpr double kTolerance = 2e-5;
constexpr uint32_t kRowsPerMissed = 200;

class RandomSetsTest : public ::testing::TestWithParam<Metric> {
 protected:
  uint32_t Between(uint32_t low, uint32_t high) {
    return std::uniform_int_distribution<uint32_t>(low, high)(random_);
  }

  std::vector<Engine> Engines(uint32_t dim) {
    return {
        {.name = "flat"},
        {"hnsw",
         IndexKind::kHnsw,
         {.hnsw_m = Between(12, 24), .hnsw_ef_construction = Between(40, 80)}},
        {"ivf", IndexKind::kIvf, {.ivf_nlist = Between(0, 100)}},
        {"ivf sq8", IndexKind::kIvf, {.ivf_nlist = Between(1, 100), .ivf_codes = IvfCodes::kSq8}},
        {"ivf sq4", IndexKind::kIvf, {.ivf_nlist = Between(1, 100), .ivf_codes = IvfCodes::kSq4}},
        {"ivf pq",
         IndexKind::kIvf,
         {.ivf_nlist = Between(1, 60),
          .ivf_codes = IvfCodes::kPq,
          .ivf_pq_m = dim % 2 == 0 ? dim / 2 : 0}}};
  }

  std::vector<float> Values(uint32_t rows, uint32_t dim) {
    if (Between(0, 1) == 0) {
      return NormalValues(random_, size_t{rows} * dim);
    }
    const std::vector<float> centres = NormalValues(random_, size_t{Between(1, 30)} * dim);
    return ClusteredValues(random_, centres, dim, rows, 0.2F);
  }

  void CheckQuery(const EngineOver& engine, const VectorSet& set, const float* query) {
    const BruteForce brute(set, query);
    const std::vector<bool> reached = engine.Reached(query);
    const auto missed = static_cast<uint32_t>(std::ranges::count(reached, false));
    ASSERT_LE(missed, engine.has_graph() ? 2 + set.count() / kRowsPerMissed : 0);
    for (const double share : {1.0, 0.5, 0.03}) {
      std::bernoulli_distribution allow(share);
      std::vector<bool> allowed(set.count());
      std::generate(allowed.begin(), allowed.end(), [&] { return allow(random_); });
      const SlotSet filter(allowed);
      const SlotSet* use = share < 1.0 ? &filter : nullptr;
      std::vector<bool> expected(set.count());
      for (size_t slot = 0; slot < expected.size(); ++slot) {
        expected[slot] = allowed[slot] && reached[slot];
      }
      const uint32_t k = Between(1, 2) == 1 ? Between(1, 20) : Between(1, set.count() + 2);
      const auto found = engine.Search(query, k, use);
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_EQ(brute.Disagreement(*found, k, expected, kTolerance), "")
          << engine.name() << ", k " << k << ", share allowed " << share;
    }
  }

  const uint64_t seed_ = PrintedTestSeed();
  std::mt19937_64 random_{seed_};
};

INSTANTIATE_TEST_SUITE_P(Metrics,
                         RandomSetsTest,
                         ::testing::Values(Metric::kL2, Metric::kDot, Metric::kCosine),
                         [](const auto& tested) { return std::string(MetricName(tested.param)); });

TEST_P(RandomSetsTest, AreSearchedAlikeByAllEngines) {
  for (const uint32_t rows_max : {10U, 40U, 150U, 600U, 1'500U, 3'000U}) {
    const uint32_t rows = Between(rows_max / 3, rows_max);
    const uint32_t dim = Between(1, 40);
    const VectorSet set(GetParam(), dim, Values(rows, dim));
    const VectorSet queries(GetParam(), dim, NormalValues(random_, size_t{4} * dim));
    for (const Engine& engine : Engines(dim)) {
      SCOPED_TRACE(fmt::format("ALIDADE_TEST_SEED={}, {} rows of {}, {} {}",
                               seed_,
                               rows,
                               dim,
                               engine.name,
                               DescribeIndexSpec(engine.spec)));
      const EngineOver over(engine, set);
      for (uint32_t i = 0; i < queries.count(); ++i) {
        CheckQuery(over, set, queries.Row(i));
        CheckQuery(over, set, set.Row(Between(0, rows - 1)));
        if (HasFailure()) {
          return;
        }
      }
    }
  }
}

// Many equal vectors and equal distances: engines that compare every vector must also agree on the
// order of ties.
TEST_P(RandomSetsTest, WithManyTiesAreOrderedAlike) {
  if (GetParam() == Metric::kCosine) {
    GTEST_SKIP() << "distances are not exact in float32";
  }
  const uint32_t rows = Between(300, 1'000);
  std::vector<float> values(size_t{rows} * 3);
  std::ranges::generate(values, [&] { return static_cast<float>(Between(0, 4)) - 2; });
  const VectorSet set(GetParam(), 3, values);
  for (const IvfCodes codes : {IvfCodes::kFlat, IvfCodes::kSq8, IvfCodes::kSq4, IvfCodes::kPq}) {
    const Engine engine{"ivf", IndexKind::kIvf, {.ivf_nlist = 20, .ivf_codes = codes}};
    const EngineOver ivf(engine, set);
    const EngineOver flat({.name = "flat"}, set);
    for (const uint32_t k : {1U, 10U, 200U, rows}) {
      SCOPED_TRACE(
          fmt::format("ALIDADE_TEST_SEED={} k {} {}", seed_, k, DescribeIndexSpec(engine.spec)));
      const float* query = set.Row(Between(0, rows - 1));
      const BruteForce brute(set, query);
      for (const EngineOver* over : {&ivf, &flat}) {
        const auto found = over->Search(query, k, nullptr);
        ASSERT_TRUE(found.ok()) << found.status();
        EXPECT_EQ(brute.Disagreement(*found, k, std::vector<bool>(rows, true), 0), "");
      }
    }
  }
}

}  // namespace
}  // namespace alidade
