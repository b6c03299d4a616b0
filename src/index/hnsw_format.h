// Body of an HNSW index. All numbers little-endian; sections start at multiples of 64 bytes, so
// that a row of links of a mapped body begins a cache line.
//
// Format:   HnswHeader
//           levels        u8[count]                   levels of each node, at least 1
//           upper_start   u32[count]                  first row of its upper links, kNoLink if it
//           has level 0 only upper_links   u32[upper_rows][m]          levels 1, 2, ... of a node
//           follow each other base_links    u32[count][2 m]             level 0 Lists end at
//           kNoLink or when full.
#pragma once

#include <cstdint>

#include "section.h"

namespace alidade {

inline constexpr uint32_t kHnswFormat = 1;  // on disk: never reused
inline constexpr uint32_t kNoLink = 0xFFFFFFFF;

struct HnswHeader {
  uint32_t format = kHnswFormat;
  uint32_t m = 0;
  uint32_t count = 0;
  uint32_t entry = 0;
  uint32_t max_level = 0;  // of the entry point, 0-based
  uint32_t upper_rows = 0;
  uint32_t reserved[10] = {};
};
static_assert(sizeof(HnswHeader) == 64);

// Byte offsets of the sections, and the length of the whole.
struct HnswLayout {
  explicit HnswLayout(const HnswHeader& header) {
    levels = sizeof(HnswHeader);
    upper_start = AlignSection(levels + header.count);
    upper_links = AlignSection(upper_start + uint64_t{header.count} * sizeof(uint32_t));
    base_links =
        AlignSection(upper_links + uint64_t{header.upper_rows} * header.m * sizeof(uint32_t));
    end = base_links + uint64_t{header.count} * 2 * header.m * sizeof(uint32_t);
  }
  uint64_t levels;
  uint64_t upper_start;
  uint64_t upper_links;
  uint64_t base_links;
  uint64_t end;
};

}  // namespace alidade
