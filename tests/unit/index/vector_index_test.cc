// What every built index promises, whatever its kind.
#include "alidade/index/vector_index.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/built_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

struct Flavour {
  std::string name;
  IndexKind kind;
  IndexSpec spec;
};

constexpr uint32_t kRows = 700;
constexpr uint32_t kDim = 12;

class VectorIndexTest : public ::testing::TestWithParam<Flavour> {
 protected:
  void SetUp() override {
    auto built = BuiltIndex::Make(GetParam().spec, GetParam().kind, set_.matrix());
    ASSERT_THAT(built, IsOk());
    index_ = std::make_unique<BuiltIndex>(std::move(built).value());
  }

  // Ascending, no slot twice, none outside, each with its own distance.
  void ExpectWellFormed(const std::vector<Candidate>& found, const float* query) const {
    EXPECT_TRUE(std::ranges::is_sorted(found, std::less<>()));
    std::set<uint32_t> slots;
    for (const Candidate& candidate : found) {
      ASSERT_LT(candidate.slot, kRows);
      EXPECT_TRUE(slots.insert(candidate.slot).second) << candidate.slot << " twice";
      EXPECT_NEAR(candidate.distance,
                  DistanceByLoop(set_.metric(), query, set_.Row(candidate.slot), kDim),
                  1e-4);
    }
  }

  std::mt19937_64 random_{20'260'104};
  const VectorSet set_{Metric::kL2, kDim, NormalValues(random_, size_t{kRows} * kDim)};
  const VectorSet queries_{Metric::kL2, kDim, NormalValues(random_, size_t{20} * kDim)};
  std::unique_ptr<BuiltIndex> index_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    VectorIndexTest,
    ::testing::Values(
        Flavour{"Hnsw", IndexKind::kHnsw, {.hnsw_ef_construction = 60}},
        Flavour{"HnswThin", IndexKind::kHnsw, {.hnsw_m = 8, .hnsw_ef_construction = 30}},
        Flavour{"IvfFlat", IndexKind::kIvf, {.ivf_nlist = 20}},
        Flavour{"IvfSq8", IndexKind::kIvf, {.ivf_nlist = 20, .ivf_codes = IvfCodes::kSq8}},
        Flavour{"IvfSq4", IndexKind::kIvf, {.ivf_nlist = 20, .ivf_codes = IvfCodes::kSq4}},
        Flavour{"IvfPq", IndexKind::kIvf, {.ivf_nlist = 20, .ivf_codes = IvfCodes::kPq}}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(VectorIndexTest, KnowsItsKind) { EXPECT_EQ((*index_)->kind(), GetParam().kind); }

TEST_P(VectorIndexTest, AnswersWellFormedForEveryK) {
  for (const uint32_t k : std::vector<uint32_t>{1, 2, 10, 100, kRows - 1, kRows, kRows + 1}) {
    for (uint32_t i = 0; i < queries_.count(); ++i) {
      const auto found = (*index_)->Search(queries_.Row(i), {.k = k});
      ASSERT_THAT(found, IsOk());
      EXPECT_LE(found->size(), k);
      EXPECT_GE(found->size(), std::min(k, 10U));  // far more are within reach
      ExpectWellFormed(*found, queries_.Row(i));
    }
  }
}

TEST_P(VectorIndexTest, GivesNearlyAllRowsWhenAskedForMoreThanThereAre) {
  const auto found = (*index_)->Search(queries_.Row(0), {.k = 5 * kRows, .nprobe = 1'000});
  ASSERT_THAT(found, IsOk());
  EXPECT_LE(found->size(), kRows);
  EXPECT_GE(found->size(), kRows * 99 / 100);
  ExpectWellFormed(*found, queries_.Row(0));
}

TEST_P(VectorIndexTest, NeverAnswersADisallowedSlot) {
  for (const double share : {0.0, 0.002, 0.02, 0.3, 0.9, 1.0}) {
    for (uint32_t i = 0; i < queries_.count(); ++i) {
      std::bernoulli_distribution allow(share);
      std::vector<bool> allowed(kRows);
      for (size_t slot = 0; slot < kRows; ++slot) {
        allowed[slot] = allow(random_);
      }
      const SlotSet filter(allowed);
      const IndexSearchOptions options{.k = 10, .ef = kRows, .nprobe = 20, .filter = &filter};
      const auto found = (*index_)->Search(queries_.Row(i), options);
      ASSERT_THAT(found, IsOk());
      ExpectWellFormed(*found, queries_.Row(i));
      for (const Candidate& candidate : *found) {
        EXPECT_TRUE(allowed[candidate.slot]) << candidate.slot << " of " << share;
      }
      // Everything was visited, so hardly anything that is allowed can be missing.
      EXPECT_GE(found->size() + 1, std::min<size_t>(10, filter.size())) << share;
    }
  }
}

TEST_P(VectorIndexTest, FindsNearlyAllOfTheNearest) {
  EXPECT_THAT(RecallOf(**index_, set_.matrix(), queries_, {.k = 10, .ef = 300, .nprobe = 20}),
              IsOkAndHolds(::testing::Ge(0.95)));
}

TEST_P(VectorIndexTest, EqualSearchesGiveEqualAnswersInAllThreads) {
  const IndexSearchOptions options{.k = 30, .ef = 50, .nprobe = 5};
  std::vector<std::vector<Candidate>> expected;
  for (uint32_t i = 0; i < queries_.count(); ++i) {
    const auto found = (*index_)->Search(queries_.Row(i), options);
    ASSERT_THAT(found, IsOk());
    expected.push_back(*found);
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint32_t step = 0; step < 50 * queries_.count(); ++step) {
        const uint32_t i = (step + thread * 5) % queries_.count();
        const auto found = (*index_)->Search(queries_.Row(i), options);
        wrong += found.ok() && *found == expected[i] ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(VectorIndexTest, AddsToTheStats) {
  SearchStats stats;
  ASSERT_THAT((*index_)->Search(queries_.Row(0), {.nprobe = 3, .stats = &stats}), IsOk());
  const SearchStats first = stats;
  EXPECT_GT(first.distance_computations, 10u);
  EXPECT_LT(first.distance_computations, 2 * kRows);
  EXPECT_EQ(first.hops > 0, GetParam().kind == IndexKind::kHnsw);
  EXPECT_EQ(first.lists_probed, GetParam().kind == IndexKind::kIvf ? 3u : 0u);
  EXPECT_EQ(first.rows_scanned, 0u);
  ASSERT_THAT((*index_)->Search(queries_.Row(0), {.nprobe = 3, .stats = &stats}), IsOk());
  EXPECT_EQ(stats.distance_computations, 2 * first.distance_computations);
  EXPECT_EQ(stats.hops, 2 * first.hops);
  EXPECT_EQ(stats.lists_probed, 2 * first.lists_probed);
}

TEST_P(VectorIndexTest, StopsAtTheDeadlineOrWhenCancelled) {
  IndexSearchOptions options{.k = 10, .ef = kRows, .nprobe = 20};
  const Deadline passed = Deadline::After(std::chrono::milliseconds(-1));
  options.deadline = &passed;
  EXPECT_THAT((*index_)->Search(queries_.Row(0), options), StatusIs(StatusCode::kDeadlineExceeded));

  int looks = 0;
  const Deadline cancelled(Deadline::Clock::time_point::max(), [&looks] { return ++looks == 2; });
  options.deadline = &cancelled;
  EXPECT_THAT((*index_)->Search(queries_.Row(0), options), StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(looks, 2);

  // What a stopped search leaves behind does not disturb the next one.
  const Deadline later = Deadline::After(std::chrono::hours(1));
  options.deadline = &later;
  const auto found = (*index_)->Search(queries_.Row(0), options);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->size(), 10u);
  ExpectWellFormed(*found, queries_.Row(0));
}

TEST_P(VectorIndexTest, OneThreadBuildsTheSameBytesAgain) {
  EXPECT_THAT(BuildBody(GetParam().spec, GetParam().kind, set_.matrix()),
              IsOkAndHolds(index_->body()));
}

TEST_P(VectorIndexTest, TwoThreadsBuildAnIndexThatIsAsGood) {
  const auto body = BuildBody(GetParam().spec, GetParam().kind, set_.matrix(), {}, {.threads = 2});
  ASSERT_THAT(body, IsOk());
  const auto index = OpenIndex(GetParam().kind, *body, set_.matrix());
  ASSERT_THAT(index, IsOk());
  EXPECT_THAT(RecallOf(**index, set_.matrix(), queries_, {.k = 10, .ef = 300, .nprobe = 20}),
              IsOkAndHolds(::testing::Ge(0.95)));
}

TEST_P(VectorIndexTest, ErrorsOfTheSinkArePassedOn) {
  StringSink whole;
  ASSERT_THAT(
      BuildIndex(GetParam().spec, GetParam().kind, set_.matrix(), {}, BuildOptions(), whole),
      IsOk());
  ASSERT_GE(whole.appends(), 5u);
  for (size_t at = 0; at < whole.appends(); ++at) {
    StringSink sink;
    sink.FailAt(at, ResourceExhausted("the disk is full at {}", at));
    EXPECT_THAT(
        BuildIndex(GetParam().spec, GetParam().kind, set_.matrix(), {}, BuildOptions(), sink),
        StatusIs(StatusCode::kResourceExhausted, HasSubstr("full at " + std::to_string(at))));
    EXPECT_EQ(sink.appends(), at + 1) << "went on after the error";
  }
}

TEST_P(VectorIndexTest, BuildTellsItsProgress) {
  BuildProgress progress;
  ASSERT_THAT(
      BuildBody(GetParam().spec, GetParam().kind, set_.matrix(), {}, {.progress = &progress}),
      IsOk());
  EXPECT_EQ(progress.rows_done.load(), kRows);
}

TEST_P(VectorIndexTest, BuildStopsWhenItShall) {
  BuildProgress progress;
  progress.cancelled = true;
  StringSink sink;
  EXPECT_THAT(
      BuildIndex(
          GetParam().spec, GetParam().kind, set_.matrix(), {}, {.progress = &progress}, sink),
      StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(sink.bytes(), "");
}

TEST_P(VectorIndexTest, BodyOfAnotherMatrixIsRefused) {
  for (const uint32_t count : {0U, 1U, kRows - 1}) {
    EXPECT_THAT(OpenIndex(GetParam().kind, index_->body(), set_.First(count)),
                StatusIs(StatusCode::kDataLoss))
        << count;
  }
}

TEST_P(VectorIndexTest, BodyOfAnotherKindIsRefused) {
  const IndexKind other = GetParam().kind == IndexKind::kIvf ? IndexKind::kHnsw : IndexKind::kIvf;
  EXPECT_THAT(OpenIndex(other, index_->body(), set_.matrix()), StatusIs(StatusCode::kDataLoss));
}

TEST(IndexKindTest, OthersHaveNothingToBuildOrOpen) {
  const VectorSet set(Metric::kL2, 1, {1, 2, 3});
  for (const IndexKind kind : {IndexKind::kFlat, IndexKind::kAuto, IndexKind{0}, IndexKind{200}}) {
    EXPECT_THAT(BuildBody({}, kind, set.matrix()), StatusIs(StatusCode::kInvalidArgument));
    EXPECT_THAT(OpenIndex(kind, "", set.matrix()), StatusIs(StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace alidade
