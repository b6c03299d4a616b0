#include "vectors_file.h"

#include <algorithm>
#include <vector>

namespace alidade {

uint32_t CountVectors(const RowSelection& selection, FieldIndex index) {
  uint32_t count = 0;
  for (const auto& [source, row] : selection.rows) {
    count += source->vector(index, row).has_value() ? 1U : 0U;
  }
  return count;
}

Status WriteVectorsBody(const RowSelection& selection,
                        const VectorField& field,
                        FieldIndex index,
                        const BuildProgress* progress,
                        SegmentFileWriter& out) {
  const auto rows = static_cast<uint32_t>(selection.rows.size());
  const auto vector_of = [&](RowId row) {
    return selection.rows[row].source->vector(index, selection.rows[row].row);
  };
  if (CountVectors(selection, index) != rows) {
    for (RowId row = 0; row < rows; ++row) {
      if (vector_of(row).has_value()) {
        ALIDADE_RETURN_IF_ERROR(out.Append(RawBytes(&row, 1)));
      }
    }
    ALIDADE_RETURN_IF_ERROR(out.AlignSection());
  }
  if (field.metric == Metric::kCosine) {
    std::vector<float> wide(field.dim);
    for (RowId row = 0; row < rows; ++row) {
      if (const VectorView vector = vector_of(row); vector.has_value()) {
        ToFloats(vector.data, vector.element, wide.data(), wide.size());
        const float inverse_norm = InverseNorm(wide.data(), field.dim);
        ALIDADE_RETURN_IF_ERROR(out.Append(RawBytes(&inverse_norm, 1)));
      }
    }
    ALIDADE_RETURN_IF_ERROR(out.AlignSection());
  }
  for (RowId row = 0; row < rows; ++row) {
    if (row % kCancelEveryRows == 0) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    }
    if (const VectorView vector = vector_of(row); vector.has_value()) {
      ALIDADE_RETURN_IF_ERROR(out.Append(vector.bytes()));
    }
  }
  return OkStatus();
}

StatusOr<VectorsBody> VectorsBody::Parse(std::string_view body,
                                         const VectorField& field,
                                         uint32_t count,
                                         uint32_t rows) {
  const bool cosine = field.metric == Metric::kCosine;
  const uint64_t norms_at = count == rows ? 0 : AlignSectionUp(uint64_t{count} * sizeof(uint32_t));
  const uint64_t matrix_at =
      norms_at + (cosine ? AlignSectionUp(uint64_t{count} * sizeof(float)) : 0);
  if (count == 0 || count > rows || body.size() != matrix_at + count * field.vector_bytes()) {
    return DataLoss("{} bytes are not {} vectors of dimension {} for {} rows",
                    body.size(),
                    count,
                    field.dim,
                    rows);
  }
  VectorsBody vectors;
  if (count != rows) {
    vectors.slot_rows_ = reinterpret_cast<const uint32_t*>(body.data());
    for (uint32_t slot = 0; slot < count; ++slot) {
      const uint32_t row = vectors.slot_rows_[slot];
      if (row >= rows || (slot > 0 && row <= vectors.slot_rows_[slot - 1])) {
        return DataLoss("row {} of slot {} is out of order or range", row, slot);
      }
    }
  }
  vectors.matrix_.rows = body.data() + matrix_at;
  vectors.matrix_.inv_norms =
      cosine ? reinterpret_cast<const float*>(body.data() + norms_at) : nullptr;
  vectors.matrix_.count = count;
  vectors.matrix_.dim = field.dim;
  vectors.matrix_.metric = field.metric;
  vectors.matrix_.element = field.element;
  return vectors;
}

std::optional<uint32_t> VectorsBody::FindSlot(RowId row) const {
  uint32_t slot = row;
  if (slot_rows_ != nullptr) {
    const uint32_t* end = slot_rows_ + matrix_.count;
    const uint32_t* found = std::lower_bound(slot_rows_, end, row);
    if (found == end || *found != row) {
      return std::nullopt;
    }
    slot = static_cast<uint32_t>(found - slot_rows_);
  }
  return slot < matrix_.count ? std::optional(slot) : std::nullopt;
}

VectorView VectorsBody::Find(RowId row) const {
  const std::optional<uint32_t> slot = FindSlot(row);
  return slot.has_value() ? matrix_.Row(*slot) : VectorView();
}

}  // namespace alidade
