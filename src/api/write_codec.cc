#include "write_codec.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "alidade/common/payload_codec.h"
#include "alidade/common/point_id.h"
#include "alidade/vec/element.h"

#include "column_codec.h"
#include "field_codec.h"
#include "field_path.h"
#include "point_codec.h"
#include "value_codec.h"

namespace alidade {
namespace {

Status CheckBatchSize(size_t rows, const Limits& limits, const FieldPath& path) {
  if (rows == 0) {
    return FieldError(path.ToString(), "is empty");
  }
  if (rows > limits.batch_rows_max) {
    return FieldError(
        path.ToString(), "has {} points, the limit is {}", rows, limits.batch_rows_max);
  }
  return OkStatus();
}

const std::string& EmptyPayload() {
  static const std::string bytes = [] {
    std::string out;
    EncodeObject(Object(), out);
    return out;
  }();
  return bytes;
}

// Position of `name` in `names`, added if it is new.
StatusOr<size_t> FieldPosition(const std::string& name,
                               const FieldPath& path,
                               std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) {
    return static_cast<size_t>(found - names.begin());
  }
  ALIDADE_RETURN_IF_ERROR(CheckName(name, path));
  if (names.size() >= kVectorFieldsMax) {
    return FieldError(
        path.ToString(), "the batch names more than {} vector fields", kVectorFieldsMax);
  }
  names.push_back(name);
  return names.size() - 1;
}

Status DecodeRows(const v1::PointRows& in, const Limits& limits, UpsertRequest& out) {
  const FieldPath rows("rows");
  const FieldPath list = rows.Field("points");
  const auto count = static_cast<size_t>(in.points_size());
  ALIDADE_RETURN_IF_ERROR(CheckBatchSize(count, limits, list));
  out.points.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const v1::Point& source = in.points(static_cast<int>(i));
    const FieldPath path = list.At(i);
    UpsertPoint& point = out.points[i];
    ALIDADE_ASSIGN_OR_RETURN(point.id, DecodePointId(source.id(), path.Field("id")));
    if (source.has_payload()) {
      ALIDADE_ASSIGN_OR_RETURN(point.payload,
                               DecodePayloadBytes(source.payload(), limits, path.Field("payload")));
    } else {
      point.payload = EmptyPayload();
    }
    point.vectors.resize(out.field_names.size());
    const FieldPath vectors = path.Field("vectors");
    for (const auto& [name, vector] : source.vectors()) {
      const FieldPath at = vectors.Key(name);
      ALIDADE_ASSIGN_OR_RETURN(const size_t position, FieldPosition(name, at, out.field_names));
      point.vectors.resize(out.field_names.size());
      ALIDADE_ASSIGN_OR_RETURN(point.vectors[position], DecodeVector(vector, at));
    }
    const FieldPath sparse = path.Field("sparse_vectors");
    if (static_cast<uint32_t>(source.sparse_vectors_size()) > kSparseFieldsMax) {
      return FieldError(sparse.ToString(),
                        "has {} fields, the limit is {}",
                        source.sparse_vectors_size(),
                        kSparseFieldsMax);
    }
    for (const auto& [name, vector] : source.sparse_vectors()) {
      const FieldPath at = sparse.Key(name);
      ALIDADE_RETURN_IF_ERROR(CheckName(name, at));
      ALIDADE_ASSIGN_OR_RETURN(point.sparse_vectors[name], DecodeSparse(vector, at));
    }
    const FieldPath multi = path.Field("multi_vectors");
    if (static_cast<uint32_t>(source.multi_vectors_size()) > kMultiVectorFieldsMax) {
      return FieldError(multi.ToString(),
                        "has {} fields, the limit is {}",
                        source.multi_vectors_size(),
                        kMultiVectorFieldsMax);
    }
    for (const auto& [name, vector] : source.multi_vectors()) {
      const FieldPath at = multi.Key(name);
      ALIDADE_RETURN_IF_ERROR(CheckName(name, at));
      ALIDADE_ASSIGN_OR_RETURN(point.multi_vectors[name], DecodeMulti(vector, at));
    }
  }
  for (UpsertPoint& point : out.points) {
    point.vectors.resize(out.field_names.size());
  }
  return OkStatus();
}

Status DecodeColumnIds(const v1::PointColumns& in, const Limits& limits, UpsertRequest& out) {
  const FieldPath columns("columns");
  switch (in.ids_case()) {
    case v1::PointColumns::kNumberIds: {
      const FieldPath numbers = columns.Field("number_ids");
      const auto count = static_cast<size_t>(in.number_ids().values_size());
      ALIDADE_RETURN_IF_ERROR(CheckBatchSize(count, limits, numbers.Field("values")));
      out.points.resize(count);
      for (size_t i = 0; i < count; ++i) {
        out.points[i].id =
            PointId(static_cast<uint64_t>(in.number_ids().values(static_cast<int>(i))));
      }
      return OkStatus();
    }
    case v1::PointColumns::kStringIds: {
      const FieldPath strings = columns.Field("string_ids");
      const FieldPath list = strings.Field("values");
      const auto count = static_cast<size_t>(in.string_ids().values_size());
      ALIDADE_RETURN_IF_ERROR(CheckBatchSize(count, limits, list));
      out.points.resize(count);
      for (size_t i = 0; i < count; ++i) {
        const std::string& text = in.string_ids().values(static_cast<int>(i));
        if (const Status status = ValidateTextId(text); !status.ok()) {
          return FieldError(list.At(i).ToString(), "{}", MessageOf(status));
        }
        out.points[i].id = PointId(text);
      }
      return OkStatus();
    }
    case v1::PointColumns::IDS_NOT_SET:
      break;
  }
  return FieldError(columns.ToString(), "has neither `number_ids` nor `string_ids`");
}

// The matrix as floats: in place if it is float32, else widened into a block that `backing` keeps.
StatusOr<std::span<const float>> DecodeMatrix(const v1::VectorColumn& in,
                                              size_t rows,
                                              const FieldPath& path,
                                              std::vector<std::vector<float>>& backing) {
  // The numbers of both enums of the wire are those of the disk.
  static_assert(static_cast<int>(ElementType::kFloat32) == v1::ELEMENT_TYPE_FLOAT32 &&
                static_cast<int>(ElementType::kFloat16) == v1::ELEMENT_TYPE_FLOAT16 &&
                static_cast<int>(ElementType::kBfloat16) == v1::ELEMENT_TYPE_BFLOAT16 &&
                v1::ElementType_MAX == v1::ELEMENT_TYPE_BFLOAT16);
  ALIDADE_ASSIGN_OR_RETURN(const ElementType element,
                           DecodeElement(in.element_type(), path.Field("element_type")));
  const size_t element_bytes = ElementBytes(element);
  const std::string& data = in.data();
  if (data.empty() || data.size() % (rows * element_bytes) != 0) {
    return FieldError(path.Field("data").ToString(),
                      "has {} bytes, which is no positive multiple of {} rows x {} bytes",
                      data.size(),
                      rows,
                      element_bytes);
  }
  const size_t elements = data.size() / element_bytes;
  if (elements / rows > kDimensionHardMax) {
    return FieldError(path.Field("data").ToString(),
                      "has {} elements a row, the limit is {}",
                      elements / rows,
                      kDimensionHardMax);
  }
  if (element == ElementType::kFloat32) {
    return std::span<const float>(reinterpret_cast<const float*>(data.data()), elements);
  }
  std::vector<float>& wide = backing.emplace_back(elements);
  ToFloats(data.data(), element, wide.data(), elements);
  return std::span<const float>(wide);
}

Status DecodeColumns(const v1::PointColumns& in, const Limits& limits, UpsertRequest& out) {
  ALIDADE_RETURN_IF_ERROR(DecodeColumnIds(in, limits, out));
  const size_t rows = out.points.size();
  const FieldPath columns("columns");
  const FieldPath vectors = columns.Field("vectors");
  if (static_cast<uint32_t>(in.vectors_size()) > kVectorFieldsMax) {
    return FieldError(
        vectors.ToString(), "has {} fields, the limit is {}", in.vectors_size(), kVectorFieldsMax);
  }
  auto backing = std::make_shared<std::vector<std::vector<float>>>();
  backing->reserve(static_cast<size_t>(in.vectors_size()));
  for (int c = 0; c < in.vectors_size(); ++c) {
    const FieldPath path = vectors.At(static_cast<size_t>(c));
    const FieldPath name = path.Field("field");
    ALIDADE_ASSIGN_OR_RETURN(const size_t position,
                             FieldPosition(in.vectors(c).field(), name, out.field_names));
    if (position != static_cast<size_t>(c)) {
      return FieldError(name.ToString(), "\"{}\" is given a second time", in.vectors(c).field());
    }
    ALIDADE_ASSIGN_OR_RETURN(const std::span<const float> matrix,
                             DecodeMatrix(in.vectors(c), rows, path, *backing));
    const size_t dim = matrix.size() / rows;
    for (size_t i = 0; i < rows; ++i) {
      out.points[i].vectors.push_back(matrix.subspan(i * dim, dim));
    }
  }
  out.backing = std::move(backing);
  ALIDADE_RETURN_IF_ERROR(
      DecodeSparseColumns(in.sparse_vectors(), columns.Field("sparse_vectors"), out.points));
  ALIDADE_RETURN_IF_ERROR(
      DecodeMultiVectorColumns(in.multi_vectors(), columns.Field("multi_vectors"), out.points));

  const FieldPath payloads = columns.Field("payloads");
  const auto payload_count = static_cast<size_t>(in.payloads_size());
  if (payload_count != 0 && payload_count != rows) {
    return FieldError(payloads.ToString(),
                      "has {} entries for {} ids; give none or one each",
                      payload_count,
                      rows);
  }
  for (size_t i = 0; i < rows; ++i) {
    if (payload_count == 0) {
      out.points[i].payload = EmptyPayload();
    } else {
      ALIDADE_ASSIGN_OR_RETURN(
          out.points[i].payload,
          DecodePayloadBytes(in.payloads(static_cast<int>(i)), limits, payloads.At(i)));
    }
  }
  return OkStatus();
}

// Takes `text` from the front of `rest`; false if it is not there.
bool Take(std::string_view text, std::string_view& rest) {
  if (!rest.starts_with(text)) {
    return false;
  }
  rest.remove_prefix(text.size());
  return true;
}

// Takes what comes before `end`, and `end`.
bool TakeUntil(std::string_view end, std::string_view& rest, std::string_view& taken) {
  const size_t at = rest.find(end);
  if (at == std::string_view::npos) {
    return false;
  }
  taken = rest.substr(0, at);
  rest.remove_prefix(at + end.size());
  return true;
}

// The column of this field, among those that the message has at `list`.
template <typename Columns>
std::string ColumnPath(const Columns& columns, std::string_view list, std::string_view name) {
  const auto found = std::find_if(
      columns.begin(), columns.end(), [&](const auto& column) { return column.field() == name; });
  return fmt::format("columns.{}[{}]", list, found - columns.begin());
}

// The first of the rows that has a vector of this field.
std::string FirstUsePath(const v1::UpsertPointsRequest& in, std::string_view name) {
  const auto& points = in.rows().points();
  const auto found = std::find_if(points.begin(), points.end(), [&](const auto& point) {
    return point.vectors().contains(std::string(name));
  });
  return fmt::format("rows.points[{}].vectors[\"{}\"]", found - points.begin(), name);
}

// The same status about `field` instead of `old`; `place` says where in it.
Status WithField(const Status& status,
                 const std::string& old,
                 const std::string& field,
                 const std::string& place = "") {
  const std::string message = MessageOf(status).substr(old.size() + 2);  // behind "<old>: "
  const Status moved = MakeFieldError(field, place.empty() ? message : place + ": " + message);
  const std::optional<std::string> reason = ReasonOf(status);
  return reason.has_value() ? WithReason(moved, *reason) : moved;
}

Status DecodeConditions(const v1::UpsertPointsRequest& in, UpsertRequest& out) {
  switch (in.mode()) {
    case v1::UPSERT_MODE_UNSPECIFIED:
    case v1::UPSERT_MODE_UPSERT:
      break;
    case v1::UPSERT_MODE_INSERT_ONLY:
      out.mode = UpsertMode::kInsertOnly;
      break;
    case v1::UPSERT_MODE_UPDATE_ONLY:
      out.mode = UpsertMode::kUpdateOnly;
      break;
    default:
      return FieldError("mode", "{} is not known to this server", static_cast<int>(in.mode()));
  }
  ALIDADE_ASSIGN_OR_RETURN(out.if_seqs,
                           DecodeIfSeqs(in.if_seqs(), out.points.size(), FieldPath("if_seqs")));
  if (!out.if_seqs.empty() && out.mode != UpsertMode::kUpsert) {
    return FieldError("mode", "must be UPSERT if there are `if_seqs`");
  }
  return OkStatus();
}

}  // namespace

StatusOr<UpsertRequest> DecodeUpsert(const v1::UpsertPointsRequest& in,
                                     const Limits& limits,
                                     Durability default_durability) {
  UpsertRequest out;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.collection(), FieldPath("collection")));
  out.collection = in.collection();
  ALIDADE_ASSIGN_OR_RETURN(
      out.options, DecodeWriteOptions(in.request_id(), in.durability(), default_durability));
  switch (in.batch_case()) {
    case v1::UpsertPointsRequest::kRows:
      ALIDADE_RETURN_IF_ERROR(DecodeRows(in.rows(), limits, out));
      break;
    case v1::UpsertPointsRequest::kColumns:
      ALIDADE_RETURN_IF_ERROR(DecodeColumns(in.columns(), limits, out));
      break;
    case v1::UpsertPointsRequest::BATCH_NOT_SET:
      return FieldError("batch", "has neither `rows` nor `columns`");
  }
  ALIDADE_RETURN_IF_ERROR(DecodeConditions(in, out));
  return out;
}

Status WithWirePath(const Status& status, const v1::UpsertPointsRequest& in) {
  const std::optional<std::string> field = FieldOf(status);
  if (!field.has_value()) {
    return status;
  }
  const v1::PointColumns& columns = in.columns();
  std::string_view rest = *field;
  std::string_view name;
  if (Take("field_names[\"", rest) && TakeUntil("\"]", rest, name)) {
    return WithField(status,
                     *field,
                     in.has_columns() ? ColumnPath(columns.vectors(), "vectors", name) + ".field"
                                      : FirstUsePath(in, name));
  }
  if (!Take("points[", rest)) {
    return status;
  }
  std::string_view row;
  std::string_view list;
  if (!in.has_columns() || !TakeUntil("].", rest, row) || !TakeUntil("[\"", rest, list) ||
      !TakeUntil("\"]", rest, name)) {
    return WithFieldPrefix(status, in.has_columns() ? "columns" : "rows");
  }
  if (list == "sparse_vectors") {  // there is no such field, all else the decoder has seen
    return WithField(status, *field, ColumnPath(columns.sparse_vectors(), list, name) + ".field");
  }
  std::string place = fmt::format("row {}", row);
  std::string_view part;
  if (Take(".rows[", rest) && TakeUntil("]", rest, part)) {
    place += fmt::format(", vector {}", part);
  }
  const bool of_values = list == "vectors" || !part.empty();
  if (Take("[", rest) && TakeUntil("]", rest, part)) {
    place += fmt::format(", element {}", part);
  }
  const std::string column = list == "vectors" ? ColumnPath(columns.vectors(), list, name)
                                               : ColumnPath(columns.multi_vectors(), list, name);
  return WithField(status, *field, of_values ? column + ".data" : column, place);
}

}  // namespace alidade
