// Data sets of every form, their truth, and sets that are refused.
#include "dataset.h"

#include <array>
#include <cmath>

#include <hdf5.h>

#include "data_files.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Matrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  std::vector<float> values;
};

const Matrix kBase = {3, 2, {0, 0, 3, 4, 6, 8}};
const Matrix kQueries = {2, 2, {0, 0, 3, 4}};
const Matrix kDistances = {2, 2, {0, 5, 0, 5}};

class DatasetTest : public DataFilesTest {
 protected:
  void WriteNpy(const std::string& name, const Matrix& matrix) const {
    const std::string shape =
        "(" + std::to_string(matrix.rows) + ", " + std::to_string(matrix.columns) + ")";
    Write(name, Npy(1, NpyHeader("<f4", shape), BytesOf(matrix.values)));
  }

  // Rows of TEXMEX form.
  template <typename T>
  void WriteVecs(const std::string& name, const std::vector<std::vector<T>>& rows) const {
    std::string bytes;
    for (const std::vector<T>& row : rows) {
      bytes += BytesOf(std::vector<uint32_t>{static_cast<uint32_t>(row.size())}) + BytesOf(row);
    }
    Write(name, bytes);
  }

  // A set of TEXMEX form in which the neighbours of the queries are these rows.
  void WriteTexmex(const std::vector<std::vector<int32_t>>& truth) const {
    WriteVecs<float>("x_base.fvecs", {{0, 0}, {3, 4}, {6, 8}});
    WriteVecs<float>("x_query.fvecs", {{0, 0}, {3, 4}});
    WriteVecs<int32_t>("x_groundtruth.ivecs", truth);
  }

  std::string WriteHdf(const std::vector<std::pair<std::string, Matrix>>& sets,
                       const std::string& distance) const {
    const std::string path = Path("set.hdf5");
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (const auto& [name, matrix] : sets) {
      const std::array<hsize_t, 2> shape = {matrix.rows, matrix.columns};
      const hid_t space = H5Screate_simple(2, shape.data(), nullptr);
      const hid_t set = H5Dcreate2(
          file, name.c_str(), H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      if (!matrix.values.empty()) {
        EXPECT_GE(
            H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, matrix.values.data()),
            0);
      }
      H5Dclose(set);
      H5Sclose(space);
    }
    if (!distance.empty()) {
      const hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, distance.size() + 1);
      const hid_t scalar = H5Screate(H5S_SCALAR);
      const hid_t attribute = H5Acreate2(file, "distance", text, scalar, H5P_DEFAULT, H5P_DEFAULT);
      EXPECT_GE(H5Awrite(attribute, text, distance.c_str()), 0);
      H5Aclose(attribute);
      H5Sclose(scalar);
      H5Tclose(text);
    }
    H5Fclose(file);
    return path;
  }
};

TEST_F(DatasetTest, ADirectoryOfNpyFilesIsRead) {
  WriteNpy("base.npy", kBase);
  WriteNpy("queries.npy", kQueries);
  ALIDADE_ASSERT_OK_AND_ASSIGN(Dataset set, OpenDataset(directory_));
  EXPECT_EQ(set.base, Path("base.npy"));
  EXPECT_EQ(set.dim, 2U);
  EXPECT_EQ(set.query_count, 2U);
  EXPECT_EQ(set.queries, kQueries.values);
  EXPECT_EQ(set.metric, "");
  EXPECT_EQ(set.depth, 0U);
  EXPECT_THAT(set.distances, IsEmpty());

  WriteNpy("distances.npy", kDistances);
  Write("dataset.json", R"({"metric": "dot", "rows": 3})");
  ALIDADE_ASSERT_OK_AND_ASSIGN(set, OpenDataset(directory_));
  EXPECT_EQ(set.metric, "dot");
  EXPECT_EQ(set.depth, 2U);
  EXPECT_EQ(set.KthDistance(1, 1), 0);
  EXPECT_EQ(set.KthDistance(1, 2), 5);
  EXPECT_EQ(set.Query(1)[1], 4);
  // Queries made for counting recall come before the others.
  Write("recall.f16.npy",
        Npy(1, NpyHeader("<f2", "(2, 2)"), BytesOf(std::vector<uint16_t>{0x3C00, 0, 0, 0x3C00})));
  ALIDADE_ASSERT_OK_AND_ASSIGN(set, OpenDataset(directory_));
  EXPECT_THAT(set.queries, ElementsAre(1, 0, 0, 1));
}

TEST_F(DatasetTest, ATexmexSetGetsItsDistancesFromItsRows) {
  WriteTexmex({{0, 1, 2}, {1, 0, 2}});
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Dataset set, OpenDataset(directory_));
  EXPECT_EQ(set.base, Path("x_base.fvecs"));
  EXPECT_EQ(set.metric, "l2");
  EXPECT_EQ(set.depth, 3U);
  EXPECT_THAT(set.distances,
              ElementsAre(FloatEq(0), FloatEq(5), FloatEq(10), FloatEq(0), FloatEq(5), FloatEq(5)));
}

TEST_F(DatasetTest, AnAnnBenchmarksFileIsRead) {
  struct Case {
    std::string distance;
    std::string metric;
  };
  for (const Case& c : {Case{"angular", "cosine"}, Case{"euclidean", "l2"}, Case{"", ""}}) {
    const std::string path =
        WriteHdf({{"train", kBase}, {"test", kQueries}, {"distances", kDistances}}, c.distance);
    ALIDADE_ASSERT_OK_AND_ASSIGN(const Dataset set, OpenDataset(path));
    EXPECT_EQ(set.base, path);
    EXPECT_EQ(set.metric, c.metric);
    EXPECT_EQ(set.queries, kQueries.values);
    EXPECT_EQ(set.distances, kDistances.values);
  }
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Dataset untold,
                               OpenDataset(WriteHdf({{"train", kBase}, {"test", kQueries}}, "")));
  EXPECT_EQ(untold.depth, 0U);
}

TEST_F(DatasetTest, BadHdfSetsAreRefused) {
  EXPECT_THAT(OpenDataset(WriteHdf({{"test", kQueries}}, "hamming")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("\"hamming\"")));
  EXPECT_THAT(OpenDataset(WriteHdf({{"train", kBase}}, "")),
              StatusIs(StatusCode::kNotFound, HasSubstr("no data set \"test\"")));
  EXPECT_THAT(OpenDataset(WriteHdf({{"test", kQueries}, {"distances", kBase}}, "")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("3 rows of distances for 2")));
  EXPECT_THAT(OpenDataset(WriteHdf({{"test", {0, 2, {}}}}, "")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("has no queries")));
  EXPECT_THAT(OpenDataset(WriteHdf({{"test", {1, 1U << 30, {}}}}, "")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("rows of 1073741824 elements")));
  EXPECT_THAT(OpenDataset(Write("text.hdf5", "no such thing")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("cannot be opened as HDF5")));
}

TEST_F(DatasetTest, BadDirectoriesAreRefused) {
  EXPECT_THAT(OpenDataset(Path("nowhere")),
              StatusIs(StatusCode::kNotFound, HasSubstr("has no base.npy")));
  WriteNpy("base.npy", kBase);
  EXPECT_THAT(OpenDataset(directory_), StatusIs(StatusCode::kNotFound, HasSubstr("has no recall")));
  WriteNpy("queries.npy", {0, 2, {}});
  EXPECT_THAT(OpenDataset(directory_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("has no queries")));
  WriteNpy("queries.npy", kQueries);
  WriteNpy("distances.npy", kBase);
  EXPECT_THAT(OpenDataset(directory_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("3 rows of distances for 2")));
  WriteNpy("distances.npy", kDistances);
  for (const std::string metric : {R"("hamming")", "7", "null", R"(["l2"])"}) {
    Write("dataset.json", R"({"metric": )" + metric + "}");
    EXPECT_THAT(OpenDataset(directory_),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("the metric " + metric)));
  }
  Write("dataset.json", "{");
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Dataset set, OpenDataset(directory_));
  EXPECT_EQ(set.metric, "");
}

TEST_F(DatasetTest, BadTexmexSetsAreRefused) {
  WriteTexmex({{0, 1}});
  EXPECT_THAT(OpenDataset(directory_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no truth of 2 queries over 3")));
  WriteTexmex({{0, 1}, {1, 3}});
  EXPECT_THAT(OpenDataset(directory_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("rows 3 to 4 of a file with 3")));
  WriteTexmex({{0, 1}, {-1, 1}});
  EXPECT_THAT(OpenDataset(directory_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("neighbour -1 of query 1")));
  WriteTexmex({{0, 1}, {1, 0}});
  ASSERT_THAT(RemoveTree(Path("x_query.fvecs")), IsOk());
  EXPECT_THAT(OpenDataset(directory_),
              StatusIs(StatusCode::kNotFound, HasSubstr("ends in query.fvecs")));
}

TEST(CountNearTest, CountsWhatIsAsNearAsTheKthRoundingApart) {
  EXPECT_EQ(CountNear({}, 1), 0U);
  EXPECT_EQ(CountNear({0.5F, 1, 1.5F}, 1), 2U);
  // Equal vectors are equally right, however many.
  EXPECT_EQ(CountNear({1, 1, 1}, 1), 3U);
  EXPECT_EQ(CountNear({1.000005F, 1.00002F}, 1), 1U);
  EXPECT_EQ(CountNear({1'000.005F, 1'000.02F}, 1'000), 1U);
  // Below one the tolerance is absolute; inner products are negative distances.
  EXPECT_EQ(CountNear({0.000005F, 0.00002F}, 0), 1U);
  EXPECT_EQ(CountNear({-7, -3, -2.9F}, -3), 2U);
  EXPECT_EQ(CountNear({NAN}, 1), 0U);
}

}  // namespace
}  // namespace alidade
