// The lock, the format file and the watermark of a data directory.
#include "directory.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/checksum.h"

#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kSlotStride = 512;  // as in directory.cc: a format on disk, it cannot change

const std::string kUuid("0123456789abcdef");

TEST(DirectoryLockTest, IsExclusiveUntilReleased) {
  const ScratchDirectory scratch;
  {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto held, DirectoryLock::Take(scratch.path()));
    const auto second = DirectoryLock::Take(scratch.path());
    EXPECT_THAT(second, StatusIs(StatusCode::kFailedPrecondition, HasSubstr(scratch.path())));
    EXPECT_EQ(ReasonOf(second.status()), "DATA_DIRECTORY_LOCKED");
  }
  EXPECT_THAT(DirectoryLock::Take(scratch.path()), IsOk());
}

class FormatTest : public ::testing::Test {
 protected:
  std::string FormatPath() const { return scratch_.Path("FORMAT"); }
  // A FORMAT file whose checksum is right, whatever it says.
  void PutFormat(const std::string& body) {
    PutBytes(FormatPath(), fmt::format("{}checksum {:016x}\n", body, Checksum64(body)));
  }

  const ScratchDirectory scratch_;
};

TEST_F(FormatTest, AnEmptyDirectoryIsFresh) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const DirectoryFormat format, ReadFormat(scratch_.path()));
  EXPECT_TRUE(format.fresh);
}

TEST_F(FormatTest, WhatIsPublishedIsReadBack) {
  ASSERT_THAT(PublishFormat(scratch_.path(), kUuid), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const DirectoryFormat format, ReadFormat(scratch_.path()));
  EXPECT_FALSE(format.fresh);
  EXPECT_EQ(format.uuid, kUuid);
}

TEST_F(FormatTest, LeftoversOfACreationAreFreshButForeignFilesAreRefused) {
  ASSERT_THAT(BeginCreation(scratch_.path()), IsOk());
  for (const char* name : {"LOCK", "FORMAT.tmp", "watermark"}) {
    PutBytes(scratch_.Path(name), "half");
  }
  ASSERT_THAT(MakeDirectories(scratch_.Path("db")), IsOk());
  ASSERT_THAT(MakeDirectories(scratch_.Path("segments")), IsOk());
  ASSERT_THAT(MakeDirectories(scratch_.Path("lost+found")), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const DirectoryFormat format, ReadFormat(scratch_.path()));
  EXPECT_TRUE(format.fresh);

  PutBytes(scratch_.Path("photo.jpg"), "not ours");
  EXPECT_THAT(ReadFormat(scratch_.path()),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("photo.jpg")));
}

TEST_F(FormatTest, DataWithoutAFormatIsDataLossAndNeverFresh) {
  for (const char* name : {"db", "segments", "watermark"}) {
    const ScratchDirectory scratch;
    ASSERT_THAT(BeginCreation(scratch.path()), IsOk());
    ASSERT_THAT(PublishFormat(scratch.path(), kUuid), IsOk());
    ASSERT_THAT(EndCreation(scratch.path()), IsOk());
    ASSERT_THAT(MakeDirectories(scratch.Path(name)), IsOk());
    ASSERT_THAT(RemoveTree(scratch.Path("FORMAT")), IsOk());
    EXPECT_THAT(ReadFormat(scratch.path()),
                StatusIs(StatusCode::kDataLoss, AllOf(HasSubstr("FORMAT"), HasSubstr(name))));
  }
}

TEST_F(FormatTest, ANewerVersionIsRefusedEvenIfTheRestIsUnknown) {
  PutFormat("alidade 2\nuuid 30313233343536373839616263646566\n");
  EXPECT_THAT(ReadFormat(scratch_.path()),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("newer"), HasSubstr("2"), HasSubstr("1"))));
  PutBytes(FormatPath(), "alidade 3 in a layout that nobody knows yet");
  EXPECT_THAT(ReadFormat(scratch_.path()), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(FormatTest, EveryTruncationIsDataLoss) {
  ASSERT_THAT(PublishFormat(scratch_.path(), kUuid), IsOk());
  const std::string whole = *ReadWholeFile(FormatPath());
  // The newline at the end carries nothing.
  for (size_t bytes = 0; bytes + 1 < whole.size(); ++bytes) {
    PutBytes(FormatPath(), whole.substr(0, bytes));
    ASSERT_THAT(ReadFormat(scratch_.path()), StatusIs(StatusCode::kDataLoss)) << bytes;
  }
}

TEST_F(FormatTest, NoFlippedBitGivesAnotherUuid) {
  ASSERT_THAT(PublishFormat(scratch_.path(), kUuid), IsOk());
  const std::string whole = *ReadWholeFile(FormatPath());
  const size_t version_at = whole.find('1');
  for (size_t bit = 0; bit + 8 < whole.size() * 8; ++bit) {
    FlipBit(FormatPath(), bit / 8, static_cast<int>(bit % 8));
    const auto format = ReadFormat(scratch_.path());
    // A flip in the version number may make it a newer one; both are refusals.
    const bool newer =
        bit / 8 == version_at && format.status().code() == StatusCode::kFailedPrecondition;
    ASSERT_TRUE(newer || format.status().code() == StatusCode::kDataLoss)
        << "bit " << bit << ": " << format.status();
    FlipBit(FormatPath(), bit / 8, static_cast<int>(bit % 8));
  }
  ASSERT_THAT(ReadFormat(scratch_.path()), IsOk());
}

TEST_F(FormatTest, AnImpossibleUuidIsDataLossUnderARightChecksum) {
  for (const char* hex : {"",
                          "30",
                          "3031323334353637383961626364656",
                          "zz313233343536373839616263646566",
                          "303132333435363738396162636465666767"}) {
    PutFormat(fmt::format("alidade 1\nuuid {}\n", hex));
    EXPECT_THAT(ReadFormat(scratch_.path()), StatusIs(StatusCode::kDataLoss)) << hex;
  }
}

TEST(RandomUuidTest, HasSixteenBytesThatDiffer) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string a, RandomUuid());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string b, RandomUuid());
  EXPECT_EQ(a.size(), 16U);
  EXPECT_NE(a, b);
}

class WatermarkTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(Watermark::Create(scratch_.path()), IsOk()); }
  StatusOr<SeqNo> Read() const {
    ALIDADE_ASSIGN_OR_RETURN(const auto watermark,
                             Watermark::Open(scratch_.path(), /*read_only=*/true));
    return watermark->seq();
  }
  void Write(uint64_t seq) {
    const auto watermark = Watermark::Open(scratch_.path(), /*read_only=*/false);
    ASSERT_THAT(watermark, IsOk());
    ASSERT_THAT((*watermark)->Write({SeqNo(seq), {}}), IsOk());
    ASSERT_EQ((*watermark)->seq(), SeqNo(seq));
  }
  std::string File() const { return scratch_.Path("watermark"); }

  const ScratchDirectory scratch_;
};

TEST_F(WatermarkTest, StartsAtZeroAndKeepsWhatIsWritten) {
  EXPECT_THAT(Read(), IsOkAndHolds(SeqNo(0)));
  for (const uint64_t seq : {uint64_t{1}, uint64_t{2}, uint64_t{1'000'000'007}, ~uint64_t{0}}) {
    Write(seq);
    EXPECT_THAT(Read(), IsOkAndHolds(SeqNo(seq)));
  }
}

TEST_F(WatermarkTest, KeepsTheEndOfTheManifest) {
  {
    const auto watermark = Watermark::Open(scratch_.path(), /*read_only=*/false);
    ASSERT_THAT(watermark, IsOk());
    ASSERT_THAT((*watermark)->Write({SeqNo(7), {5, 1'000}}), IsOk());
    ASSERT_THAT((*watermark)->Write({SeqNo(7), {6, 10}}), IsOk());
  }
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto watermark,
                               Watermark::Open(scratch_.path(), /*read_only=*/true));
  EXPECT_EQ(watermark->seq(), SeqNo(7));
  EXPECT_EQ(watermark->mark().manifest, (ManifestEnd{6, 10}));
}

TEST(ManifestEndTest, IsThatOfTheFileThatCurrentNames) {
  const ScratchDirectory scratch;
  EXPECT_FALSE(ReadManifestEnd(scratch.path(), /*sync=*/false).ok());
  for (const char* bad :
       {"", "MANIFEST-", "MANIFEST-x\n", "MANIFEST-000005.tmp\n", "manifest-1\n"}) {
    PutBytes(scratch.Path("CURRENT"), bad);
    EXPECT_THAT(ReadManifestEnd(scratch.path(), /*sync=*/false), StatusIs(StatusCode::kDataLoss))
        << bad;
  }
  PutBytes(scratch.Path("CURRENT"), "MANIFEST-000012\n");
  EXPECT_THAT(ReadManifestEnd(scratch.path(), /*sync=*/false),
              StatusIs(StatusCode::kDataLoss, HasSubstr("MANIFEST-000012")));
  PutBytes(scratch.Path("MANIFEST-000012"), "seventeen bytes..");
  for (const bool sync : {false, true}) {
    EXPECT_THAT(ReadManifestEnd(scratch.path(), sync), IsOkAndHolds(ManifestEnd{12, 17}));
  }
}

TEST_F(WatermarkTest, SlotsTakeTurnsAlsoAcrossReopens) {
  for (uint64_t seq = 1; seq <= 6; ++seq) {
    const std::string before = *ReadWholeFile(File());
    Write(seq);
    const std::string after = *ReadWholeFile(File());
    // Exactly one slot changed, and not the one that held the newest value.
    const bool first = before.substr(0, kSlotStride) != after.substr(0, kSlotStride);
    const bool second = before.substr(kSlotStride) != after.substr(kSlotStride);
    ASSERT_NE(first, second) << seq;
    ASSERT_EQ(first, seq % 2 == 0) << "the slots did not alternate at " << seq;
  }
}

TEST_F(WatermarkTest, OneDamagedSlotLeavesTheOther) {
  Write(41);
  Write(42);
  const std::string whole = *ReadWholeFile(File());
  for (const size_t slot : {size_t{0}, size_t{1}}) {
    for (size_t byte = 0; byte < 40; ++byte) {
      PutBytes(File(), whole);
      FlipBit(File(), slot * kSlotStride + byte, static_cast<int>(byte % 8));
      ALIDADE_ASSERT_OK_AND_ASSIGN(const SeqNo seq, Read());
      ASSERT_TRUE(seq == SeqNo(41) || seq == SeqNo(42)) << "slot " << slot << " byte " << byte;
    }
  }
  // What is written next goes over the damaged slot, so that the good one survives a torn write.
  PutBytes(File(), whole);
  FlipBit(File(), 0);
  const SeqNo survivor = *Read();
  Write(50);
  FlipBit(File(), 0);
  EXPECT_THAT(Read(), IsOkAndHolds(survivor));
}

TEST_F(WatermarkTest, TwoDamagedSlotsAreDataLoss) {
  Write(41);
  Write(42);
  FlipBit(File(), 9);
  FlipBit(File(), kSlotStride + 9);
  EXPECT_THAT(Read(), StatusIs(StatusCode::kDataLoss, HasSubstr("watermark")));
  PutBytes(File(), "");
  EXPECT_THAT(Read(), StatusIs(StatusCode::kDataLoss));
  ASSERT_THAT(RemoveTree(File()), IsOk());
  EXPECT_THAT(Read(), StatusIs(StatusCode::kDataLoss, HasSubstr("missing")));
}

}  // namespace
}  // namespace alidade
