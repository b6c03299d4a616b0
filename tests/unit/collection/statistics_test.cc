// Statistics of a collection: memory by component, the codes in use, the progress of builds.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/vec/codes.h"

#include "collection_testing.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr uint32_t kCodedDim = 32;
constexpr uint32_t kM = 4;

// One field whose graphs are coded, one that never has an index.
class StatisticsTest : public CollectionTest {
 protected:
  StatisticsTest() {
    config_.fields[0].dim = kCodedDim;
    config_.fields[0].index = {.kind = IndexKind::kHnsw,
                               .hnsw_m = kM,
                               .hnsw_ef_construction = 16,
                               .codes = CodesSetting::kInt8};
    config_.fields.push_back({.id = FieldId(2),
                              .name = "w",
                              .dim = 2,
                              .metric = Metric::kL2,
                              .index = {.kind = IndexKind::kFlat}});
    limits_.delta_rows_max = 3'000;
  }

  void PutCoded(uint64_t first, uint64_t last) {
    std::vector<OwnedPoint> points;
    for (uint64_t number = first; number <= last; ++number) {
      std::vector<float> vector(kCodedDim, 1.0F);
      vector[number % kCodedDim] += static_cast<float>(number);
      OwnedPoint point = MakePoint(Id(number), vector, {});
      points.push_back(std::move(point));
    }
    UpsertRequest request = MakeUpsert(std::move(points));
    request.options.durability = Durability::kBuffered;
    ASSERT_THAT(collection_->Upsert(request), IsOk());
  }

  // What lies in memory is said once, whatever is counted by.
  static void ExpectSumsAgree(const CollectionStats& stats) {
    uint64_t anonymous = stats.rows.anonymous + stats.delta_rows_memory.anonymous;
    uint64_t deltas = stats.delta_rows_memory.anonymous;
    uint64_t mapped = stats.rows.mapped;
    for (const FieldStats& field : stats.fields) {
      anonymous += field.sealed.anonymous() + field.delta_vectors.anonymous;
      anonymous += field.scan_codes.anonymous;
      deltas += field.delta_vectors.anonymous;
      mapped += field.sealed.walk_codes.mapped + field.sealed.rank_codes.mapped +
                field.sealed.links.mapped + field.sealed.vectors.mapped;
    }
    EXPECT_EQ(anonymous, stats.memory_bytes);
    EXPECT_EQ(deltas, stats.delta_bytes);
    EXPECT_LE(mapped, stats.disk_bytes);
  }
};

TEST_F(StatisticsTest, AnEmptyCollectionHasItsFieldsAndNothingInThem) {
  const CollectionStats stats = collection_->Stats();
  ASSERT_THAT(stats.fields, SizeIs(2));
  EXPECT_EQ(stats.fields[0].name, "v");
  EXPECT_EQ(stats.fields[1].name, "w");
  EXPECT_EQ(stats.fields[0].sealed.vectors, PartBytes());
  EXPECT_EQ(stats.fields[0].IndexBytesEach(), 0);
  EXPECT_EQ(stats.build_rows_total, 0U);
  EXPECT_EQ(stats.resident_bytes_used, 0U);
  EXPECT_EQ(stats.resident_bytes_max, limits_.resident_bytes_max);
  ExpectSumsAgree(stats);
}

TEST_F(StatisticsTest, RowsInMemoryAreAnonymous) {
  PutCoded(1, 500);
  const CollectionStats stats = collection_->Stats();
  EXPECT_EQ(stats.fields[0].delta_vectors,
            (PartBytes{.anonymous = 500 * (kCodedDim * sizeof(float) + 1), .count = 500}));
  EXPECT_EQ(stats.fields[1].delta_vectors, (PartBytes{.anonymous = 500, .count = 0}));
  EXPECT_EQ(stats.delta_rows_memory.count, 500U);
  EXPECT_EQ(stats.rows, PartBytes());
  ASSERT_THAT(stats.segments, SizeIs(1));
  EXPECT_THAT(stats.segments[0].codes, ElementsAre(CodesSetting::kNone, CodesSetting::kNone));
  ExpectSumsAgree(stats);
}

TEST_F(StatisticsTest, CodesAndLinksAreMappedUntilTheyAreCopied) {
  PutCoded(1, 2'500);
  SealAll();
  ASSERT_TRUE(collection_->BuildSomething());
  const uint64_t codes = 2'500 * CodeStride(CodeKind::kInt8, kCodedDim);
  const uint64_t links = 2'500 * 2 * kM * sizeof(uint32_t);

  CollectionStats stats = collection_->Stats();
  ExpectSumsAgree(stats);
  EXPECT_EQ(stats.fields[0].sealed.walk_codes, (PartBytes{.mapped = codes, .count = 2'500}));
  EXPECT_EQ(stats.fields[0].sealed.links.anonymous, 0U);
  const uint64_t graph = stats.fields[0].sealed.links.mapped;
  EXPECT_GT(graph, links);
  EXPECT_EQ(stats.resident_bytes_used, 0U);
  EXPECT_EQ(stats.build_rows_total, 0U);  // it is done

  EXPECT_FALSE(collection_->BuildSomething());  // copies what there is
  stats = collection_->Stats();
  ExpectSumsAgree(stats);
  EXPECT_EQ(stats.fields[0].sealed.walk_codes, (PartBytes{.anonymous = codes, .count = 2'500}));
  EXPECT_EQ(stats.fields[0].sealed.links,
            (PartBytes{.anonymous = links, .mapped = graph - links, .count = 2'500}));
  EXPECT_EQ(stats.fields[0].sealed.vectors.anonymous, 0U);
  EXPECT_GE(stats.fields[0].sealed.vectors.mapped, 2'500 * kCodedDim * sizeof(float));
  EXPECT_EQ(stats.fields[1].sealed.links, PartBytes());
  EXPECT_EQ(stats.resident_bytes_used, codes + links);
  EXPECT_EQ(stats.rows.count, 2'500U);
  EXPECT_GT(stats.rows.mapped, 0U);
  ASSERT_THAT(stats.segments, SizeIs(1));
  EXPECT_THAT(stats.segments[0].codes, ElementsAre(CodesSetting::kInt8, CodesSetting::kNone));
  EXPECT_THAT(
      stats.fields[0].codes,
      ElementsAre(Pair(CodesSetting::kInt8, PartBytes{.anonymous = codes, .count = 2'500})));
  EXPECT_EQ(stats.fields[0].codes.at(CodesSetting::kInt8).BytesEach(),
            static_cast<double>(CodeStride(CodeKind::kInt8, kCodedDim)));
  EXPECT_DOUBLE_EQ(stats.fields[0].IndexBytesEach(), static_cast<double>(codes + graph) / 2'500);
  EXPECT_TRUE(stats.fields[1].codes.empty());

  // Times of deletion, from the first one on: eight bytes a row, and a bit.
  DeleteNumbered(1, 1);
  const uint64_t before = stats.rows.anonymous;
  stats = collection_->Stats();
  EXPECT_EQ(stats.rows.anonymous, before + (2'500 + (2'500 + 63) / 64) * sizeof(uint64_t));
  ExpectSumsAgree(stats);
}

TEST_F(StatisticsTest, PastTheLimitTheFilesAreRead) {
  limits_.resident_bytes_max = 1'000;
  Reopen();
  PutCoded(1, 2'500);
  Settle();
  collection_->BuildSomething();
  const CollectionStats stats = collection_->Stats();
  EXPECT_EQ(stats.resident_bytes_used, 0U);
  EXPECT_EQ(stats.resident_bytes_max, 1'000U);
  EXPECT_EQ(stats.fields[0].sealed.anonymous(), 0U);
  EXPECT_GT(stats.fields[0].sealed.walk_codes.mapped, 0U);
  ExpectSumsAgree(stats);
}

TEST_F(StatisticsTest, GraphsWithoutCodesCountAsSuch) {
  config_.fields[0].index.codes = CodesSetting::kNone;
  Reopen();
  PutCoded(1, 2'500);
  Settle();
  const CollectionStats stats = collection_->Stats();
  EXPECT_EQ(stats.fields[0].sealed.walk_codes, PartBytes());
  EXPECT_THAT(stats.fields[0].codes,
              ElementsAre(Pair(CodesSetting::kNone, PartBytes{.count = 2'500})));
  ExpectSumsAgree(stats);
}

}  // namespace
}  // namespace alidade
