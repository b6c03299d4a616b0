// Expected seqs: that points are what the writer of a request saw (`if_seqs`).
//
// Threads:  pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "alidade/collection/pending_points.h"
#include "alidade/common/checksum.h"
#include "alidade/common/point_id.h"
#include "alidade/common/status.h"

namespace alidade {

// ABORTED with the reason SEQ_MISMATCH unless the point is at this seq (0: does not exist).
// `index` is that of the entry in `if_seqs`.
Status CheckExpectedSeq(SeqNo expected,
                        const std::optional<CurrentPoint>& current,
                        const PointId& id,
                        size_t index);

// INVALID_ARGUMENT: with expected seqs an id may come once only.
Status RepeatedId(const PointId& id, size_t index);

// Nothing if there are none.
void AddExpectedSeqs(Hasher128& hasher, const std::vector<SeqNo>& seqs);

}  // namespace alidade
