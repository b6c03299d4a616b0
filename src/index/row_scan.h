// ScanRows: distances to a run of rows, one after the other.
#pragma once

#include <algorithm>
#include <cstdint>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"
#include "alidade/index/vector_index.h"

namespace alidade {

// Rows between two looks at the deadline.
inline constexpr uint32_t kScanBlockRows = 512;

// All rows of a block, in steps; `last` as for ScanRows.
template <class Distance, class Take>
void ScanWholeBlock(
    uint32_t first, uint32_t count, uint32_t last, const Distance& distance, const Take& take) {
  float distances[kScanBlockRows];
  const uint32_t step = distance.StepRows();
  while (count > 0) {
    const uint32_t rows = std::min(count, step);
    distance.FetchAhead(first, rows, last);
    distance.Range(first, rows, distances);
    for (uint32_t i = 0; i < rows; ++i) {
      take(first + i, distances[i]);
    }
    first += rows;
    count -= rows;
  }
}

// A block of rows under a filter; how many it allows.
template <class Distance, class Take>
uint32_t ScanBlock(uint32_t first,
                   uint32_t count,
                   uint32_t last,
                   const Distance& distance,
                   const SlotFilter& filter,
                   const Take& take) {
  // Where no more than this share is left out, reading on is quicker than stepping over (chosen).
  constexpr uint32_t kSkippedShare = 4;
  uint32_t rows[kScanBlockRows];
  uint32_t allowed = 0;
  for (uint32_t row = first; row < first + count; ++row) {
    if (filter.Allows(row)) {
      rows[allowed++] = row;
    }
  }
  if (allowed == 0) {
    return 0;
  }
  if (count - allowed <= count / kSkippedShare) {
    const uint32_t* next = rows;
    ScanWholeBlock(first, count, last, distance, [&](uint32_t row, float value) {
      if (next != rows + allowed && *next == row) {
        take(row, value);
        ++next;
      }
    });
    return allowed;
  }
  float distances[kScanBlockRows];
  for (uint32_t i = 0; i < allowed; ++i) {
    distance.Prefetch(rows[i]);
  }
  distance.Many(rows, allowed, distances);
  for (uint32_t i = 0; i < allowed; ++i) {
    take(rows[i], distances[i]);
  }
  return allowed;
}

// Calls `take(row, distance)` for every allowed row of first..last - 1, in order. Distance has
// StepRows(), FetchAhead(first, count, last), Range(first, count, out), Many(rows, count, out) and
// Prefetch(row), as QueryDistance and CodeDistance do. `filter` and `deadline` may be null. How
// many rows that were.
// Errors: DEADLINE_EXCEEDED, CANCELLED.
template <class Distance, class Take>
StatusOr<uint64_t> ScanRows(uint32_t first,
                            uint32_t last,
                            const Distance& distance,
                            const SlotFilter* filter,
                            const Deadline* deadline,
                            const Take& take) {
  uint64_t taken = 0;
  while (first < last) {
    if (deadline != nullptr) {
      ALIDADE_RETURN_IF_ERROR(deadline->Check());
    }
    const uint32_t count = std::min(kScanBlockRows, last - first);
    if (filter != nullptr) {
      taken += ScanBlock(first, count, last, distance, *filter, take);
    } else {
      ScanWholeBlock(first, count, last, distance, take);
      taken += count;
    }
    first += count;
  }
  return taken;
}

}  // namespace alidade
