// RecordEncoder, AppendRecords: the codes of vectors (vec/codes.h), written one by one.
#pragma once

#include <cstdint>
#include <vector>

#include "alidade/index/byte_sink.h"
#include "alidade/index/vector_index.h"
#include "alidade/vec/codes.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

class RecordEncoder {
 public:
  // Borrows the space.
  RecordEncoder(const CodeSpace& space, CodeKind kind)
      : space_(space), kind_(kind), residual_(space.dim()) {}

  // Writes the record of one vector, CodeStride bytes.
  void Encode(const VectorMatrix& matrix, uint32_t slot, uint8_t* out) {
    const float inv_norm = matrix.metric == Metric::kCosine ? matrix.inv_norms[slot] : 1.0F;
    space_.Residual(matrix.Floats(slot, wide_), inv_norm, residual_.data());
    EncodeRecord(matrix.metric, kind_, residual_.data(), matrix.dim, out);
  }

 private:
  const CodeSpace& space_;
  const CodeKind kind_;
  std::vector<float> residual_;
  std::vector<float> wide_;  // of narrow numbers
};

// Writes a record for each vector of the matrix, in the order of `slots`, which names each of them
// once; null: in the order of the matrix.
// Errors: CANCELLED when the progress says so, whatever the sink answers.
Status AppendRecords(const CodeSpace& space,
                     CodeKind kind,
                     const VectorMatrix& matrix,
                     const uint32_t* slots,
                     const BuildProgress* progress,
                     ByteSink& sink);

}  // namespace alidade
