// Path: search 6/8 (from segment/delta.cc, segment/sealed_segment_search.cc)
#include "alidade/index/growing_codes.h"

#include <algorithm>
#include <utility>

#include "alidade/index/vector_index.h"

#include "code_records.h"

namespace alidade {
namespace {

// A vector is encoded in about the time in which a scan reads so many (bench/micro/scan_bench.cc).
constexpr uint32_t kScannedPerEncoded = 16;
// One search encodes no more than this, without a look at its deadline: some 10 ms at 384
// dimensions (chosen).
constexpr uint32_t kEncodedMax = 4'096;
// Of so many vectors the mean is taken that residuals are seen from: any point would do, one in
// their middle makes codes exact.
constexpr uint32_t kMeanRows = 1'024;

// Gives back the right to encode.
struct Turn {
  explicit Turn(std::atomic<bool>& taken_in) : taken(taken_in) {}
  ~Turn() { taken.store(false, std::memory_order_release); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  std::atomic<bool>& taken;
};

}  // namespace

GrowingCodes::GrowingCodes(Metric metric,
                           uint32_t dim,
                           uint32_t capacity,
                           std::shared_ptr<MemoryBudget> budget)
    : metric_(metric),
      dim_(dim),
      capacity_(capacity),
      stride_(CodeStride(CodeKind::kInt8, dim)),
      budget_(std::move(budget)) {}

CodedVectors GrowingCodes::Grow(const VectorMatrix& matrix, uint32_t scanned) {
  const uint32_t wanted = std::min(matrix.count, capacity_);
  if (matrix.count >= kCodedRowsMin && count_.load(std::memory_order_relaxed) < wanted &&
      !encoding_.exchange(true, std::memory_order_acquire)) {
    const Turn turn(encoding_);
    const uint32_t more = std::clamp(scanned / kScannedPerEncoded, kCodedRowsMin, kEncodedMax);
    if (Allocate(matrix)) {
      Encode(matrix, std::min(count_.load(std::memory_order_relaxed) + more, wanted));
    }
  }
  return coded();
}

bool GrowingCodes::Allocate(const VectorMatrix& matrix) {
  if (space_ != nullptr) {
    return true;
  }
  const size_t bytes = size_t{capacity_} * stride_;
  if (budget_ != nullptr && share_.budget() == nullptr) {
    share_ = BudgetShare::Take(budget_, bytes);
    if (share_.budget() == nullptr) {
      return false;
    }
  }
  VectorMatrix first = matrix;
  first.count = std::min(matrix.count, kMeanRows);
  records_ = ZeroedMemory(bytes);
  space_ = std::make_unique<const CodeSpace>(metric_, CodeSpace::MeanOf(first));
  return true;
}

void GrowingCodes::Encode(const VectorMatrix& matrix, uint32_t end) {
  RecordEncoder encoder(*space_, CodeKind::kInt8);
  uint32_t slot = count_.load(std::memory_order_relaxed);
  for (; slot < end; ++slot) {
    encoder.Encode(matrix, slot, records_.as<uint8_t>() + slot * stride_);
  }
  count_.store(slot, std::memory_order_release);
}

CodedVectors GrowingCodes::coded() const {
  const uint32_t count = count_.load(std::memory_order_acquire);
  if (count == 0) {
    return {};
  }
  return {.records = {.records = records_.as<uint8_t>(),
                      .kind = CodeKind::kInt8,
                      .dim = dim_,
                      .count = count},
          .space = space_.get()};
}

}  // namespace alidade
