// Damage to the files of a segment: Open says DATA_LOSS or lists the index, and never answers
// otherwise.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/file.h"
#include "alidade/common/memory_budget.h"

#include "search_checks.h"
#include "segment_file.h"
#include "segment_files.h"
#include "segment_model.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kRows = 3200;  // enough for an index of each field (kAutoFlatRowsMax)

void PutFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class SegmentDamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    schema_ = ThreeFields();
    schema_.fields[0].dim = 20;  // enough for codes
    schema_.fields[1].dim = 20;  // as the first field: files of equal shape
    schema_.fields[1].metric = Metric::kCosine;
    // Coarse graphs: quick to build, and good enough to be damaged.
    schema_.fields[0].index = {.kind = IndexKind::kHnsw, .hnsw_m = 4, .hnsw_ef_construction = 16};
    schema_.fields[1].index = schema_.fields[0].index;
    // .. and some of single tenants, of more than a hundred rows each.
    schema_.payload_indexes = {{PayloadIndexId(1), "t", PayloadIndexType::kKeyword, {}, true}};
    schema_.fields[2].index = {
        .kind = IndexKind::kIvf, .ivf_nlist = 16, .ivf_codes = IvfCodes::kSq8};
    written_ = Write(1);
  }

  SegmentWriteResult Write(uint64_t segment) {
    Rng rng(segment);
    rows_ = MakeRows(rng, schema_, kRows, 0);
    for (RowId row = 0; row < kRows; row += 3) {
      rows_[row].vectors[2].reset();
    }
    GiveTenants(rng, rows_);
    auto request = MakeWriteRequest(
        directory_, schema_, segment, {MakeDelta(schema_, rows_, RowNo(0), RowNo(50'000))});
    request.build_indexes = true;
    request.build.subsets_from = 100;
    SortByTenant(rows_);
    const auto written = WriteSegment(request);
    EXPECT_TRUE(written.ok()) << written.status();
    return written.ok() ? *written : SegmentWriteResult();
  }

  StatusOr<std::unique_ptr<SealedSegment>> Open() const {
    return SealedSegment::Open(MakeOpenOptions(written_, schema_));
  }

  // Opens with one bad file and says whether the damage was noticed and handled as it must be.
  void CheckNoticed(const SegmentFile& file, const std::string& what) {
    const auto opened = Open();
    if (file.kind != SegmentFileKind::kIndex && file.kind != SegmentFileKind::kCodes &&
        file.kind != SegmentFileKind::kSubsets) {
      ASSERT_EQ(opened.status().code(), StatusCode::kDataLoss) << file.name << ": " << what;
      ASSERT_THAT(MessageOf(opened.status()), HasSubstr(file.name)) << what;
      return;
    }
    ASSERT_TRUE(opened.ok()) << opened.status() << " " << what;
    ASSERT_EQ((*opened)->damaged_indexes().size(), 1U) << file.name << ": " << what;
    const auto& damaged = (*opened)->damaged_indexes()[0];
    ASSERT_EQ(schema_.fields[damaged.field].id, file.field);
    ASSERT_THAT(damaged.reason, HasSubstr(file.name));
    if (file.kind == SegmentFileKind::kCodes) {
      ASSERT_EQ((*opened)->codes(damaged.field), CodesSetting::kNone);
      ASSERT_EQ((*opened)->index_kind(damaged.field), IndexKind::kHnsw);
      return;
    }
    if (file.kind == SegmentFileKind::kSubsets) {
      ASSERT_EQ((*opened)->subset_graphs(damaged.field), nullptr);
      ASSERT_EQ((*opened)->index_kind(damaged.field), IndexKind::kHnsw);
      return;
    }
    ASSERT_EQ((*opened)->index_kind(damaged.field), IndexKind::kFlat);
    ASSERT_TRUE((*opened)->index_body(damaged.field).empty());
    ASSERT_NO_FATAL_FAILURE(CheckIndexSearchIsExact(**opened, damaged.field));
  }

  void CheckIndexSearchIsExact(const SealedSegment& segment, FieldIndex field) {
    Rng rng(1);
    const std::vector<float> query = WholeVector(rng, schema_.fields[field].dim);
    SegmentSearch search;
    search.field = field;
    search.query = query.data();
    search.at = SeqNo(1000);
    search.visible_rows = kRows;
    const auto hits = segment.SearchIndex(search);
    ASSERT_THAT(hits.status(), IsOk());
    CheckExactHits(*hits, rows_, schema_.fields[field], search);
  }

  std::string PathOf(const SegmentFile& file) const { return written_.directory + "/" + file.name; }

  TemporaryDirectory directory_;
  Schema schema_;
  std::vector<ModelRow> rows_;
  SegmentWriteResult written_;
};

TEST_F(SegmentDamageTest, EveryKindOfFileIsThere) {
  // Rows, three fields, two graphs with codes and with those of tenants, one IVF: the other tests
  // go over these.
  EXPECT_EQ(written_.manifest.files.size(), 11U);
  const auto opened = Open();
  ASSERT_THAT(opened.status(), IsOk());
  EXPECT_TRUE((*opened)->damaged_indexes().empty());
  EXPECT_EQ((*opened)->index_kind(0), IndexKind::kHnsw);
  EXPECT_EQ((*opened)->index_kind(1), IndexKind::kHnsw);
  EXPECT_EQ((*opened)->index_kind(2), IndexKind::kIvf);
  EXPECT_NE((*opened)->subset_graphs(0), nullptr);
  EXPECT_NE((*opened)->subset_graphs(1), nullptr);
  EXPECT_EQ((*opened)->subset_graphs(2), nullptr);
}

TEST_F(SegmentDamageTest, CodesAreCopiedIntoMemoryWhileTheBudgetLasts) {
  auto opened = Open();
  ASSERT_THAT(opened.status(), IsOk());
  SealedSegment& segment = **opened;
  EXPECT_EQ(segment.codes(0), CodesSetting::kInt8);
  EXPECT_EQ(segment.codes(2), CodesSetting::kNone);
  const size_t wanted = segment.resident_bytes_wanted();
  EXPECT_GE(wanted, size_t{2} * kRows * (20 + 8 * sizeof(uint32_t)));
  const size_t before = segment.memory_bytes();
  segment.MakeResident(std::make_shared<MemoryBudget>(wanted - 1));
  EXPECT_FALSE(segment.resident());
  EXPECT_EQ(segment.memory_bytes(), before);

  const auto budget = std::make_shared<MemoryBudget>(wanted + 1);
  segment.MakeResident(budget);
  segment.MakeResident(budget);
  EXPECT_TRUE(segment.resident());
  EXPECT_EQ(budget->taken(), wanted);
  EXPECT_EQ(segment.memory_bytes(), before + wanted);
  Rng rng(8);
  const std::vector<float> query = WholeVector(rng, 20);
  SegmentSearch search;
  search.query = query.data();
  search.at = SeqNo(1000);
  search.visible_rows = kRows;
  EXPECT_EQ(segment.SearchIndex(search)->size(), search.k);
  opened->reset();
  EXPECT_EQ(budget->taken(), 0U);
}

TEST_F(SegmentDamageTest, OneFlippedBitAnywhereIsNoticed) {
  Rng rng(42);
  for (const SegmentFile& file : written_.manifest.files) {
    const int fd = ::open(PathOf(file).c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    for (int i = 0; i < 300; ++i) {
      // A third of the flips in the used part of the header, a third in the rest of it, a third in
      // the body.
      const uint64_t byte = i % 3 == 0   ? rng() % 120
                            : i % 3 == 1 ? rng() % 4096
                                         : 4096 + rng() % (file.bytes - 4096);
      const int bit = static_cast<int>(Below(rng, 8));
      char before = 0;
      ASSERT_EQ(::pread(fd, &before, 1, static_cast<off_t>(byte)), 1);
      const char after = static_cast<char>(before ^ (1 << bit));
      ASSERT_EQ(::pwrite(fd, &after, 1, static_cast<off_t>(byte)), 1);
      ASSERT_NO_FATAL_FAILURE(
          CheckNoticed(file, "bit " + std::to_string(bit) + " of byte " + std::to_string(byte)));
      ASSERT_EQ(::pwrite(fd, &before, 1, static_cast<off_t>(byte)), 1);
    }
    ::close(fd);
  }
  ASSERT_THAT(Open().status(), IsOk());
}

TEST_F(SegmentDamageTest, AnyOtherLengthIsNoticed) {
  Rng rng(42);
  for (const SegmentFile& file : written_.manifest.files) {
    const std::string whole = *ReadWholeFile(PathOf(file));
    std::vector<size_t> lengths{0, 1, 4095, 4096, whole.size() - 1};
    for (int i = 0; i < 20; ++i) {
      lengths.push_back(rng() % whole.size());
    }
    for (const size_t length : lengths) {
      PutFile(PathOf(file), whole.substr(0, length));
      ASSERT_NO_FATAL_FAILURE(CheckNoticed(file, "cut to " + std::to_string(length)));
    }
    PutFile(PathOf(file), whole + '\0');
    ASSERT_NO_FATAL_FAILURE(CheckNoticed(file, "one byte too many"));
    PutFile(PathOf(file), std::string(whole.size(), '\0'));
    ASSERT_NO_FATAL_FAILURE(CheckNoticed(file, "all zeros"));
    PutFile(PathOf(file), whole);
  }
  ASSERT_THAT(Open().status(), IsOk());
}

// What an older program left behind: sound, but its lists are not read any more.
TEST_F(SegmentDamageTest, ListsOfAnOlderFormatAreBuiltAnew) {
  for (SegmentFile& file : written_.manifest.files) {
    if (file.index_kind != IndexKind::kIvf) {
      continue;
    }
    const std::string whole = *ReadWholeFile(PathOf(file));
    std::string body = whole.substr(kSegmentHeaderBytes);
    const uint32_t older = 1;
    ASSERT_NE(std::memcmp(body.data(), &older, sizeof(older)), 0);
    std::memcpy(body.data(), &older, sizeof(older));
    const SealedSegment::OpenOptions options = MakeOpenOptions(written_, schema_);
    SegmentFileIdentity identity;
    identity.kind = file.kind;
    identity.index_kind = file.index_kind;
    identity.store_uuid = options.store_uuid;
    identity.collection = written_.manifest.collection;
    identity.segment = written_.manifest.segment;
    identity.first_row = written_.manifest.first_row;
    identity.last_row = written_.manifest.last_row;
    identity.rows = written_.manifest.rows;
    const VectorField& field = schema_.fields[2];
    identity.SetField(field.id, field.metric, field.dim);
    const auto opened = Open();
    ASSERT_THAT(opened.status(), IsOk());
    identity.count = (*opened)->vectors(2);
    std::filesystem::remove(PathOf(file));
    auto writer = SegmentFileWriter::Create(written_.directory, identity);
    ASSERT_THAT(writer.status(), IsOk());
    ASSERT_THAT((*writer)->Append(body), IsOk());
    const auto rewritten = (*writer)->Finish();
    ASSERT_THAT(rewritten.status(), IsOk());
    file = *rewritten;
    CheckNoticed(file, "of an older format");
  }
}

TEST_F(SegmentDamageTest, AMissingFileIsNoticed) {
  for (const SegmentFile& file : written_.manifest.files) {
    ASSERT_THAT(RenamePath(PathOf(file), PathOf(file) + ".away"), IsOk());
    ASSERT_NO_FATAL_FAILURE(CheckNoticed(file, "missing"));
    std::filesystem::create_directory(PathOf(file));
    ASSERT_NO_FATAL_FAILURE(CheckNoticed(file, "a directory"));
    std::filesystem::remove(PathOf(file));
    ASSERT_THAT(RenamePath(PathOf(file) + ".away", PathOf(file)), IsOk());
  }
  ASSERT_THAT(Open().status(), IsOk());
  ASSERT_THAT(RemoveTree(written_.directory), IsOk());
  EXPECT_EQ(Open().status().code(), StatusCode::kDataLoss);
}

TEST_F(SegmentDamageTest, FilesOfAnotherSegmentAreNoticed) {
  const std::vector<ModelRow> own_rows = rows_;
  const SegmentWriteResult other = Write(2);
  rows_ = own_rows;
  for (const SegmentFile& file : written_.manifest.files) {
    const std::string own = *ReadWholeFile(PathOf(file));
    const std::string foreign = *ReadWholeFile(other.directory + "/" + file.name);
    PutFile(PathOf(file), foreign);
    ASSERT_NO_FATAL_FAILURE(CheckNoticed(file, "of another segment"));
    PutFile(PathOf(file), own);
  }
  ASSERT_THAT(Open().status(), IsOk());
}

TEST_F(SegmentDamageTest, FilesOfAnotherFieldAreNoticed) {
  const std::string first = written_.directory + "/field_1.";
  const std::string second = written_.directory + "/field_2.";
  for (const SegmentFile& file : written_.manifest.files) {
    if (file.field != FieldId(1)) {
      continue;
    }
    const std::string extension = file.name.substr(file.name.find('.') + 1);
    const std::string own = *ReadWholeFile(first + extension);
    PutFile(first + extension, *ReadWholeFile(second + extension));
    ASSERT_NO_FATAL_FAILURE(CheckNoticed(file, "of another field"));
    PutFile(first + extension, own);
  }
  ASSERT_THAT(Open().status(), IsOk());
}

TEST_F(SegmentDamageTest, AnotherStoreSchemaOrManifestIsNoticed) {
  const auto code_of = [](const SealedSegment::OpenOptions& options) {
    return SealedSegment::Open(options).status().code();
  };
  const SealedSegment::OpenOptions good = MakeOpenOptions(written_, schema_);
  ASSERT_THAT(SealedSegment::Open(good).status(), IsOk());

  SealedSegment::OpenOptions bad = good;
  bad.store_uuid.back() = 'x';
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;
  bad.manifest.collection = CollectionId(4);
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;
  bad.manifest.last_row = bad.manifest.last_row.Next();
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;
  bad.manifest.rows -= 1;
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;
  bad.manifest.files[0].body_hash.low ^= 1;
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;
  bad.manifest.files.erase(bad.manifest.files.begin());
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;
  bad.schema.fields[0].metric = Metric::kDot;
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;
  bad.schema.fields[2].dim = 18;
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
  bad = good;  // written before segments said who has multi-vectors: not that nobody has
  bad.schema.multi_vector_fields = {{.id = FieldId(9), .name = "m", .dim = 2}};
  EXPECT_EQ(code_of(bad), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace alidade
