// The offline check of a data directory: what it finds, and that it changes nothing.
#include "alidade/engine/check.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/collection/config_codec.h"
#include "alidade/segment/segment_writer.h"
#include "alidade/storage/store.h"

#include "engine_testing.h"

namespace alidade {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Makes one directory with everything in it, and a fresh copy of it for every test.
class CheckTest : public EngineTest {
 protected:
  static void SetUpTestSuite() { original_ = std::make_unique<ScratchDirectory>(); }
  static void TearDownTestSuite() { original_.reset(); }

  void SetUp() override {
    const std::string kept = original_->Path("data");
    if (!PathExists(kept)) {
      Open();
      Create("indexed");
      Create("plain");
      ASSERT_THAT(Put("indexed", 1, 2'200), IsOk());
      CollectionStats stats;
      ASSERT_THAT(engine_->WaitIndexed("indexed", Deadline(), stats), IsOk());
      ASSERT_THAT(engine_->Delete(MakeDelete({Id(1), Id(2), Id(3)}, "indexed")), IsOk());
      ASSERT_THAT(Put("indexed", 5'000, 5'010), IsOk());
      ASSERT_THAT(Put("plain", 1, 20), IsOk());
      PayloadRequest change;
      change.collection = "indexed";
      change.points.ids = {Id(7), Id(5'001)};
      change.edit.merged = {{"changed", Value(true)}};
      ASSERT_THAT(engine_->ChangePayload(change), IsOk());
      ASSERT_NO_FATAL_FAILURE(FillMixed());
      engine_.reset();
      CopyTree(Data(), kept);
    }
    CopyTree(kept, Data());
  }

  // Points with vectors of every kind, half of them in a sealed segment.
  void FillMixed() {
    CollectionConfig config = ConfigNamed("mixed");
    config.fields[0].element = ElementType::kFloat16;
    config.sparse_fields = {{.id = FieldId(), .name = "s"}};
    config.multi_vector_fields = {{.id = FieldId(), .name = "m", .dim = 2, .metric = Metric::kDot}};
    ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo made, engine_->CreateCollection(config));
    EXPECT_EQ(made.config.sparse_fields[0].id, FieldId(2));
    EXPECT_EQ(made.config.multi_vector_fields[0].id, FieldId(3));
    std::vector<OwnedPoint> points;
    for (uint64_t number = 1; number <= 40; ++number) {
      points.push_back(MakePoint(Id(number), {1, 2}));
      points.back().sparse_vectors["s"] = {{static_cast<uint32_t>(number)}, {1}};
      points.back().multi_vectors["m"] = {.rows = 1, .values = {1, 2}};
      if (number % 20 == 0) {
        ASSERT_THAT(engine_->Upsert(MakeUpsert(std::move(points), "mixed")), IsOk());
        points.clear();
        if (number == 20) {
          ASSERT_THAT(engine_->Flush("mixed", Deadline()), IsOk());
        }
      }
    }
  }

  std::string Data() const { return options_.data_directory; }
  std::string Segments() const {
    return Data() + "/segments/" + CollectionDirectoryName(CollectionId(1));
  }
  std::string OnlyFile(const std::string& ending) const {
    const auto files = FilesBelow(Segments(), ending);
    EXPECT_EQ(files.size(), 1U);
    return files.at(0);
  }
  // Checks, and that the check changed nothing.
  StatusOr<CheckReport> Check() const {
    const auto before = ContentsBelow(Data());
    auto report = CheckDataDirectory(Data());
    EXPECT_EQ(ContentsBelow(Data()), before) << "the check changed something";
    return report;
  }
  // Changes the store behind the engine's back.
  void Tamper(const std::function<void(WriteBatch&)>& fill) {
    StoreOptions options;
    options.directory = Data();
    const auto store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    WriteBatch batch(**store);
    fill(batch);
    ASSERT_THAT((*store)->Write(batch, /*sync=*/true), IsOk());
  }
  void ExpectRepair(const std::string& part) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport report, Check());
    EXPECT_TRUE(report.ok()) << report.problems[0];
    EXPECT_THAT(report.repairs, Contains(AllOf(HasSubstr(part), HasSubstr("\"indexed\""))));
    EXPECT_THAT(report.repairs, SizeIs(1));
    // The next start does as was said, and then all is well.
    Open();
    EXPECT_THAT(Count("indexed"), IsOkAndHolds(2'208U));
    CollectionStats stats;
    EXPECT_THAT(engine_->WaitIndexed("indexed", Deadline(), stats), IsOk());
    engine_.reset();
    ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport after, Check());
    EXPECT_TRUE(after.ok());
    EXPECT_THAT(after.repairs, IsEmpty());
  }
  void ExpectProblem(const std::string& part) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport report, Check());
    EXPECT_FALSE(report.ok());
    EXPECT_THAT(report.problems, Contains(HasSubstr(part)));
  }

  static constexpr KeySpace kIndexed{CollectionId(1), ShardId(0)};
  static constexpr KeySpace kPlain{CollectionId(2), ShardId(0)};
  static constexpr KeySpace kMixed{CollectionId(3), ShardId(0)};

 private:
  static std::unique_ptr<ScratchDirectory> original_;
};

std::unique_ptr<ScratchDirectory> CheckTest::original_;

TEST_F(CheckTest, ACleanDirectoryIsClean) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport report, Check());
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(report.repairs, IsEmpty());
  EXPECT_THAT(report.notes,
              Contains(AllOf(HasSubstr("\"indexed\""), HasSubstr("2208 points, 1 segments"))));
  EXPECT_THAT(report.notes,
              Contains(AllOf(HasSubstr("\"plain\""), HasSubstr("20 points, 0 segments"))));
}

TEST_F(CheckTest, ADirectoryInUseOrNotOursIsRefused) {
  Open();
  EXPECT_THAT(CheckDataDirectory(Data()), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(CheckDataDirectory(scratch_.Path("nowhere")), StatusIs(StatusCode::kNotFound));
  ASSERT_THAT(MakeDirectories(scratch_.Path("empty")), IsOk());
  EXPECT_THAT(CheckDataDirectory(scratch_.Path("empty")),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(FilesBelow(scratch_.Path("empty")), IsEmpty());
}

TEST_F(CheckTest, ADamagedRowsFileWouldBeReplaced) {
  const std::string file = OnlyFile("rows.seg");
  FlipBit(file, FileBytes(file) - 10);
  ExpectRepair("replayed");
}

TEST_F(CheckTest, ADamagedVectorsFileWouldBeReplaced) {
  const std::string file = OnlyFile(".vec");
  CutFile(file, FileBytes(file) - 4);
  ExpectRepair("replayed");
}

TEST_F(CheckTest, AMissingSegmentWouldBeReplaced) {
  ASSERT_THAT(RemoveTree(Segments()), IsOk());
  ExpectRepair("replayed");
}

TEST_F(CheckTest, ADamagedIndexWouldBeRebuilt) {
  const std::string file = OnlyFile(".idx");
  FlipBit(file, FileBytes(file) / 2);
  ExpectRepair("rebuilt");
}

TEST_F(CheckTest, AnOrphanWouldBeRemoved) {
  ASSERT_THAT(MakeDirectories(Segments() + "/00000000000000aa.tmp"), IsOk());
  PutBytes(Segments() + "/00000000000000aa.tmp/rows", "half");
  ExpectRepair("belongs to no manifest");
}

TEST_F(CheckTest, ADamagedFormatWatermarkOrLogIsDataLoss) {
  FlipBit(Data() + "/FORMAT", 30);
  EXPECT_THAT(Check(), StatusIs(StatusCode::kDataLoss, HasSubstr("FORMAT")));
  SetUp();
  PutBytes(Data() + "/watermark", std::string(1'024, 'x'));
  EXPECT_THAT(Check(), StatusIs(StatusCode::kDataLoss, HasSubstr("watermark")));
  SetUp();
  for (const std::string& log : FilesBelow(Data() + "/db", ".log")) {
    CutFile(log, FileBytes(log) / 2);
  }
  const auto cut = Check();
  EXPECT_THAT(cut, StatusIs(StatusCode::kDataLoss, HasSubstr("acknowledged writes")));
  EXPECT_EQ(ReasonOf(cut.status()), "ACKNOWLEDGED_WRITES_MISSING");
  SetUp();
  ASSERT_THAT(RemoveTree(Data() + "/db/CURRENT"), IsOk());
  EXPECT_THAT(Check(), StatusIs(StatusCode::kDataLoss));
}

TEST_F(CheckTest, ADamagedTableIsAProblem) {
  Open();
  ASSERT_THAT(engine_->Flush("", Deadline()), IsOk());
  engine_.reset();
  const std::string kept = scratch_.Path("flushed");
  CopyTree(Data(), kept);
  size_t tables = 0;
  for (const std::string& table : FilesBelow(Data() + "/db", ".sst")) {
    CopyTree(kept, Data());
    FlipBit(table, 25, 2);
    const auto report = Check();
    EXPECT_TRUE(report.ok() ? !report->ok() : report.status().code() == StatusCode::kDataLoss)
        << table;
    ++tables;
  }
  EXPECT_GE(tables, 4U);
}

TEST_F(CheckTest, ALostRowIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.DeleteRow(kPlain, RowNo(5), {}); });
  ExpectProblem("19 rows are stored, the counter says 20");
  ExpectProblem("an id points to row 5, which is missing");
  ExpectProblem("20 ids but 19 rows");
  ExpectProblem("a vector belongs to no row (5)");
}

TEST_F(CheckTest, AnIdOfAnotherRowIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.PutId(kPlain, Id(3).Encode(), {RowNo(9), SeqNo(1)}); });
  ExpectProblem("which has another id");
}

TEST_F(CheckTest, AVectorOfAnotherLengthIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.PutVector(kPlain, RowNo(2), {FieldId(1), "1234"}); });
  ExpectProblem("the vector \"v\" of row 2: has 4 bytes");
}

TEST_F(CheckTest, ADamagedSparseFileWouldBeMadeAnew) {
  const auto files =
      FilesBelow(Data() + "/segments/" + CollectionDirectoryName(CollectionId(3)), "sparse_2.seg");
  ASSERT_THAT(files, SizeIs(1));
  FlipBit(files[0], FileBytes(files[0]) - 3);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport report, Check());
  EXPECT_TRUE(report.ok()) << report.problems[0];
  EXPECT_THAT(report.repairs,
              testing::ElementsAre(AllOf(HasSubstr("\"mixed\""), HasSubstr("field \"s\""))));
  Open();
  engine_.reset();
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport after, Check());
  EXPECT_TRUE(after.ok());
  EXPECT_THAT(after.repairs, IsEmpty());
}

TEST_F(CheckTest, ASparseVectorThatTheSegmentDoesNotHaveIsAProblem) {
  Tamper([](WriteBatch& batch) {
    batch.PutVector(kMixed, RowNo(3), {FieldId(2), EncodeSparseVector({{7}, {2}})});
  });
  ExpectProblem("row 3 in segment");
}

TEST_F(CheckTest, VectorsThatARowOrASegmentDoesNotKnowOfAreProblems) {
  std::string payload;
  EncodeObject({}, payload);
  const auto put_row = [&payload](WriteBatch& batch, uint64_t row, uint32_t vectors) {
    const std::string id = Id(row + 1).Encode();
    batch.PutRow(kMixed,
                 RowNo(row),
                 {.encoded_id = id, .seq = SeqNo(1), .payload = payload, .vectors = vectors});
  };
  Tamper([&](WriteBatch& batch) {
    put_row(batch, 30, 0x10001);
    batch.DeleteRow(kMixed, RowNo(4), {FieldId(3)});
    put_row(batch, 4, 0x10001);
  });
  ExpectProblem("row 30 should have vectors in the fields 0x10001, it has 0x1010001");
  ExpectProblem("row 4 in segment");
}

TEST_F(CheckTest, MalformedVectorsOfAnyKindAreProblems) {
  Tamper([](WriteBatch& batch) {
    batch.PutVector(kMixed, RowNo(25), {FieldId(2), "1234"});
    batch.PutVector(kMixed, RowNo(26), {FieldId(3), "1234"});
    batch.PutVector(
        kMixed, RowNo(77), {FieldId(3), EncodeMultiVector({.rows = 1, .values = {1, 2}})});
  });
  ExpectProblem("the vector \"s\" of row 25");
  ExpectProblem("the vector \"m\" of row 26");
  ExpectProblem("a vector belongs to no row (77)");
}

TEST_F(CheckTest, ARowBeyondTheCounterIsAProblem) {
  Tamper([](WriteBatch& batch) {
    batch.PutMeta(MetaKind::kState,
                  CollectionMetaName(CollectionId(2)),
                  EncodeState({RowNo(10), 20, SeqNo(5)}));
  });
  ExpectProblem("beyond the next row number 10");
}

TEST_F(CheckTest, ASegmentThatDiffersFromTheRowsIsAProblem) {
  Tamper([](WriteBatch& batch) {
    std::string payload;
    EncodeObject({{"changed", Value(true)}}, payload);
    batch.PutRow(
        kIndexed,
        RowNo(100),
        {.encoded_id = Id(101).Encode(), .seq = SeqNo(3), .payload = payload, .vectors = 1});
  });
  ExpectProblem("row 100 in segment");
}

TEST_F(CheckTest, ATombstoneOfALivingRowIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.PutTombstone(kIndexed, RowNo(100), SeqNo(3)); });
  ExpectProblem("row 100 is dead in segment");
}

TEST_F(CheckTest, AMissingTombstoneOfADeadRowIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.DeleteTombstone(kIndexed, RowNo(1)); });
  ExpectProblem("row 1 is alive in segment");
}

TEST_F(CheckTest, AMissingRecordOfAPayloadChangeIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.DeletePayloadChange(kIndexed, RowNo(6)); });
  ExpectProblem("row 6 in segment 2 differs from the store");
}

TEST_F(CheckTest, ARecordOfAPayloadChangeThatItsRowDoesNotKnowOfIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.PutPayloadChange(kIndexed, RowNo(6), SeqNo(99)); });
  ExpectProblem("the payload of row 6 was changed at seq 99, but the row is of seq 7");
}

TEST_F(CheckTest, ARecordOfAPayloadChangeBeyondTheCounterIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.PutPayloadChange(kPlain, RowNo(20), SeqNo(6)); });
  ExpectProblem("the payload of row 20 was changed at seq 6, but the next row number is 20");
}

TEST_F(CheckTest, AnIdOfAnotherSeqIsAProblem) {
  Tamper([](WriteBatch& batch) { batch.PutId(kPlain, Id(3).Encode(), {RowNo(2), SeqNo(1)}); });
  ExpectProblem("the id of row 2 says seq 1, the row seq");
}

TEST_F(CheckTest, ManyFindingsOfOneKindAreCountedAndNotListed) {
  Tamper([](WriteBatch& batch) {
    for (uint64_t row = 100; row < 200; ++row) {
      batch.PutTombstone(kIndexed, RowNo(row), SeqNo(3));
    }
  });
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport report, Check());
  EXPECT_LE(report.problems.size(), 25U);
  EXPECT_THAT(report.problems, Contains(HasSubstr("more like these")));
}

TEST_F(CheckTest, AMalformedManifestOrConfigurationIsAProblem) {
  Tamper([](WriteBatch& batch) {
    batch.PutMeta(
        MetaKind::kManifest, ManifestMetaName(CollectionId(2), SegmentId(1)), "no manifest");
  });
  ExpectProblem("collection \"plain\"");
  Tamper([](WriteBatch& batch) {
    batch.PutMeta(MetaKind::kCollection, CollectionMetaName(CollectionId(3)), "\x01no");
  });
  ExpectProblem("configuration of a collection is malformed");
}

}  // namespace
}  // namespace alidade
