#include "vectors_file.h"

#include <algorithm>

namespace alidade {

uint32_t CountVectors(const RowSelection& selection, FieldIndex index) {
  uint32_t count = 0;
  for (const auto& [source, row] : selection.rows) {
    count += source->vector(index, row) != nullptr ? 1U : 0U;
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
      if (vector_of(row) != nullptr) {
        ALIDADE_RETURN_IF_ERROR(out.Append(RawBytes(&row, 1)));
      }
    }
    ALIDADE_RETURN_IF_ERROR(out.AlignSection());
  }
  if (field.metric == Metric::kCosine) {
    for (RowId row = 0; row < rows; ++row) {
      if (const float* vector = vector_of(row); vector != nullptr) {
        const float inverse_norm = InverseNorm(vector, field.dim);
        ALIDADE_RETURN_IF_ERROR(out.Append(RawBytes(&inverse_norm, 1)));
      }
    }
    ALIDADE_RETURN_IF_ERROR(out.AlignSection());
  }
  for (RowId row = 0; row < rows; ++row) {
    if (row % kCancelEveryRows == 0) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    }
    if (const float* vector = vector_of(row); vector != nullptr) {
      ALIDADE_RETURN_IF_ERROR(out.Append(RawBytes(vector, field.dim)));
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
  if (count == 0 || count > rows ||
      body.size() != matrix_at + uint64_t{count} * field.dim * sizeof(float)) {
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
  vectors.matrix_.rows = reinterpret_cast<const float*>(body.data() + matrix_at);
  vectors.matrix_.inv_norms =
      cosine ? reinterpret_cast<const float*>(body.data() + norms_at) : nullptr;
  vectors.matrix_.count = count;
  vectors.matrix_.dim = field.dim;
  vectors.matrix_.metric = field.metric;
  return vectors;
}

const float* VectorsBody::Find(RowId row) const {
  Slot slot = row;
  if (slot_rows_ != nullptr) {
    const uint32_t* end = slot_rows_ + matrix_.count;
    const uint32_t* found = std::lower_bound(slot_rows_, end, row);
    if (found == end || *found != row) {
      return nullptr;
    }
    slot = static_cast<Slot>(found - slot_rows_);
  }
  return slot < matrix_.count ? matrix_.rows + size_t{slot} * matrix_.dim : nullptr;
}

}  // namespace alidade
