// ProductCodes: product codes of 4 bits a part. FAISS finds the entries of each part; encoding and
// estimates are ours.
//
// Source:   Jegou, Douze, Schmid 2011; looked up in registers: Andre, Kermarrec, Le Scouarnec 2015
//           (PQ fast scan). Differs in: codes are of the vectors themselves, not of residuals.
// Format:   vec/pq_kernels.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/index/vector_index.h"
#include "alidade/vec/pq_kernels.h"
#include "alidade/vec/vector_matrix.h"

#include "row_scan.h"

namespace alidade {

// More would leave too little of a sum for each (pq_kernels.h).
inline constexpr uint32_t kPqPartsMax = 16'384;

// How a vector is cut: part p holds dimensions Begin(p) to Begin(p + 1) - 1, alike but for one.
struct PqParts {
  uint32_t dim = 0;
  uint32_t parts = 0;  // 1..min(dim, kPqPartsMax)

  uint32_t Begin(uint32_t part) const {
    return static_cast<uint32_t>(uint64_t{part} * dim / parts);
  }
  uint32_t Dim(uint32_t part) const { return Begin(part + 1) - Begin(part); }
};

// The book: f32[dim][16], what the entries hold of each dimension. Trains on a bounded sample of
// the rows, normalised for cosine. Requires: the matrix has kPqEntries rows at least. Errors:
// CANCELLED when the progress says so.
StatusOr<std::vector<float>> TrainPq(const PqParts& parts,
                                     const VectorMatrix& matrix,
                                     const BuildProgress* progress);

// Writes a code of parts.parts numbers.
void EncodePq(const PqParts& parts, const float* book, const float* row, uint8_t* code);

// Estimated distances from a query to product codes, up to a scale and an offset: they rank.
class PqDistance {
 public:
  // The tables of one query. Reusable without allocating.
  class Tables {
   public:
    // `query` is normalised for cosine.
    void Set(const PqParts& parts, const float* book, Metric metric, const float* query);

   private:
    friend class PqDistance;
    std::vector<float> exact_;
    std::vector<uint8_t> bytes_;
  };

  // Borrows both.
  PqDistance(const Tables& tables, const uint8_t* blocks, uint32_t parts)
      : tables_(tables), blocks_(blocks), parts_(parts) {}

  void Range(uint32_t first, size_t count, float* out) const;
  // Requires: rows are rising.
  void Many(const uint32_t* rows, size_t count, float* out) const;
  ScanPace Pace(uint32_t) const { return {.step = kScanBlockRows}; }
  // Many and Range fetch for themselves.
  void FetchAhead(uint32_t, uint32_t, uint32_t) const {}
  void Prefetch(uint32_t) const {}

 private:
  void Sum(size_t block, size_t count, uint16_t* out) const {
    SumPqBlocks(tables_.bytes_.data(), blocks_ + block * PqBlockBytes(parts_), parts_, count, out);
  }

  const Tables& tables_;
  const uint8_t* blocks_;
  uint32_t parts_;
};

}  // namespace alidade
