#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/vec/codes.h"
#include "alidade/vec/pq_kernels.h"

#include "clustering.h"
#include "ivf_index.h"
#include "product_codes.h"
#include "support/built_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"
#include "training_rows.h"

namespace alidade {
namespace {

constexpr IvfCodes kAllCodes[] = {IvfCodes::kFlat, IvfCodes::kSq8, IvfCodes::kSq4, IvfCodes::kPq};

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
  const auto parts = [&](uint32_t dim, uint32_t pq_m) {
    return BuiltHeader({.ivf_nlist = 4, .ivf_codes = IvfCodes::kPq, .ivf_pq_m = pq_m}, 256, dim)
        .parts;
  };
  EXPECT_EQ(parts(1, 0), 1u);  // half a byte: there is but one dimension
  EXPECT_EQ(parts(7, 0), 2u);
  EXPECT_EQ(parts(24, 0), 6u);
  EXPECT_EQ(parts(17, 0), 2u);    // prime
  EXPECT_EQ(parts(100, 0), 20u);  // 12 does not divide it
  EXPECT_EQ(parts(24, 8), 16u);   // parts of one dimension and of two
  EXPECT_EQ(parts(24, 24), 24u);
}

TEST_F(IvfTest, TooFewRowsForProductCodesAreNotCoded) {
  const IndexSpec spec{.ivf_nlist = 4, .ivf_codes = IvfCodes::kPq};
  EXPECT_EQ(BuiltHeader(spec, 15, 8).codes, static_cast<uint32_t>(IvfCodes::kFlat));
  EXPECT_EQ(BuiltHeader(spec, 16, 8).codes, static_cast<uint32_t>(IvfCodes::kPq));
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
    const CodeSpace space(metric, SectionOf<float>(*body, layout.mean, 6));
    EXPECT_EQ(space.mean(), CodeSpace::MeanOf(set.matrix()));
    const size_t stride = CodeStride(CodeKind::kInt8, 6);
    const auto records = SectionOf<uint8_t>(*body, layout.centroids, 13 * stride);
    const auto starts = SectionOf<uint32_t>(*body, layout.starts, 14);
    const auto slots = SectionOf<uint32_t>(*body, layout.slots, 900);
    // By L2, whatever the metric is.
    uint32_t nearest = 0;
    for (uint32_t list = 0; list < 13; ++list) {
      for (uint32_t i = starts[list]; i < starts[list + 1]; ++i) {
        EXPECT_TRUE(i == starts[list] || slots[i - 1] < slots[i]);
        std::vector<float> residual(6);
        const float inv_norm = metric == Metric::kCosine ? set.matrix().inv_norms[slots[i]] : 1;
        space.Residual(set.Row(slots[i]), inv_norm, residual.data());
        std::vector<double> distances;
        for (uint32_t other = 0; other < 13; ++other) {
          const auto* code = reinterpret_cast<const int8_t*>(&records[other * stride]);
          CodeTail tail;
          std::memcpy(
              &tail, &records[other * stride + CodeBytes(CodeKind::kInt8, 6)], sizeof(tail));
          double sum = 0;
          for (size_t d = 0; d < 6; ++d) {
            const auto centroid = static_cast<double>(tail.factor * static_cast<float>(code[d]));
            const double difference = static_cast<double>(residual[d]) - centroid;
            sum += difference * difference;
          }
          distances.push_back(sum);
        }
        nearest += distances[list] <= *std::ranges::min_element(distances) ? 1U : 0U;
        EXPECT_LE(distances[list], *std::ranges::min_element(distances) + 0.1);
      }
    }
    EXPECT_GE(nearest, 880u);  // 8 bits of a centroid may move a row on a border
  }
}

// The records of vec/codes.h, in the order of the lists.
TEST_F(IvfTest, ScalarCodesAreTheRecordsOfTheRows) {
  for (const auto& [codes, kind] :
       {std::pair{IvfCodes::kSq8, CodeKind::kInt8}, std::pair{IvfCodes::kSq4, CodeKind::kInt4}}) {
    constexpr uint32_t kDim = 21;
    const VectorSet set(Metric::kCosine, kDim, NormalValues(random_, kDim * 400));
    const auto body =
        BuildBody({.ivf_nlist = 3, .ivf_codes = codes}, IndexKind::kIvf, set.matrix());
    ASSERT_THAT(body, IsOk());
    const IvfLayout layout(HeaderOf(*body));
    EXPECT_EQ(layout.codes % kCacheLineBytes, 0u);
    const auto mean = SectionOf<float>(*body, layout.mean, kDim);
    EXPECT_EQ(mean, CodeSpace::MeanOf(set.matrix()));
    const CodeSpace space(Metric::kCosine, mean);
    const auto slots = SectionOf<uint32_t>(*body, layout.slots, 400);
    const size_t stride = CodeStride(kind, kDim);
    std::vector<float> residual(kDim);
    std::vector<uint8_t> record(stride);
    for (size_t i = 0; i < 400; ++i) {
      space.Residual(set.Row(slots[i]), set.matrix().inv_norms[slots[i]], residual.data());
      EncodeRecord(Metric::kCosine, kind, residual.data(), kDim, record.data());
      ASSERT_EQ(SectionOf<uint8_t>(*body, layout.codes + i * stride, stride), record) << i;
    }
  }
}

// Of each part, the entry that is nearest to the row.
TEST_F(IvfTest, ProductCodesNameTheNearestEntries) {
  constexpr uint32_t kDim = 11;
  constexpr uint32_t kRows = 333;  // the last block is not full
  const VectorSet set(Metric::kL2, kDim, NormalValues(random_, kDim * kRows));
  const IndexSpec spec{.ivf_nlist = 3, .ivf_codes = IvfCodes::kPq, .ivf_pq_m = 1};
  ASSERT_EQ(BuiltHeader(spec, kRows, kDim).parts, 2u);
  const auto body = BuildBody(spec, IndexKind::kIvf, set.matrix());
  ASSERT_THAT(body, IsOk());
  const IvfLayout layout(HeaderOf(*body));
  const auto slots = SectionOf<uint32_t>(*body, layout.slots, kRows);
  const auto book = SectionOf<float>(*body, layout.book, kDim * kPqEntries);
  const auto blocks = SectionOf<uint8_t>(*body, layout.codes, body->size() - layout.codes);
  ASSERT_EQ(blocks.size(), 11 * PqBlockBytes(2));
  struct Part {
    uint32_t begin;
    uint32_t dim;
  };
  for (const auto& [index, part] : {std::pair{0U, Part{0, 5}}, std::pair{1U, Part{5, 6}}}) {
    for (uint32_t i = 0; i < kRows; ++i) {
      const uint8_t byte = blocks[i / 32 * PqBlockBytes(2) + index * 16 + i % 16];
      const uint32_t code = i % 32 < 16 ? byte & 15 : byte >> 4;
      const float* row = set.Row(slots[i]) + part.begin;
      const auto distance = [&](uint32_t entry) {
        double sum = 0;
        for (uint32_t d = 0; d < part.dim; ++d) {
          const auto held = static_cast<double>(book[(part.begin + d) * kPqEntries + entry]);
          const double difference = static_cast<double>(row[d]) - held;
          sum += difference * difference;
        }
        return sum;
      };
      for (uint32_t entry = 0; entry < kPqEntries; ++entry) {
        ASSERT_LE(distance(code), distance(entry) + 1e-5) << i << " " << entry;
      }
    }
  }
}

TEST_F(IvfTest, AnOlderFormatIsRefused) {
  const VectorSet set(Metric::kL2, 4, NormalValues(random_, 4 * 300));
  auto body = BuildBody({.ivf_codes = IvfCodes::kSq8}, IndexKind::kIvf, set.matrix());
  ASSERT_THAT(body, IsOk());
  const uint32_t older = kIvfFormat - 1;
  std::memcpy(body->data(), &older, sizeof(older));
  EXPECT_THAT(OpenIndex(IndexKind::kIvf, *body, set.matrix()),
              StatusIs(StatusCode::kDataLoss, ::testing::HasSubstr("format 1, wanted 2")));
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

TEST(PqPoolRowsTest, GrowsWithWhatIsAskedAndWhatIsLookedAt) {
  EXPECT_EQ(PqPoolRows(1, 0, 0), 65u);
  EXPECT_EQ(PqPoolRows(10, 0, 0), 74u);
  EXPECT_EQ(PqPoolRows(100, 0, 0), 400u);
  EXPECT_EQ(PqPoolRows(10, 300, 0), 300u);
  EXPECT_EQ(PqPoolRows(10, 0, 64'000), 1'000u);
  EXPECT_EQ(PqPoolRows(10, 0, 1'000'000'000), 4'096u);
  EXPECT_EQ(PqPoolRows(4'000'000'000, 0, 1), 16'000'000'000u);
}

// Product codes pick a pool, all lists together; scalar codes leave what they cannot rule out.
TEST_F(IvfTest, ReadsTheVectorsOfTheBestByCode) {
  constexpr uint32_t kRows = 600;
  constexpr uint32_t kDim = 32;
  const VectorSet set(Metric::kL2, kDim, NormalValues(random_, size_t{kDim} * kRows));
  const auto read = [&](IvfCodes codes, uint32_t k, uint32_t ef) {
    const IndexSpec spec{.ivf_nlist = 10, .ivf_codes = codes};
    const auto built = BuiltIndex::Make(spec, IndexKind::kIvf, set.matrix());
    EXPECT_THAT(built, IsOk());
    SearchStats stats;
    EXPECT_THAT((*built)->Search(set.Row(0), {.k = k, .ef = ef, .nprobe = 10, .stats = &stats}),
                IsOk());
    return stats.distance_computations - kRows;
  };
  EXPECT_EQ(read(IvfCodes::kFlat, 10, 0), 0u);
  EXPECT_EQ(read(IvfCodes::kPq, 10, 0), 74u);
  EXPECT_EQ(read(IvfCodes::kPq, 10, 300), 300u);
  EXPECT_EQ(read(IvfCodes::kPq, 10, 10'000), kRows);
  EXPECT_EQ(read(IvfCodes::kPq, 4'000'000'000, 0), kRows);
  EXPECT_LE(read(IvfCodes::kSq8, 10, 0), 20u);
  EXPECT_LE(read(IvfCodes::kSq4, 10, 0), kRows / 2);
  EXPECT_EQ(read(IvfCodes::kSq4, kRows, 0), kRows);
}

// With the same lists the answer is that of the vectors: surely of all lists, else as good as
// always.
TEST_F(IvfTest, ScalarCodesAnswerAsTheVectorsDo) {
  uint32_t same = 0;
  uint32_t asked = 0;
  constexpr uint32_t kRows = 2'000;
  constexpr uint32_t kDim = 48;
  std::vector<bool> most(kRows, true);
  std::vector<bool> few(kRows, false);
  for (uint32_t slot = 0; slot < kRows; slot += 7) {
    most[slot] = false;
    few[slot] = true;
  }
  const SlotSet most_set(most);
  const SlotSet few_set(few);
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    const std::vector<float> centres = NormalValues(random_, size_t{15} * kDim);
    const VectorSet set(metric, kDim, ClusteredValues(random_, centres, kDim, kRows, 0.5F));
    const VectorSet queries(metric, kDim, ClusteredValues(random_, centres, kDim, 10, 0.5F));
    const auto flat = BuiltIndex::Make({.ivf_nlist = 30}, IndexKind::kIvf, set.matrix());
    ASSERT_THAT(flat, IsOk());
    for (const IvfCodes codes : {IvfCodes::kSq8, IvfCodes::kSq4}) {
      const auto coded =
          BuiltIndex::Make({.ivf_nlist = 30, .ivf_codes = codes}, IndexKind::kIvf, set.matrix());
      ASSERT_THAT(coded, IsOk());
      for (const SlotFilter* filter :
           std::initializer_list<const SlotFilter*>{nullptr, &most_set, &few_set}) {
        for (uint32_t i = 0; i < queries.count(); ++i) {
          for (const uint32_t nprobe : {1 + 3 * i, 30U}) {
            const IndexSearchOptions options{.k = 10, .nprobe = nprobe, .filter = filter};
            const auto expected = (*flat)->Search(queries.Row(i), options);
            const auto found = (*coded)->Search(queries.Row(i), options);
            ASSERT_THAT(expected, IsOk());
            ASSERT_THAT(found, IsOk());
            if (nprobe == 30) {
              EXPECT_EQ(*found, *expected);
            } else {
              same += *found == *expected ? 1U : 0U;
              ++asked;
            }
          }
        }
      }
    }
  }
  EXPECT_GE(same, asked * 99 / 100) << "of " << asked;
}

TEST_F(IvfTest, ResidentCopiesGiveTheSameAnswers) {
  const VectorSet set(Metric::kDot, 24, NormalValues(random_, 24 * 1'000));
  for (const IvfCodes codes : kAllCodes) {
    const auto body =
        BuildBody({.ivf_nlist = 20, .ivf_codes = codes}, IndexKind::kIvf, set.matrix());
    ASSERT_THAT(body, IsOk());
    std::string mapped = *body;
    auto index = OpenIndex(IndexKind::kIvf, mapped, set.matrix());
    ASSERT_THAT(index, IsOk());
    EXPECT_EQ((*index)->resident_bytes(), body->size());
    const IndexSearchOptions options{.k = 20, .nprobe = 4};
    const auto before = (*index)->Search(set.Row(3), options);
    ASSERT_THAT(before, IsOk());
    (*index)->MakeResident();
    (*index)->MakeResident();
    std::fill(mapped.begin(), mapped.end(), '\0');  // nothing is read here any more
    EXPECT_THAT((*index)->Search(set.Row(3), options), IsOkAndHolds(*before));
  }
}

// A stop does not wait for the training of many lists.
TEST_F(IvfTest, TrainingStopsWhenItShall) {
  const VectorSet set(Metric::kL2, 8, NormalValues(random_, 8 * 2'000));
  BuildProgress progress;
  progress.cancelled = true;
  EXPECT_THAT(TrainCentroids(SampleRows(set.matrix(), 2'000), 8, 100, false, &progress),
              StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(TrainPq({.dim = 8, .parts = 4}, set.matrix(), &progress),
              StatusIs(StatusCode::kCancelled));
}

TEST_F(IvfTest, EqualVectorsAndConstantDimensionsAreIndexed) {
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    for (const IvfCodes codes : kAllCodes) {
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
