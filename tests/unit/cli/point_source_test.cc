#include "point_source.h"

#include "data_files.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PointSourceTest : public DataFilesTest {
 protected:
  std::string WriteMatrix(const std::string& name) const {
    return Write(name,
                 Npy(1, NpyHeader("<f4", "(3, 2)"), BytesOf(std::vector<float>{1, 2, 3, 4, 5, 6})));
  }

  static std::vector<std::string> Ids(const PointBatch& batch) {
    std::vector<std::string> ids;
    for (const auto& id : batch.ids) {
      ids.push_back(id.ShortDebugString());
    }
    return ids;
  }

  // The error of opening or of reading all.
  static Status Read(const PointSourceOptions& options) {
    ALIDADE_ASSIGN_OR_RETURN(const auto source, PointSource::Open(options));
    return source->Next(1'000).status();
  }
};

TEST_F(PointSourceTest, TakesIdsAndPayloadsFromTheLinesBesideTheMatrix) {
  const std::string path = WriteMatrix("base.f16.npy");
  Write("base.jsonl",
        "{\"id\": 5, \"payload\": {\"a\": 1}}\n{\"id\": \"x\"}\n{\"id\": 7, \"payload\": {}}\n");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto source, PointSource::Open({.path = path, .points = ""}));
  EXPECT_EQ(source->rows(), 3U);
  EXPECT_EQ(source->dim(), 2U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch first, source->Next(2));
  EXPECT_EQ(first.first, 0U);
  EXPECT_THAT(Ids(first), ElementsAre("num: 5", "str: \"x\""));
  EXPECT_THAT(first.vectors, ElementsAre(1, 2, 3, 4));
  ASSERT_EQ(first.payloads.size(), 2U);
  EXPECT_EQ(first.payloads[0].fields().at("a").int64_value(), 1);
  EXPECT_TRUE(first.payloads[1].fields().empty());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch rest, source->Next(10));
  EXPECT_EQ(rest.first, 2U);
  EXPECT_THAT(Ids(rest), ElementsAre("num: 7"));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch end, source->Next(10));
  EXPECT_THAT(end.ids, IsEmpty());
}

TEST_F(PointSourceTest, RowNumbersAreIdsWhereThereAreNoLines) {
  const std::string path = WriteMatrix("bare.npy");
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const auto source,
      PointSource::Open({.path = path, .points = "", .id_offset = 100, .limit = 2}));
  EXPECT_EQ(source->rows(), 2U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch batch, source->Next(10));
  EXPECT_THAT(Ids(batch), ElementsAre("num: 100", "num: 101"));
  EXPECT_THAT(batch.payloads, IsEmpty());
}

TEST_F(PointSourceTest, ReadsVectorsOutOfLines) {
  const std::string path = Write("all.jsonl",
                                 "{\"id\": 1, \"vector\": [0.5, -1], \"payload\": {\"k\": null}}\n"
                                 "{\"id\": \"two\", \"vector\": [2, 3.25]}\n");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto source,
                               PointSource::Open({.path = path, .points = "", .id_offset = 10}));
  EXPECT_EQ(source->rows(), 2U);
  EXPECT_EQ(source->dim(), 2U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch batch, source->Next(10));
  EXPECT_THAT(batch.vectors, ElementsAre(0.5F, -1, 2, 3.25F));
  EXPECT_THAT(Ids(batch), ElementsAre("num: 11", "str: \"two\""));
}

TEST_F(PointSourceTest, ReadsVectorsByNameOutOfLinesThatHaveThem) {
  const std::string path = Write(
      "all.jsonl",
      "{\"id\": 1, \"vector\": [1]}\n"
      "{\"id\": 2, \"vector\": [2], \"multi_vectors\": {\"m\": [[1, 2], [3, 4]], \"n\": [[5]]}}\n"
      "{\"id\": 3, \"vector\": [3], \"sparse\": {\"s\": {\"7\": 1}}}\n"
      "{\"id\": 4, \"vector\": [4]}\n");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto source, PointSource::Open({.path = path, .points = ""}));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch batch, source->Next(10));
  ASSERT_EQ(batch.multi_vectors.size(), 4U);
  EXPECT_THAT(batch.multi_vectors[0], IsEmpty());
  ASSERT_EQ(batch.multi_vectors[1].size(), 2U);
  EXPECT_EQ(batch.multi_vectors[1].at("m").packed(), BytesOf(std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(batch.multi_vectors[1].at("n").packed(), BytesOf(std::vector<float>{5}));
  EXPECT_THAT(batch.multi_vectors[2], IsEmpty());
  ASSERT_EQ(batch.sparse.size(), 4U);
  EXPECT_THAT(batch.sparse[1], IsEmpty());
  EXPECT_EQ(batch.sparse[2].at("s").ShortDebugString(), "indices: 7 values: 1");
}

TEST_F(PointSourceTest, SkippedRowsLeaveTheRestAligned) {
  const std::string path = WriteMatrix("base.npy");
  const std::string lines = Write("other.jsonl", "{\"id\": 1}\n{\"id\": 2}\n{\"id\": 3}\n");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto source,
                               PointSource::Open({.path = path, .points = lines}));
  EXPECT_THAT(source->Skip(2), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch batch, source->Next(5));
  EXPECT_EQ(batch.first, 2U);
  EXPECT_THAT(batch.vectors, ElementsAre(5, 6));
  EXPECT_THAT(Ids(batch), ElementsAre("num: 3"));
  EXPECT_THAT(source->Skip(100), IsOk());
  ALIDADE_ASSERT_OK_AND_ASSIGN(const PointBatch end, source->Next(5));
  EXPECT_THAT(end.ids, IsEmpty());
}

TEST_F(PointSourceTest, ErrorsNameTheFileAndTheLine) {
  const std::string matrix = WriteMatrix("base.npy");
  struct Case {
    std::string lines;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"{\"id\": 1}\nnonsense\n{\"id\": 3}\n", "lines.jsonl:2: no JSON object with an \"id\""},
      {"{\"id\": 1}\n{\"payload\": {}}\n{\"id\": 3}\n", "lines.jsonl:2: no JSON object"},
      {"{\"id\": 1}\n{\"id\": -2}\n{\"id\": 3}\n", "lines.jsonl:2: \"id\" is neither"},
      {"{\"id\": 1.5}\n", "lines.jsonl:1: \"id\" is neither"},
      {"{\"id\": 1, \"payload\": [1]}\n", "lines.jsonl:1: a JSON object is wanted"},
      {"{\"id\": 1}\n{\"id\": 2}\n", "lines.jsonl ends at line 2, there are 3 rows"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.lines);
    const std::string lines = Write("lines.jsonl", c.lines);
    EXPECT_THAT(Read({.path = matrix, .points = lines}),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
  EXPECT_THAT(Read({.path = matrix, .points = Path("missing.jsonl")}),
              StatusIs(StatusCode::kNotFound));
  for (const Case& c : std::vector<Case>{
           {"{\"id\": 1}\n", "all.jsonl:1: no object with \"id\", and \"vector\" or \"sparse\""},
           {"{\"id\": 1, \"vector\": [1, 2]}\n{\"id\": 2, \"vector\": [1]}\n",
            "all.jsonl:2: \"vector\" is no list of 2 numbers"},
           {"{\"id\": 1, \"sparse\": {}}\n{\"id\": 2, \"vector\": [1]}\n",
            "all.jsonl:2: has a \"vector\", the first line has none"},
           {"{\"id\": 1, \"sparse\": [1]}\n", "all.jsonl:1: \"sparse\" is no object"},
           {"{\"id\": 1, \"sparse\": {\"s\": {\"x\": 1}}}\n",
            "all.jsonl:1: \"sparse\", \"s\": \"x\" is no index"},
           {"{\"id\": 1, \"vector\": [1]}\n{\"id\": 2, \"vector\": [1], \"multi_vectors\": "
            "[[1]]}\n",
            "all.jsonl:2: \"multi_vectors\" is no object of vectors by name"},
           {"{\"id\": 1, \"vector\": [1], \"multi_vectors\": {\"m\": [[1, 2], [1]]}}\n",
            "all.jsonl:1: \"multi_vectors\", \"m\": a multi-vector has a vector that is no list"},
           {"{\"id\": 1, \"vector\": [1], \"multi_vectors\": {\"m\": []}}\n",
            "all.jsonl:1: \"multi_vectors\", \"m\": a multi-vector is a list"},
           {"{\"id\": 1, \"vector\": [1, \"2\"]}\n",
            "all.jsonl:1: \"vector\" is no list of 2 numbers"},
           {"{\"id\": 1, \"vector\": [1, 2]}\n{\"id\": 2}\n",
            "all.jsonl:2: \"vector\" is no list of 2 numbers"}}) {
    SCOPED_TRACE(c.lines);
    EXPECT_THAT(Read({.path = Write("all.jsonl", c.lines), .points = ""}),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

}  // namespace
}  // namespace alidade
