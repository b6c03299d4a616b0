// AppendRecords: the codes of vectors (vec/codes.h), written one by one.
#pragma once

#include <cstdint>

#include "alidade/index/byte_sink.h"
#include "alidade/index/vector_index.h"
#include "alidade/vec/codes.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

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
