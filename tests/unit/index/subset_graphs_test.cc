// Graphs over some of the vectors each: what is found, what is extended, what damage does.
#include "alidade/index/subset_graphs.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/index/recall_curve.h"

#include "subset_format.h"
#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kRows = 3'000;
constexpr uint32_t kDim = 24;
constexpr uint32_t kQueries = 40;
constexpr uint32_t kSide = 1'000;  // slots that the first subset has side by side

// Three subsets: one of slots side by side, one in two runs, one of slots all over; and slots of
// none.
SubsetGraphs::Subsets ThreeSubsets(uint32_t rows) {
  SubsetGraphs::Subsets subsets(3);
  for (uint32_t slot = 0; slot < rows; ++slot) {
    if (slot < kSide) {
      subsets[0].push_back(slot);
    } else if (slot < 1'300 || slot >= 2'700) {
      subsets[1].push_back(slot);
    } else if (slot % 3 != 0) {
      subsets[2].push_back(slot);
    }
  }
  return subsets;
}

std::vector<bool> Among(const std::vector<uint32_t>& slots, uint32_t rows = kRows) {
  std::vector<bool> among(rows);
  for (const uint32_t slot : slots) {
    among[slot] = true;
  }
  return among;
}

struct Tested {
  CodesSetting codes;
  Metric metric;
};

class SubsetGraphsTest : public ::testing::TestWithParam<Tested> {
 protected:
  SubsetGraphsTest() : random_(9) {
    const std::vector<float> centres = NormalValues(random_, size_t{20} * kDim);
    base_ = std::make_unique<VectorSet>(
        GetParam().metric, kDim, ClusteredValues(random_, centres, kDim, kRows, 0.5F));
    queries_ = std::make_unique<VectorSet>(
        GetParam().metric, kDim, ClusteredValues(random_, centres, kDim, kQueries, 0.5F));
  }
  void SetUp() override {
    ALIDADE_ASSERT_OK_AND_ASSIGN(graph_, MakeCodedGraph(GetParam().codes, base_->matrix(), spec_));
    ALIDADE_ASSERT_OK_AND_ASSIGN(body_, Write(subsets_, nullptr));
    ALIDADE_ASSERT_OK_AND_ASSIGN(opened_, SubsetGraphs::Open(body_, kRows));
  }

  StatusOr<std::string> Write(const SubsetGraphs::Subsets& subsets,
                              const SubsetGraphs* previous,
                              BuildOptions build = {}) const {
    StringSink sink;
    build.codes = graph_.codes.get();
    ALIDADE_RETURN_IF_ERROR(
        SubsetGraphs::Write(spec_, base_->matrix(), subsets, previous, build, sink));
    return sink.bytes();
  }

  // Of the best 10 for each query, how many are found among what the filter allows of the subset.
  double Recall(const SubsetGraph& subset, const SlotFilter* filter, const SlotFilter& truth) {
    size_t found_count = 0;
    for (uint32_t i = 0; i < kQueries; ++i) {
      const auto found = graph_.index->Search(
          queries_->Row(i), {.k = 10, .ef = 60, .filter = filter, .subset = &subset});
      const auto exact =
          ExactSearch(base_->matrix(), queries_->Row(i), {.k = 10, .filter = &truth});
      EXPECT_THAT(found, IsOk());
      EXPECT_THAT(exact, IsOk());
      EXPECT_TRUE(std::is_sorted(found->begin(), found->end()));
      for (const Candidate& candidate : *found) {
        EXPECT_TRUE(truth.Allows(candidate.slot));
        found_count += candidate.distance <= exact->back().distance ? 1U : 0U;
      }
    }
    return static_cast<double>(found_count) / (10 * kQueries);
  }

  const IndexSpec spec_{.kind = IndexKind::kHnsw, .hnsw_m = 8};
  const SubsetGraphs::Subsets subsets_ = ThreeSubsets(kRows);
  std::mt19937_64 random_;
  std::unique_ptr<VectorSet> base_;
  std::unique_ptr<VectorSet> queries_;
  Coded graph_;
  std::string body_;
  std::unique_ptr<SubsetGraphs> opened_;
};

TEST_P(SubsetGraphsTest, AWalkFindsTheNearestOfTheSubset) {
  EXPECT_EQ(opened_->vectors(), subsets_[0].size() + subsets_[1].size() + subsets_[2].size());
  for (const bool resident : {false, true}) {
    if (resident) {
      opened_->MakeResident();
    }
    for (const std::vector<uint32_t>& slots : subsets_) {
      const SlotBitSet all(Among(slots));
      const SubsetGraph* subset = opened_->Find(all.bits());
      ASSERT_NE(subset, nullptr);
      EXPECT_EQ(SubsetSize(*subset), slots.size());
      EXPECT_GE(Recall(*subset, nullptr, all), 0.95);
    }
  }
}

TEST_P(SubsetGraphsTest, AFilterHoldsWithinTheSubset) {
  for (const std::vector<uint32_t>& slots : subsets_) {
    for (const uint32_t one_in : {2U, 5U}) {
      std::vector<bool> some(kRows);
      for (const uint32_t slot : slots) {
        some[slot] = random_() % one_in == 0;
      }
      const SlotBitSet filter(some);
      const SubsetGraph* subset = opened_->Find(filter.bits());
      ASSERT_NE(subset, nullptr);
      EXPECT_EQ(SubsetSize(*subset), slots.size());
      EXPECT_GE(Recall(*subset, &filter, filter), 0.9);
      // A filter that does not know its bits.
      EXPECT_GE(Recall(*subset, std::make_unique<SlotSet>(some).get(), filter), 0.7);
    }
  }
}

TEST_P(SubsetGraphsTest, OnlyASubsetThatHoldsAllIsFound) {
  const auto find = [this](const std::vector<uint32_t>& slots) {
    const SlotBitSet set(Among(slots));
    const SubsetGraph* subset = opened_->Find(set.bits());
    std::vector<uint32_t> list = slots;
    SlotBits listed = set.bits();
    listed.slots = list.data();
    EXPECT_EQ(opened_->Find(listed), subset);
    return subset == nullptr ? 0 : SubsetSize(*subset);
  };
  EXPECT_EQ(find({0}), subsets_[0].size());
  EXPECT_EQ(find({kSide - 1}), subsets_[0].size());
  EXPECT_EQ(find({kSide}), subsets_[1].size());
  EXPECT_EQ(find({1'299, 2'700, kRows - 1}), subsets_[1].size());
  EXPECT_EQ(find({1'301, 2'698}), subsets_[2].size());
  EXPECT_EQ(find({kSide - 1, kSide}), 0U);
  EXPECT_EQ(find({0, kRows - 1}), 0U);
  EXPECT_EQ(find({1'301, 1'302}), 0U);  // of the third, and of none
  EXPECT_EQ(find({1'302}), 0U);
}

TEST_P(SubsetGraphsTest, AWatchedSlotIsSeenByItsOwnNumber) {
  const SlotBitSet all(Among(subsets_[2]));
  const SubsetGraph* subset = opened_->Find(all.bits());
  ASSERT_NE(subset, nullptr);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const std::vector<Candidate> found,
      graph_.index->Search(queries_->Row(0), {.k = 3, .ef = 30, .subset = subset}));
  SlotWatch nearest{.slot = found.front().slot};
  SlotWatch stranger{.slot = 1'302};
  for (SlotWatch* watch : {&nearest, &stranger}) {
    ASSERT_THAT(graph_.index->Search(queries_->Row(0),
                                     {.k = 3, .ef = 30, .subset = subset, .watch = watch}),
                IsOk());
  }
  EXPECT_TRUE(nearest.met);
  EXPECT_GE(nearest.place, 1U);
  EXPECT_FALSE(stranger.met);
  EXPECT_EQ(stranger.place, 0U);
}

TEST_P(SubsetGraphsTest, TheEffortThatAWalkTakesIsMeasured) {
  BuildOptions build{.codes = graph_.codes.get()};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const MeasuredRecall whole,
                               MeasureRecallCurve(*graph_.index, base_->matrix(), build));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const std::vector<float> hardness,
      MeasureSubsets(*graph_.index, base_->matrix(), *opened_, whole.all, build));
  ASSERT_EQ(hardness.size(), subsets_.size());
  for (const float factor : hardness) {
    EXPECT_GE(factor, 1);
    EXPECT_LE(factor, 13);
  }
  build.threads = 2;
  EXPECT_EQ(*MeasureSubsets(*graph_.index, base_->matrix(), *opened_, whole.all, build), hardness);
  // With nothing to compare with.
  EXPECT_EQ(*MeasureSubsets(*graph_.index, base_->matrix(), *opened_, {}, build),
            std::vector<float>(subsets_.size(), 1));
  BuildProgress progress;
  progress.cancelled = true;
  build.progress = &progress;
  EXPECT_THAT(MeasureSubsets(*graph_.index, base_->matrix(), *opened_, whole.all, build),
              StatusIs(StatusCode::kCancelled));

  ASSERT_THAT(opened_->SetHardness({1, 2.5F, 8}), IsOk());
  EXPECT_EQ(SubsetHardness(opened_->at(1)), 2.5F);
  EXPECT_THAT(opened_->SetHardness({1, 2.5F}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(opened_->SetHardness({1, 0.5F, 1}), StatusIs(StatusCode::kDataLoss));
}

// Copies of codes change nothing but where they are read.
TEST_P(SubsetGraphsTest, CopiesOfCodesAreReadInTheirPlace) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string body, Write({subsets_[2]}, nullptr));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto copied, SubsetGraphs::Open(body, kRows));
  // Of an index without codes nobody reads them.
  const CodeMatrix codes = graph_.codes == nullptr
                               ? CodeMatrix{.kind = CodeKind::kInt8, .dim = kDim}
                               : graph_.codes->walk();
  std::vector<uint8_t> records(subsets_[2].size() * codes.stride());
  for (size_t node = 0; codes.records != nullptr && node < subsets_[2].size(); ++node) {
    std::memcpy(records.data() + node * codes.stride(),
                codes.records + subsets_[2][node] * codes.stride(),
                codes.stride());
  }
  EXPECT_EQ(copied->codes_bytes(), 0U);
  copied->SetCodes({.records = records.data(),
                    .kind = codes.kind,
                    .dim = codes.dim,
                    .count = static_cast<uint32_t>(subsets_[2].size())});
  EXPECT_EQ(copied->codes_bytes(), records.size());
  std::vector<bool> some = Among(subsets_[2]);
  for (uint32_t slot = 0; slot < kRows; slot += 7) {
    some[slot] = false;
  }
  const SlotBitSet filter(some);
  for (uint32_t i = 0; i < kQueries; ++i) {
    for (const SlotFilter* use :
         {static_cast<const SlotFilter*>(nullptr), static_cast<const SlotFilter*>(&filter)}) {
      const auto search = [&](const SubsetGraph& subset) {
        return *graph_.index->Search(
            queries_->Row(i), {.k = 10, .ef = 40, .reach = 1.2F, .filter = use, .subset = &subset});
      };
      EXPECT_EQ(search(copied->at(0)), search(opened_->at(2)));
    }
  }
}

TEST_P(SubsetGraphsTest, DeadlinesEndIt) {
  const SlotBitSet all(Among(subsets_[0]));
  const Deadline passed(Deadline::Clock::now());
  EXPECT_THAT(graph_.index->Search(
                  queries_->Row(0),
                  {.k = 10, .ef = 500, .subset = opened_->Find(all.bits()), .deadline = &passed}),
              StatusIs(StatusCode::kDeadlineExceeded));
}

// What was there is taken over where its slots are the first of the subset, and built anew where
// not.
TEST_P(SubsetGraphsTest, IsExtended) {
  SubsetGraphs::Subsets older = subsets_;
  for (std::vector<uint32_t>& slots : older) {
    slots.resize(slots.size() - 50);
  }
  older[2].erase(older[2].begin());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string first, Write(older, nullptr));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto previous, SubsetGraphs::Open(first, kRows));
  BuildProgress progress;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string second,
                               Write(subsets_, previous.get(), {.progress = &progress}));
  EXPECT_EQ(progress.rows_done, opened_->vectors());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto extended, SubsetGraphs::Open(second, kRows));
  for (size_t i = 0; i < subsets_.size(); ++i) {
    const SlotBitSet all(Among(subsets_[i]));
    const SubsetGraph* subset = extended->Find(all.bits());
    ASSERT_NE(subset, nullptr);
    EXPECT_GE(Recall(*subset, nullptr, all), 0.95);
  }
  SubsetEntry entries[2][3];
  const std::string* const bodies[] = {&body_, &second};
  for (size_t i = 0; i < 2; ++i) {
    SubsetFooter footer;
    std::memcpy(&footer, bodies[i]->data() + bodies[i]->size() - sizeof(footer), sizeof(footer));
    std::memcpy(entries[i], bodies[i]->data() + footer.entries, sizeof(entries[i]));
  }
  const auto graph_of = [&](size_t body, size_t subset) {
    return bodies[body]->substr(entries[body][subset].graph, entries[body][subset].graph_bytes);
  };
  EXPECT_NE(graph_of(0, 0), graph_of(1, 0));
  EXPECT_EQ(graph_of(0, 2), graph_of(1, 2));  // not a beginning: as if there had been none
}

TEST_P(SubsetGraphsTest, StopsWhenCancelledAndSaysWhatTheSinkSays) {
  BuildProgress progress;
  progress.cancelled = true;
  EXPECT_THAT(Write(subsets_, nullptr, {.progress = &progress}), StatusIs(StatusCode::kCancelled));
  StringSink counted;
  BuildOptions build{.codes = graph_.codes.get()};
  ASSERT_THAT(SubsetGraphs::Write(spec_, base_->matrix(), {{1, 2, 3}}, nullptr, build, counted),
              IsOk());
  for (size_t at = 0; at < counted.appends(); ++at) {
    StringSink sink;
    sink.FailAt(at, ResourceExhausted("full"));
    EXPECT_THAT(SubsetGraphs::Write(spec_, base_->matrix(), {{1, 2, 3}}, nullptr, build, sink),
                StatusIs(StatusCode::kResourceExhausted));
  }
}

// Refused, or in bounds: a wrong body never leads outside.
TEST_P(SubsetGraphsTest, DamagedBodiesAreRefusedOrStayInBounds) {
  for (size_t length = 0; length < body_.size(); length += 61) {
    EXPECT_THAT(SubsetGraphs::Open(std::string(body_.data(), length), kRows),
                StatusIs(StatusCode::kDataLoss));
  }
  EXPECT_THAT(SubsetGraphs::Open(body_, kRows - 1), StatusIs(StatusCode::kDataLoss));
  const SlotBitSet all(Among(subsets_[1]));
  SubsetFooter footer;
  std::memcpy(&footer, body_.data() + body_.size() - sizeof(footer), sizeof(footer));
  for (int i = 0; i < 1'500; ++i) {
    std::string damaged = body_;
    const size_t tail = damaged.size() - footer.entries;
    const size_t byte = i % 2 == 0 ? random_() % damaged.size() : footer.entries + random_() % tail;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << random_() % 8));
    const auto opened = SubsetGraphs::Open(damaged, kRows);
    if (!opened.ok()) {
      EXPECT_THAT(opened, StatusIs(StatusCode::kDataLoss));
      continue;
    }
    const SubsetGraph* subset = (*opened)->Find(all.bits());
    if (subset != nullptr) {
      ALIDADE_ASSERT_OK_AND_ASSIGN(
          const auto found,
          graph_.index->Search(queries_->Row(0),
                               {.k = 10, .ef = 50, .filter = &all, .subset = subset}));
      EXPECT_TRUE(std::ranges::all_of(
          found, [&](const Candidate& candidate) { return all.Allows(candidate.slot); }));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codes,
                         SubsetGraphsTest,
                         ::testing::Values(Tested{CodesSetting::kNone, Metric::kL2},
                                           Tested{CodesSetting::kInt8, Metric::kDot},
                                           Tested{CodesSetting::kInt4, Metric::kCosine},
                                           Tested{CodesSetting::kBit1, Metric::kL2}),
                         [](const auto& tested) {
                           return std::string(CodesName(tested.param.codes));
                         });

}  // namespace
}  // namespace alidade
