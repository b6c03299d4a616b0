// A write of a segment that fails or dies at any step: what is left is nothing, a temporary
// directory, or a whole one.
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "alidade/common/file.h"

#include "segment_files.h"
#include "segment_model.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kSteps[] = {"segment.tmp_created",
                                  "segment.rows_written",
                                  "segment.vectors_written",
                                  "segment.index_built",
                                  "segment.before_rename",
                                  "segment.after_rename",
                                  "segment.after_dirsync"};
const std::string kName = "0000000000000001";

Schema SmallSchema() {
  Schema schema = ThreeFields();
  // A coarse graph, quick to build.
  schema.fields[0].index = {.kind = IndexKind::kHnsw, .hnsw_m = 4, .hnsw_ef_construction = 16};
  schema.fields[1].index.kind = IndexKind::kFlat;
  schema.fields[2].index.kind = IndexKind::kFlat;
  return schema;
}

std::vector<ModelRow> SmallRows() {
  Rng rng(1);
  return MakeRows(rng, SmallSchema(), kAutoFlatRowsMax, 0);
}

StatusOr<SegmentWriteResult> Write(const TemporaryDirectory& directory) {
  const Schema schema = SmallSchema();
  auto request = MakeWriteRequest(
      directory, schema, 1, {MakeDelta(schema, SmallRows(), RowNo(0), RowNo(9'999))});
  request.build_indexes = true;
  return WriteSegment(request);
}

// Runs `work` in a child process under the failpoint; this process never reads the environment,
// which it would do once and for all its children. The child's exit code; 128 + signal if it was
// killed.
int RunInChild(const std::string& failpoint, const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("ALIDADE_FAILPOINTS", failpoint.c_str(), 1);
    ::_exit(work());
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  return WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
}

// The exit code is the code of the status.
int WriteInChild(const TemporaryDirectory& directory, const std::string& failpoint) {
  return RunInChild(failpoint, [&] { return static_cast<int>(Write(directory).status().code()); });
}

// Whether the directory holds the whole segment. The same input gives the same bytes, so the
// manifest of another run fits.
bool HoldsWholeSegment(const std::string& directory) {
  return RunInChild("", [&] {
           const TemporaryDirectory again;
           auto written = Write(again);
           if (!written.ok()) {
             return 1;
           }
           written->directory = directory;
           const auto opened = SealedSegment::Open(MakeOpenOptions(*written, SmallSchema()));
           if (!opened.ok() || (*opened)->index_kind(0) != IndexKind::kHnsw) {
             return 2;
           }
           CheckRowsEqual(**opened, SmallRows());
           return ::testing::Test::HasFailure() ? 3 : 0;
         }) == 0;
}

TEST(SegmentFailpointTest, WithoutOneTheWriteSucceeds) {
  const TemporaryDirectory directory;
  EXPECT_EQ(WriteInChild(directory, ""), 0);
  EXPECT_THAT(*ListDirectory(directory.path() + "/segments/00000003"), ElementsAre(kName));
}

TEST(SegmentFailpointTest, AFailedStepLeavesNothingBehind) {
  for (const char* step : kSteps) {
    const TemporaryDirectory directory;
    EXPECT_EQ(WriteInChild(directory, std::string(step) + "=error"),
              static_cast<int>(StatusCode::kInternal))
        << step;
    EXPECT_THAT(*ListDirectory(directory.path() + "/segments/00000003"), IsEmpty()) << step;
  }
}

TEST(SegmentFailpointTest, AKilledWriteLeavesATemporaryDirectoryOrAWholeSegment) {
  for (const char* step : kSteps) {
    const TemporaryDirectory directory;
    EXPECT_EQ(WriteInChild(directory, std::string(step) + "=kill"), 128 + SIGKILL) << step;
    const bool renamed = std::string(step).find("after") != std::string::npos;
    const std::string parent = directory.path() + "/segments/00000003";
    ASSERT_THAT(*ListDirectory(parent), ElementsAre(renamed ? kName : kName + ".tmp")) << step;
    if (renamed) {
      EXPECT_TRUE(HoldsWholeSegment(parent + "/" + kName)) << step;
    }
  }
}

}  // namespace
}  // namespace alidade
