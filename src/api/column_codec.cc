#include "column_codec.h"

#include <bit>
#include <cstring>
#include <set>
#include <span>
#include <string>

#include <fmt/format.h>

#include "alidade/text/sparse_vector.h"
#include "alidade/vec/multi_vector.h"

#include "point_codec.h"

namespace alidade {
namespace {

static_assert(std::endian::native == std::endian::little);

// Numbers of four bytes, as they lie in the message. A string's bytes are aligned to at least
// eight.
template <typename Number>
std::span<const Number> NumbersOf(const std::string& bytes) {
  static_assert(sizeof(Number) == 4);
  return {reinterpret_cast<const Number*>(bytes.data()), bytes.size() / sizeof(Number)};
}

// At most so many columns, with names that differ.
template <typename Column>
Status CheckNames(const google::protobuf::RepeatedPtrField<Column>& in,
                  uint32_t max,
                  const FieldPath& path) {
  if (static_cast<uint32_t>(in.size()) > max) {
    return FieldError(path.ToString(), "has {} fields, the limit is {}", in.size(), max);
  }
  std::set<std::string> names;
  for (int c = 0; c < in.size(); ++c) {
    const FieldPath column = path.At(static_cast<size_t>(c));
    const FieldPath name = column.Field("field");
    ALIDADE_RETURN_IF_ERROR(CheckName(in[c].field(), name));
    if (!names.insert(in[c].field()).second) {
      return FieldError(name.ToString(), "\"{}\" is given a second time", in[c].field());
    }
  }
  return OkStatus();
}

Status CheckSparseColumn(const v1::SparseVectorColumn& in, size_t rows, const FieldPath& path) {
  if (in.indices().size() % sizeof(uint32_t) != 0) {
    return FieldError(path.Field("indices").ToString(),
                      "has {} bytes, which is no multiple of {}",
                      in.indices().size(),
                      sizeof(uint32_t));
  }
  const size_t entries = in.indices().size() / sizeof(uint32_t);
  if (in.values().size() != entries * sizeof(float)) {
    return FieldError(path.Field("values").ToString(),
                      "has {} bytes; {} indices need {}",
                      in.values().size(),
                      entries,
                      entries * sizeof(float));
  }
  const FieldPath at = path.Field("offsets");
  if (in.offsets().size() != (rows + 1) * sizeof(uint32_t)) {
    return FieldError(at.ToString(),
                      "has {} bytes; {} rows need {}",
                      in.offsets().size(),
                      rows,
                      (rows + 1) * sizeof(uint32_t));
  }
  const auto offsets = NumbersOf<uint32_t>(in.offsets());
  if (offsets.front() != 0) {
    return FieldError(at.ToString(), "begins with {}; it has to be 0", offsets.front());
  }
  for (size_t row = 0; row < rows; ++row) {
    if (offsets[row + 1] < offsets[row]) {
      return FieldError(
          at.ToString(), "row {}: falls from {} to {}", row, offsets[row], offsets[row + 1]);
    }
  }
  if (offsets.back() != entries) {
    return FieldError(at.ToString(), "ends with {}, there are {} indices", offsets.back(), entries);
  }
  return OkStatus();
}

// A complaint of MakeSparseVector about "row" as one about the column.
Status AboutRow(const Status& status, size_t row, const FieldPath& column) {
  const std::string field = FieldOf(status).value_or("");  // row.indices, row.values[3]
  const std::string message = MessageOf(status).substr(field.size() + 2);
  const size_t bracket = field.find('[');
  if (bracket == std::string::npos) {
    return FieldError(column.Field("indices").ToString(), "row {}: {}", row, message);
  }
  return FieldError(column.Field("values").ToString(),
                    "row {}, element {}: {}",
                    row,
                    field.substr(bracket + 1, field.size() - bracket - 2),
                    message);
}

}  // namespace

Status DecodeSparseColumns(const google::protobuf::RepeatedPtrField<v1::SparseVectorColumn>& in,
                           const FieldPath& path,
                           std::vector<UpsertPoint>& points) {
  ALIDADE_RETURN_IF_ERROR(CheckNames(in, kSparseFieldsMax, path));
  for (int c = 0; c < in.size(); ++c) {
    const FieldPath column = path.At(static_cast<size_t>(c));
    ALIDADE_RETURN_IF_ERROR(CheckSparseColumn(in[c], points.size(), column));
    const auto offsets = NumbersOf<uint32_t>(in[c].offsets());
    const auto indices = NumbersOf<uint32_t>(in[c].indices());
    const auto values = NumbersOf<float>(in[c].values());
    for (size_t row = 0; row < points.size(); ++row) {
      const size_t begin = offsets[row];
      const size_t count = offsets[row + 1] - begin;
      if (count == 0) {
        continue;
      }
      const auto row_indices = indices.subspan(begin, count);
      const auto row_values = values.subspan(begin, count);
      auto vector = MakeSparseVector(
          {row_indices.begin(), row_indices.end()}, {row_values.begin(), row_values.end()}, "row");
      if (!vector.ok()) {
        return AboutRow(vector.status(), row, column);
      }
      points[row].sparse_vectors[in[c].field()] = *std::move(vector);
    }
  }
  return OkStatus();
}

Status DecodeMultiVectorColumns(const google::protobuf::RepeatedPtrField<v1::MultiVectorColumn>& in,
                                const FieldPath& path,
                                std::vector<UpsertPoint>& points) {
  ALIDADE_RETURN_IF_ERROR(CheckNames(in, kMultiVectorFieldsMax, path));
  for (int c = 0; c < in.size(); ++c) {
    const FieldPath column = path.At(static_cast<size_t>(c));
    const FieldPath counts = column.Field("counts");
    const auto& numbers = in[c].counts();
    if (static_cast<size_t>(numbers.size()) != points.size()) {
      return FieldError(
          counts.ToString(), "has {} entries for {} ids", numbers.size(), points.size());
    }
    size_t vectors = 0;
    for (int i = 0; i < numbers.size(); ++i) {
      if (numbers[i] > kMultiVectorRowsMax) {
        return FieldError(counts.At(static_cast<size_t>(i)).ToString(),
                          "is {}, the limit is {}",
                          numbers[i],
                          kMultiVectorRowsMax);
      }
      vectors += numbers[i];
    }
    const std::string& data = in[c].data();
    const size_t vector_bytes = vectors == 0 ? 0 : data.size() / vectors;
    if (data.size() != vectors * vector_bytes || vector_bytes % sizeof(float) != 0 ||
        (vectors > 0 && vector_bytes == 0) || vector_bytes / sizeof(float) > kDimensionHardMax) {
      return FieldError(column.Field("data").ToString(),
                        "has {} bytes, which is no matrix of {} vectors of 1 to {} float32",
                        data.size(),
                        vectors,
                        kDimensionHardMax);
    }
    size_t begin = 0;
    for (size_t row = 0; row < points.size(); ++row) {
      const uint32_t count = numbers[static_cast<int>(row)];
      if (count == 0) {
        continue;
      }
      MultiVector& vector = points[row].multi_vectors[in[c].field()];
      vector.rows = count;
      vector.values.resize(count * vector_bytes / sizeof(float));
      std::memcpy(vector.values.data(), data.data() + begin, count * vector_bytes);
      begin += count * vector_bytes;
    }
  }
  return OkStatus();
}

}  // namespace alidade
