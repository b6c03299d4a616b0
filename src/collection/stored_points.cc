#include "stored_points.h"

#include <algorithm>
#include <utility>

#include "alidade/collection/payload_selection.h"

namespace alidade {

std::vector<float> FloatsOf(std::string_view bytes, ElementType element) {
  return VectorView{.data = bytes.data(),
                    .dim = static_cast<uint32_t>(bytes.size() / ElementBytes(element)),
                    .element = element}
      .Floats();
}

Status StoredPoints::Read(const std::vector<RowNo>& rows,
                          const PointParts& parts,
                          std::vector<Point>& out) {
  ALIDADE_ASSIGN_OR_RETURN(auto stored, store_.GetRows(space_, rows, snapshot_));
  out.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::optional<StoredRow>& row = stored[i];
    if (!row.has_value()) {
      return DataLoss("row {} is missing although its id is there", rows[i]);
    }
    out[i].id = std::move(row->id);
    out[i].seq = row->seq;
    ALIDADE_ASSIGN_OR_RETURN(out[i].payload, SelectPayload(row->payload, parts.payload));
  }
  for (size_t k = 0; k < parts.fields.size(); ++k) {
    ALIDADE_RETURN_IF_ERROR(ReadVectors(rows, parts.fields[k], parts.names[k], out));
  }
  return OkStatus();
}

Status StoredPoints::ReadVectors(const std::vector<RowNo>& rows,
                                 FieldRef field,
                                 const std::string& name,
                                 std::vector<Point>& out) {
  if (field.kind == FieldRef::Kind::kMultiVector) {
    ALIDADE_ASSIGN_OR_RETURN(auto vectors, ReadMultiVectors(field.index, rows));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (std::optional<MultiVector>& vector = vectors[i]; vector.has_value()) {
        out[i].multi_vectors[name] = std::move(*vector);
      }
    }
    return OkStatus();
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto vectors, ReadField(field, rows));
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::optional<std::string>& bytes = vectors[i];
    if (!bytes.has_value()) {
      continue;
    }
    if (field.kind == FieldRef::Kind::kDense) {
      out[i].vectors[name] = FloatsOf(*bytes, schema_.fields[field.index].element);
    } else {
      ALIDADE_ASSIGN_OR_RETURN(out[i].sparse_vectors[name], DecodeSparseVector(*bytes));
    }
  }
  return OkStatus();
}

StatusOr<std::vector<std::optional<std::string>>> StoredPoints::ReadField(
    FieldRef field, const std::vector<RowNo>& rows) const {
  return store_.GetVectors(space_, schema_.IdOf(field), rows, snapshot_);
}

StatusOr<std::vector<std::optional<MultiVector>>> StoredPoints::ReadMultiVectors(
    size_t field, const std::vector<RowNo>& rows) {
  constexpr size_t kRowsAtOnce = 16;  // of the largest, 64 MiB
  const MultiVectorField& spec = schema_.multi_vector_fields[field];
  std::vector<std::optional<MultiVector>> vectors(rows.size());
  for (size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
    const size_t end = std::min(rows.size(), first + kRowsAtOnce);
    const std::vector<RowNo> some(rows.begin() + static_cast<ptrdiff_t>(first),
                                  rows.begin() + static_cast<ptrdiff_t>(end));
    ALIDADE_ASSIGN_OR_RETURN(const auto stored,
                             ReadField({FieldRef::Kind::kMultiVector, field}, some));
    for (size_t i = first; i < end; ++i) {
      if (const std::optional<std::string>& bytes = stored[i - first]; bytes.has_value()) {
        multi_vector_bytes_ += bytes->size();
        ALIDADE_ASSIGN_OR_RETURN(vectors[i], DecodeMultiVector(*bytes, spec.dim));
      }
    }
    if (multi_vector_bytes_ > kMultiVectorReadBytesMax) {
      return WithReason(
          ResourceExhausted("the vectors of the field \"{}\" take more than {} bytes; ask for "
                            "those of fewer points at once",
                            spec.name,
                            kMultiVectorReadBytesMax),
          "REPLY_TOO_LARGE");
    }
  }
  return vectors;
}

StatusOr<uint32_t> StoredPoints::Present(uint32_t asked, RowNo row, const StoredRow& stored) const {
  if (stored.vectors.has_value()) {
    return *stored.vectors & asked;
  }
  uint32_t present = 0;
  for (; asked != 0; asked &= asked - 1) {
    const FieldRef field = FieldOfLowestBit(asked);
    ALIDADE_ASSIGN_OR_RETURN(const auto vectors, ReadField(field, {row}));
    present |= vectors[0].has_value() ? VectorBit(field) : 0U;
  }
  return present;
}

}  // namespace alidade
