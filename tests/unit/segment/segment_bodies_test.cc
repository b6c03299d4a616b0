// The bodies of rows.seg and field_<id>.vec behind a checksum that happens to fit: whatever the
// bytes, parsing refuses them or every access stays inside them.
#include <algorithm>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/file.h"

#include "rows_file.h"
#include "segment_file.h"
#include "segment_files.h"
#include "segment_model.h"
#include "vectors_file.h"

namespace alidade {
namespace {

constexpr uint32_t kRows = 40;

// A copy in memory of its own, so that the address sanitizer sees a read past the end.
struct Body {
  explicit Body(std::string_view bytes)
      : words(std::make_unique<uint64_t[]>((bytes.size() + 7) / 8)), size(bytes.size()) {
    std::memcpy(words.get(), bytes.data(), size);
  }
  std::string_view view() const { return {reinterpret_cast<const char*>(words.get()), size}; }
  std::unique_ptr<uint64_t[]> words;
  size_t size;
};

class SegmentBodiesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    schema_ = ThreeFields();
    schema_.fields[0].dim = 8;
    Rng rng(9);
    rows_ = MakeRows(rng, schema_, kRows, 100);
    rows_[3].vectors[0].reset();
    rows_[4].vectors[0].reset();
    const auto delta = MakeDelta(schema_, rows_, RowNo(100), RowNo(500));
    auto written = WriteSegment(MakeWriteRequest(directory_, schema_, 1, {delta}));
    ASSERT_THAT(written, IsOk());
    directory_of_segment_ = written->directory;
  }

  std::string BodyOf(const std::string& name) const {
    return ReadWholeFile(directory_of_segment_ + "/" + name)->substr(kSegmentHeaderBytes);
  }

  // Some bytes overwritten with edge values or noise, mostly at the front, where numbers and
  // offsets are.
  static std::string Mutate(Rng& rng, std::string bytes) {
    for (uint32_t i = 0; i <= Below(rng, 3); ++i) {
      const size_t span = Below(rng, 4) == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 900);
      const size_t at = rng() % (span - 8) / 4 * 4;
      const uint64_t values[] = {0, 1, kRows, ~uint64_t{0}, rng(), bytes.size(), 1ULL << 31, 7};
      std::memcpy(bytes.data() + at, &values[Below(rng, 8)], Below(rng, 2) == 0 ? 4 : 8);
    }
    return bytes;
  }

  TemporaryDirectory directory_;
  Schema schema_;
  std::vector<ModelRow> rows_;
  std::string directory_of_segment_;
};

TEST_F(SegmentBodiesTest, RowsStayInsideTheirBytes) {
  Rng rng(1);
  std::string whole = BodyOf("rows.seg");
  whole.resize(whole.size() / 8 *
               8);  // the last payload loses a few bytes: the offsets no longer fit
  ASSERT_THAT(RowsBody::Parse(whole, kRows, RowNo(100), RowNo(500), 0).ok(),
              whole.size() == BodyOf("rows.seg").size());
  // 40 row numbers fill 320 bytes, 41 offsets 328, which end with their section at 384.
  const uint64_t blob_bytes = whole.size() - 320 - 384;
  std::memcpy(whole.data() + 320 + kRows * 8, &blob_bytes, 8);
  ASSERT_THAT(RowsBody::Parse(whole, kRows, RowNo(100), RowNo(500), 0), IsOk());
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Body body(Mutate(rng, whole));
    const auto rows = RowsBody::Parse(body.view(), kRows, RowNo(100), RowNo(500), 0);
    if (!rows.ok()) {
      ASSERT_THAT(rows, StatusIs(StatusCode::kDataLoss));
      ++refused;
      continue;
    }
    size_t bytes = 0;
    for (RowId row = 0; row < kRows; ++row) {
      bytes += std::string(rows->encoded_id(row)).size() + std::string(rows->payload(row)).size();
      ASSERT_EQ(rows->Find(rows->row_number(row)), std::optional<RowId>(row));
    }
    ASSERT_EQ(bytes + kRows * 4, blob_bytes);
  }
  EXPECT_GT(refused, 1'000);
  EXPECT_LT(refused, 20'000);
  EXPECT_THAT(RowsBody::Parse(whole, kRows + 1, RowNo(100), RowNo(500), 0),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(RowsBody::Parse("", kRows, RowNo(100), RowNo(500), 0),
              StatusIs(StatusCode::kDataLoss));
}

// With rows that are not in the order of their numbers, by a section behind the blob.
TEST_F(SegmentBodiesTest, RowsInAnotherOrderStayInsideTheirBytes) {
  Rng rng(2);
  std::string whole = BodyOf("rows.seg");
  std::vector<uint64_t> numbers(kRows);
  std::memcpy(numbers.data(), whole.data(), kRows * sizeof(uint64_t));
  std::vector<uint32_t> by_number(kRows);
  std::iota(by_number.begin(), by_number.end(), 0U);
  std::ranges::shuffle(by_number, rng);
  std::vector<uint64_t> shuffled(kRows);
  for (uint32_t i = 0; i < kRows; ++i) {
    shuffled[by_number[i]] = numbers[i];
  }
  std::memcpy(whole.data(), shuffled.data(), kRows * sizeof(uint64_t));
  whole.resize((whole.size() + 63) / 64 * 64);
  EXPECT_THAT(RowsBody::Parse(whole, kRows, RowNo(100), RowNo(500), 0),
              StatusIs(StatusCode::kDataLoss));
  whole.append(reinterpret_cast<const char*>(by_number.data()), kRows * sizeof(uint32_t));
  ASSERT_THAT(RowsBody::Parse(whole, kRows, RowNo(100), RowNo(500), 0), IsOk());
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string mutated = Mutate(rng, whole);
    if (i % 2 == 0) {  // in the order itself
      const uint32_t values[] = {0, kRows - 1, kRows, ~0U, Below(rng, kRows)};
      std::memcpy(mutated.data() + mutated.size() - 4 * (1 + Below(rng, kRows)),
                  &values[Below(rng, 5)],
                  sizeof(uint32_t));
    }
    const Body body(mutated);
    const auto rows = RowsBody::Parse(body.view(), kRows, RowNo(100), RowNo(500), 0);
    if (!rows.ok()) {
      ASSERT_THAT(rows, StatusIs(StatusCode::kDataLoss));
      ++refused;
      continue;
    }
    for (RowId row = 0; row < kRows; ++row) {
      ASSERT_EQ(rows->Find(rows->row_number(row)), std::optional<RowId>(row));
      ASSERT_LE(rows->encoded_id(row).size() + rows->payload(row).size(), body.view().size());
    }
  }
  EXPECT_GT(refused, 1'000);
  EXPECT_LT(refused, 20'000);
}

// The section says nothing that bytes could contradict, but for its length and fields there are
// not.
TEST_F(SegmentBodiesTest, WhichRowsHaveMultiVectorsIsASectionOfItsOwn) {
  const std::string plain = BodyOf("rows.seg");
  std::string whole = plain;
  whole.resize((whole.size() + 63) / 64 * 64);
  std::string multi;
  for (uint32_t row = 0; row < kRows; ++row) {
    multi += static_cast<char>(row % 4);
  }
  whole += multi;
  const auto parse = [](const Body& body, size_t fields) {
    return RowsBody::Parse(body.view(), kRows, RowNo(100), RowNo(500), fields);
  };
  const Body body(whole);
  const auto rows = parse(body, 2);
  ASSERT_THAT(rows, IsOk());
  for (RowId row = 0; row < kRows; ++row) {
    ASSERT_EQ(rows->multi_vectors(row), row % 4);
  }
  EXPECT_THAT(parse(body, 8), IsOk());
  for (const auto& [bytes, fields] :
       std::vector<std::pair<std::string, size_t>>{{whole, 0},
                                                   {whole, 1},
                                                   {plain, 1},
                                                   {whole.substr(0, whole.size() - 1), 2},
                                                   {whole + std::string(1, '\0'), 2},
                                                   {whole.substr(0, whole.size() - kRows), 2}}) {
    const Body other(bytes);
    EXPECT_THAT(parse(other, fields), StatusIs(StatusCode::kDataLoss))
        << bytes.size() << " bytes, " << fields << " fields";
  }
}

TEST_F(SegmentBodiesTest, VectorsStayInsideTheirBytes) {
  Rng rng(2);
  const std::string whole = BodyOf("field_1.vec");
  ASSERT_EQ(whole.size() % 8, 0U);
  ASSERT_THAT(VectorsBody::Parse(whole, schema_.fields[0], kRows - 2, kRows), IsOk());
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Body body(Mutate(rng, whole));
    const auto vectors = VectorsBody::Parse(body.view(), schema_.fields[0], kRows - 2, kRows);
    if (!vectors.ok()) {
      ASSERT_THAT(vectors, StatusIs(StatusCode::kDataLoss));
      ++refused;
      continue;
    }
    for (RowId row = 0; row < kRows; ++row) {
      if (const VectorView vector = vectors->Find(row); vector.has_value()) {
        ASSERT_GE(vector.data, vectors->matrix().rows);
        ASSERT_EQ(vector.Floats().size(), 8U);
      }
    }
    const std::vector<float> norms(vectors->matrix().inv_norms,
                                   vectors->matrix().inv_norms + kRows - 2);
  }
  EXPECT_GT(refused, 1'000);
  EXPECT_LT(refused, 20'000);
  for (const uint32_t count : {0U, 1U, kRows - 1, kRows, kRows + 1, ~0U}) {
    EXPECT_THAT(VectorsBody::Parse(whole, schema_.fields[0], count, kRows),
                StatusIs(StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace alidade
