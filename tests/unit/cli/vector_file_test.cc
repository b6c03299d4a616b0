#include "vector_file.h"

#include <hdf5.h>

#include "data_files.h"

namespace alidade {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VectorFileTest : public DataFilesTest {
 protected:
  static std::vector<float> All(VectorFile& file) {
    std::vector<float> values(file.rows() * file.dim());
    EXPECT_THAT(file.Read(0, file.rows(), values.data()), IsOk());
    return values;
  }

  // Two rows of three, of HDF5's own type, with the attribute "distance".
  std::string WriteHdf(hid_t stored_type, bool variable_text) const {
    const std::string path = Path("set.hdf5");
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t shape[2] = {2, 3};
    const float values[6] = {1, 2, 3, 4, 5, 6};
    const hid_t space = H5Screate_simple(2, shape, nullptr);
    const hid_t set =
        H5Dcreate2(file, "train", stored_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    H5Dclose(set);
    H5Sclose(space);
    const hsize_t length[1] = {4};
    const hid_t line = H5Screate_simple(1, length, nullptr);
    const hid_t flat =
        H5Dcreate2(file, "flat", H5T_NATIVE_FLOAT, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(flat);
    H5Sclose(line);
    const hid_t text = H5Tcopy(H5T_C_S1);
    const std::string distance = "angular";
    const char* pointer = distance.c_str();
    EXPECT_GE(H5Tset_size(text, variable_text ? H5T_VARIABLE : distance.size() + 3), 0);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(file, "distance", text, scalar, H5P_DEFAULT, H5P_DEFAULT);
    char fixed[10] = "angular";
    EXPECT_GE(
        variable_text ? H5Awrite(attribute, text, &pointer) : H5Awrite(attribute, text, fixed), 0);
    H5Aclose(attribute);
    H5Sclose(scalar);
    H5Tclose(text);
    H5Fclose(file);
    return path;
  }
};

TEST_F(VectorFileTest, ReadsNpyOfEveryVersionAndType) {
  const std::vector<float> floats = {1, -2, 0.5F, 1e30F, 0, 6};
  // The same small numbers as IEEE binary16 and as integers.
  const std::vector<uint16_t> halves = {0x3C00, 0xC000, 0x3800, 0x7BFF, 0x0001, 0x4600};
  const std::vector<int32_t> integers = {1, -2, 3, 2'000'000, 0, -6};
  for (int version = 1; version <= 3; ++version) {
    SCOPED_TRACE(version);
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const auto f4,
        OpenVectorFile(Write("a.npy", Npy(version, NpyHeader("<f4", "(2, 3)"), BytesOf(floats))),
                       ""));
    EXPECT_EQ(f4->rows(), 2U);
    EXPECT_EQ(f4->dim(), 3U);
    EXPECT_EQ(All(*f4), floats);
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const auto f2,
        OpenVectorFile(Write("b.npy", Npy(version, NpyHeader("<f2", "(3, 2)"), BytesOf(halves))),
                       ""));
    EXPECT_THAT(All(*f2), ElementsAre(1, -2, 0.5F, 65'504, 0x1p-24F, 6));
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const auto i4,
        OpenVectorFile(Write("c.npy", Npy(version, NpyHeader("<i4", "(2, 3)"), BytesOf(integers))),
                       ""));
    EXPECT_THAT(All(*i4), ElementsAre(1, -2, 3, 2'000'000, 0, -6));
  }
}

TEST_F(VectorFileTest, ReadsRowsFromTheMiddleAndRefusesOthers) {
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const auto file,
      OpenVectorFile(
          Write("a.npy",
                Npy(1, NpyHeader("<f4", "(3, 2)"), BytesOf(std::vector<float>{1, 2, 3, 4, 5, 6}))),
          ""));
  std::vector<float> rows(4);
  EXPECT_THAT(file->Read(1, 2, rows.data()), IsOk());
  EXPECT_THAT(rows, ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(file->Read(3, 0, rows.data()), IsOk());
  EXPECT_THAT(file->Read(2, 2, rows.data()), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(file->Read(4, 0, rows.data()), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(file->Read(1, ~uint64_t{0}, rows.data()), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(VectorFileTest, RefusesNpyThatIsNoMatrixOfOurs) {
  struct Case {
    std::string name;
    std::string bytes;
    StatusCode code;
  };
  const std::string body(24, '\0');
  const auto invalid = StatusCode::kInvalidArgument;
  const std::string good = Npy(1, NpyHeader("<f4", "(2, 3)"), body);
  const std::vector<Case> cases = {
      {"empty", "", invalid},
      {"another magic", "PK\x03\x04" + body, invalid},
      {"version 0", Npy(0, NpyHeader("<f4", "(2, 3)"), body), invalid},
      {"version 4", Npy(4, NpyHeader("<f4", "(2, 3)"), body), invalid},
      {"float64", Npy(1, NpyHeader("<f8", "(1, 3)"), body), invalid},
      {"big-endian", Npy(1, NpyHeader(">f4", "(2, 3)"), body), invalid},
      {"objects", Npy(1, NpyHeader("|O", "(2, 3)"), body), invalid},
      {"no type", Npy(1, "{'fortran_order': False, 'shape': (2, 3), }", body), invalid},
      {"Fortran order", Npy(1, NpyHeader("<f4", "(2, 3)", "True"), body), invalid},
      {"no order", Npy(1, "{'descr': '<f4', 'shape': (2, 3), }", body), invalid},
      {"one dimension", Npy(1, NpyHeader("<f4", "(6,)"), body), invalid},
      {"no dimension", Npy(1, NpyHeader("<f4", "()"), body), invalid},
      {"three dimensions", Npy(1, NpyHeader("<f4", "(1, 2, 3)"), body), invalid},
      {"negative rows", Npy(1, NpyHeader("<f4", "(-2, 3)"), body), invalid},
      {"a dimension beyond 32 bits", Npy(1, NpyHeader("<f4", "(1, 4294967296)"), body), invalid},
      {"rows without elements", Npy(1, NpyHeader("<f4", "(2, 0)"), body), StatusCode::kDataLoss},
      {"a row too few", Npy(1, NpyHeader("<f4", "(3, 3)"), body), StatusCode::kDataLoss},
      {"rows that overflow",
       Npy(1, NpyHeader("<f4", "(9223372036854775807, 3)"), body),
       StatusCode::kDataLoss},
      {"cut in the body", good.substr(0, good.size() - 1), StatusCode::kDataLoss},
      {"cut in the header", good.substr(0, 40), StatusCode::kDataLoss},
      {"cut in the magic", good.substr(0, 11), invalid},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string path = Write("bad.npy", c.bytes);
    EXPECT_THAT(OpenVectorFile(path, "").status(), StatusIs(c.code, HasSubstr(path)));
  }
}

TEST_F(VectorFileTest, ReadsFvecsAndIvecs) {
  const int32_t dim = 2;
  std::string rows;
  std::string integers;
  for (int row = 0; row < 3; ++row) {
    rows += BytesOf(std::vector<int32_t>{dim}) +
            BytesOf(std::vector<float>{static_cast<float>(row), -0.5F});
    integers += BytesOf(std::vector<int32_t>{dim, row, 7});
  }
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto floats, OpenVectorFile(Write("a.fvecs", rows), ""));
  EXPECT_EQ(floats->rows(), 3U);
  EXPECT_EQ(floats->dim(), 2U);
  EXPECT_THAT(All(*floats), ElementsAre(0, -0.5F, 1, -0.5F, 2, -0.5F));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const auto ids, OpenVectorFile(Write("a.ivecs", integers), ""));
  EXPECT_THAT(All(*ids), ElementsAre(0, 7, 1, 7, 2, 7));

  const auto bad = [this](const std::string& bytes) {
    return OpenVectorFile(Write("bad.fvecs", bytes), "").status();
  };
  EXPECT_THAT(bad(""), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(bad("abc"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(bad(rows.substr(0, rows.size() - 1)), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(bad(std::string(12, '\0')), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(bad(BytesOf(std::vector<int32_t>{-1, 0, 0})), StatusIs(StatusCode::kInvalidArgument));
  std::string other = rows;
  other[12] = 3;
  EXPECT_THAT(bad(other), StatusIs(StatusCode::kInvalidArgument, HasSubstr("row 1")));
}

TEST_F(VectorFileTest, ReadsHdfOfAnyNumberType) {
  for (const hid_t type : {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I16LE}) {
    const std::string path = WriteHdf(type, /*variable_text=*/true);
    ALIDADE_ASSERT_OK_AND_ASSIGN(const auto file, OpenVectorFile(path, "train"));
    EXPECT_EQ(file->rows(), 2U);
    EXPECT_EQ(file->dim(), 3U);
    EXPECT_THAT(All(*file), ElementsAre(1, 2, 3, 4, 5, 6));
    std::vector<float> row(3);
    EXPECT_THAT(file->Read(1, 1, row.data()), IsOk());
    EXPECT_THAT(row, ElementsAre(4, 5, 6));
    EXPECT_THAT(file->Read(1, 2, row.data()), StatusIs(StatusCode::kDataLoss));
  }
}

TEST_F(VectorFileTest, ReadsAttributesOfHdf) {
  for (const bool variable : {true, false}) {
    const std::string path = WriteHdf(H5T_IEEE_F32LE, variable);
    EXPECT_EQ(HdfAttribute(path, "distance"), "angular");
    EXPECT_EQ(HdfAttribute(path, "nothing"), "");
    EXPECT_TRUE(HdfHas(path, "train"));
    EXPECT_FALSE(HdfHas(path, "test"));
  }
  EXPECT_EQ(HdfAttribute(Path("missing.hdf5"), "distance"), "");
  EXPECT_FALSE(HdfHas(Path("missing.hdf5"), "train"));
}

TEST_F(VectorFileTest, RefusesHdfThatIsNoMatrix) {
  const std::string path = WriteHdf(H5T_IEEE_F32LE, /*variable_text=*/false);
  EXPECT_THAT(OpenVectorFile(path, "test").status(), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(OpenVectorFile(path, "flat").status(), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(OpenVectorFile(Write("text.hdf5", "no HDF5 at all"), "train").status(),
              StatusIs(StatusCode::kInvalidArgument));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadWholeFile(path));
  EXPECT_THAT(
      OpenVectorFile(Write("cut.hdf5", bytes.substr(0, bytes.size() / 2)), "train").status(),
      AnyOf(StatusIs(StatusCode::kInvalidArgument), StatusIs(StatusCode::kNotFound)));
}

TEST_F(VectorFileTest, TheEndOfTheNameDecides) {
  EXPECT_THAT(OpenVectorFile(Write("a.csv", "1,2"), "").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("none of .npy")));
  EXPECT_THAT(OpenVectorFile(Path("missing.npy"), "").status(), StatusIs(StatusCode::kNotFound));
  EXPECT_TRUE(IsHdf("x.h5"));
  EXPECT_FALSE(IsHdf("x.hdf5.npy"));
}

}  // namespace
}  // namespace alidade
