// ScanRows: distances to a run of rows, one after the other.
#pragma once

#include <algorithm>
#include <cstdint>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"
#include "alidade/index/vector_index.h"

#include "block_scan.h"

namespace alidade {

// A block of rows under a filter; how many it allows.
template <class Distance, class Take>
uint32_t ScanBlock(uint32_t first,
                   uint32_t count,
                   uint32_t last,
                   const PacedDistance<Distance>& paced,
                   const SlotFilter& filter,
                   const Take& take) {
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
    ScanMostOfBlock(first, count, last, {rows, allowed}, paced, take);
    return allowed;
  }
  float distances[kScanBlockRows];
  for (uint32_t i = 0; i < allowed; ++i) {
    paced.distance.Prefetch(rows[i]);
  }
  paced.distance.Many(rows, allowed, distances);
  take(ScannedRows{.list = rows}, distances, allowed);
  return allowed;
}

// Rows side by side, all of them allowed, in blocks.
template <class Distance, class Take>
Status ScanRun(uint32_t first,
               uint32_t count,
               const Distance& distance,
               const Deadline* deadline,
               const Take& take) {
  const PacedDistance paced(distance, first, first + count);
  for (uint32_t done = 0; done < count; done += kScanBlockRows) {
    if (deadline != nullptr) {
      ALIDADE_RETURN_IF_ERROR(deadline->Check());
    }
    const uint32_t rows = std::min(kScanBlockRows, count - done);
    ScanWholeBlock(first + done, rows, first + count, paced, take);
  }
  return OkStatus();
}

// ScanRows where the allowed rows are known as bits. Rows that lie apart are asked for as they are
// found, and looked at once there are so many that the first have come.
template <class Distance, class Take>
StatusOr<uint64_t> ScanBits(uint32_t first,
                            uint32_t last,
                            const Distance& distance,
                            const SlotBits& bits,
                            const Deadline* deadline,
                            const Take& take) {
  uint32_t found[kScanBlockRows];
  uint32_t waiting[2 * kScanBlockRows];
  waiting[0] = 0;  // GCC 12 takes the array for never written
  uint32_t count = 0;
  uint64_t taken = 0;
  const auto look = [&]() -> Status {
    float distances[2 * kScanBlockRows];
    distance.Many(waiting, count, distances);
    take(ScannedRows{.list = waiting}, distances, count);
    taken += count;
    count = 0;
    return deadline == nullptr ? OkStatus() : deadline->Check();
  };
  if (bits.slots != nullptr) {
    const uint32_t* end = bits.slots + bits.count;
    const uint32_t* stop = std::lower_bound(bits.slots, end, last);
    for (const uint32_t* at = std::lower_bound(bits.slots, end, first); at < stop;) {
      const uint32_t run = RunLength(at, stop);
      if (run >= kRunRows) {  // as rows of one tenant lie
        ALIDADE_RETURN_IF_ERROR(look());
        ALIDADE_RETURN_IF_ERROR(ScanRun(*at, run, distance, deadline, take));
        taken += run;
        at += run;
        continue;
      }
      for (const uint32_t* const end_of_run = at + run; at < end_of_run; ++at) {
        distance.Prefetch(*at);
        waiting[count++] = *at;
        if (count == kScanBlockRows / 2) {
          ALIDADE_RETURN_IF_ERROR(look());
        }
      }
    }
    ALIDADE_RETURN_IF_ERROR(look());
    return taken;
  }
  const PacedDistance paced(distance, first, last);
  for (; first < last; first += std::min(kScanBlockRows, last - first)) {
    const uint32_t rows = std::min(kScanBlockRows, last - first);
    const uint32_t allowed = PickRows(bits, first, rows, found);
    if (rows - allowed <= rows / kSkippedShare) {
      ALIDADE_RETURN_IF_ERROR(look());
      ScanMostOfBlock(first, rows, last, {found, allowed}, paced, take);
      taken += allowed;
      continue;
    }
    for (uint32_t i = 0; i < allowed; ++i) {
      distance.Prefetch(found[i]);
      waiting[count++] = found[i];
    }
    if (count >= kScanBlockRows / 2) {
      ALIDADE_RETURN_IF_ERROR(look());
    }
  }
  ALIDADE_RETURN_IF_ERROR(look());
  return taken;
}

// Calls `take(rows, distances, count)` for the allowed rows of first..last - 1, in order, as
// many together as were looked at together (EachRow: one by one). Distance has
// Pace(rows), FetchAhead(first, count, last), Range(first, count, out), Many(rows, count, out) and
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
  if (filter != nullptr) {
    if (const SlotBits bits = filter->bits(); bits.words != nullptr) {
      return ScanBits(first, last, distance, bits, deadline, take);
    }
  }
  const PacedDistance paced(distance, first, last);
  uint64_t taken = 0;
  while (first < last) {
    if (deadline != nullptr) {
      ALIDADE_RETURN_IF_ERROR(deadline->Check());
    }
    const uint32_t count = std::min(kScanBlockRows, last - first);
    if (filter != nullptr) {
      taken += ScanBlock(first, count, last, paced, *filter, take);
    } else {
      ScanWholeBlock(first, count, last, paced, take);
      taken += count;
    }
    first += count;
  }
  return taken;
}

}  // namespace alidade
