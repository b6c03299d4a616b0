// How a scan reads memory at the pace of memory: in short steps, fetching ahead in each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace alidade {

// Records of a step, `stride` bytes apart: few, so that they are still in the first-level cache
// when the caller looks at what came out, and that memory is asked for evenly. Up to
// kScanStepRowsMax.
inline constexpr uint32_t kScanStepRowsMax = 16;
constexpr uint32_t ScanStepRows(size_t stride) {
  constexpr size_t kStepBytes = 2'048;
  constexpr size_t kRowsMin = 4;
  return static_cast<uint32_t>(std::bit_floor(
      std::clamp<size_t>(kStepBytes / std::max<size_t>(stride, 1), kRowsMin, kScanStepRowsMax)));
}

// first..first + count - 1 are read now, and then in order up to last - 1: fetches as many bytes as
// those hold, some way ahead, into the second-level cache. The hardware by itself stops at the end
// of a page and where the reader pauses. Fetching into the first-level cache gave less
// (bench/micro/scan_bench.cc on Zen 4: 0.5 instead of 0.8 of the bandwidth for codes of 8 bits).
inline void FetchScanAhead(
    const void* base, size_t stride, size_t first, size_t count, size_t last) {
  constexpr size_t kAheadBytes = 8'192;
  constexpr size_t kLineBytes = 64;
  constexpr int kSecondLevel = 2;
  const char* const bytes = static_cast<const char*>(base);
  const size_t end = std::min(last * stride, (first + count) * stride + kAheadBytes);
  for (size_t at = first * stride + kAheadBytes; at < end; at += kLineBytes) {
    __builtin_prefetch(bytes + at, 0, kSecondLevel);
  }
}

}  // namespace alidade
