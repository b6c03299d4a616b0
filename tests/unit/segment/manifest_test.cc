#include "alidade/segment/manifest.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace alidade {
namespace {

SegmentManifest Example() {
  SegmentManifest manifest;
  manifest.collection = CollectionId(7);
  manifest.segment = SegmentId(0x1234567890ULL);
  manifest.first_row = RowNo(100);
  manifest.last_row = RowNo(250);
  manifest.rows = 120;
  manifest.built_at = SeqNo(999);
  manifest.files.push_back({.name = "rows.seg",
                            .kind = SegmentFileKind::kRows,
                            .field = FieldId(),
                            .index_kind = IndexKind::kFlat,
                            .bytes = 5000,
                            .body_hash = {.low = 1, .high = 2}});
  manifest.files.push_back({.name = "field_3.vec",
                            .kind = SegmentFileKind::kVectors,
                            .field = FieldId(3),
                            .index_kind = IndexKind::kFlat,
                            .bytes = 50000,
                            .body_hash = {.low = 3, .high = 4}});
  manifest.files.push_back(
      {.name = "field_3.idx",
       .kind = SegmentFileKind::kIndex,
       .field = FieldId(3),
       .index_kind = IndexKind::kIvf,
       .bytes = 60000,
       .body_hash = {.low = 5, .high = 6},
       .recall = {.all = {{.k = 10, .effort = 1, .recall = 0.5F},
                          {.k = 10, .effort = 2, .recall = 1.0F, .reach = 1.5F}},
                  .tenth = {{.k = 10, .effort = 3, .recall = 0.75F}},
                  .places = {{.slack = 60, .recall = 0.5F, .distances = 900},
                             {.slack = 70, .recall = 1, .distances = 4'000}}}});
  manifest.files.push_back({.name = "field_3.subsets",
                            .kind = SegmentFileKind::kSubsets,
                            .field = FieldId(3),
                            .index_kind = IndexKind::kFlat,
                            .bytes = 70000,
                            .body_hash = {.low = 7, .high = 8},
                            .hardness = {1, 2.5F}});
  manifest.specs.push_back({.kind = IndexKind::kIvf,
                            .hnsw_m = 8,
                            .hnsw_ef_construction = 100,
                            .ivf_nlist = 64,
                            .ivf_codes = IvfCodes::kPq,
                            .ivf_pq_m = 12,
                            .codes = CodesSetting::kBit1});
  return manifest;
}

TEST(ManifestTest, RoundTrips) {
  const SegmentManifest manifest = Example();
  const auto decoded = DecodeManifest(EncodeManifest(manifest));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, manifest);
  EXPECT_EQ(*DecodeManifest(EncodeManifest(SegmentManifest())), SegmentManifest());
}

TEST(ManifestTest, RefusesEveryOtherLength) {
  const std::string bytes = EncodeManifest(Example());
  for (size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_EQ(DecodeManifest(bytes.substr(0, length)).status().code(), StatusCode::kDataLoss)
        << length;
  }
  EXPECT_EQ(DecodeManifest(bytes + '\0').status().code(), StatusCode::kDataLoss);
}

TEST(ManifestTest, RefusesANewerFormat) {
  std::string bytes = EncodeManifest(Example());
  bytes[0] = 8;
  EXPECT_EQ(DecodeManifest(bytes).status().code(), StatusCode::kFailedPrecondition);
  bytes[0] = 0;
  EXPECT_EQ(DecodeManifest(bytes).status().code(), StatusCode::kDataLoss);
}

// An older server opens what has nothing that it does not know.
TEST(ManifestTest, IsOfTheFormatBeforeWithoutGraphsOfTenants) {
  SegmentManifest manifest = Example();
  EXPECT_EQ(EncodeManifest(manifest)[0], 7);
  std::string bytes = EncodeManifest(manifest);
  bytes[0] = 6;  // which names no such file
  EXPECT_EQ(DecodeManifest(bytes).status().code(), StatusCode::kDataLoss);
  manifest.files.pop_back();
  EXPECT_EQ(EncodeManifest(manifest)[0], 6);
  EXPECT_EQ(*DecodeManifest(EncodeManifest(manifest)), manifest);
}

TEST(ManifestTest, RefusesAHardnessThatIsNone) {
  for (const float factor : {0.9F, -1.0F, std::nanf(""), std::numeric_limits<float>::infinity()}) {
    SegmentManifest manifest = Example();
    manifest.files.back().hardness.push_back(factor);
    EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kDataLoss)
        << factor;
  }
}

TEST(ManifestTest, RefusesNamesThatLeadElsewhere) {
  SegmentManifest manifest = Example();
  manifest.files[0].name = "../../x.seg";
  EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kDataLoss);
}

TEST(ManifestTest, RefusesARecallThatIsNone) {
  for (const RecallPoint& point :
       {RecallPoint{.k = 0, .effort = 1, .recall = 0.5F},
        RecallPoint{.k = 10, .effort = 0, .recall = 0.5F},
        RecallPoint{.k = 10, .effort = 1, .recall = 1.5F},
        RecallPoint{.k = 10, .effort = 1, .recall = NAN},
        RecallPoint{.k = 10, .effort = 1, .recall = 1, .reach = 0.5F},
        RecallPoint{.k = 10, .effort = 1, .recall = 1, .reach = NAN},
        RecallPoint{.k = 10, .effort = 1, .recall = 1, .reach = INFINITY}}) {
    SegmentManifest manifest = Example();
    manifest.files.back().recall = {.all = {point}, .tenth = {}, .places = {}};
    EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kDataLoss);
  }
  for (const PlacePoint& point :
       {PlacePoint{.slack = 0, .recall = 0.5F}, PlacePoint{.slack = 1, .recall = -0.5F}}) {
    SegmentManifest manifest = Example();
    manifest.files.back().recall = {.all = {}, .tenth = {}, .places = {point}};
    EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kDataLoss);
  }
}

// The store's checksum catches flips; without it the decoder must still never misread or run away.
TEST(ManifestTest, AFlippedBitIsRefusedOrChangesExactlyWhatItSays) {
  const std::string bytes = EncodeManifest(Example());
  size_t refused = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = DecodeManifest(flipped);
    if (!decoded.ok()) {
      ++refused;
      continue;
    }
    ASSERT_EQ(EncodeManifest(*decoded), flipped) << "bit " << bit;
  }
  EXPECT_GT(refused, 200U);
}

}  // namespace
}  // namespace alidade
