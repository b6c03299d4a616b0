// Body of an HNSW index. All numbers little-endian; sections start at multiples of 64 bytes, so
// that a row of links of a mapped body begins a cache line.
//
// Format:   HnswHeader
//           levels        u8[count]            levels of each node, at least 1
//           upper_start   u32[count]           first row of its upper links, kNoLink if it has
//           level
//                                              0 only
//           upper_links   u32[upper_rows][m]   levels 1, 2, ... of a node follow each other
//           base_links    u32[count][2 m]      level 0
//           centres       f32[places][dim]     of the places (places.h), if there are some
//           place_starts  u32[places + 1]      first of its nodes in place_nodes
//           place_nodes   u32[count]           each node once, place by place
//           Lists of links end at kNoLink or when full.
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
  uint32_t places = 0;      // 0: none, and the two fields below mean nothing
  uint32_t dim = 0;         // of the centres
  float places_radius = 0;  // root of the mean distance of a node from its centre
  float longest = 0;        // of the vectors, if they are compared by dot product; 0: not known
  uint32_t reserved[6] = {};
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
    const uint64_t links_end =
        base_links + uint64_t{header.count} * 2 * header.m * sizeof(uint32_t);
    const bool has_places = header.places > 0;
    centres = has_places ? AlignSection(links_end) : links_end;
    place_starts = AlignSection(centres + uint64_t{header.places} * header.dim * sizeof(float));
    place_nodes = AlignSection(place_starts + (uint64_t{header.places} + 1) * sizeof(uint32_t));
    end = has_places ? place_nodes + uint64_t{header.count} * sizeof(uint32_t) : links_end;
  }
  uint64_t levels;
  uint64_t upper_start;
  uint64_t upper_links;
  uint64_t base_links;
  uint64_t centres;
  uint64_t place_starts;
  uint64_t place_nodes;
  uint64_t end;
};

}  // namespace alidade
