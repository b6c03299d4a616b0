#include "stored_points.h"

#include <bit>
#include <cstring>
#include <utility>

#include "alidade/collection/payload_selection.h"

namespace alidade {

std::vector<float> FloatsOf(std::string_view bytes) {
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
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
    ALIDADE_ASSIGN_OR_RETURN(const auto vectors, ReadField(parts.fields[k], rows));
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::optional<std::string>& bytes = vectors[i];
      if (!bytes.has_value()) {
        continue;
      }
      if (parts.fields[k].kind == FieldRef::Kind::kDense) {
        out[i].vectors[parts.names[k]] = FloatsOf(*bytes);
      } else {
        ALIDADE_ASSIGN_OR_RETURN(out[i].sparse_vectors[parts.names[k]], DecodeSparseVector(*bytes));
      }
    }
  }
  return OkStatus();
}

StatusOr<std::vector<std::optional<std::string>>> StoredPoints::ReadField(
    FieldRef field, const std::vector<RowNo>& rows) const {
  const FieldId id = field.kind == FieldRef::Kind::kDense ? schema_.fields[field.index].id
                                                          : schema_.sparse_fields[field.index].id;
  return store_.GetVectors(space_, id, rows, snapshot_);
}

StatusOr<std::vector<uint32_t>> StoredPoints::Present(uint32_t asked,
                                                      const std::vector<RowNo>& rows) {
  std::vector<uint32_t> present(rows.size(), 0);
  for (; asked != 0; asked &= asked - 1) {
    const auto bit = static_cast<uint32_t>(std::countr_zero(asked));
    const FieldRef field = bit < kSparseBitsBegin
                               ? FieldRef{FieldRef::Kind::kDense, bit}
                               : FieldRef{FieldRef::Kind::kSparse, bit - kSparseBitsBegin};
    ALIDADE_ASSIGN_OR_RETURN(const auto vectors, ReadField(field, rows));
    for (size_t i = 0; i < rows.size(); ++i) {
      present[i] |= vectors[i].has_value() ? uint32_t{1} << bit : 0;
    }
  }
  return present;
}

}  // namespace alidade
