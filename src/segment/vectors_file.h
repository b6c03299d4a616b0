// The body of field_<id>.vec: the vectors of one field.
//
// Format:   sections, each from a multiple of 64 bytes on; m vectors of a segment of n rows
//   rows          u32[m], slot -> RowId, rising strictly; left out if m == n
//   inverse norms f32[m]; cosine only
//   matrix        number[m][dim] of the field's type (vec/element.h)
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alidade/common/status.h"
#include "alidade/vec/vector_matrix.h"

#include "rows_file.h"
#include "segment_file.h"

namespace alidade {

// The selected rows that have no vector of the field are passed over.
Status WriteVectorsBody(const RowSelection& selection,
                        const VectorField& field,
                        FieldIndex index,
                        const BuildProgress* progress,
                        SegmentFileWriter& out);

// Vectors of the field among the selected rows.
uint32_t CountVectors(const RowSelection& selection, FieldIndex index);

// Immutable; borrows the mapped body.
class VectorsBody {
 public:
  VectorsBody() = default;
  // `count` vectors of a segment of `rows` rows. DATA_LOSS.
  static StatusOr<VectorsBody> Parse(std::string_view body,
                                     const VectorField& field,
                                     uint32_t count,
                                     uint32_t rows);

  const VectorMatrix& matrix() const { return matrix_; }
  // Slot -> RowId, or null if slots are rows.
  const uint32_t* slot_rows() const { return slot_rows_; }
  // The row's vector, if it has one.
  VectorView Find(RowId row) const;
  // Where it lies in the matrix.
  std::optional<uint32_t> FindSlot(RowId row) const;

 private:
  VectorMatrix matrix_;
  const uint32_t* slot_rows_ = nullptr;
};

}  // namespace alidade
