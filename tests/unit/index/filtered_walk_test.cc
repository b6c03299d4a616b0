// Walks and scans of a graph under a filter that is known as bits.
#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kRows = 3'000;
constexpr uint32_t kDim = 24;
constexpr uint32_t kQueries = 40;

// As a segment keeps a selection of few rows.
class ListedSlots final : public SlotFilter {
 public:
  ListedSlots(const SlotBitSet& bits, const std::vector<uint32_t>& list)
      : bits_(bits.bits()), list_(list) {}
  bool Allows(uint32_t slot) const override { return bits_.Test(slot); }
  SlotBits bits() const override { return {bits_.words, bits_.count, list_.data()}; }

 private:
  const SlotBits bits_;
  const std::vector<uint32_t>& list_;
};

class FilteredWalkTest : public ::testing::TestWithParam<CodesSetting> {
 protected:
  FilteredWalkTest() : random_(5) {
    const std::vector<float> centres = NormalValues(random_, size_t{20} * kDim);
    base_ = std::make_unique<VectorSet>(
        Metric::kL2, kDim, ClusteredValues(random_, centres, kDim, kRows, 0.5F));
    queries_ = std::make_unique<VectorSet>(
        Metric::kL2, kDim, ClusteredValues(random_, centres, kDim, kQueries, 0.5F));
  }
  void SetUp() override {
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        graph_, MakeCodedGraph(GetParam(), base_->matrix(), {.kind = IndexKind::kHnsw}, {}));
  }

  std::vector<bool> OneIn(uint32_t n) {
    std::vector<bool> allowed(kRows);
    for (uint32_t slot = 0; slot < kRows; ++slot) {
      allowed[slot] = random_() % n == 0;
    }
    return allowed;
  }
  std::vector<Candidate> Exact(const float* query, const SlotFilter& filter, uint32_t k) const {
    const auto found = ExactSearch(base_->matrix(), query, {.k = k, .filter = &filter});
    EXPECT_THAT(found, IsOk());
    return found.value_or(std::vector<Candidate>());
  }

  std::mt19937_64 random_;
  std::unique_ptr<VectorSet> base_;
  std::unique_ptr<VectorSet> queries_;
  Coded graph_;
};

TEST_P(FilteredWalkTest, AnswersOnlyWhatPassesEachOnceNearestFirst) {
  for (const uint32_t n : {1U, 2U, 7U, 40U, 400U}) {
    const SlotBitSet filter(OneIn(n));
    for (uint32_t i = 0; i < kQueries; ++i) {
      for (const bool scan : {false, true}) {
        SearchStats stats;
        ALIDADE_ASSERT_OK_AND_ASSIGN(
            const std::vector<Candidate> found,
            graph_.index->Search(
                queries_->Row(i),
                {.k = 10, .ef = 50, .scan = scan, .filter = &filter, .stats = &stats}));
        ASSERT_LE(found.size(), 10u);
        EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
        std::set<uint32_t> slots;
        for (const Candidate& candidate : found) {
          EXPECT_TRUE(filter.Allows(candidate.slot));
          slots.insert(candidate.slot);
        }
        EXPECT_EQ(slots.size(), found.size());
        if (scan) {
          EXPECT_EQ(found.size(), std::min(10u, filter.bits().count));
          EXPECT_EQ(stats.rows_scanned, filter.bits().count);
        }
      }
    }
  }
}

// One that is dear, and not known as bits.
class AskedSlots final : public SlotFilter {
 public:
  explicit AskedSlots(const std::vector<bool>& allowed) : allowed_(allowed) {}
  bool Allows(uint32_t slot) const override {
    ++asked_;
    return allowed_[slot];
  }
  uint32_t asked() const { return asked_; }

 private:
  const std::vector<bool>& allowed_;
  mutable uint32_t asked_ = 0;
};

std::vector<uint32_t> SlotsOf(const std::vector<Candidate>& candidates) {
  std::vector<uint32_t> slots;
  for (const Candidate& candidate : candidates) {
    slots.push_back(candidate.slot);
  }
  return slots;
}

TEST_P(FilteredWalkTest, AFilterIsAskedOnlyAboutWhatAWalkAmongAllFound) {
  constexpr uint32_t kEf = 40;
  uint32_t without = 0;  // hits of the true ones that a walk finds without a filter
  for (const uint32_t n : {1U, 2U, 5U}) {
    const std::vector<bool> allowed = OneIn(n);
    const float passing = 1.0F / static_cast<float>(n);
    uint32_t hits = 0;
    for (uint32_t i = 0; i < kQueries; ++i) {
      const std::vector<uint32_t> exact = SlotsOf(Exact(queries_->Row(i), AskedSlots(allowed), 10));
      const AskedSlots asked(allowed);
      ALIDADE_ASSERT_OK_AND_ASSIGN(
          std::vector<Candidate> found,
          graph_.index->Search(queries_->Row(i),
                               {.k = 10, .ef = kRows, .filter = &asked, .passing = passing}));
      EXPECT_EQ(SlotsOf(found), exact);
      const AskedSlots asked_of_few(allowed);
      ALIDADE_ASSERT_OK_AND_ASSIGN(
          found,
          graph_.index->Search(
              queries_->Row(i),
              {.k = 10, .ef = kEf * n, .filter = &asked_of_few, .passing = passing}));
      EXPECT_LE(asked_of_few.asked(), kEf * n);
      EXPECT_LE(found.size(), 10U);
      EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
      for (const uint32_t slot : SlotsOf(found)) {
        EXPECT_TRUE(allowed[slot]);
        hits += std::ranges::count(exact, slot) > 0 ? 1U : 0U;
      }
    }
    without = n == 1 ? hits : without;
    EXPECT_GE(hits, without * 97 / 100) << "one in " << n;
  }
}

// No hit of the true ones lies between those that are answered, however few they are.
TEST_P(FilteredWalkTest, FewAroundTheQueryAreAnsweredAndNoneFromFarther) {
  const std::vector<bool> allowed = OneIn(100);
  const AskedSlots asked(allowed);
  uint32_t answered = 0;
  uint32_t nearest = 0;
  for (uint32_t i = 0; i < kQueries; ++i) {
    const std::vector<Candidate> exact = Exact(queries_->Row(i), AskedSlots(allowed), 10);
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const std::vector<Candidate> found,
        graph_.index->Search(queries_->Row(i),
                             {.k = 10, .ef = 100, .filter = &asked, .passing = 0.5F}));
    EXPECT_LT(found.size(), 10U) << "of 100 candidates about one passes";
    for (size_t at = 0; at < found.size(); ++at) {
      ++answered;
      nearest += found[at] == exact[at] ? 1U : 0U;
    }
  }
  EXPECT_GT(answered, kQueries / 4);
  EXPECT_GE(nearest, answered * 8 / 10);
}

// Known as bits, what passes is walked to where a walk among all finds too few of it.
TEST_P(FilteredWalkTest, WhereFewPassAroundTheQueryTheWalkStepsOverTheOthers) {
  uint32_t found_before = 0;
  uint32_t walks = 0;
  for (uint32_t i = 0; i < kQueries; ++i) {
    // All but the nearest fifth passes.
    std::vector<bool> allowed(kRows, true);
    for (const uint32_t slot : SlotsOf(Exact(queries_->Row(i), AskedSlots(allowed), kRows / 5))) {
      allowed[slot] = false;
    }
    const AskedSlots asked(allowed);
    IndexSearchOptions options{.k = 10, .ef = 50, .filter = &asked, .passing = 0.75F};
    ALIDADE_ASSERT_OK_AND_ASSIGN(std::vector<Candidate> found,
                                 graph_.index->Search(queries_->Row(i), options));
    found_before += static_cast<uint32_t>(found.size());
    const SlotBitSet known(allowed);
    SearchStats stats;
    options.filter = &known;
    options.stats = &stats;
    ALIDADE_ASSERT_OK_AND_ASSIGN(found, graph_.index->Search(queries_->Row(i), options));
    EXPECT_EQ(found.size(), 10U);
    walks += static_cast<uint32_t>(stats.second_walks);
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
    for (const uint32_t slot : SlotsOf(found)) {
      EXPECT_TRUE(allowed[slot]);
    }
    // The same answer as without the walk among all.
    options.passing = 0;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const std::vector<Candidate> stepping,
                                 graph_.index->Search(queries_->Row(i), options));
    EXPECT_EQ(found, stepping);
  }
  EXPECT_LT(found_before, kQueries / 4) << "600 are nearer";
  EXPECT_GE(walks, kQueries * 9 / 10) << "each of which is told";
}

TEST_P(FilteredWalkTest, AScanThatRanksEverythingIsExact) {
  for (const uint32_t n : {1U, 3U, 100U}) {
    const SlotBitSet filter(OneIn(n));
    for (uint32_t i = 0; i < kQueries; ++i) {
      ALIDADE_ASSERT_OK_AND_ASSIGN(
          const std::vector<Candidate> found,
          graph_.index->Search(queries_->Row(i),
                               {.k = 10, .ef = kRows, .scan = true, .filter = &filter}));
      EXPECT_EQ(found, Exact(queries_->Row(i), filter, 10));
    }
  }
}

// Of a list, slots side by side are read as a block.
TEST_P(FilteredWalkTest, AScanOfAListFindsWhatOneOfBitsFinds) {
  std::vector<bool> allowed = OneIn(40);
  std::fill(allowed.begin() + 700, allowed.begin() + 700 + 1'100, true);
  std::fill(allowed.end() - 20, allowed.end(), true);
  const SlotBitSet filter(allowed);
  std::vector<uint32_t> list;
  for (uint32_t slot = 0; slot < kRows; ++slot) {
    if (allowed[slot]) {
      list.push_back(slot);
    }
  }
  const ListedSlots listed(filter, list);
  for (uint32_t i = 0; i < kQueries; ++i) {
    SearchStats stats;
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const std::vector<Candidate> by_list,
        graph_.index->Search(
            queries_->Row(i),
            {.k = 10, .ef = 50, .scan = true, .filter = &listed, .stats = &stats}));
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const std::vector<Candidate> by_bits,
        graph_.index->Search(queries_->Row(i),
                             {.k = 10, .ef = 50, .scan = true, .filter = &filter}));
    EXPECT_EQ(by_list, by_bits);
    EXPECT_EQ(stats.rows_scanned, list.size());
  }
}

// Slots all over the graph are where it begins, so that it finds what lies together far away.
TEST_P(FilteredWalkTest, FindsWhatLiesTogetherFarFromTheQuery) {
  const QueryDistance distance(base_->matrix(), base_->Row(0));
  std::vector<Candidate> order;
  for (uint32_t slot = 0; slot < kRows; ++slot) {
    order.push_back({distance(slot), slot});
  }
  std::sort(order.begin(), order.end());
  std::vector<bool> allowed(kRows);
  for (uint32_t i = 0; i < kRows / 10; ++i) {
    allowed[order[i].slot] = true;
  }
  const SlotBitSet filter(allowed);
  size_t found_count = 0;
  for (uint32_t i = 0; i < kQueries; ++i) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const std::vector<Candidate> found,
        graph_.index->Search(queries_->Row(i), {.k = 10, .ef = 100, .filter = &filter}));
    ASSERT_EQ(found.size(), 10u);
    const std::vector<Candidate> exact = Exact(queries_->Row(i), filter, 10);
    found_count += static_cast<size_t>(std::ranges::count_if(
        found, [&](const Candidate& c) { return c.distance <= exact.back().distance; }));
  }
  EXPECT_GE(static_cast<double>(found_count), 0.95 * 10 * kQueries);
}

TEST_P(FilteredWalkTest, EmptySetsAndDeadlinesEndIt) {
  const SlotBitSet none(std::vector<bool>(kRows, false));
  const SlotBitSet half(OneIn(2));
  const Deadline passed(Deadline::Clock::now());
  for (const bool scan : {false, true}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const std::vector<Candidate> found,
        graph_.index->Search(queries_->Row(0), {.k = 10, .scan = scan, .filter = &none}));
    EXPECT_TRUE(found.empty());
    EXPECT_THAT(graph_.index->Search(
                    queries_->Row(0),
                    {.k = 10, .ef = 500, .scan = scan, .filter = &half, .deadline = &passed}),
                StatusIs(StatusCode::kDeadlineExceeded));
  }
}

INSTANTIATE_TEST_SUITE_P(Codes,
                         FilteredWalkTest,
                         ::testing::Values(CodesSetting::kNone,
                                           CodesSetting::kInt8,
                                           CodesSetting::kInt4,
                                           CodesSetting::kBit1),
                         [](const auto& tested) { return std::string(CodesName(tested.param)); });

}  // namespace
}  // namespace alidade
