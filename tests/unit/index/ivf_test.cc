#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ivf_index.h"
#include "support/built_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

using ::testing::Each;

IvfHeader HeaderOf(const std::string& body) {
  IvfHeader header;
  std::memcpy(&header, body.data(), sizeof(header));
  return header;
}

template <typename T>
std::vector<T> SectionOf(const std::string& body, uint64_t start, size_t count) {
  std::vector<T> values(count);
  std::memcpy(values.data(), body.data() + start, count * sizeof(T));
  return values;
}

class IvfTest : public ::testing::Test {
 protected:
  IvfHeader BuiltHeader(const IndexSpec& spec, uint32_t rows, uint32_t dim) {
    const VectorSet set(Metric::kL2, dim, NormalValues(random_, size_t{rows} * dim));
    const auto body = BuildBody(spec, IndexKind::kIvf, set.matrix());
    EXPECT_THAT(body, IsOk());
    EXPECT_THAT(OpenIndex(IndexKind::kIvf, *body, set.matrix()), IsOk());
    return HeaderOf(*body);
  }

  std::mt19937_64 random_{20'260'106};
};

TEST_F(IvfTest, NothingToTrainOnIsRefused) {
  const VectorSet set(Metric::kL2, 4, {});
  EXPECT_THAT(BuildBody({}, IndexKind::kIvf, set.matrix()), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(IvfTest, ListsFollowTheRowsUnlessGiven) {
  EXPECT_EQ(BuiltHeader({}, 1, 4).nlist, 1u);
  EXPECT_EQ(BuiltHeader({}, 9, 4).nlist, 9u);
  EXPECT_EQ(BuiltHeader({}, 400, 4).nlist, 80u);
  EXPECT_EQ(BuiltHeader({.ivf_nlist = 7}, 400, 4).nlist, 7u);
  EXPECT_EQ(BuiltHeader({.ivf_nlist = 1'000}, 400, 4).nlist, 400u);  // not more than rows
}

TEST_F(IvfTest, PqTakesAnEighthOfTheDimensionUnlessGiven) {
  const IndexSpec spec{.ivf_nlist = 4, .ivf_codes = IvfCodes::kPq};
  const auto pq_m = [&](uint32_t dim) { return BuiltHeader(spec, 256, dim).pq_m; };
  EXPECT_EQ(pq_m(1), 1u);
  EXPECT_EQ(pq_m(7), 1u);
  EXPECT_EQ(pq_m(24), 3u);
  EXPECT_EQ(pq_m(17), 1u);    // prime
  EXPECT_EQ(pq_m(100), 10u);  // 12 does not divide it
  EXPECT_EQ(BuiltHeader({.ivf_nlist = 4, .ivf_codes = IvfCodes::kPq, .ivf_pq_m = 8}, 256, 24).pq_m,
            8u);
}

TEST_F(IvfTest, TooFewRowsForACodebookAreNotCoded) {
  const IndexSpec spec{.ivf_nlist = 4, .ivf_codes = IvfCodes::kPq};
  EXPECT_EQ(BuiltHeader(spec, 255, 8).codes, static_cast<uint32_t>(IvfCodes::kFlat));
  EXPECT_EQ(BuiltHeader(spec, 256, 8).codes, static_cast<uint32_t>(IvfCodes::kPq));
}

TEST_F(IvfTest, PreviousBodyDoesNotMatter) {
  const VectorSet set(Metric::kL2, 4, NormalValues(random_, 4 * 300));
  const auto half = BuildBody({}, IndexKind::kIvf, set.First(150));
  ASSERT_THAT(half, IsOk());
  const auto fresh = BuildBody({}, IndexKind::kIvf, set.matrix());
  ASSERT_THAT(fresh, IsOk());
  EXPECT_THAT(BuildBody({}, IndexKind::kIvf, set.matrix(), *half), IsOkAndHolds(*fresh));
}

TEST_F(IvfTest, EveryRowIsInTheListOfItsNearestCentroid) {
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    const VectorSet set(metric, 6, NormalValues(random_, 6 * 900));
    const auto body = BuildBody({.ivf_nlist = 13}, IndexKind::kIvf, set.matrix());
    ASSERT_THAT(body, IsOk());
    const IvfHeader header = HeaderOf(*body);
    const IvfLayout layout(header);
    EXPECT_EQ(layout.end, body->size());
    const auto centroids = SectionOf<float>(*body, layout.centroids, size_t{13} * 6);
    const auto starts = SectionOf<uint32_t>(*body, layout.starts, 14);
    const auto slots = SectionOf<uint32_t>(*body, layout.slots, 900);
    for (uint32_t list = 0; list < 13; ++list) {
      for (uint32_t i = starts[list]; i < starts[list + 1]; ++i) {
        EXPECT_TRUE(i == starts[list] || slots[i - 1] < slots[i]);
        std::vector<float> row(set.Row(slots[i]), set.Row(slots[i]) + 6);
        if (metric == Metric::kCosine) {
          const float scale = InverseNorm(row.data(), 6);
          std::ranges::transform(row, row.begin(), [scale](float x) { return x * scale; });
        }
        const double own = DistanceByLoop(Metric::kL2, row.data(), &centroids[list * 6], 6);
        for (uint32_t other = 0; other < 13; ++other) {
          EXPECT_LE(own, DistanceByLoop(Metric::kL2, row.data(), &centroids[other * 6], 6) + 1e-5);
        }
      }
    }
  }
}

TEST_F(IvfTest, Sq8CodesAreWithinHalfAStep) {
  const VectorSet set(Metric::kDot, 5, NormalValues(random_, 5 * 400));
  const IndexSpec spec{.ivf_nlist = 3, .ivf_codes = IvfCodes::kSq8};
  const auto body = BuildBody(spec, IndexKind::kIvf, set.matrix());
  ASSERT_THAT(body, IsOk());
  const IvfLayout layout(HeaderOf(*body));
  const auto slots = SectionOf<uint32_t>(*body, layout.slots, 400);
  const auto codebook = SectionOf<float>(*body, layout.codebook, 10);
  const auto codes = SectionOf<uint8_t>(*body, layout.codes, 400 * 5);
  std::vector<uint8_t> largest(5, 0);
  for (size_t i = 0; i < 400; ++i) {
    for (size_t d = 0; d < 5; ++d) {
      const uint8_t code = codes[i * 5 + d];
      largest[d] = std::max(largest[d], code);
      EXPECT_NEAR(codebook[d] + codebook[5 + d] * static_cast<float>(code),
                  set.Row(slots[i])[d],
                  0.501F * codebook[5 + d]);
    }
  }
  EXPECT_THAT(largest, Each(255));  // the range of each dimension is used to its end
}

TEST(DefaultNprobeTest, IsASixteenthAndAtLeastEight) {
  EXPECT_EQ(DefaultNprobe(1), 1u);
  EXPECT_EQ(DefaultNprobe(7), 7u);
  EXPECT_EQ(DefaultNprobe(8), 8u);
  EXPECT_EQ(DefaultNprobe(128), 8u);
  EXPECT_EQ(DefaultNprobe(256), 16u);
  EXPECT_EQ(DefaultNprobe(65'536), 4'096u);
}

TEST_F(IvfTest, ProbesAsManyListsAsAskedFor) {
  const VectorSet set(Metric::kL2, 4, NormalValues(random_, 4 * 2'000));
  const auto built = BuiltIndex::Make({.ivf_nlist = 200}, IndexKind::kIvf, set.matrix());
  ASSERT_THAT(built, IsOk());
  const auto probed = [&](uint32_t nprobe) {
    SearchStats stats;
    EXPECT_THAT((*built)->Search(set.Row(0), {.nprobe = nprobe, .stats = &stats}), IsOk());
    return stats.lists_probed;
  };
  EXPECT_EQ(probed(0), 12u);
  EXPECT_EQ(probed(1), 1u);
  EXPECT_EQ(probed(199), 199u);
  EXPECT_EQ(probed(4'000'000'000), 200u);
}

// With one list visited, the answer lies in the list of the nearest centroid.
TEST_F(IvfTest, ProbesTheNearestListFirst) {
  const VectorSet set(Metric::kL2, 1, {0, 1, 2, 100, 101, 102, 200, 201, 202});
  const auto built = BuiltIndex::Make({.ivf_nlist = 3}, IndexKind::kIvf, set.matrix());
  ASSERT_THAT(built, IsOk());
  const float query = 130;
  const auto found = (*built)->Search(&query, {.k = 9, .nprobe = 1});
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(*found,
              ::testing::ElementsAre(Candidate{784, 5}, Candidate{841, 4}, Candidate{900, 3}));
}

// The best by code are ranked again: max(4 k, k + 64, ef) of them, all lists together.
TEST_F(IvfTest, RanksTheBestByCodeAgain) {
  constexpr uint32_t kRows = 600;
  const VectorSet set(Metric::kL2, 8, NormalValues(random_, size_t{8} * kRows));
  for (const IvfCodes codes : {IvfCodes::kFlat, IvfCodes::kSq8, IvfCodes::kPq}) {
    const IndexSpec spec{.ivf_nlist = 10, .ivf_codes = codes};
    const auto built = BuiltIndex::Make(spec, IndexKind::kIvf, set.matrix());
    ASSERT_THAT(built, IsOk());
    const auto ranked = [&](uint32_t k, uint32_t ef) {
      SearchStats stats;
      EXPECT_THAT((*built)->Search(set.Row(0), {.k = k, .ef = ef, .nprobe = 10, .stats = &stats}),
                  IsOk());
      return stats.distance_computations - kRows;
    };
    const bool coded = codes != IvfCodes::kFlat;
    EXPECT_EQ(ranked(1, 0), coded ? 65u : 0u);
    EXPECT_EQ(ranked(10, 0), coded ? 74u : 0u);
    EXPECT_EQ(ranked(100, 0), coded ? 400u : 0u);
    EXPECT_EQ(ranked(10, 300), coded ? 300u : 0u);
    EXPECT_EQ(ranked(10, 10'000), coded ? kRows : 0u);
    EXPECT_EQ(ranked(4'000'000'000, 0), coded ? kRows : 0u);
  }
}

TEST_F(IvfTest, EqualVectorsAndConstantDimensionsAreIndexed) {
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    for (const IvfCodes codes : {IvfCodes::kFlat, IvfCodes::kSq8, IvfCodes::kPq}) {
      const VectorSet set(metric, 3, std::vector<float>(3 * 500, 2.5F));
      const IndexSpec spec{.ivf_nlist = 5, .ivf_codes = codes};
      const auto built = BuiltIndex::Make(spec, IndexKind::kIvf, set.matrix());
      ASSERT_THAT(built, IsOk());
      const auto found = (*built)->Search(set.Row(0), {.k = 3, .ef = 500, .nprobe = 5});
      ASSERT_THAT(found, IsOk());
      ASSERT_EQ(found->size(), 3u);
      for (uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ((*found)[i].slot, i);
      }
    }
  }
}

}  // namespace
}  // namespace alidade
