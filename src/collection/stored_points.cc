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
