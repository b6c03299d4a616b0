// Opening, making and refusing a data directory.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/storage/store.h"

#include "directory.h"
#include "manifest_records.h"
#include "store_testing.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

#if ALIDADE_FAILPOINTS
// Must come before any store is opened in this process: the children then have no threads missing
// and read the environment themselves. The name makes it run first.
TEST(StoreCreationDeathTest, ACrashAtAnyStepOfTheCreationLeavesADirectoryThatIsMadeAnew) {
  const std::vector<std::string> steps = {"storage.create.marked",
                                          "storage.create.cleaned",
                                          "storage.create.watermark",
                                          "storage.create.database",
                                          "storage.create.before_format",
                                          "storage.create.after_format"};
  const ScratchDirectory scratch;
  for (const std::string& step : steps) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::setenv("ALIDADE_FAILPOINTS", (step + "=kill").c_str(), 1);
      (void)Store::Open(SmallOptions(scratch.Path(step)));
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << step;
  }
  for (const std::string& step : steps) {
    const std::string directory = scratch.Path(step);
    const bool published = PathExists(directory + "/FORMAT");
    EXPECT_EQ(published, step == "storage.create.after_format") << step;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(SmallOptions(directory)));
    WriteBatch batch(*store);
    batch.PutMeta(MetaKind::kServer, "name", "value");
    EXPECT_THAT(store->Write(batch, /*sync=*/true), IsOk()) << step;
  }
}
#endif

class StoreOpenTest : public StoreTest {
 protected:
  // Points in tables that the manifest names, durably, and others in the log alone; closes the
  // store. `path`: of the manifest.
  void WriteTablesAndLog(std::string& path) {
    OpenStore();
    WritePoints(1, 5);
    ASSERT_THAT(store_->Flush(), IsOk());
    ASSERT_THAT(store_->RaiseWatermark(SeqNo(5), /*now=*/true), IsOk());
    WritePoints(6, 9);
    CloseStore();
    ALIDADE_ASSERT_OK_AND_ASSIGN(const ManifestEnd end,
                                 ReadManifestEnd(directory() + "/db", /*sync=*/false));
    path = fmt::format("{}/db/MANIFEST-{:06}", directory(), end.number);
  }
};

TEST_F(StoreOpenTest, MakesADirectoryAndKeepsItsUuid) {
  OpenStore();
  ASSERT_NE(store_, nullptr);
  EXPECT_EQ(store_->directory(), directory());
  const std::string uuid(store_->uuid());
  EXPECT_EQ(uuid.size(), 16U);
  OpenStore();
  EXPECT_EQ(store_->uuid(), uuid);
}

TEST_F(StoreOpenTest, MakesMissingParents) {
  StoreOptions options = SmallOptions(scratch_.Path("a/b/c"));
  EXPECT_THAT(Store::Open(options), IsOk());
}

TEST_F(StoreOpenTest, MakesNothingUnlessAsked) {
  StoreOptions options = SmallOptions(directory());
  options.create_if_missing = false;
  EXPECT_THAT(OpenError(options), StatusIs(StatusCode::kNotFound, HasSubstr(directory())));
  EXPECT_FALSE(PathExists(directory()));
  ASSERT_THAT(MakeDirectories(directory()), IsOk());
  EXPECT_THAT(OpenError(options), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("FORMAT")));
}

TEST_F(StoreOpenTest, ASecondOpenIsRefusedInThisAndInAnotherProcess) {
  OpenStore();
  WritePoint(1);
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReasonOf(OpenError()), "DATA_DIRECTORY_LOCKED");
  StoreOptions reading = SmallOptions(directory());
  reading.read_only = true;
  EXPECT_EQ(ReasonOf(OpenError(reading)), "DATA_DIRECTORY_LOCKED");

  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::_exit(ReasonOf(OpenError()) == "DATA_DIRECTORY_LOCKED" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;

  WritePoint(2);  // the holder goes on
  OpenStore();
  ExpectPoints(*store_, 2);
}

TEST_F(StoreOpenTest, ForeignFilesAreRefusedAndStay) {
  ASSERT_THAT(MakeDirectories(directory()), IsOk());
  PutBytes(directory() + "/letter.txt", "dear");
  const auto before = ContentsBelow(directory());
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("letter.txt")));
  EXPECT_EQ(ContentsBelow(directory()), before);
}

TEST_F(StoreOpenTest, ANewerFormatIsRefusedAndNothingIsTouched) {
  OpenStore();
  WritePoint(1);
  CloseStore();
  PutBytes(directory() + "/FORMAT", "alidade 2\nwhatever\n");
  const auto before = ContentsBelow(directory());
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("newer")));
  EXPECT_EQ(ContentsBelow(directory()), before);
}

TEST_F(StoreOpenTest, ADamagedFormatIsDataLossAndNothingIsTouched) {
  OpenStore();
  WritePoint(1);
  CloseStore();
  FlipBit(directory() + "/FORMAT", 20);
  const auto before = ContentsBelow(directory());
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss, HasSubstr("FORMAT")));
  EXPECT_EQ(ContentsBelow(directory()), before);
}

TEST_F(StoreOpenTest, AMissingFormatIsDataLossAndNothingIsTouched) {
  OpenStore();
  WritePoints(1, 5);
  CloseStore();
  const std::string format = *ReadWholeFile(directory() + "/FORMAT");
  ASSERT_THAT(RemoveTree(directory() + "/FORMAT"), IsOk());
  const auto before = ContentsBelow(directory());
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss, HasSubstr("FORMAT")));
  EXPECT_EQ(ContentsBelow(directory()), before);
  PutBytes(directory() + "/FORMAT", format);
  OpenStore();
  ExpectPoints(*store_, 5);
}

TEST_F(StoreOpenTest, AShortenedManifestIsDataLossAndItsTablesStay) {
  std::string path;
  ASSERT_NO_FATAL_FAILURE(WriteTablesAndLog(path));
  const std::string whole = *ReadWholeFile(path);
  for (const size_t bytes : {whole.size() - 1, whole.size() / 2, size_t{100}}) {
    PutBytes(path, whole.substr(0, bytes));
    const auto before = ContentsBelow(directory());
    EXPECT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss, HasSubstr("MANIFEST"))) << bytes;
    EXPECT_EQ(ContentsBelow(directory()), before) << bytes;
  }
  PutBytes(path, whole);
  OpenStore();
  ExpectPoints(*store_, 9);
}

// RocksDB takes a record whose length leads beyond the end of the file for a torn one: it would
// open without the tables that this record and those behind it name, and delete them.
TEST_F(StoreOpenTest, AFlippedBitOfTheManifestIsDataLossAndItsTablesStay) {
  std::string path;
  ASSERT_NO_FATAL_FAILURE(WriteTablesAndLog(path));
  const std::string whole = *ReadWholeFile(path);
  EXPECT_EQ(WholeRecords(whole), whole.size());
  const auto before = ContentsBelow(directory());
  for (size_t byte = 0; byte < whole.size(); ++byte) {
    std::string flipped = whole;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
    ASSERT_LT(WholeRecords(flipped), whole.size()) << byte;
    if (byte % 7 == 0) {
      PutBytes(path, flipped);
      ASSERT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss, HasSubstr("MANIFEST"))) << byte;
    }
  }
  PutBytes(path, whole);
  EXPECT_EQ(ContentsBelow(directory()), before);
  OpenStore();
  ExpectPoints(*store_, 9);
}

TEST_F(StoreOpenTest, AManifestOfSeveralBlocksIsWhole) {
  OpenStore();
  std::string manifest;
  for (uint64_t seq = 1; manifest.size() < 40'000; ++seq) {
    ASSERT_LT(seq, 1'000U);
    WritePoint(seq);
    ASSERT_THAT(store_->Flush(), IsOk());
    ALIDADE_ASSERT_OK_AND_ASSIGN(const ManifestEnd end,
                                 ReadWholeManifestEnd(directory() + "/db", /*sync=*/true));
    manifest = *ReadWholeFile(fmt::format("{}/db/MANIFEST-{:06}", directory(), end.number));
    ASSERT_LE(end.bytes, manifest.size());
  }
  CloseStore();
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ManifestEnd sized,
                               ReadManifestEnd(directory() + "/db", /*sync=*/false));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ManifestEnd whole,
                               ReadWholeManifestEnd(directory() + "/db", /*sync=*/false));
  EXPECT_EQ(whole, sized);
  manifest = *ReadWholeFile(fmt::format("{}/db/MANIFEST-{:06}", directory(), whole.number));
  const size_t before_torn =
      WholeRecords(std::string_view(manifest).substr(0, manifest.size() - 1));
  EXPECT_LT(before_torn, manifest.size() - 1);
  // From each end that a mark may know: the same.
  size_t ends = 0;
  for (size_t known = 0; known < manifest.size();) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const ManifestEnd from_known,
        ReadWholeManifestEnd(
            directory() + "/db", /*sync=*/false, {.number = whole.number, .bytes = known}));
    ASSERT_EQ(from_known, whole) << known;
    size_t next = known;
    for (size_t cut = known + 1; next == known; ++cut) {
      next = WholeRecords(std::string_view(manifest).substr(known, cut - known), known);
    }
    known = next;
    ++ends;
  }
  EXPECT_GT(ends, 100U);
  OpenStore();
}

TEST_F(StoreOpenTest, AMissingDatabaseIsDataLossAndNotAnEmptyStore) {
  OpenStore();
  WritePoint(1);
  CloseStore();
  const std::string kept = scratch_.Path("kept");
  CopyTree(directory(), kept);
  ASSERT_THAT(RemoveTree(directory() + "/db"), IsOk());
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss, HasSubstr("/db")));
  for (const char* name : {"/db/CURRENT", "/db/MANIFEST-"}) {
    CopyTree(kept, directory());
    for (const std::string& path : FilesBelow(directory())) {
      if (path.find(name) != std::string::npos) {
        ASSERT_THAT(RemoveTree(path), IsOk());
      }
    }
    EXPECT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss)) << name;
  }
}

TEST_F(StoreOpenTest, AnAppliedSeqBelowTheWatermarkIsDataLossWithTheGap) {
  OpenStore();
  WritePoints(1, 3);
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(7), /*now=*/true), IsOk());
  CloseStore();
  const Status refused = OpenError();
  EXPECT_THAT(refused,
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr("4 acknowledged"), HasSubstr("seq 3"), HasSubstr("seq 7"))));
  EXPECT_EQ(ReasonOf(refused), "ACKNOWLEDGED_WRITES_MISSING");
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss));  // asking again changes nothing
}

TEST_F(StoreOpenTest, AcceptLossToOpensOnlyUpToTheAcceptedSeq) {
  OpenStore();
  WritePoints(1, 3);
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(7), /*now=*/true), IsOk());
  CloseStore();
  StoreOptions options = SmallOptions(directory());
  options.accept_loss_to = SeqNo(6);
  EXPECT_THAT(OpenError(options), StatusIs(StatusCode::kDataLoss));
  options.accept_loss_to = SeqNo(7);
  {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(options));
    ExpectPoints(*store, 3);
  }
  // The loss was accepted once; from now on the store is whole again, in both slots.
  OpenStore();
  ASSERT_NE(store_, nullptr);
  CloseStore();
  FlipBit(directory() + "/watermark", 9);
  OpenStore();
  ASSERT_NE(store_, nullptr);
  ExpectPoints(*store_, 3);
}

TEST_F(StoreOpenTest, ALostWatermarkIsDataLossUnlessAccepted) {
  OpenStore();
  WritePoints(1, 3);
  CloseStore();
  ASSERT_THAT(RemoveTree(directory() + "/watermark"), IsOk());
  EXPECT_THAT(OpenError(), StatusIs(StatusCode::kDataLoss, HasSubstr("watermark")));
  StoreOptions options = SmallOptions(directory());
  options.accept_loss_to = SeqNo(0);
  { EXPECT_THAT(Store::Open(options), IsOk()); }
  OpenStore();
  ExpectPoints(*store_, 3);
}

TEST_F(StoreOpenTest, TheWatermarkOnlyRisesAndIsPaced) {
  const auto stored = [&]() -> uint64_t {
    const std::string bytes = *ReadWholeFile(directory() + "/watermark");
    return std::max(LoadLittleEndian<uint64_t>(bytes.data() + 8),
                    LoadLittleEndian<uint64_t>(bytes.data() + 512 + 8));
  };
  OpenStore();
  WritePoints(1, 9);
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(5), /*now=*/true), IsOk());
  EXPECT_EQ(stored(), 5U);
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(6), /*now=*/false), IsOk());
  EXPECT_EQ(stored(), 5U);  // less than a second ago
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(4), /*now=*/true), IsOk());
  EXPECT_EQ(stored(), 5U);
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(9), /*now=*/true), IsOk());
  EXPECT_EQ(stored(), 9U);
}

class StoreReadOnlyTest : public StoreTest {
 protected:
  static StoreOptions ReadOnly(const std::string& directory) {
    StoreOptions options = SmallOptions(directory);
    options.read_only = true;
    return options;
  }
};

TEST_F(StoreReadOnlyTest, ReadsTablesAndLogAndChangesNothing) {
  OpenStore();
  WritePoints(1, 50, /*sync=*/false);
  ASSERT_THAT(store_->Flush(), IsOk());
  WritePoints(51, 60, /*sync=*/false);
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(60), /*now=*/true), IsOk());
  CloseStore();
  const auto before = ContentsBelow(directory());
  {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(ReadOnly(directory())));
    ExpectPoints(*store, 60);
    EXPECT_THAT(store->VerifyChecksums(), IsOk());
    WriteBatch batch(*store);
    AddPoint(batch, 61);
    EXPECT_FALSE(store->Write(batch, /*sync=*/true).ok());
  }
  EXPECT_EQ(ContentsBelow(directory()), before);
  OpenStore();
  ExpectPoints(*store_, 60);
}

TEST_F(StoreReadOnlyTest, AcceptedLossIsNotWrittenDown) {
  OpenStore();
  WritePoints(1, 3);
  ASSERT_THAT(store_->RaiseWatermark(SeqNo(7), /*now=*/true), IsOk());
  CloseStore();
  const auto before = ContentsBelow(directory());
  StoreOptions options = ReadOnly(directory());
  EXPECT_THAT(OpenError(options), StatusIs(StatusCode::kDataLoss));
  options.accept_loss_to = SeqNo(7);
  { EXPECT_THAT(Store::Open(options), IsOk()); }
  EXPECT_EQ(ContentsBelow(directory()), before);
}

TEST_F(StoreReadOnlyTest, WhatIsNoDataDirectoryIsRefusedAndLeftAsItIs) {
  EXPECT_THAT(OpenError(ReadOnly(directory())), StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(PathExists(directory()));

  ASSERT_THAT(MakeDirectories(directory()), IsOk());
  EXPECT_THAT(OpenError(ReadOnly(directory())), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_TRUE(FilesBelow(directory()).empty()) << FilesBelow(directory())[0];
}

}  // namespace
}  // namespace alidade
