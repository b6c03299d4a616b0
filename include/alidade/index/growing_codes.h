// GrowingCodes: codes of 8 bits of vectors that no file has codes of (rows just written, segments
// without an index), made in memory by the exact searches that read them.
//
// Path:     search 6/8 (from segment/delta.cc, segment/sealed_segment_search.cc)
// Why:      writes pay nothing for them, and where nobody searches they take neither time nor
//           memory.
// Threads:  any number of callers; one of them encodes at a time, the others do not wait for it.
// Limits:   capacity is fixed at construction, memory is taken as vectors are encoded.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "alidade/common/memory_budget.h"
#include "alidade/common/zeroed_memory.h"
#include "alidade/vec/codes.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

class GrowingCodes {
 public:
  // Of the first `capacity` vectors of one matrix, whose rows never change. The first Grow takes
  // memory for all of them out of the budget; while it has no room nothing is encoded. Null: there
  // is no budget.
  GrowingCodes(Metric metric,
               uint32_t dim,
               uint32_t capacity,
               std::shared_ptr<MemoryBudget> budget = nullptr);

  // Encodes some more vectors of the matrix, about as long as it takes to read `scanned` vectors
  // as they are, and answers what has been encoded so far, by whichever thread: valid as long as
  // this. Nothing while the matrix has fewer than kCodedRowsMin. Throws: std::bad_alloc; nothing is
  // changed then.
  CodedVectors Grow(const VectorMatrix& matrix, uint32_t scanned);

  // Vectors encoded so far, and the bytes of their codes.
  uint32_t count() const { return count_.load(std::memory_order_relaxed); }
  size_t memory_bytes() const { return count() * stride_; }

 private:
  CodedVectors coded() const;
  // False if there is no room.
  bool Allocate(const VectorMatrix& matrix);
  void Encode(const VectorMatrix& matrix, uint32_t end);

  const Metric metric_;
  const uint32_t dim_;
  const uint32_t capacity_;
  const size_t stride_;
  const std::shared_ptr<MemoryBudget> budget_;
  std::atomic<bool> encoding_{false};
  BudgetShare share_;
  // Both are there before count_ is more than 0, and stay.
  std::unique_ptr<const CodeSpace> space_;
  ZeroedMemory records_;
  std::atomic<uint32_t> count_{0};
};

}  // namespace alidade
