#include "alidade/common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "alidade_file_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr) << std::strerror(errno);
    directory_ = pattern;
  }
  void TearDown() override { EXPECT_THAT(RemoveTree(directory_), IsOk()); }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
};

TEST_F(FileTest, WritesAndReadsBack) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto writer, FileWriter::Create(Path("a")));
  std::string expected(4'096, '\0');
  ASSERT_THAT(writer->Append(expected), IsOk());
  // Pieces below, around and above the size of the write buffer.
  for (const size_t piece :
       {size_t{1}, size_t{1} << 20, (size_t{1} << 20) + 1, size_t{3}, size_t{0}}) {
    const std::string bytes(piece, static_cast<char>('a' + piece % 7));
    ASSERT_THAT(writer->Append(bytes), IsOk());
    expected += bytes;
  }
  ASSERT_THAT(writer->WriteAt(0, "header"), IsOk());
  expected.replace(0, 6, "header");
  ASSERT_THAT(writer->Append("tail"), IsOk());
  expected += "tail";
  EXPECT_EQ(writer->size(), expected.size());
  ASSERT_THAT(writer->SyncAndClose(), IsOk());

  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto mapped, MappedFile::Open(Path("a")));
  EXPECT_TRUE(mapped->bytes() == expected);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string read, ReadWholeFile(Path("a")));
  EXPECT_TRUE(read == expected);
}

TEST_F(FileTest, NeverOverwritesAFile) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto first, FileWriter::Create(Path("a")));
  ASSERT_THAT(first->Append("one"), IsOk());
  ASSERT_THAT(first->SyncAndClose(), IsOk());
  EXPECT_THAT(FileWriter::Create(Path("a")), StatusIs(StatusCode::kInternal, HasSubstr("exists")));
  EXPECT_THAT(FileWriter::Create("/dev/full"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(FileWriter::Create(Path("no/such")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(ReadWholeFile(Path("a")), IsOkAndHolds(std::string("one")));
}

TEST_F(FileTest, MapsOnlyRegularFiles) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto writer, FileWriter::Create(Path("empty")));
  ASSERT_THAT(writer->SyncAndClose(), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto mapped, MappedFile::Open(Path("empty")));
  EXPECT_EQ(mapped->bytes(), "");
  EXPECT_THAT(MappedFile::Open(Path("missing")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(MappedFile::Open(directory_), StatusIs(StatusCode::kDataLoss));
  ASSERT_EQ(::symlink(Path("empty").c_str(), Path("link").c_str()), 0);
  EXPECT_THAT(MappedFile::Open(Path("link")), StatusIs(StatusCode::kInternal));
}

TEST_F(FileTest, ErrorsAreSticky) {
  // The file size limit of the process stands in for a device that fails.
  ASSERT_NE(std::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto writer, FileWriter::Create(Path("a")));
  const rlimit small{4'096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status buffered = writer->Append("a few bytes that wait in memory");
  const Status refused = writer->Append(std::string(size_t{2} << 20, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_THAT(buffered, IsOk());
  EXPECT_THAT(refused, StatusIs(StatusCode::kInternal, HasSubstr(Path("a"))));
  // There is room again, but the file is not what was meant.
  EXPECT_EQ(writer->Append("x"), refused);
  EXPECT_EQ(writer->WriteAt(0, "x"), refused);
  EXPECT_EQ(writer->SyncAndClose(), refused);
}

TEST_F(FileTest, AFullDiskIsResourceExhausted) {
  const std::string disk = Path("disk");
  ASSERT_THAT(MakeDirectories(disk), IsOk());
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "no small file system can be mounted here: " << std::strerror(errno);
  }
  Status append;
  Status close;
  Status tail;
  {
    auto writer = FileWriter::Create(disk + "/a");
    EXPECT_THAT(writer, IsOk());
    if (writer.ok()) {
      append = (*writer)->Append(std::string(size_t{2} << 20, 'x'));
      close = (*writer)->SyncAndClose();
    }
    // A file whose last buffer only does not fit: the error shows when it is closed.
    EXPECT_THAT(RemoveTree(disk + "/a"), IsOk());
    auto second = FileWriter::Create(disk + "/b");
    EXPECT_THAT(second, IsOk());
    if (second.ok()) {
      EXPECT_THAT((*second)->Append(std::string(size_t{100} << 10, 'x')), IsOk());
      tail = (*second)->SyncAndClose();
    }
  }
  const auto free = FreeBytes(disk);
  ASSERT_EQ(::umount(disk.c_str()), 0) << std::strerror(errno);
  EXPECT_THAT(append, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(append), "DISK_FULL");
  EXPECT_EQ(close, append);
  EXPECT_THAT(tail, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(free, IsOkAndHolds(Le(uint64_t{64} << 10)));
}

TEST_F(FileTest, DirectoriesAreMadeListedRenamedAndRemoved) {
  ASSERT_THAT(MakeDirectories(Path("x/y/z")), IsOk());
  EXPECT_THAT(MakeDirectories(Path("x/y/z")), IsOk());
  for (const char* name : {"x/b", "x/a"}) {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto writer, FileWriter::Create(Path(name)));
    ASSERT_THAT(writer->SyncAndClose(), IsOk());
  }
  EXPECT_THAT(SyncDirectory(Path("x")), IsOk());
  EXPECT_THAT(ListDirectory(Path("x")), IsOkAndHolds(ElementsAre("a", "b", "y")));
  EXPECT_THAT(RenamePath(Path("x"), Path("w")), IsOk());
  EXPECT_FALSE(PathExists(Path("x")));
  EXPECT_TRUE(PathExists(Path("w/y/z")));
  EXPECT_THAT(RemoveTree(Path("w")), IsOk());
  EXPECT_THAT(RemoveTree(Path("w")), IsOk());
  EXPECT_THAT(ListDirectory(directory_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(ListDirectory(Path("w")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(SyncDirectory(Path("w")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(RenamePath(Path("w"), Path("v")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(FreeBytes(Path("w")), StatusIs(StatusCode::kNotFound));
  // A dangling link is there.
  ASSERT_EQ(::symlink(Path("w").c_str(), Path("link").c_str()), 0);
  EXPECT_TRUE(PathExists(Path("link")));
}

TEST(ErrnoStatusTest, NamesTheReason) {
  EXPECT_THAT(ErrnoStatus(ENOSPC, "write a"),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("write a: No space left")));
  EXPECT_THAT(ErrnoStatus(EDQUOT, "write a"), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(ErrnoStatus(EIO, "write a"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(ErrnoStatus(ENOENT, "open a"), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace alidade
