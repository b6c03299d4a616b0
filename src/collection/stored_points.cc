#include "stored_points.h"

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "alidade/collection/payload_selection.h"

namespace alidade {

std::vector<float> FloatsOf(std::string_view bytes) {
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

StatusOr<FieldIndex> FindFieldOrError(const Schema& schema,
                                      const std::string& name,
                                      const std::string& path) {
  if (name.empty()) {
    if (schema.fields.size() == 1) {
      return FieldIndex{0};
    }
    return FieldError(path, "must name one of the {} vector fields", schema.fields.size());
  }
  const std::optional<FieldIndex> found = schema.FindField(name);
  if (!found.has_value()) {
    std::string names;
    for (const VectorField& field : schema.fields) {
      names += (names.empty() ? "" : ", ") + field.name;
    }
    return FieldError(path, "there is no vector field \"{}\"; there are: {}", name, names);
  }
  return *found;
}

StatusOr<std::vector<FieldIndex>> FindFields(const Schema& schema,
                                             const std::vector<std::string>& names) {
  std::vector<FieldIndex> fields;
  for (const std::string& name : names) {
    ALIDADE_ASSIGN_OR_RETURN(const FieldIndex field,
                             FindFieldOrError(schema, name, "with_vectors"));
    fields.push_back(field);
  }
  return fields;
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
    ALIDADE_ASSIGN_OR_RETURN(
        auto vectors,
        store_.GetVectors(space_, schema_.fields[parts.fields[k]].id, rows, snapshot_));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (const std::optional<std::string>& bytes = vectors[i]; bytes.has_value()) {
        out[i].vectors[parts.names[k]] = FloatsOf(*bytes);
      }
    }
  }
  return OkStatus();
}

StatusOr<std::vector<uint32_t>> StoredPoints::Present(uint32_t asked,
                                                      const std::vector<RowNo>& rows) {
  std::vector<uint32_t> present(rows.size(), 0);
  for (; asked != 0; asked &= asked - 1) {
    const auto field = static_cast<FieldIndex>(std::countr_zero(asked));
    ALIDADE_ASSIGN_OR_RETURN(const auto vectors,
                             store_.GetVectors(space_, schema_.fields[field].id, rows, snapshot_));
    for (size_t i = 0; i < rows.size(); ++i) {
      present[i] |= vectors[i].has_value() ? uint32_t{1} << field : 0;
    }
  }
  return present;
}

}  // namespace alidade
