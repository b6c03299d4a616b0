// Scans of one block of rows, for row_scan.h.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

#include "alidade/index/vector_index.h"
#include "alidade/vec/scan_prefetch.h"

namespace alidade {

// Rows between two looks at the deadline.
inline constexpr uint32_t kScanBlockRows = 512;

// Where no more than this share of a block is left out, reading on is quicker than stepping over
// (chosen).
inline constexpr uint32_t kSkippedShare = 4;

// So many rows side by side are read as a block (chosen).
inline constexpr uint32_t kRunRows = 16;

// How many of some rising rows, from the first on, lie side by side.
inline uint32_t RunLength(const uint32_t* rows, const uint32_t* end) {
  const auto most = static_cast<uint32_t>(end - rows);
  uint32_t length = 1;
  while (length < most && rows[length] == *rows + length) {
    ++length;
  }
  return length;
}

// The rows that a scan has looked at together: side by side, or listed.
struct ScannedRows {
  uint32_t operator[](size_t i) const {
    return list == nullptr ? first + static_cast<uint32_t>(i) : list[i];
  }

  uint32_t first = 0;
  const uint32_t* list = nullptr;
};

// What a scan calls, made of what takes one row: each(row, distance).
template <class Each>
auto EachRow(Each each) {
  return [each = std::move(each)](const ScannedRows& rows, const float* distances, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      each(rows[i], distances[i]);
    }
  };
}

// A distance, and how a scan asks it. Borrows it.
template <class Distance>
struct PacedDistance {
  // For the rows first..last - 1.
  PacedDistance(const Distance& of, uint32_t first, uint32_t last)
      : distance(of), pace(of.Pace(last - first)) {}

  const Distance& distance;
  const ScanPace pace;
};

// All rows of a block, in steps; `last` as for ScanRows.
template <class Distance, class Take>
void ScanWholeBlock(uint32_t first,
                    uint32_t count,
                    uint32_t last,
                    const PacedDistance<Distance>& paced,
                    const Take& take) {
  const Distance& distance = paced.distance;
  float distances[kScanBlockRows];
  while (count > 0) {
    const uint32_t rows = std::min(count, paced.pace.step);
    if (paced.pace.fetch) {
      distance.FetchAhead(first, rows, last);
    }
    distance.Range(first, rows, distances);
    take(ScannedRows{first}, distances, rows);
    first += rows;
    count -= rows;
  }
}

// A block of which `allowed`, most of its rows, pass.
template <class Distance, class Take>
void ScanMostOfBlock(uint32_t first,
                     uint32_t count,
                     uint32_t last,
                     std::span<const uint32_t> allowed,
                     const PacedDistance<Distance>& paced,
                     const Take& take) {
  const uint32_t* next = allowed.data();
  const uint32_t* const end = next + allowed.size();
  ScanWholeBlock(
      first, count, last, paced, [&](const ScannedRows& rows, float* distances, uint32_t step) {
        const uint32_t* const begin = next;
        for (; next != end && *next < rows.first + step; ++next) {
          distances[next - begin] = distances[*next - rows.first];
        }
        take(ScannedRows{.list = begin}, distances, static_cast<uint32_t>(next - begin));
      });
}

// The rows of a block that a set of bits allows.
inline uint32_t PickRows(const SlotBits& bits, uint32_t first, uint32_t count, uint32_t* rows) {
  uint32_t allowed = 0;
  const uint32_t last = first + count;
  for (uint32_t at = first / 64 * 64; at < last; at += 64) {
    uint64_t word = bits.words[at / 64];
    if (at < first) {
      word &= ~uint64_t{0} << (first - at);
    }
    if (last - at < 64) {
      word &= (uint64_t{1} << (last - at)) - 1;
    }
    for (; word != 0; word &= word - 1) {
      rows[allowed++] = at + static_cast<uint32_t>(std::countr_zero(word));
    }
  }
  return allowed;
}

}  // namespace alidade
