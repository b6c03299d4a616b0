// Body of an IVF index. All numbers little-endian; sections start at multiples of 64 bytes.
//
// Format:   IvfHeader
//           mean       f32[dim]          of the vectors (vec/codes.h)
//           centroids  u8[nlist][...]    as records of 8-bit codes (vec/codes.h)
//           starts     u32[nlist + 1]    first entry of each list
//           slots      u32[count]        rows of the matrix, by list, rising inside a list
//           book       PQ: f32[dim][16], what the entries hold of each dimension
//                      (product_codes.h); else nothing
//           codes      in the order of `slots`. SQ8, SQ4: records (vec/codes.h); PQ: blocks
//                      (vec/pq_kernels.h), whatever lists they hold; flat: nothing
#pragma once

#include <cstdint>

namespace alidade {

inline constexpr uint32_t kIvfFormat = 2;  // on disk: never reused

struct IvfHeader {
  uint32_t format = kIvfFormat;
  uint32_t nlist = 0;
  uint32_t count = 0;
  uint32_t dim = 0;
  uint32_t codes = 0;  // IvfCodes
  uint32_t parts = 0;  // PQ: of a vector, 4 bits each
  uint32_t reserved[10] = {};
};
static_assert(sizeof(IvfHeader) == 64);

// Byte offsets of the sections, and the length of the whole.
struct IvfLayout {
  explicit IvfLayout(const IvfHeader& header);
  uint64_t mean;
  uint64_t centroids;
  uint64_t starts;
  uint64_t slots;
  uint64_t book;
  uint64_t codes;
  uint64_t end;
};

}  // namespace alidade
