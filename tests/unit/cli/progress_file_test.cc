#include "progress_file.h"

#include "data_files.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class ProgressFileTest : public DataFilesTest {
 protected:
  StatusOr<std::unique_ptr<ProgressFile>> Open(const std::string& title = "# import a into b") {
    return ProgressFile::Open(Path("progress"), title);
  }
  std::string Content() const { return ReadWholeFile(Path("progress")).value(); }
};

TEST_F(ProgressFileTest, RemembersWhatWasAcknowledged) {
  {
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, Open());
    EXPECT_EQ(progress->rows(), 0U);
    progress->Acknowledge(0, 100);
    progress->Acknowledge(300, 50);
    // On disk at once: the importer may be killed at any time.
    EXPECT_EQ(Content(), "# import a into b\n0 100\n300 50\n");
  }
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, Open());
  EXPECT_EQ(progress->rows(), 150U);
  EXPECT_THAT(progress->done(), ElementsAre(Pair(0, 100), Pair(300, 50)));
  EXPECT_EQ(progress->DoneFrom(0), 100U);
  EXPECT_EQ(progress->DoneFrom(99), 1U);
  EXPECT_EQ(progress->DoneFrom(100), 0U);
  EXPECT_EQ(progress->OpenFrom(100, 1'000), 200U);
  EXPECT_EQ(progress->OpenFrom(100, 20), 20U);
  EXPECT_EQ(progress->DoneFrom(300), 50U);
  EXPECT_EQ(progress->OpenFrom(350, 70), 70U);
}

TEST_F(ProgressFileTest, ALineThatWasCutOffDoesNotCount) {
  for (const std::string& cut : {std::string("10"), std::string("10 5"), std::string("10 ")}) {
    SCOPED_TRACE(cut);
    Write("progress", "# import a into b\n0 10\n" + cut);
    {
      ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, Open());
      EXPECT_EQ(progress->rows(), 10U);
      EXPECT_EQ(progress->DoneFrom(10), 0U);
      progress->Acknowledge(10, 5);
    }
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, Open());
    EXPECT_EQ(progress->rows(), 15U);
  }
}

TEST_F(ProgressFileTest, AFileOfAnotherImportIsRefusedAndKept) {
  Write("progress", "# import x into y\n0 10\n");
  EXPECT_THAT(Open().status(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("# import x into y")));
  EXPECT_EQ(Content(), "# import x into y\n0 10\n");
}

TEST_F(ProgressFileTest, AFileWithoutAWholeFirstLineBeginsAnew) {
  Write("progress", "# import a in");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto progress, Open());
  EXPECT_EQ(progress->rows(), 0U);
  EXPECT_EQ(Content(), "# import a into b\n");
}

TEST_F(ProgressFileTest, AFileThatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(ProgressFile::Open(Path("no/such/directory/progress"), "# x").ok());
}

}  // namespace
}  // namespace alidade
