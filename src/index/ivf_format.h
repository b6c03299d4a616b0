// Body of an IVF index. All numbers little-endian; sections start at multiples of 64 bytes.
//
// Format:   IvfHeader
//           centroids  f32[nlist][dim]       of normalised vectors for cosine
//           starts     u32[nlist + 1]        first entry of each list
//           slots      u32[count]            rows of the matrix, by list, rising inside a list
//           codebook   SQ8: f32[2][dim] minimum and step; PQ: f32[pq_m][256][dim / pq_m]; flat:
//           nothing codes      u8[count][code_bytes] in the order of `slots`; flat: nothing
#pragma once

#include <cstdint>

namespace alidade {

inline constexpr uint32_t kIvfFormat = 1;  // on disk: never reused
inline constexpr uint32_t kPqCentroids = 256;

struct IvfHeader {
  uint32_t format = kIvfFormat;
  uint32_t nlist = 0;
  uint32_t count = 0;
  uint32_t dim = 0;
  uint32_t codes = 0;  // IvfCodes
  uint32_t pq_m = 0;
  uint32_t reserved[10] = {};
};
static_assert(sizeof(IvfHeader) == 64);

struct IvfLayout {
  explicit IvfLayout(const IvfHeader& header);
  uint64_t centroids;
  uint64_t starts;
  uint64_t slots;
  uint64_t codebook;
  uint64_t codes;
  uint64_t end;
  uint32_t code_bytes;
};

}  // namespace alidade
