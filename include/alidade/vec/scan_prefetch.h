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

// How a scan of so many records goes.
struct ScanPace {
  uint32_t step = 0;   // records asked for at once
  bool fetch = false;  // whether those that follow are fetched ahead
};

// Little enough to have stayed in the second-level cache since an earlier scan is read in longer
// steps, which cost less, and not fetched: 1.5 times as many searches of 5,000 records of 144 bytes
// (bench/micro/filtered_search.cc, 500,000 x 128, on a Xeon). Were they to come from memory after
// all, a sixth (144 bytes) to a third (208) longer; those of one of many tenants take no longer.
constexpr ScanPace PaceOfScan(size_t stride, size_t records) {
  constexpr size_t kHotBytes = size_t{1} << 20;
  constexpr size_t kHotStepBytes = 16'384;
  constexpr size_t kHotStepRowsMax = 64;
  if (records * stride > kHotBytes) {
    return {.step = ScanStepRows(stride), .fetch = true};
  }
  const size_t step = kHotStepBytes / std::max<size_t>(stride, 1);
  return {.step = static_cast<uint32_t>(
              std::clamp<size_t>(step, ScanStepRows(stride), kHotStepRowsMax))};
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
