// Bodies that are not what BuildIndex wrote: DATA_LOSS, or an index that answers something from
// inside its bounds. Never a crash, never a hang.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "hnsw_format.h"
#include "ivf_format.h"
#include "section.h"
#include "support/built_index.h"
#include "support/status_matchers.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

constexpr uint32_t kRows = 300;
constexpr uint32_t kDim = 6;

struct Target {
  std::string name;
  IndexKind kind;
  IndexSpec spec;
};

class DamageTest : public ::testing::TestWithParam<Target> {
 protected:
  void SetUp() override {
    auto body = BuildBody(GetParam().spec, GetParam().kind, set_.matrix());
    ASSERT_THAT(body, IsOk());
    body_ = *body;
  }

  std::vector<uint64_t> SectionStarts() const {
    if (GetParam().kind == IndexKind::kHnsw) {
      HnswHeader header;
      std::memcpy(&header, body_.data(), sizeof(header));
      const HnswLayout layout(header);
      return {0, layout.levels, layout.upper_start, layout.upper_links, layout.base_links};
    }
    IvfHeader header;
    std::memcpy(&header, body_.data(), sizeof(header));
    const IvfLayout layout(header);
    return {
        0, layout.mean, layout.centroids, layout.starts, layout.slots, layout.book, layout.codes};
  }

  StatusOr<std::unique_ptr<VectorIndex>> Open(const std::string& body) const {
    return OpenIndex(GetParam().kind, body, set_.matrix());
  }

  // Opens; if that works, searches with and without a filter.
  void ExpectRefusedOrInBounds(const std::string& body) const {
    const auto index = Open(body);
    if (!index.ok()) {
      EXPECT_THAT(index, StatusIs(StatusCode::kDataLoss));
      return;
    }
    std::vector<bool> allowed(kRows);
    for (size_t slot = 0; slot < kRows; slot += 3) {
      allowed[slot] = true;
    }
    const SlotSet filter(allowed);
    for (const SlotFilter* use :
         {static_cast<const SlotFilter*>(nullptr), static_cast<const SlotFilter*>(&filter)}) {
      const auto found = (*index)->Search(set_.Row(7), {.k = 20, .nprobe = 4, .filter = use});
      ASSERT_THAT(found, IsOk());
      EXPECT_LE(found->size(), 20u);
      std::set<uint32_t> slots;
      for (const Candidate& candidate : *found) {
        EXPECT_LT(candidate.slot, kRows);
        EXPECT_TRUE(slots.insert(candidate.slot).second);
        EXPECT_TRUE(use == nullptr || use->Allows(candidate.slot));
      }
    }
  }

  std::mt19937_64 random_{20'260'107};
  const VectorSet set_{Metric::kCosine, kDim, NormalValues(random_, size_t{kRows} * kDim)};
  std::string body_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    DamageTest,
    ::testing::Values(
        Target{"Hnsw", IndexKind::kHnsw, {.hnsw_m = 3, .hnsw_ef_construction = 20}},
        Target{"IvfFlat", IndexKind::kIvf, {.ivf_nlist = 9}},
        Target{"IvfSq8", IndexKind::kIvf, {.ivf_nlist = 9, .ivf_codes = IvfCodes::kSq8}},
        Target{"IvfSq4", IndexKind::kIvf, {.ivf_nlist = 9, .ivf_codes = IvfCodes::kSq4}},
        Target{"IvfPq", IndexKind::kIvf, {.ivf_nlist = 9, .ivf_codes = IvfCodes::kPq}}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(DamageTest, WholeBodyIsGood) {
  ASSERT_THAT(Open(body_), IsOk());
  ExpectRefusedOrInBounds(body_);
}

TEST_P(DamageTest, CutBodiesAreRefused) {
  std::vector<uint64_t> ends = {0, 1, 63, 64, body_.size() - 1};
  for (const uint64_t start : SectionStarts()) {
    for (const uint64_t end : {start - 1, start, start + 1, start + 4}) {
      ends.push_back(end);
    }
  }
  for (uint64_t end = 65; end < body_.size(); end += 97) {
    ends.push_back(end);
  }
  for (const uint64_t end : ends) {
    if (end < body_.size()) {
      // A new string of just this size: ASan sees a read behind its end.
      EXPECT_THAT(Open(std::string(body_.data(), end)), StatusIs(StatusCode::kDataLoss)) << end;
    }
  }
}

TEST_P(DamageTest, LongerBodiesAreRefused) {
  for (const size_t more : std::vector<size_t>{1, 4, 64, 4'096}) {
    EXPECT_THAT(Open(body_ + std::string(more, '\0')), StatusIs(StatusCode::kDataLoss)) << more;
  }
}

TEST_P(DamageTest, EveryNumberOfTheHeaderIsChecked) {
  for (size_t at = 0; at < 6 * sizeof(uint32_t); at += sizeof(uint32_t)) {
    uint32_t good = 0;
    std::memcpy(&good, body_.data() + at, sizeof(good));
    for (const uint32_t value : {0U,
                                 1U,
                                 good + 1,
                                 good - 1,
                                 good * 2,
                                 0x7FFFFFFFU,
                                 0x80000000U,
                                 0xFFFFFFFFU,
                                 good ^ 0x01000000U}) {
      std::string body = body_;
      std::memcpy(body.data() + at, &value, sizeof(value));
      SCOPED_TRACE("word " + std::to_string(at / 4) + " " + std::to_string(value));
      ExpectRefusedOrInBounds(body);
    }
  }
}

TEST_P(DamageTest, WrongFormatOrCountIsRefused) {
  const size_t count_at = offsetof(HnswHeader, count);
  static_assert(offsetof(HnswHeader, count) == offsetof(IvfHeader, count));
  for (const size_t at : {size_t{0}, count_at}) {
    uint32_t value = 0;
    std::memcpy(&value, body_.data() + at, sizeof(value));
    for (const uint32_t wrong : {value - 1, value + 1, 0U, 0xFFFFFFFFU}) {
      std::string body = body_;
      std::memcpy(body.data() + at, &wrong, sizeof(wrong));
      EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << at << " " << wrong;
    }
  }
}

TEST_P(DamageTest, AnyFlippedBitIsRefusedOrHarmless) {
  const uint64_t seed = PrintedTestSeed();
  SCOPED_TRACE("ALIDADE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<uint64_t> sections = SectionStarts();
  sections.push_back(body_.size());
  // Sections in turn: small ones get their share.
  for (size_t round = 0; round < 3'000; ++round) {
    std::string body = body_;
    const uint64_t flips = 1 + random() % 3;
    for (uint64_t flip = 0; flip < flips; ++flip) {
      const size_t section = round % (sections.size() - 1);
      const uint64_t bytes = sections[section + 1] - sections[section];
      if (bytes > 0) {
        char& byte = body[sections[section] + random() % bytes];
        byte = static_cast<char>(byte ^ (1 << random() % 8));
      }
    }
    ExpectRefusedOrInBounds(body);
    if (HasFailure()) {
      FAIL() << "round " << round;
    }
  }
}

TEST_P(DamageTest, GarbageIsRefusedOrHarmless) {
  const uint64_t seed = PrintedTestSeed();
  SCOPED_TRACE("ALIDADE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<uint64_t> sections = SectionStarts();
  sections.push_back(body_.size());
  for (size_t section = 1; section + 1 < sections.size(); ++section) {
    for (int round = 0; round < 50; ++round) {
      std::string body = body_;
      for (uint64_t at = sections[section]; at < sections[section + 1]; ++at) {
        body[at] = static_cast<char>(random());
      }
      ExpectRefusedOrInBounds(body);
    }
  }
}

// The graph's own numbers, each made wrong in the ways that would lead outside.
class GraphDamageTest : public DamageTest {
 protected:
  template <typename T>
  void Set(std::string& body, uint64_t at, T value) const {
    std::memcpy(body.data() + at, &value, sizeof(value));
  }
  template <typename T>
  T Get(uint64_t at) const {
    T value{};
    std::memcpy(&value, body_.data() + at, sizeof(value));
    return value;
  }
  HnswLayout Layout() const { return HnswLayout(Get<HnswHeader>(0)); }
};

INSTANTIATE_TEST_SUITE_P(Hnsw,
                         GraphDamageTest,
                         ::testing::Values(Target{
                             "Hnsw", IndexKind::kHnsw, {.hnsw_m = 3, .hnsw_ef_construction = 20}}));

TEST_P(GraphDamageTest, LinksToNowhereAreRefused) {
  const auto header = Get<HnswHeader>(0);
  const HnswLayout layout = Layout();
  ASSERT_GT(header.upper_rows, 0u);
  for (const uint32_t link : {kRows, kRows + 1, 0x7FFFFFFFU, 0xFFFFFFFEU}) {
    for (uint32_t node = 0; node < kRows; node += 23) {
      std::string body = body_;
      Set(body, layout.base_links + uint64_t{node} * 2 * header.m * sizeof(uint32_t), link);
      EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << node << " " << link;
    }
    for (uint32_t row = 0; row < header.upper_rows; row += 7) {
      const uint64_t at = layout.upper_links + uint64_t{row} * header.m * sizeof(uint32_t);
      std::string body = body_;
      Set(body, at, link);
      EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << row << " " << link;
    }
  }
}

// What follows the levels without padding looks like a node of many levels.
TEST_P(GraphDamageTest, LinkToOneBehindTheLastNodeIsRefused) {
  HnswHeader header;
  header.m = 4;
  header.count = kSectionAlign;
  const HnswLayout layout(header);
  std::string body(layout.end, '\xFF');  // no links at all
  Set(body, 0, header);
  std::fill_n(body.begin() + static_cast<ptrdiff_t>(layout.levels), header.count, '\x01');
  ASSERT_EQ(body[layout.levels + header.count], '\xFF');
  ASSERT_THAT(OpenIndex(IndexKind::kHnsw, body, set_.First(header.count)), IsOk());
  Set(body, layout.base_links, header.count - 1);
  ASSERT_THAT(OpenIndex(IndexKind::kHnsw, body, set_.First(header.count)), IsOk());
  Set(body, layout.base_links, header.count);
  EXPECT_THAT(OpenIndex(IndexKind::kHnsw, body, set_.First(header.count)),
              StatusIs(StatusCode::kDataLoss));
}

// A link at level 1 to a node that has level 0 only would read links that are not there.
TEST_P(GraphDamageTest, LinksToNodesBelowTheirLevelAreRefused) {
  const HnswLayout layout = Layout();
  uint32_t low = 0;
  while (Get<uint8_t>(layout.levels + low) != 1) {
    ++low;
  }
  std::string body = body_;
  Set(body, layout.upper_links, low);
  EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss));
}

TEST_P(GraphDamageTest, LevelsOutsideTheUpperLinksAreRefused) {
  const HnswLayout layout = Layout();
  for (uint32_t node = 0; node < kRows; node += 11) {
    for (const int levels : {0, 200, 255}) {
      std::string body = body_;
      Set(body, layout.levels + node, static_cast<uint8_t>(levels));
      EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << node << " " << levels;
    }
    if (Get<uint8_t>(layout.levels + node) > 1) {
      for (const uint32_t start : {kNoLink, kNoLink - 1, Get<HnswHeader>(0).upper_rows}) {
        std::string body = body_;
        Set(body, layout.upper_start + uint64_t{node} * sizeof(uint32_t), start);
        EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << node << " " << start;
      }
    }
  }
}

TEST_P(GraphDamageTest, EntriesThatAreNotOnTopAreRefused) {
  const auto header = Get<HnswHeader>(0);
  for (const uint32_t entry : {kRows, 0xFFFFFFFFU}) {
    std::string body = body_;
    Set(body, offsetof(HnswHeader, entry), entry);
    EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << entry;
  }
  for (const uint32_t level : {header.max_level + 1, header.max_level - 1, 0xFFFFFFFFU}) {
    std::string body = body_;
    Set(body, offsetof(HnswHeader, max_level), level);
    EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << level;
  }
}

// A damaged graph that passes the checks of reading is also safe to go on building from.
TEST_P(GraphDamageTest, FlippedBitsAreRefusedOrHarmlessForAnExtension) {
  const uint64_t seed = PrintedTestSeed();
  SCOPED_TRACE("ALIDADE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<float> more = NormalValues(random, 50 * kDim);
  more.insert(more.begin(), set_.Row(0), set_.Row(0) + size_t{kRows} * kDim);
  const VectorSet larger(Metric::kCosine, kDim, more);
  for (int round = 0; round < 100; ++round) {
    std::string body = body_;
    char& byte = body[random() % body.size()];
    byte = static_cast<char>(byte ^ (1 << random() % 8));
    const auto extended =
        BuiltIndex::Make(GetParam().spec, IndexKind::kHnsw, larger.matrix(), body);
    if (extended.ok()) {
      EXPECT_THAT((*extended)->Search(larger.Row(0), {}), IsOk());
    } else {
      EXPECT_TRUE(extended.status().code() == StatusCode::kDataLoss ||
                  extended.status().code() == StatusCode::kInvalidArgument)
          << extended.status();
    }
  }
}

// Nobody reads behind the end of a list, so what lies there cannot be refused; an extension must
// not take it for links either.
TEST_P(GraphDamageTest, WhatLiesBehindAListIsNotALinkForAnExtension) {
  const HnswLayout layout = Layout();
  const uint32_t links_max = 2 * GetParam().spec.hnsw_m;
  std::string body = body_;
  uint32_t changed = 0;
  for (uint32_t node = 0; node < kRows; ++node) {
    const uint64_t list = layout.base_links + uint64_t{node} * links_max * sizeof(uint32_t);
    if (Get<uint32_t>(list + (links_max - 2) * sizeof(uint32_t)) == kNoLink) {
      Set(body, list + (links_max - 1) * sizeof(uint32_t), kNoLink - 1);
      ++changed;
    }
  }
  ASSERT_GT(changed, 0u);
  std::vector<float> values(set_.Row(0), set_.Row(0) + size_t{kRows} * kDim);
  values.insert(values.end(), values.begin(), values.begin() + 100 * kDim);
  const VectorSet larger(Metric::kCosine, kDim, values);
  const auto extended = BuiltIndex::Make(GetParam().spec, IndexKind::kHnsw, larger.matrix(), body);
  ASSERT_THAT(extended, IsOk());
  const auto found = (*extended)->Search(larger.Row(0), {.k = 2});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->size(), 2u);
}

// More than a build ever makes.
TEST_P(GraphDamageTest, AGraphOfTheMostLevelsIsExtended) {
  HnswHeader header;
  header.m = GetParam().spec.hnsw_m;
  header.count = 1;
  header.max_level = 254;
  header.upper_rows = 254;
  const HnswLayout layout(header);
  std::string body(layout.end, '\xFF');  // no links at all
  Set(body, 0, header);
  Set(body, layout.levels, uint8_t{255});
  Set(body, layout.upper_start, uint32_t{0});
  ASSERT_THAT(OpenIndex(IndexKind::kHnsw, body, set_.First(1)), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const auto extended,
      BuiltIndex::Make(GetParam().spec, IndexKind::kHnsw, set_.matrix(), body));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto found, extended->Search(set_.Row(0), {.k = 10}));
  EXPECT_EQ(found.size(), 10U);
}

class ListDamageTest : public GraphDamageTest {};

INSTANTIATE_TEST_SUITE_P(Ivf,
                         ListDamageTest,
                         ::testing::Values(Target{"Ivf",
                                                  IndexKind::kIvf,
                                                  {.ivf_nlist = 9, .ivf_codes = IvfCodes::kSq8}}));

TEST_P(ListDamageTest, ListsThatDoNotCoverTheRowsAreRefused) {
  const IvfLayout layout(Get<IvfHeader>(0));
  for (uint32_t list = 0; list <= 9; ++list) {
    const uint64_t at = layout.starts + uint64_t{list} * sizeof(uint32_t);
    for (const uint32_t start : {kRows + 1, 0xFFFFFFFFU}) {
      std::string body = body_;
      Set(body, at, start);
      EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << list << " " << start;
    }
  }
  std::string late = body_;
  Set(late, layout.starts, uint32_t{1});
  EXPECT_THAT(Open(late), StatusIs(StatusCode::kDataLoss));
  std::string early = body_;
  Set(early, layout.starts + 9 * sizeof(uint32_t), kRows - 1);
  EXPECT_THAT(Open(early), StatusIs(StatusCode::kDataLoss));
}

TEST_P(ListDamageTest, SlotsOutsideOrTwiceAreRefused) {
  const IvfLayout layout(Get<IvfHeader>(0));
  for (uint32_t i = 0; i < kRows; i += 17) {
    const uint64_t at = layout.slots + uint64_t{i} * sizeof(uint32_t);
    const auto twice = Get<uint32_t>(layout.slots + ((i + 1) % kRows) * sizeof(uint32_t));
    for (const uint32_t slot : {kRows, 0xFFFFFFFFU, twice}) {
      std::string body = body_;
      Set(body, at, slot);
      EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << i << " " << slot;
    }
  }
}

TEST_P(ListDamageTest, CodesNobodyKnowsAreRefused) {
  for (const uint32_t codes : {0U, 5U, 0x101U, 0xFFFFFFFFU}) {
    std::string body = body_;
    Set(body, offsetof(IvfHeader, codes), codes);
    EXPECT_THAT(Open(body), StatusIs(StatusCode::kDataLoss)) << codes;
  }
}

}  // namespace
}  // namespace alidade
