// RankExactly: the last step of a search by codes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"
#include "alidade/vec/top_k.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

// The k nearest of the candidates by their exact distances, ascending. Reads them in their order
// and stops at the first one that cannot be among the k: whose `least(candidate)`, a bound from
// below of its distance, is greater than the worst of them. Adds the vectors read to `read`.
// `deadline` may be null. Errors: DEADLINE_EXCEEDED, CANCELLED.
template <class Least>
StatusOr<std::vector<Candidate>> RankExactly(const std::vector<Candidate>& candidates,
                                             const Least& least,
                                             const QueryDistance& exact,
                                             uint32_t k,
                                             const Deadline* deadline,
                                             uint64_t& read) {
  constexpr size_t kBatch = 8;  // vectors fetched at once
  constexpr size_t kReadsToDeadline = 512;
  TopK top(k);
  size_t done = 0;
  while (done < candidates.size() && least(candidates[done]) <= top.WorstDistance()) {
    if (deadline != nullptr && done % kReadsToDeadline == 0) {
      ALIDADE_RETURN_IF_ERROR(deadline->Check());
    }
    uint32_t slots[kBatch];
    float distances[kBatch];
    const size_t count = std::min(kBatch, candidates.size() - done);
    for (size_t i = 0; i < count; ++i) {
      slots[i] = candidates[done + i].slot;
    }
    exact.Many(slots, count, distances);
    for (size_t i = 0; i < count; ++i) {
      top.Push(distances[i], slots[i]);
    }
    done += count;
  }
  read += done;
  return top.TakeSorted();
}

}  // namespace alidade
