// Directories written by released formats: each must open with all that was in it, and nobody may
// change the bytes that are written today without noticing.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/engine/check.h"

#include "golden_set.h"
#include "support/scratch_directory.h"
#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// The names of the golden directories, oldest first: v1, v2, ...
std::vector<std::string> Versions() {
  std::vector<std::string> versions;
  for (int version = 1;; ++version) {
    const std::string name = "v" + std::to_string(version);
    if (!std::filesystem::is_directory(std::string(ALIDADE_GOLDEN_DIR) + "/" + name)) {
      return versions;
    }
    versions.push_back(name);
  }
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

class GoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    CopyTree(std::string(ALIDADE_GOLDEN_DIR) + "/" + GetParam() + "/data", scratch_.Path("data"));
    Open();
  }

  void Open() {
    engine_.reset();
    auto opened = Engine::Open(QuietOptions(scratch_.Path("data")));
    ASSERT_THAT(opened, IsOk());
    engine_ = std::move(opened).value();
  }

  void ExpectAllPoints() {
    CountRequest count;
    count.collection = kGoldenAlias;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const CountResponse counted, engine_->Count(count));
    EXPECT_EQ(counted.points, GoldenPoints().size());
    ListRequest request;
    request.collection = kGoldenAlias;
    request.payload.mode = PayloadSelector::Mode::kAll;
    for (const VectorField& field : GoldenConfig().fields) {
      request.vectors.push_back(field.name);
    }
    if (GetParam() >= "v5") {
      request.vectors.insert(request.vectors.end(), {"sparse", "rare", "tokens"});
    }
    ALIDADE_ASSERT_OK_AND_ASSIGN(const ListResponse listed, engine_->List(request));
    std::vector<OwnedPoint> found;
    for (const Point& point : listed.points) {
      found.push_back(
          {point.id, point.payload, point.vectors, point.sparse_vectors, point.multi_vectors});
    }
    std::vector<OwnedPoint> expected;  // in the order of ids
    for (const auto& [id, point] : GoldenPoints()) {
      expected.push_back(point);
      if (GetParam() < "v5") {  // there were none yet
        expected.back().sparse_vectors.clear();
        expected.back().multi_vectors.clear();
      }
    }
    EXPECT_THAT(found, ElementsAreArray(expected));
  }

  ScratchDirectory scratch_;
  std::unique_ptr<Engine> engine_;
};

TEST_P(GoldenTest, EveryPointIsThereNowAndAfterAnotherStart) {
  ExpectAllPoints();
  Open();
  ExpectAllPoints();
}

TEST_P(GoldenTest, TheSchemaIsAsItWas) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CollectionInfo info,
                               engine_->GetCollection(GoldenConfig().name));
  CollectionConfig expected = GoldenConfig();
  if (GetParam() < "v8") {  // there were neither other types nor tenants yet
    for (VectorField& field : expected.fields) {
      field.element = ElementType::kFloat32;
    }
    expected.payload_indexes[0].tenant = false;
  }
  ASSERT_EQ(info.config.fields.size(), expected.fields.size());
  for (size_t i = 0; i < expected.fields.size(); ++i) {
    expected.fields[i].id = info.config.fields[i].id;  // given by the server
  }
  EXPECT_EQ(info.config.fields, expected.fields);
  EXPECT_EQ(info.config.description, expected.description);
  EXPECT_EQ(info.config.labels, expected.labels);
  EXPECT_EQ(info.config.default_ef, expected.default_ef);
  EXPECT_EQ(info.config.default_nprobe, expected.default_nprobe);
  if (GetParam() < "v4") {
    expected.payload_indexes.clear();  // there were none yet
  }
  if (GetParam() < "v5") {
    expected.payload_indexes.resize(std::min<size_t>(expected.payload_indexes.size(), 2));
    expected.sparse_fields.clear();
    expected.multi_vector_fields.clear();
  }
  ASSERT_EQ(info.config.sparse_fields.size(), expected.sparse_fields.size());
  for (size_t i = 0; i < expected.sparse_fields.size(); ++i) {
    expected.sparse_fields[i].id = info.config.sparse_fields[i].id;
  }
  EXPECT_EQ(info.config.sparse_fields, expected.sparse_fields);
  ASSERT_EQ(info.config.multi_vector_fields.size(), expected.multi_vector_fields.size());
  for (size_t i = 0; i < expected.multi_vector_fields.size(); ++i) {
    expected.multi_vector_fields[i].id = info.config.multi_vector_fields[i].id;
  }
  EXPECT_EQ(info.config.multi_vector_fields, expected.multi_vector_fields);
  EXPECT_EQ(info.config.payload_indexes, expected.payload_indexes);
  EXPECT_EQ(info.seq, SeqNo(kGoldenSeq));
  EXPECT_THAT(info.aliases, ElementsAre(kGoldenAlias));
}

TEST_P(GoldenTest, ARetryOfAnOldRequestWritesNothing) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, engine_->Upsert(GoldenRequest()));
  EXPECT_TRUE(receipt.replayed);
  EXPECT_EQ(receipt.seq, SeqNo(3));
  EXPECT_EQ(receipt.points, 2U);
  ExpectAllPoints();
}

// Rows of older formats do not say it themselves.
TEST_P(GoldenTest, FiltersKnowWhichPointsHaveVectors) {
  const auto found = [this](const std::string& field) {
    ListRequest request;
    request.collection = kGoldenAlias;
    request.filter = std::make_shared<const Filter>(Filter{HasVector{field}});
    const auto listed = engine_->List(request);
    EXPECT_THAT(listed, IsOk());
    CountRequest count;
    count.collection = kGoldenAlias;
    count.filter = request.filter;
    const auto counted = engine_->Count(count);
    EXPECT_THAT(counted, IsOk());
    EXPECT_EQ(counted->points, listed->points.size());
    std::vector<PointId> ids;
    for (const Point& point : listed->points) {
      ids.push_back(point.id);
    }
    return ids;
  };
  const auto check = [&](const std::string& when) {
    SCOPED_TRACE(when);
    std::vector<PointId> hnsw;
    std::vector<PointId> rare;
    std::vector<PointId> tokens;
    for (const auto& [id, point] : GoldenPoints()) {
      if (point.vectors.contains("hnsw")) {
        hnsw.push_back(id);
      }
      if (point.sparse_vectors.contains("rare")) {
        rare.push_back(id);
      }
      if (point.multi_vectors.contains("tokens")) {
        tokens.push_back(id);
      }
    }
    EXPECT_EQ(found("hnsw"), hnsw);
    if (GetParam() >= "v5") {  // there were no others yet
      EXPECT_EQ(found("rare"), rare);
      EXPECT_EQ(found("tokens"), tokens);
    }
  };
  check("as it was");
  PayloadRequest change;  // writes the rows in today's format
  change.collection = kGoldenAlias;
  change.edit.merged = {{"changed", Value(true)}};
  for (const auto& [id, point] : GoldenPoints()) {
    change.points.ids.push_back(id);
  }
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt, engine_->ChangePayload(change));
  EXPECT_EQ(receipt.points, GoldenPoints().size());
  check("payloads changed");
  Open();
  check("opened again");
  ASSERT_THAT(engine_->Flush(GoldenConfig().name, Deadline()), IsOk());
  check("sealed");
  Open();
  check("sealed and opened again");
}

TEST_P(GoldenTest, ANewWriteFollowsTheOldOnes) {
  const OwnedPoint point{PointId(uint64_t{6}), {}, {{"auto", {1, 1}}}};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const WriteReceipt receipt,
                               engine_->Upsert(MakeUpsert({point}, kGoldenAlias)));
  EXPECT_EQ(receipt.seq, SeqNo(kGoldenSeq + 1));
}

TEST_P(GoldenTest, TheOfflineCheckFindsOnlyTheSegmentThatIsNotThere) {
  engine_.reset();
  CopyTree(std::string(ALIDADE_GOLDEN_DIR) + "/" + GetParam() + "/data", scratch_.Path("data"));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckDataDirectory(scratch_.Path("data")));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(report.repairs, SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(EveryFormat,
                         GoldenTest,
                         ::testing::ValuesIn(Versions()),
                         [](const auto& version) { return version.param; });

TEST(GoldenRecordsTest, TodaysBytesAreThoseOfTheNewestFormat) {
  ASSERT_THAT(Versions(), Not(IsEmpty()));
  const std::string path =
      std::string(ALIDADE_GOLDEN_DIR) + "/" + Versions().back() + "/records.txt";
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string text, ReadWholeFile(path));
  EXPECT_THAT(GoldenRecords(), ElementsAreArray(Lines(text)))
      << "a format on disk has changed: see tests/golden/README.md";
}

}  // namespace
}  // namespace alidade
