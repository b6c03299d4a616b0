// Body of the codes of one field. All numbers little-endian; sections start at multiples of 64
// bytes.
//
// Format:   CodesHeader
//           mean   f32[dim]
//           walk   records of `walk` codes, one per vector (vec/codes.h)
//           rank   records of 8-bit codes, only beside 1-bit walk codes
#pragma once

#include <cstdint>

#include "alidade/vec/codes.h"

#include "section.h"

namespace alidade {

inline constexpr uint32_t kCodesFormat = 1;  // on disk: never reused

struct CodesHeader {
  uint32_t format = kCodesFormat;
  uint32_t count = 0;
  uint32_t dim = 0;
  uint32_t metric = 0;   // Metric
  uint32_t setting = 0;  // CodesSetting
  uint32_t reserved[11] = {};
};
static_assert(sizeof(CodesHeader) == 64);

// Byte offsets of the sections, and the length of the whole.
struct CodesLayout {
  CodesLayout(uint32_t count, uint32_t dim, CodeKind walk_kind, bool ranked) {
    mean = sizeof(CodesHeader);
    walk = AlignSection(mean + uint64_t{dim} * sizeof(float));
    walk_bytes = uint64_t{count} * CodeStride(walk_kind, dim);
    rank = AlignSection(walk + walk_bytes);
    rank_bytes = ranked ? uint64_t{count} * CodeStride(CodeKind::kInt8, dim) : 0;
    end = ranked ? rank + rank_bytes : walk + walk_bytes;
  }
  uint64_t mean;
  uint64_t walk;
  uint64_t walk_bytes;
  uint64_t rank;
  uint64_t rank_bytes;
  uint64_t end;
};

}  // namespace alidade
