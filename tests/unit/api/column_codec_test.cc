// Columns of sparse vectors and of multi-vectors.
#include "column_codec.h"

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "codec_testing.h"
#include "write_codec.h"

namespace alidade {
namespace {

using testing::HasSubstr;

template <typename Number>
std::string BytesOf(const std::vector<Number>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()),
                     numbers.size() * sizeof(Number));
}

// Points 1, 2, 3 without vectors.
v1::UpsertPointsRequest ThreeColumns() {
  return Parse<v1::UpsertPointsRequest>(
      "collection: \"c\" columns { number_ids { values: [ 1, 2, 3 ] } }");
}

v1::SparseVectorColumn& AddSparse(v1::UpsertPointsRequest& request,
                                  const std::vector<uint32_t>& offsets,
                                  const std::vector<uint32_t>& indices,
                                  const std::vector<float>& values) {
  v1::SparseVectorColumn& column = *request.mutable_columns()->add_sparse_vectors();
  column.set_field("s" + std::to_string(request.columns().sparse_vectors_size()));
  column.set_offsets(BytesOf(offsets));
  column.set_indices(BytesOf(indices));
  column.set_values(BytesOf(values));
  return column;
}

v1::MultiVectorColumn& AddMulti(v1::UpsertPointsRequest& request,
                                const std::vector<uint32_t>& counts,
                                const std::vector<float>& values) {
  v1::MultiVectorColumn& column = *request.mutable_columns()->add_multi_vectors();
  column.set_field("m" + std::to_string(request.columns().multi_vectors_size()));
  column.mutable_counts()->Add(counts.begin(), counts.end());
  column.set_data(BytesOf(values));
  return column;
}

TEST(ColumnCodec, DecodesColumnsOfSparseAndOfMultiVectors) {
  v1::UpsertPointsRequest request = ThreeColumns();
  AddSparse(request, {0, 2, 2, 3}, {9, 4, 0}, {1, -2, 0.5F});
  AddSparse(request, {0, 0, 0, 1}, {4'294'967'295}, {3});
  AddSparse(request, {0, 0, 0, 0}, {}, {});
  AddMulti(request, {1, 0, 2}, {1, 2, 3, 4, 5, 6});
  AddMulti(request, {0, 0, 0}, {});
  const auto decoded = DecodeUpsert(request, Limits(), Durability::kDurable);
  ASSERT_TRUE(decoded.ok()) << MessageOf(decoded.status());
  ASSERT_EQ(decoded->points.size(), 3U);
  using Sparse = std::map<std::string, SparseVector>;
  using Multi = std::map<std::string, MultiVector>;
  EXPECT_EQ(decoded->points[0].sparse_vectors, (Sparse{{"s1", {{4, 9}, {-2, 1}}}}));
  EXPECT_EQ(decoded->points[1].sparse_vectors, Sparse());
  EXPECT_EQ(decoded->points[2].sparse_vectors,
            (Sparse{{"s1", {{0}, {0.5F}}}, {"s2", {{4'294'967'295}, {3}}}}));
  EXPECT_EQ(decoded->points[0].multi_vectors, (Multi{{"m1", {1, {1, 2}}}}));
  EXPECT_EQ(decoded->points[1].multi_vectors, Multi());
  EXPECT_EQ(decoded->points[2].multi_vectors, (Multi{{"m1", {2, {3, 4, 5, 6}}}}));
}

TEST(ColumnCodec, RefusesBadColumnsOfSparseAndOfMultiVectors) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::string sparse = "columns.sparse_vectors[0]";
  const std::string multi = "columns.multi_vectors[0]";
  struct Case {
    const char* name;
    std::function<void(v1::UpsertPointsRequest&)> spoil;
    std::string field;
    std::string message;
  };
  const auto with_sparse = [](std::vector<uint32_t> offsets,
                              std::vector<uint32_t> indices,
                              std::vector<float> values) {
    return [=](v1::UpsertPointsRequest& request) { AddSparse(request, offsets, indices, values); };
  };
  const auto with_multi = [](std::vector<uint32_t> counts, std::vector<float> values) {
    return [=](v1::UpsertPointsRequest& request) { AddMulti(request, counts, values); };
  };
  const std::vector<Case> cases = {
      {"no offsets", with_sparse({}, {1}, {1}), sparse + ".offsets", "0 bytes; 3 rows need 16"},
      {"few offsets", with_sparse({0, 1, 1}, {1}, {1}), sparse + ".offsets", "3 rows need 16"},
      {"not from 0", with_sparse({1, 1, 1, 1}, {1}, {1}), sparse + ".offsets", "begins with 1"},
      {"falling",
       with_sparse({0, 2, 1, 2}, {1, 2}, {1, 1}),
       sparse + ".offsets",
       "row 1: falls from 2 to 1"},
      {"beyond the end",
       with_sparse({0, 1, 1, 9}, {1}, {1}),
       sparse + ".offsets",
       "ends with 9, there are 1 indices"},
      {"high in between",
       with_sparse({0, 4'000'000'000, 4'000'000'000, 4'000'000'000}, {1}, {1}),
       sparse + ".offsets",
       "ends with 4000000000"},
      {"before the end",
       with_sparse({0, 0, 0, 1}, {1, 2}, {1, 1}),
       sparse + ".offsets",
       "ends with 1"},
      {"fewer values", with_sparse({0, 0, 0, 1}, {1}, {}), sparse + ".values", "1 indices need 4"},
      {"twice",
       with_sparse({0, 0, 3, 3}, {1, 7, 7}, {1, 1, 1}),
       sparse + ".indices",
       "row 1: has 7 twice"},
      {"not finite",
       with_sparse({0, 1, 3, 3}, {1, 7, 8}, {1, 1, nan}),
       sparse + ".values",
       "row 1, element 1: is not finite"},
      {"too many entries",
       with_sparse(
           {0, 4'097, 4'097, 4'097}, std::vector<uint32_t>(4'097), std::vector<float>(4'097)),
       sparse + ".indices",
       "row 0: has 4097 entries"},
      {"half an index",
       [](auto& request) {
         AddSparse(request, {0, 0, 0, 0}, {}, {}).set_indices("123");
       },
       sparse + ".indices",
       "3 bytes"},
      {"no name",
       [](auto& request) {
         AddSparse(request, {0, 0, 0, 0}, {}, {}).clear_field();
       },
       sparse + ".field",
       "is empty"},
      {"a name twice",
       [](auto& request) {
         AddSparse(request, {0, 0, 0, 0}, {}, {});
         AddSparse(request, {0, 0, 0, 0}, {}, {}).set_field("s1");
       },
       "columns.sparse_vectors[1].field",
       "second time"},
      {"many fields",
       [](auto& request) {
         for (uint32_t i = 0; i <= kSparseFieldsMax; ++i) {
           AddSparse(request, {0, 0, 0, 0}, {}, {});
         }
       },
       "columns.sparse_vectors",
       "the limit is"},
      {"few counts", with_multi({1, 1}, {1, 2}), multi + ".counts", "2 entries for 3 ids"},
      {"a count too many", with_multi({0, 5'000, 0}, {1}), multi + ".counts[1]", "is 5000"},
      {"no data", with_multi({0, 1, 0}, {}), multi + ".data", "0 bytes"},
      {"data of no vectors", with_multi({0, 0, 0}, {1}), multi + ".data", "4 bytes"},
      {"no matrix", with_multi({1, 1, 1}, {1, 2, 3, 4}), multi + ".data", "16 bytes"},
      {"half an element",
       [](auto& request) {
         AddMulti(request, {1, 1, 0}, {}).set_data("123456");
       },
       multi + ".data",
       "6 bytes"},
      {"dimension",
       with_multi({1, 0, 0}, std::vector<float>(kDimensionHardMax + 1)),
       multi + ".data",
       "1 vectors"},
      {"no name of a multi-vector field",
       [](auto& request) {
         AddMulti(request, {0, 0, 0}, {}).set_field("../m");
       },
       multi + ".field",
       "letter or digit"},
      {"a multi-vector field twice",
       [](auto& request) {
         AddMulti(request, {0, 0, 0}, {});
         AddMulti(request, {0, 0, 0}, {}).set_field("m1");
       },
       "columns.multi_vectors[1].field",
       "second time"},
      {"many multi-vector fields",
       [](auto& request) {
         for (uint32_t i = 0; i <= kMultiVectorFieldsMax; ++i) {
           AddMulti(request, {0, 0, 0}, {});
         }
       },
       "columns.multi_vectors",
       "the limit is"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    v1::UpsertPointsRequest request = ThreeColumns();
    c.spoil(request);
    const Status status = DecodeUpsert(request, Limits(), Durability::kDurable).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(status), c.field);
    EXPECT_THAT(MessageOf(status), HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace alidade
