// Where the bytes of deltas and sealed segments lie: against sums made by hand.
#include "alidade/segment/segment_memory.h"

#include <algorithm>
#include <iterator>

#include <gtest/gtest.h>

#include "alidade/common/memory_budget.h"
#include "alidade/vec/codes.h"

#include "segment_files.h"
#include "segment_model.h"

namespace alidade {
namespace {

constexpr uint32_t kRows = 2'400;  // enough for an index of each field (kAutoFlatRowsMax)
constexpr uint64_t kHeaderBytes = 4'096;

uint64_t FileBytes(const SegmentManifest& manifest, SegmentFileKind kind, FieldId field) {
  for (const SegmentFile& file : manifest.files) {
    if (file.kind == kind && file.field == field) {
      return file.bytes - kHeaderBytes;
    }
  }
  return 0;
}

uint64_t AnonymousOfFields(const Segment& segment, const Schema& schema) {
  uint64_t bytes = 0;
  for (FieldIndex field = 0; field < schema.fields.size(); ++field) {
    bytes += segment.field_memory(field).anonymous();
  }
  return bytes;
}

TEST(SegmentMemoryTest, ADeltaHoldsTheVectorsThatItWasGiven) {
  const Schema schema = ThreeFields();
  Rng rng(3);
  std::vector<ModelRow> rows = MakeRows(rng, schema, 300, 0);
  uint64_t ids_and_payloads = 0;
  for (RowId row = 0; row < rows.size(); ++row) {
    if (row < 100) {
      rows[row].vectors[1].reset();
    }
    ids_and_payloads += rows[row].id.size() + rows[row].payload.size();
  }
  const auto delta = MakeDelta(schema, rows, RowNo(0), RowNo(5'000));
  // One byte a row says whether there is a vector; cosine keeps a norm for each row.
  EXPECT_EQ(delta->field_memory(0).vectors,
            (PartBytes{.anonymous = 300 * (7 * sizeof(float) + 1 + sizeof(float)), .count = 300}));
  EXPECT_EQ(delta->field_memory(1).vectors,
            (PartBytes{.anonymous = 200 * 3 * sizeof(float) + 300, .count = 200}));
  EXPECT_EQ(delta->field_memory(2).vectors,
            (PartBytes{.anonymous = 300 * (19 * sizeof(float) + 1), .count = 300}));
  EXPECT_EQ(delta->field_memory(3).vectors, PartBytes());
  EXPECT_EQ(delta->field_memory(0).links, PartBytes());
  const uint64_t rest = delta->memory_bytes() - AnonymousOfFields(*delta, schema);
  EXPECT_GE(rest, ids_and_payloads + 300 * 2 * sizeof(uint64_t));
  EXPECT_LE(rest, ids_and_payloads + 300 * 100);
}

TEST(SegmentMemoryTest, WithoutRowsADeltaHasNoVectors) {
  const Delta delta(ThreeFields(), RowNo(0), {});
  EXPECT_EQ(delta.field_memory(0).vectors, PartBytes());
}

// Searches until all rows have codes; the answers stay what the first one was.
void SearchUntilCoded(const Segment& segment, FieldIndex field, uint32_t dim, uint32_t rows) {
  const std::vector<float> query(dim, 0.25F);
  std::vector<RowId> first;
  for (int i = 0; i < 20; ++i) {
    SegmentSearch asked;
    asked.field = field;
    asked.query = query.data();
    asked.at = SeqNo(100'000);
    asked.visible_rows = rows;
    const auto found = segment.SearchExact(asked);
    ASSERT_THAT(found.status(), IsOk());
    std::vector<RowId> ids;
    std::ranges::transform(*found, std::back_inserter(ids), &RowHit::row);
    EXPECT_EQ(ids.size(), asked.k);
    first = i == 0 ? ids : first;
    EXPECT_EQ(ids, first);
  }
}

// Field 2 has 19 dimensions, field 0 seven: too few for codes.
TEST(SegmentMemoryTest, ExactSearchesOfADeltaLeaveCodes) {
  const Schema schema = ThreeFields();
  Rng rng(4);
  std::vector<ModelRow> rows = MakeRows(rng, schema, kRows, 0);
  for (RowId row = 0; row < kRows; row += 5) {
    rows[row].vectors[2].reset();
  }
  const auto delta = MakeDelta(schema, rows, RowNo(0), RowNo(50'000));
  const size_t before = delta->memory_bytes();
  EXPECT_EQ(delta->field_memory(2).scan_codes.bytes(), 0U);
  SearchUntilCoded(*delta, 0, 7, kRows);
  EXPECT_EQ(delta->memory_bytes(), before);
  SearchUntilCoded(*delta, 2, 19, kRows);
  const uint64_t coded = kRows * CodeStride(CodeKind::kInt8, 19);
  EXPECT_EQ(delta->field_memory(2).scan_codes.anonymous, coded);
  EXPECT_EQ(delta->memory_bytes(), before + coded);
}

TEST(SegmentMemoryTest, ExactSearchesWithoutAnIndexTakeCodesOfTheBudget) {
  const TemporaryDirectory directory;
  const Schema schema = ThreeFields();
  Rng rng(4);
  const std::vector<ModelRow> rows = MakeRows(rng, schema, kRows, 0);
  const auto written = WriteSegment(
      MakeWriteRequest(directory, schema, 1, {MakeDelta(schema, rows, RowNo(0), RowNo(50'000))}));
  ASSERT_THAT(written.status(), IsOk());
  const auto budget = std::make_shared<MemoryBudget>(size_t{64} << 20);
  const uint64_t coded = kRows * CodeStride(CodeKind::kInt8, 19);
  for (const bool budgeted : {false, true}) {
    SealedSegment::OpenOptions options = MakeOpenOptions(*written, schema);
    options.scan_budget = budgeted ? budget : nullptr;
    const auto opened = SealedSegment::Open(options);
    ASSERT_THAT(opened.status(), IsOk());
    const size_t before = (*opened)->memory_bytes();
    SearchUntilCoded(**opened, 2, 19, kRows);
    EXPECT_EQ((*opened)->field_memory(2).scan_codes.anonymous, budgeted ? coded : 0);
    EXPECT_EQ((*opened)->memory_bytes(), before + (budgeted ? coded : 0));
    EXPECT_EQ(budget->taken(), budgeted ? coded : 0);
  }
  EXPECT_EQ(budget->taken(), 0U);
}

// Two graphs, one walked by 8 bits and one by 1 bit, and one IVF over a part of the rows.
class SealedMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    schema_ = ThreeFields();
    for (VectorField& field : schema_.fields) {
      field.dim = 20;
    }
    schema_.fields[0].index = {.kind = IndexKind::kHnsw,
                               .hnsw_m = 4,
                               .hnsw_ef_construction = 16,
                               .codes = CodesSetting::kInt8};
    schema_.fields[1].index = schema_.fields[0].index;
    schema_.fields[1].index.codes = CodesSetting::kBit1;
    schema_.fields[2].index = {.kind = IndexKind::kIvf, .ivf_nlist = 16};
    Rng rng(5);
    std::vector<ModelRow> rows = MakeRows(rng, schema_, kRows, 0);
    for (RowId row = 0; row < kRows; row += 8) {
      rows[row].vectors[2].reset();
    }
    auto request = MakeWriteRequest(
        directory_, schema_, 1, {MakeDelta(schema_, rows, RowNo(0), RowNo(50'000))});
    request.build_indexes = true;
    request.build.progress = &progress_;
    const auto written = WriteSegment(request);
    ASSERT_THAT(written.status(), IsOk());
    auto opened = SealedSegment::Open(MakeOpenOptions(*written, schema_));
    ASSERT_THAT(opened.status(), IsOk());
    segment_ = std::move(opened).value();
  }

  uint64_t Body(SegmentFileKind kind, FieldIndex field) const {
    return FileBytes(segment_->manifest(), kind, schema_.fields[field].id);
  }

  static constexpr uint64_t kPartRows = kRows - kRows / 8;
  static constexpr uint64_t kBaseLinkBytes = uint64_t{kRows} * 2 * 4 * sizeof(uint32_t);

  TemporaryDirectory directory_;
  Schema schema_;
  BuildProgress progress_;
  std::unique_ptr<SealedSegment> segment_;
};

TEST_F(SealedMemoryTest, TheProgressOfABuildGoesOverAllFields) {
  EXPECT_EQ(progress_.rows_total.load(), 2 * kRows + kPartRows);
  EXPECT_EQ(progress_.rows_done.load(), 2 * kRows + kPartRows);
}

TEST_F(SealedMemoryTest, BeforeTheCopyEverythingIsMapped) {
  const uint64_t int8_bytes = kRows * CodeStride(CodeKind::kInt8, 20);
  const uint64_t bit1_bytes = kRows * CodeStride(CodeKind::kBit1, 20);
  const FieldMemory bytewise = segment_->field_memory(0);
  EXPECT_EQ(bytewise.walk_codes, (PartBytes{.mapped = int8_bytes, .count = kRows}));
  EXPECT_EQ(bytewise.rank_codes, PartBytes());
  const FieldMemory bitwise = segment_->field_memory(1);
  EXPECT_EQ(bitwise.walk_codes, (PartBytes{.mapped = bit1_bytes, .count = kRows}));
  EXPECT_EQ(bitwise.rank_codes, (PartBytes{.mapped = int8_bytes, .count = kRows}));
  const FieldMemory lists = segment_->field_memory(2);
  EXPECT_EQ(lists.walk_codes, PartBytes());
  for (FieldIndex field = 0; field < 3; ++field) {
    const uint64_t count = field == 2 ? kPartRows : kRows;
    const FieldMemory memory = segment_->field_memory(field);
    EXPECT_EQ(memory.links,
              (PartBytes{.mapped = Body(SegmentFileKind::kIndex, field), .count = count}));
    EXPECT_EQ(memory.vectors,
              (PartBytes{.mapped = Body(SegmentFileKind::kVectors, field), .count = count}));
    EXPECT_GE(memory.vectors.mapped, count * 20 * sizeof(float));
    EXPECT_EQ(memory.anonymous(), 0U);
  }
  EXPECT_GT(segment_->field_memory(0).links.mapped, kBaseLinkBytes);
  EXPECT_EQ(segment_->mapped_row_bytes(),
            FileBytes(segment_->manifest(), SegmentFileKind::kRows, FieldId()));
}

TEST_F(SealedMemoryTest, TheCopyMovesCodesAndLinksIntoAnonymousMemory) {
  const size_t before = segment_->memory_bytes();
  const auto budget = std::make_shared<MemoryBudget>(size_t{64} << 20);
  segment_->MakeResident(budget);
  const uint64_t int8_bytes = kRows * CodeStride(CodeKind::kInt8, 20);
  const uint64_t bit1_bytes = kRows * CodeStride(CodeKind::kBit1, 20);
  const FieldMemory bytewise = segment_->field_memory(0);
  EXPECT_EQ(bytewise.walk_codes, (PartBytes{.anonymous = int8_bytes, .count = kRows}));
  EXPECT_EQ(bytewise.links,
            (PartBytes{.anonymous = kBaseLinkBytes,
                       .mapped = Body(SegmentFileKind::kIndex, 0) - kBaseLinkBytes,
                       .count = kRows}));
  const FieldMemory bitwise = segment_->field_memory(1);
  EXPECT_EQ(bitwise.walk_codes, (PartBytes{.anonymous = bit1_bytes, .count = kRows}));
  EXPECT_EQ(bitwise.rank_codes, (PartBytes{.anonymous = int8_bytes, .count = kRows}));
  const uint64_t list_bytes = Body(SegmentFileKind::kIndex, 2);
  EXPECT_EQ(segment_->field_memory(2).links,
            (PartBytes{.anonymous = list_bytes, .count = kPartRows}));
  EXPECT_EQ(bytewise.vectors.anonymous, 0U);

  const uint64_t copied = 2 * int8_bytes + bit1_bytes + 2 * kBaseLinkBytes + list_bytes;
  EXPECT_EQ(AnonymousOfFields(*segment_, schema_), copied);
  EXPECT_EQ(segment_->memory_bytes(), before + copied);
  EXPECT_EQ(budget->taken(), copied);
  EXPECT_EQ(budget->bytes_max(), size_t{64} << 20);
}

// Of filters that come again: within a share of the codes and within the budget, and given back.
TEST_F(SealedMemoryTest, CopiesForFiltersAreTakenOfTheBudget) {
  const auto budget = std::make_shared<MemoryBudget>(size_t{64} << 20);
  const uint64_t record = CodeStride(CodeKind::kInt8, 20);
  const std::vector<float> query(20, 0.25F);
  const SegmentChanges unchanged = segment_->changes();
  const auto select = [&](const std::string& name, uint32_t n) {
    RowBitmap rows(kRows);
    for (RowId row = 0; row < kRows; row += n) {
      rows.Set(row);
    }
    auto selected = std::make_shared<const SelectedRows>(std::move(rows));
    segment_->selections()->Keep(name, unchanged, SeqNo(100'000), selected);
    return selected;
  };
  const auto search = [&](const SelectedRows& allowed, uint32_t times) {
    std::vector<RowId> first;
    for (uint32_t i = 0; i < times; ++i) {
      SegmentSearch asked;
      asked.query = query.data();
      asked.scan = true;
      asked.at = SeqNo(100'000);
      asked.visible_rows = kRows;
      asked.allowed = &allowed;
      const auto found = segment_->SearchIndex(asked);
      ASSERT_THAT(found.status(), IsOk());
      std::vector<RowId> rows;
      std::ranges::transform(*found, std::back_inserter(rows), &RowHit::row);
      EXPECT_EQ(rows.size(), asked.k);
      first = i == 0 ? rows : first;
      EXPECT_EQ(rows, first);
    }
  };
  const auto mapped = select("mapped", 4);
  search(*mapped, SelectionByField::kCopiedFrom + 2);
  EXPECT_EQ(mapped->by_field.copied_bytes(), 0U);  // the codes themselves are not in memory

  segment_->MakeResident(budget);
  const size_t before = budget->taken();
  {
    const auto quarter = select("quarter", 4);
    search(*quarter, SelectionByField::kCopiedFrom - 1);
    EXPECT_EQ(budget->taken(), before);
    const size_t kept = segment_->memory_bytes();
    search(*quarter, 3);
    EXPECT_EQ(quarter->by_field.copied_bytes(), kRows / 4 * record);
    EXPECT_EQ(budget->taken(), before + kRows / 4 * record);
    // A scan has no use for slots by place before there are copies of their codes.
    const size_t copied = kRows / 4 * (record + sizeof(RowId));
    EXPECT_EQ(segment_->memory_bytes(), kept + copied + sizeof(PlacedSlots) + 2 * sizeof(uint32_t));

    const auto third = select("third", 3);  // together more than half of the codes
    search(*third, SelectionByField::kCopiedFrom + 2);
    EXPECT_EQ(third->by_field.copied_bytes(), 0U);
    EXPECT_LE(segment_->memory_bytes(), kept + copied + kRows / 8 + 1'024);
    const auto sixth = select("sixth", 6);
    search(*sixth, SelectionByField::kCopiedFrom + 2);
    EXPECT_EQ(sixth->by_field.copied_bytes(), kRows / 6 * record);
  }
  segment_.reset();
  EXPECT_EQ(budget->taken(), 0U);
}

// Of a field that not every row has, the bits of a selection are made once.
TEST_F(SealedMemoryTest, SlotsOfASelectionAreKeptWithIt) {
  RowBitmap rows(kRows);
  for (RowId row = 0; row < kRows; row += 3) {
    rows.Set(row);
  }
  const SelectedRows selected(std::move(rows));
  const std::vector<float> query(20, 0.25F);
  SegmentSearch asked;
  asked.field = 2;
  asked.query = query.data();
  asked.k = kRows;
  asked.visible_rows = kRows;
  asked.allowed = &selected;
  const size_t before = selected.byte_size();
  for (uint32_t i = 0; i < 3; ++i) {
    const auto found = segment_->SearchExact(asked);
    ASSERT_THAT(found.status(), IsOk());
    EXPECT_EQ(found->size(), kRows / 3 - kRows / 24);  // one in eight has no vector
    EXPECT_TRUE(std::ranges::all_of(
        *found, [](const RowHit& hit) { return hit.row % 3 == 0 && hit.row % 8 != 0; }));
    EXPECT_GE(selected.byte_size(), before + kPartRows / 8);
    EXPECT_LE(selected.byte_size(), before + kPartRows / 8 + 256);
  }
}

TEST(SegmentMemoryTest, BytesAreDividedByWhatTheyAreOf) {
  PartBytes sum{.anonymous = 90, .count = 10};
  sum += {.mapped = 30, .count = 20};
  EXPECT_EQ(sum, (PartBytes{.anonymous = 90, .mapped = 30, .count = 30}));
  EXPECT_EQ(sum.bytes(), 120U);
  EXPECT_EQ(sum.BytesEach(), 4.0);
  EXPECT_EQ(PartBytes().BytesEach(), 0.0);
}

}  // namespace
}  // namespace alidade
