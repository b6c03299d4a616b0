// Searches of a graph by places: what they answer, what they look at, and bodies that are damaged.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hnsw_format.h"
#include "support/built_index.h"
#include "support/coded_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kRows = 3'000;
constexpr uint32_t kDim = 24;
constexpr uint32_t kQueries = 30;
constexpr uint32_t kAllPlaces = 1'000'000;  // a slack beyond all of them

class PlacesTest : public ::testing::TestWithParam<std::tuple<Metric, CodesSetting>> {
 protected:
  PlacesTest() : random_(5) {
    const std::vector<float> centres = NormalValues(random_, size_t{20} * kDim);
    base_ = std::make_unique<VectorSet>(
        metric(), kDim, ClusteredValues(random_, centres, kDim, kRows, 0.5F));
    queries_ = std::make_unique<VectorSet>(
        metric(), kDim, ClusteredValues(random_, centres, kDim, kQueries, 0.5F));
  }
  void SetUp() override { ALIDADE_ASSERT_OK_AND_ASSIGN(graph_, MakeGraph(/*threads=*/1)); }

  static Metric metric() { return std::get<0>(GetParam()); }
  static CodesSetting codes() { return std::get<1>(GetParam()); }
  StatusOr<Coded> MakeGraph(int threads) const {
    return MakeCodedGraph(codes(),
                          base_->matrix(),
                          {.kind = IndexKind::kHnsw, .hnsw_m = 8, .hnsw_ef_construction = 40},
                          {},
                          {.threads = threads, .places_from = 0});
  }
  std::vector<bool> OneIn(uint32_t n) {
    std::vector<bool> allowed(kRows);
    for (uint32_t slot = 0; slot < kRows; ++slot) {
      allowed[slot] = random_() % n == 0;
    }
    return allowed;
  }

  std::mt19937_64 random_;
  std::unique_ptr<VectorSet> base_;
  std::unique_ptr<VectorSet> queries_;
  Coded graph_;
};

TEST_P(PlacesTest, EachAllowedSlotHasOnePlace) {
  EXPECT_EQ(graph_.index->places(), kRows / 96);
  const SlotBitSet bits(OneIn(7));
  const SlotSet plain([&bits] {
    std::vector<bool> allowed(kRows);
    for (uint32_t slot = 0; slot < kRows; ++slot) {
      allowed[slot] = bits.Allows(slot);
    }
    return allowed;
  }());
  const PlacedSlots placed = graph_.index->PlacesOf(bits, /*copy_codes=*/false);
  ASSERT_EQ(placed.starts.size(), graph_.index->places() + 1U);
  EXPECT_EQ(placed.starts.front(), 0U);
  EXPECT_EQ(placed.starts.back(), placed.slots.size());
  EXPECT_TRUE(std::ranges::is_sorted(placed.starts));
  EXPECT_EQ(placed.slots.size(), plain.size());
  EXPECT_EQ(std::set<uint32_t>(placed.slots.begin(), placed.slots.end()).size(), plain.size());
  EXPECT_TRUE(std::ranges::all_of(placed.slots, [&](uint32_t slot) { return bits.Allows(slot); }));
  EXPECT_EQ(graph_.index->PlacesOf(plain, /*copy_codes=*/false).slots, placed.slots);
}

// However the filter is known.
TEST_P(PlacesTest, AnswersOnlyWhatPassesEachOnceNearestFirst) {
  for (const uint32_t n : {1U, 2U, 7U, 40U, 400U}) {
    const std::vector<bool> allowed = OneIn(n);
    const SlotBitSet bits(allowed);
    const SlotSet plain(allowed);
    const PlacedSlots placed = graph_.index->PlacesOf(bits, /*copy_codes=*/false);
    for (uint32_t i = 0; i < kQueries; ++i) {
      for (const uint32_t slack : {1U, 60U, 66U, 90U}) {
        const IndexSearchOptions options{
            .k = 10, .ef = 30, .slack = slack, .filter = &bits, .placed = &placed};
        ALIDADE_ASSERT_OK_AND_ASSIGN(const std::vector<Candidate> found,
                                     graph_.index->Search(queries_->Row(i), options));
        ASSERT_EQ(found.size(), std::min(10u, bits.bits().count));
        EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
        std::set<uint32_t> slots;
        for (const Candidate& candidate : found) {
          EXPECT_TRUE(bits.Allows(candidate.slot));
          slots.insert(candidate.slot);
        }
        EXPECT_EQ(slots.size(), found.size());
        for (const SlotFilter* filter :
             {static_cast<const SlotFilter*>(&bits), static_cast<const SlotFilter*>(&plain)}) {
          ALIDADE_ASSERT_OK_AND_ASSIGN(
              const std::vector<Candidate> tried,
              graph_.index->Search(queries_->Row(i),
                                   {.k = 10, .ef = 30, .slack = slack, .filter = filter}));
          EXPECT_EQ(tried, found);
        }
      }
    }
  }
}

// By places, or of all that passes: copies lie elsewhere, and that is all.
TEST_P(PlacesTest, CopiesOfCodesAreReadInTheirPlace) {
  for (const uint32_t n : {1U, 5U, 40U, 400U}) {
    const SlotBitSet filter(OneIn(n));
    const PlacedSlots placed = graph_.index->PlacesOf(filter, /*copy_codes=*/true);
    const size_t stride = graph_.codes->finest().stride();
    ASSERT_EQ(placed.records.bytes(), placed.slots.size() * stride);
    for (size_t i = 0; i < placed.slots.size(); ++i) {
      EXPECT_EQ(std::memcmp(placed.records.as<uint8_t>() + i * stride,
                            graph_.codes->finest().records + placed.slots[i] * stride,
                            stride),
                0);
    }
    for (uint32_t i = 0; i < kQueries; ++i) {
      for (const uint32_t slack : {0U, 1U, 66U, kAllPlaces}) {
        SearchStats read;
        SearchStats copied;
        SlotWatch watch_read{.slot = placed.slots[i % placed.slots.size()]};
        SlotWatch watch_copied = watch_read;
        IndexSearchOptions options{.k = 10,
                                   .ef = 30,
                                   .scan = slack == 0,
                                   .slack = slack,
                                   .filter = &filter,
                                   .stats = &read,
                                   .watch = &watch_read};
        ALIDADE_ASSERT_OK_AND_ASSIGN(const std::vector<Candidate> found,
                                     graph_.index->Search(queries_->Row(i), options));
        options.placed = &placed;
        options.stats = &copied;
        options.watch = &watch_copied;
        ALIDADE_ASSERT_OK_AND_ASSIGN(const std::vector<Candidate> again,
                                     graph_.index->Search(queries_->Row(i), options));
        EXPECT_EQ(again, found);
        EXPECT_EQ(copied.distance_computations, read.distance_computations);
        EXPECT_EQ(watch_copied.met, watch_read.met);
        EXPECT_EQ(watch_copied.place, watch_read.place);
      }
    }
  }
}

TEST_P(PlacesTest, WithSlackForAllOfThemItIsAScan) {
  for (const uint32_t n : {1U, 3U, 100U}) {
    const SlotBitSet filter(OneIn(n));
    for (uint32_t i = 0; i < kQueries; ++i) {
      SearchStats stats;
      ALIDADE_ASSERT_OK_AND_ASSIGN(
          const std::vector<Candidate> found,
          graph_.index->Search(
              queries_->Row(i),
              {.k = 10, .ef = kRows, .slack = kAllPlaces, .filter = &filter, .stats = &stats}));
      const auto exact =
          ExactSearch(base_->matrix(), queries_->Row(i), {.k = 10, .filter = &filter});
      ASSERT_THAT(exact, IsOk());
      EXPECT_EQ(found, *exact);
      EXPECT_GE(stats.distance_computations, graph_.index->places() + filter.bits().count);
    }
  }
}

TEST_P(PlacesTest, MoreSlackLooksAtMoreAndFindsMore) {
  const SlotBitSet filter(OneIn(4));
  const PlacedSlots placed = graph_.index->PlacesOf(filter, /*copy_codes=*/false);
  uint64_t least = 0;
  uint64_t looked_at = 0;
  double recall = 0;
  for (const uint32_t slack : {1U, 65U, 80U, 100U, 150U, 250U}) {
    SearchStats stats;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const double now,
                                 RecallOf(*graph_.index,
                                          base_->matrix(),
                                          *queries_,
                                          {.k = 10,
                                           .ef = 40,
                                           .slack = slack,
                                           .filter = &filter,
                                           .placed = &placed,
                                           .stats = &stats}));
    EXPECT_GE(stats.distance_computations, looked_at) << slack;
    least = slack == 1 ? stats.distance_computations : least;
    EXPECT_GE(now, recall - 0.01) << slack;  // what is kept is picked by codes
    looked_at = stats.distance_computations;
    recall = now;
  }
  EXPECT_GT(looked_at, least);
  EXPECT_GE(recall, 0.99);
}

TEST_P(PlacesTest, EmptySetsAndDeadlinesEndIt) {
  const SlotBitSet none(std::vector<bool>(kRows, false));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const std::vector<Candidate> found,
      graph_.index->Search(queries_->Row(0), {.k = 10, .slack = 70, .filter = &none}));
  EXPECT_TRUE(found.empty());
  const SlotBitSet half(OneIn(2));
  const Deadline passed(Deadline::Clock::now());
  EXPECT_THAT(graph_.index->Search(queries_->Row(0),
                                   {.k = 10, .slack = 70, .filter = &half, .deadline = &passed}),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_P(PlacesTest, AWatchTellsWhetherThePlaceWasLookedAt) {
  const SlotBitSet filter(OneIn(4));
  for (const bool everywhere : {false, true}) {
    uint32_t met = 0;
    for (uint32_t slot = 0; slot < kRows; slot += 50) {
      if (filter.Allows(slot)) {
        SlotWatch watch{.slot = slot};
        ASSERT_THAT(graph_.index->Search(queries_->Row(0),
                                         {.k = 5,
                                          .ef = 5,
                                          .slack = everywhere ? kAllPlaces : 1,
                                          .filter = &filter,
                                          .watch = &watch}),
                    IsOk());
        EXPECT_TRUE(watch.met || watch.place == 0);
        met += watch.met ? 1U : 0U;
        EXPECT_TRUE(watch.met || !everywhere);
      }
    }
    EXPECT_EQ(met > 5, everywhere);
  }
}

// Numbers of threads change the graph, not where its nodes lie.
TEST_P(PlacesTest, AreTheSameEachTime) {
  HnswHeader header;
  std::memcpy(&header, graph_.graph_body.data(), sizeof(header));
  const HnswLayout layout(header);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Coded again, MakeGraph(/*threads=*/3));
  ASSERT_EQ(again.graph_body.size(), graph_.graph_body.size());
  EXPECT_EQ(again.graph_body.substr(layout.centres), graph_.graph_body.substr(layout.centres));
}

// Without codes nothing is known of places; the same body serves.
TEST_P(PlacesTest, WithoutCodesItIsAWalk) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const auto plain, OpenIndex(IndexKind::kHnsw, graph_.graph_body, base_->matrix(), nullptr));
  EXPECT_EQ(plain->places(), 0U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto by_places,
                               plain->Search(queries_->Row(0), {.k = 10, .ef = 30, .slack = 70}));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto walked,
                               plain->Search(queries_->Row(0), {.k = 10, .ef = 30}));
  EXPECT_EQ(by_places, walked);
}

TEST_P(PlacesTest, AnExtendedGraphHasPlacesOfAllItsNodes) {
  const IndexSpec spec{.kind = IndexKind::kHnsw, .hnsw_m = 8, .hnsw_ef_construction = 40};
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const Coded first,
      MakeCodedGraph(codes(), base_->First(kRows / 2), spec, {}, {.places_from = 0}));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const Coded extended,
      MakeCodedGraph(codes(), base_->matrix(), spec, first.graph_body, {.places_from = 0}));
  EXPECT_EQ(first.index->places(), kRows / 2 / 96);
  EXPECT_EQ(extended.index->places(), kRows / 96);
  EXPECT_EQ(
      extended.index->PlacesOf(SlotBitSet(std::vector<bool>(kRows, true)), /*copy_codes=*/false)
          .slots.size(),
      kRows);
}

// DATA_LOSS, or an index that answers something from inside its bounds.
TEST_P(PlacesTest, DamagedPlacesAreRefusedOrHarmless) {
  HnswHeader header;
  std::memcpy(&header, graph_.graph_body.data(), sizeof(header));
  const HnswLayout layout(header);
  const SlotBitSet filter(OneIn(3));
  const auto open = [&](const std::string& body) {
    return OpenIndex(IndexKind::kHnsw, body, base_->matrix(), graph_.codes.get());
  };
  const auto set = [](std::string body, uint64_t at, uint32_t value) {
    std::memcpy(body.data() + at, &value, sizeof(value));
    return body;
  };
  const std::string& body = graph_.graph_body;
  for (const uint64_t end :
       {layout.centres, layout.place_starts, layout.place_nodes, layout.end - 1}) {
    EXPECT_THAT(open(std::string(body.data(), end)), StatusIs(StatusCode::kDataLoss)) << end;
  }
  for (const uint32_t wrong : {0U, header.places - 1, header.places + 1, kRows + 1, 0xFFFFFFFFU}) {
    EXPECT_THAT(open(set(body, offsetof(HnswHeader, places), wrong)),
                StatusIs(StatusCode::kDataLoss));
  }
  for (const uint32_t wrong : {0U, kDim - 1, kDim + 1, 0xFFFFFFFFU}) {
    EXPECT_THAT(open(set(body, offsetof(HnswHeader, dim), wrong)), StatusIs(StatusCode::kDataLoss));
  }
  const uint64_t second = layout.place_nodes + sizeof(uint32_t);
  uint32_t twice = 0;
  std::memcpy(&twice, body.data() + layout.place_nodes, sizeof(twice));
  for (const uint32_t wrong : {kRows, 0xFFFFFFFFU, twice}) {
    EXPECT_THAT(open(set(body, second, wrong)), StatusIs(StatusCode::kDataLoss)) << wrong;
  }
  for (const uint32_t wrong : {kRows + 1, 0xFFFFFFFFU}) {
    EXPECT_THAT(open(set(body, layout.place_starts + 8, wrong)), StatusIs(StatusCode::kDataLoss));
  }
  EXPECT_THAT(open(set(body, layout.place_starts, 1)), StatusIs(StatusCode::kDataLoss));
  constexpr uint32_t kNaN = 0x7FC00000;
  constexpr uint32_t kInfinity = 0x7F800000;
  constexpr uint32_t kSquareOverflows = 0x7F000000;
  for (const uint32_t wrong : {kNaN, kInfinity, kSquareOverflows}) {
    EXPECT_THAT(open(set(body, layout.centres + 4, wrong)), StatusIs(StatusCode::kDataLoss));
  }

  const uint64_t seed = PrintedTestSeed();
  SCOPED_TRACE("ALIDADE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string flipped = body;
    char& byte = flipped[layout.centres + random() % (layout.end - layout.centres)];
    byte = static_cast<char>(byte ^ (1 << random() % 8));
    const auto index = open(flipped);
    if (!index.ok()) {
      EXPECT_THAT(index, StatusIs(StatusCode::kDataLoss));
      continue;
    }
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const std::vector<Candidate> found,
        (*index)->Search(queries_->Row(0), {.k = 10, .slack = 70, .filter = &filter}));
    for (const Candidate& candidate : found) {
      ASSERT_LT(candidate.slot, kRows);
      EXPECT_TRUE(filter.Allows(candidate.slot));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codes,
                         PlacesTest,
                         ::testing::Combine(::testing::Values(Metric::kL2, Metric::kCosine),
                                            ::testing::Values(CodesSetting::kInt8,
                                                              CodesSetting::kInt4,
                                                              CodesSetting::kBit1)),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param) == Metric::kL2 ? "L2"
                                                                                       : "Cosine") +
                                  std::string(CodesName(std::get<1>(tested.param)));
                         });

TEST(PlacesOfOthersTest, DotFewRowsAndPlainGraphsHaveNone) {
  std::mt19937_64 random(1);
  const std::vector<float> values = NormalValues(random, size_t{500} * kDim);
  const IndexSpec spec{.kind = IndexKind::kHnsw, .hnsw_m = 4, .hnsw_ef_construction = 10};
  const auto places = [&](Metric metric, CodesSetting codes, uint32_t rows, uint32_t from) {
    const VectorSet set(metric, kDim, values);
    const auto graph = MakeCodedGraph(codes, set.First(rows), spec, {}, {.places_from = from});
    EXPECT_THAT(graph, IsOk());
    return graph.ok() ? graph->index->places() : 1'000;
  };
  EXPECT_EQ(places(Metric::kL2, CodesSetting::kInt8, 500, 500), 5U);
  EXPECT_EQ(places(Metric::kL2, CodesSetting::kInt8, 500, 501), 0U);
  EXPECT_EQ(places(Metric::kDot, CodesSetting::kInt8, 500, 0), 0U);
  EXPECT_EQ(places(Metric::kL2, CodesSetting::kNone, 500, 0), 0U);
  EXPECT_EQ(places(Metric::kL2, CodesSetting::kInt8, 95, 0), 0U);
  EXPECT_EQ(places(Metric::kL2, CodesSetting::kInt8, 96, 0), 1U);
}

// A scan reads copies too, whatever the metric.
TEST(PlacesOfOthersTest, WithoutPlacesAllThatPassesIsInOne) {
  std::mt19937_64 random(2);
  const VectorSet set(Metric::kDot, kDim, NormalValues(random, size_t{500} * kDim));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const Coded graph,
      MakeCodedGraph(CodesSetting::kInt8,
                     set.matrix(),
                     {.kind = IndexKind::kHnsw, .hnsw_m = 4, .hnsw_ef_construction = 10},
                     {},
                     {}));
  std::vector<bool> allowed(500);
  std::vector<uint32_t> slots;
  for (uint32_t slot = 3; slot < 500; slot += 6) {
    allowed[slot] = true;
    slots.push_back(slot);
  }
  const SlotBitSet filter(allowed);
  const PlacedSlots placed = graph.index->PlacesOf(filter, /*copy_codes=*/true);
  EXPECT_EQ(placed.slots, slots);
  const auto end = static_cast<uint32_t>(slots.size());
  EXPECT_EQ(placed.starts, (std::vector<uint32_t>{0, end}));
  for (uint32_t i = 0; i < 500; i += 20) {
    IndexSearchOptions options{.k = 10, .ef = 30, .scan = true, .filter = &filter};
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto found, graph.index->Search(set.Row(i), options));
    options.placed = &placed;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto again, graph.index->Search(set.Row(i), options));
    EXPECT_EQ(again, found);
    EXPECT_EQ(found.size(), 10U);
  }
}

// As many equal vectors as anybody has: places of one point, and one that holds them all.
TEST(PlacesOfOthersTest, EqualVectorsAreFound) {
  const VectorSet set(Metric::kCosine, kDim, std::vector<float>(size_t{1'000} * kDim, 0.5F));
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const Coded graph,
      MakeCodedGraph(CodesSetting::kInt8,
                     set.matrix(),
                     {.kind = IndexKind::kHnsw, .hnsw_m = 4, .hnsw_ef_construction = 10},
                     {},
                     {.places_from = 0}));
  std::vector<bool> allowed(1'000);
  allowed[3] = allowed[700] = true;
  const SlotBitSet filter(allowed);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const std::vector<Candidate> found,
      graph.index->Search(set.Row(0), {.k = 10, .slack = 65, .filter = &filter}));
  EXPECT_EQ(found.size(), 2U);
}

}  // namespace
}  // namespace alidade
