#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hnsw_index.h"
#include "support/built_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

using ::testing::Ge;
using ::testing::IsEmpty;

constexpr uint32_t kDim = 16;

// Links of a node at a level, without the unused places.
std::vector<uint32_t> LinksOf(const HnswGraph& graph, uint32_t node, uint32_t level) {
  const uint32_t* links = graph.Links(node, level);
  const uint32_t* end = std::find(links, links + graph.LinksMax(level), kNoLink);
  return {links, end};
}

// More than ReadHnswGraph asks for: no link to itself or twice, rows of upper links without gaps,
// and the entry on top.
void ExpectSound(std::string_view body, uint32_t count, uint32_t m) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const HnswGraph graph, ReadHnswGraph(body));
  ASSERT_EQ(graph.header.count, count);
  EXPECT_EQ(graph.header.m, m);
  uint32_t upper_rows = 0;
  uint32_t top = 0;
  for (uint32_t node = 0; node < count; ++node) {
    const uint32_t levels = graph.levels[node];
    top = std::max(top, levels);
    EXPECT_EQ(graph.upper_start[node], levels > 1 ? upper_rows : kNoLink);
    upper_rows += levels - 1;
    for (uint32_t level = 0; level < levels; ++level) {
      const std::vector<uint32_t> links = LinksOf(graph, node, level);
      const std::set<uint32_t> different(links.begin(), links.end());
      EXPECT_EQ(different.size(), links.size()) << "node " << node << " level " << level;
      EXPECT_EQ(different.count(node), 0u) << "node " << node << " level " << level;
      // Behind the first unused place all are unused.
      const uint32_t* all = graph.Links(node, level);
      EXPECT_TRUE(std::all_of(all + links.size(), all + graph.LinksMax(level), [](uint32_t link) {
        return link == kNoLink;
      }));
    }
  }
  EXPECT_EQ(graph.header.upper_rows, upper_rows);
  EXPECT_EQ(graph.header.max_level + 1, top);
}

class HnswTest : public ::testing::Test {
 protected:
  // Clusters of very different places: harder than one cloud.
  std::vector<float> Values(size_t rows) {
    const std::vector<float> centres = NormalValues(random_, size_t{40} * kDim);
    return ClusteredValues(random_, centres, kDim, rows, 0.3F);
  }

  std::mt19937_64 random_{20'260'105};
};

TEST_F(HnswTest, EmptyGraphFindsNothing) {
  const VectorSet set(Metric::kL2, kDim, {});
  const auto built = BuiltIndex::Make({}, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(built, IsOk());
  const std::vector<float> query(kDim, 1.0F);
  EXPECT_THAT((*built)->Search(query.data(), {}), IsOkAndHolds(IsEmpty()));
}

TEST_F(HnswTest, OneNodeIsFound) {
  const VectorSet set(Metric::kL2, 1, {5});
  const auto built = BuiltIndex::Make({}, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(built, IsOk());
  const float query = 3;
  EXPECT_THAT((*built)->Search(&query, {.k = 4}),
              IsOkAndHolds(::testing::ElementsAre(Candidate{4, 0})));
  const SlotSet none({false});
  EXPECT_THAT((*built)->Search(&query, {.filter = &none}), IsOkAndHolds(IsEmpty()));
}

TEST_F(HnswTest, GraphsOfAllWidthsAreSound) {
  const VectorSet set(Metric::kL2, kDim, Values(600));
  for (const uint32_t m : {kHnswMMin, 3U, 16U, kHnswMMax}) {
    for (const uint32_t ef_construction : {1U, 40U}) {
      const IndexSpec spec{.hnsw_m = m, .hnsw_ef_construction = ef_construction};
      const auto body = BuildBody(spec, IndexKind::kHnsw, set.matrix());
      ASSERT_THAT(body, IsOk());
      ExpectSound(*body, 600, m);
    }
  }
}

TEST_F(HnswTest, EverySectionBeginsACacheLine) {
  const VectorSet set(Metric::kL2, kDim, Values(333));
  const auto body = BuildBody({}, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(body, IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const HnswGraph graph, ReadHnswGraph(*body));
  const HnswLayout layout(graph.header);
  for (const uint64_t start : {layout.levels, layout.upper_start, layout.upper_links}) {
    EXPECT_EQ(start % 64, 0u);
  }
  EXPECT_EQ(layout.base_links % 64, 0u);
  EXPECT_EQ(layout.end, body->size());
}

TEST_F(HnswTest, WiderCandidateListFindsMore) {
  const VectorSet set(Metric::kL2, kDim, Values(4'000));
  const VectorSet queries(Metric::kL2, kDim, NormalValues(random_, size_t{50} * kDim));
  const IndexSpec spec{.hnsw_m = 4, .hnsw_ef_construction = 20};
  const auto built = BuiltIndex::Make(spec, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(built, IsOk());
  double previous = 0;
  for (const uint32_t ef : {10U, 40U, 160U, 1'000U}) {
    const auto recall = RecallOf(**built, set.matrix(), queries, {.k = 10, .ef = ef});
    ASSERT_THAT(recall, IsOk());
    EXPECT_GT(*recall, previous) << ef;
    previous = *recall;
  }
  // Nobody says how wide: the default, not the k.
  SearchStats by_default;
  SearchStats by_number;
  ASSERT_THAT((*built)->Search(queries.Row(0), {.k = 10, .stats = &by_default}), IsOk());
  ASSERT_THAT((*built)->Search(queries.Row(0), {.k = 10, .ef = kDefaultEf, .stats = &by_number}),
              IsOk());
  EXPECT_EQ(by_default.distance_computations, by_number.distance_computations);
}

TEST_F(HnswTest, CandidateListIsNeverNarrowerThanK) {
  const VectorSet set(Metric::kL2, kDim, Values(1'000));
  const auto built = BuiltIndex::Make({}, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(built, IsOk());
  const auto found = (*built)->Search(set.Row(0), {.k = 400, .ef = 1});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->size(), 400u);
}

class HnswExtensionTest : public HnswTest, public ::testing::WithParamInterface<Metric> {};

INSTANTIATE_TEST_SUITE_P(Metrics,
                         HnswExtensionTest,
                         ::testing::Values(Metric::kL2, Metric::kDot, Metric::kCosine),
                         [](const auto& tested) { return std::string(MetricName(tested.param)); });

TEST_P(HnswExtensionTest, IsSoundAndAsGoodAsAFreshGraph) {
  constexpr uint32_t kRows = 4'000;
  const VectorSet set(GetParam(), kDim, Values(kRows));
  const VectorSet queries(GetParam(), kDim, NormalValues(random_, size_t{400} * kDim));
  const IndexSpec spec{.hnsw_m = 8, .hnsw_ef_construction = 60};
  const auto fresh = BuiltIndex::Make(spec, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(fresh, IsOk());
  const auto recall_of_fresh = RecallOf(**fresh, set.matrix(), queries, {.k = 10, .ef = 40});
  ASSERT_THAT(recall_of_fresh, IsOk());
  ASSERT_THAT(*recall_of_fresh, Ge(0.7));  // low on purpose: a worse graph would show

  // Once by half, and in many unequal steps.
  for (const std::vector<uint32_t>& steps :
       {std::vector<uint32_t>{kRows / 2}, std::vector<uint32_t>{1, 2, 40, 41, 900, 3'000, 3'999}}) {
    std::string body;
    for (const uint32_t rows : steps) {
      auto next = BuildBody(spec, IndexKind::kHnsw, set.First(rows), body);
      ASSERT_THAT(next, IsOk());
      body = *next;
      ExpectSound(body, rows, spec.hnsw_m);
    }
    const auto whole = BuiltIndex::Make(spec, IndexKind::kHnsw, set.matrix(), body);
    ASSERT_THAT(whole, IsOk());
    ExpectSound(whole->body(), kRows, spec.hnsw_m);
    const auto recall = RecallOf(**whole, set.matrix(), queries, {.k = 10, .ef = 40});
    ASSERT_THAT(recall, IsOk());
    EXPECT_GE(*recall, *recall_of_fresh - 0.03) << steps.size() << " steps";
  }
}

TEST_F(HnswTest, ThreadsLeaveNoNodeOut) {
  for (uint32_t round = 0; round < 40; ++round) {
    const uint32_t rows = 1 + round * 3;
    const VectorSet set(Metric::kL2, kDim, Values(rows));
    StringSink body;
    ASSERT_THAT(BuildIndex({}, IndexKind::kHnsw, set.matrix(), {}, {.threads = 4}, body), IsOk());
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto index,
                                 OpenIndex(IndexKind::kHnsw, body.bytes(), set.matrix()));
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto found,
                                 index->Search(set.Row(0), {.k = rows, .ef = rows}));
    EXPECT_EQ(found.size(), rows);
  }
}

TEST_F(HnswTest, ExtensionKeepsWhatItGot) {
  const VectorSet set(Metric::kL2, kDim, Values(1'500));
  const IndexSpec spec{.hnsw_m = 6, .hnsw_ef_construction = 40};
  const auto half = BuildBody(spec, IndexKind::kHnsw, set.First(700));
  ASSERT_THAT(half, IsOk());
  const auto whole = BuildBody(spec, IndexKind::kHnsw, set.matrix(), *half);
  ASSERT_THAT(whole, IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const HnswGraph before, ReadHnswGraph(*half));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const HnswGraph after, ReadHnswGraph(*whole));
  uint32_t kept = 0;
  for (uint32_t node = 0; node < 700; ++node) {
    ASSERT_EQ(before.levels[node], after.levels[node]);
    const std::vector<uint32_t> old_links = LinksOf(before, node, 0);
    const std::vector<uint32_t> new_links = LinksOf(after, node, 0);
    for (const uint32_t link : old_links) {
      kept += static_cast<uint32_t>(std::ranges::count(new_links, link));
    }
  }
  EXPECT_GT(kept, 700u);  // new neighbours push out some, not all
}

TEST_F(HnswTest, ExtensionByNothingChangesNothing) {
  const VectorSet set(Metric::kL2, kDim, Values(500));
  const auto body = BuildBody({}, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(body, IsOk());
  EXPECT_THAT(BuildBody({}, IndexKind::kHnsw, set.matrix(), *body), IsOkAndHolds(*body));
}

TEST_F(HnswTest, ExtensionOfAnEmptyGraphIsAFreshOne) {
  const VectorSet set(Metric::kL2, kDim, Values(500));
  const auto empty = BuildBody({}, IndexKind::kHnsw, set.First(0));
  ASSERT_THAT(empty, IsOk());
  const auto fresh = BuildBody({}, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(fresh, IsOk());
  EXPECT_THAT(BuildBody({}, IndexKind::kHnsw, set.matrix(), *empty), IsOkAndHolds(*fresh));
}

TEST_F(HnswTest, ExtensionOfAGraphThatDoesNotFitIsRefused) {
  const VectorSet set(Metric::kL2, kDim, Values(500));
  const auto body = BuildBody({.hnsw_m = 8}, IndexKind::kHnsw, set.matrix());
  ASSERT_THAT(body, IsOk());
  EXPECT_THAT(BuildBody({.hnsw_m = 9}, IndexKind::kHnsw, set.matrix(), *body),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(BuildBody({.hnsw_m = 8}, IndexKind::kHnsw, set.First(499), *body),
              StatusIs(StatusCode::kInvalidArgument));
  const std::string cut = body->substr(0, body->size() - 4);
  EXPECT_THAT(BuildBody({.hnsw_m = 8}, IndexKind::kHnsw, set.matrix(), cut),
              StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace alidade
