// Body of subset graphs. All numbers little-endian; what is named here starts at multiples of 64
// bytes.
//
// Format:   for each subset
//             graph   an HNSW body without places (hnsw_format.h) over so many nodes
//             slots   u32[count]   the vector that each node is, rising
//           entries   SubsetEntry[subsets]
//           footer    SubsetFooter, the last bytes of the body
#pragma once

#include <cstdint>

namespace alidade {

inline constexpr uint32_t kSubsetFormat = 1;  // on disk: never reused

struct SubsetEntry {
  uint64_t graph = 0;  // offsets in the body
  uint64_t graph_bytes = 0;
  uint64_t slots = 0;
  uint32_t count = 0;
  uint32_t reserved = 0;
};
static_assert(sizeof(SubsetEntry) == 32);

struct SubsetFooter {
  uint32_t format = kSubsetFormat;
  uint32_t vectors = 0;  // that the field has, in a subset or not
  uint32_t subsets = 0;
  uint32_t reserved = 0;
  uint64_t entries = 0;  // their offset
  uint64_t reserved_too[5] = {};
};
static_assert(sizeof(SubsetFooter) == 64);

}  // namespace alidade
