// IndexSpec: which dense index a vector field has, and with which parameters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alidade/common/status.h"

namespace alidade {

enum class IndexKind : uint8_t {  // on disk: numbers are never reused
  kFlat = 1,                      // exact scan
  kHnsw = 2,                      // a graph above kAutoFlatRowsMax vectors, an exact scan below
  kIvf = 3,
  kAuto = 4,  // flat for small segments, HNSW above kAutoFlatRowsMax rows
};

enum class IvfCodes : uint8_t {  // on disk: numbers are never reused
  kFlat = 1,                     // no codes: lists refer to the matrix
  kSq8 = 2,                      // about dim bytes a vector
  kPq = 3,                       // product codes of `pq_m` bytes a vector
  kSq4 = 4,                      // about dim / 2 bytes a vector
};

// Codes beside the vectors: what a walk of a graph reads instead of them. Answers are ranked by the
// vectors themselves either way.
enum class CodesSetting : uint8_t {  // on disk: numbers are never reused
  kAuto = 1,                         // by dimension: kInt4 from kInt4CodesDimMin on, else kInt8
  kNone = 2,                         // walks read float32
  kInt8 = 3,                         // about dim bytes a vector
  kInt4 = 4,                         // about dim / 2 bytes a vector
  kBit1 = 5,                         // dim / 8 bytes for the walk and dim bytes to rank its finds
};

// From here on 4 bits are the fastest at equal recall, and the smallest: measured at 384 and 768
// dimensions, with AVX-512 and without (bench/README.md, "Against hnswlib"). The bound itself is
// chosen.
inline constexpr uint32_t kInt4CodesDimMin = 256;
// Below this a code is hardly smaller than the vector.
inline constexpr uint32_t kCodesDimMin = 16;

// Below this an exact scan is as fast as a graph and always right (chosen; bench/micro can show the
// crossover).
inline constexpr uint32_t kAutoFlatRowsMax = 2'000;

inline constexpr uint32_t kHnswMMin = 2;
inline constexpr uint32_t kHnswMMax = 128;
inline constexpr uint32_t kEfConstructionMax = 4'096;
inline constexpr uint32_t kNlistMax = 65'536;

struct IndexSpec {
  IndexKind kind = IndexKind::kAuto;
  uint32_t hnsw_m = 16;                 // links per node above level 0; 2 * m at level 0
  uint32_t hnsw_ef_construction = 200;  // candidates examined while inserting
  uint32_t ivf_nlist = 0;               // 0: 4 * sqrt(rows), between 1 and kNlistMax
  IvfCodes ivf_codes = IvfCodes::kFlat;
  uint32_t ivf_pq_m = 0;  // bytes a vector at most; 0: dim / 8 rounded to a divisor of dim
  CodesSetting codes = CodesSetting::kAuto;  // HNSW only: IVF has its own

  friend bool operator==(const IndexSpec&, const IndexSpec&) = default;
};

// INVALID_ARGUMENT with the field (below `path`) if a parameter is out of bounds for `dim`.
Status ValidateIndexSpec(const IndexSpec& spec, uint32_t dim, const std::string& path);

// The kind that a segment of `rows` vectors really gets: kFlat, kHnsw or kIvf. IVF falls to kFlat
// below kAutoFlatRowsMax rows too, where there is too little to train on.
IndexKind ResolveIndexKind(const IndexSpec& spec, uint32_t rows);

// The codes that vectors of `dim` really get beside an index of `kind`: never kAuto.
CodesSetting ResolveCodes(const IndexSpec& spec, IndexKind kind, uint32_t dim);

// Whether exact searches may read codes that they make themselves (growing_codes.h), where there
// are no others.
bool MayScanCodes(const IndexSpec& spec, uint32_t dim);

std::string_view CodesName(CodesSetting codes);  // "auto", "none", "int8", "int4", "bit1"
std::string_view IvfCodesName(IvfCodes codes);   // "flat", "sq8", "sq4", "pq"
// Both say "unknown" of any other number.

std::string DescribeIndexSpec(const IndexSpec& spec);

}  // namespace alidade
