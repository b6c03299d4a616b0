// Codes: vectors in few bits, and estimates of distances to them.
//
// A vector is seen from the mean of its set and turned by a fixed rotation, which leaves a residual
// r with no outstanding dimension. Its record holds a code c of small whole numbers and a factor f,
// so that dot(q, r) is about f * dot(q, c) for any query q.
//
// Source:   1 bit: RaBitQ (Gao & Long 2024, arXiv 2405.12497); 4 and 8 bits: one uniform grid a
//           vector with the same unbiased factor |r|^2 / dot(c, r).
// Format:   a record is the code (code_kernels.h), a CodeTail, and zeros up to the stride. On disk:
//           what a kind means never changes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "alidade/vec/metric.h"
#include "alidade/vec/rotation.h"
#include "alidade/vec/scan_prefetch.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

enum class CodeKind : uint8_t {  // on disk: numbers are never reused
  kInt8 = 1,
  kInt4 = 2,
  kBit1 = 3,
};

inline constexpr size_t kCacheLineBytes = 64;

struct CodeTail {
  float factor = 0;
  float offset = 0;  // |r|^2 for L2, half of it for cosine, 0 for dot
  float extra = 0;   // 1 bit: ones in the code; else: |r - f c|
};

size_t CodeBytes(CodeKind kind, uint32_t dim);
// Bytes from record to record: whole cache lines if they cost little.
size_t CodeStride(CodeKind kind, uint32_t dim);

// A view of records; borrows them.
struct CodeMatrix {
  const uint8_t* records = nullptr;
  CodeKind kind = CodeKind::kInt8;
  uint32_t dim = 0;
  uint32_t count = 0;

  size_t stride() const { return CodeStride(kind, dim); }
};

// Where the vectors of one set are seen from. Immutable.
class CodeSpace {
 public:
  // `mean` as MeanOf gives it: `dim` floats.
  CodeSpace(Metric metric, std::vector<float> mean);
  // Of the normalised vectors for cosine, else of the vectors. Deterministic.
  static std::vector<float> MeanOf(const VectorMatrix& matrix);

  Metric metric() const { return metric_; }
  uint32_t dim() const { return rotation_.dim(); }
  const std::vector<float>& mean() const { return mean_; }
  float mean_length() const { return mean_length_; }
  // The residual of a stored vector; `inv_norm` is used for cosine only.
  void Residual(const float* vector, float inv_norm, float* out) const;
  void Rotate(float* values) const { rotation_.Apply(values); }

 private:
  Metric metric_;
  std::vector<float> mean_;
  float mean_length_;
  Rotation rotation_;
};

// Records of the first vectors of a set, with the space that they are codes in. Borrows both.
struct CodedVectors {
  CodeMatrix records;
  const CodeSpace* space = nullptr;  // null: no vector has codes
};

// Writes the record of a residual, CodeStride bytes.
void EncodeRecord(Metric metric, CodeKind kind, const float* residual, uint32_t dim, uint8_t* out);

// One query, prepared for codes of one space. Reusable without allocating; thread-compatible.
class CodeQuery {
 public:
  // Requires: `query` passed ValidateVector. Prepare must follow for each kind that is used.
  void Set(const CodeSpace& space, const float* query);
  void Prepare(CodeKind kind);
  // The query that a record of 8 bits stands for, prepared for codes of 8 bits. Under dot, what the
  // mean adds is left out.
  void SetRecord(const CodeMatrix& codes, Metric metric, uint32_t slot);

 private:
  friend class CodeDistance;

  std::vector<float> rotated_;
  float norm_ = 0;               // of rotated_
  float rounding_ = 0;           // error of float arithmetic in any distance
  float base_ = 0;               // what every distance begins with
  float weight_ = 0;             // of an estimated dot product in a distance
  std::vector<int8_t> numbers_;  // for codes of 8 and 4 bits
  std::vector<float> wide_;      // the same
  float step_ = 0;               // what one of them is worth
  int64_t sum_ = 0;              // of numbers_; for codes of 4 bits
  std::vector<int8_t> packed8_;  // numbers_ as the kernels take them
  std::vector<int8_t> packed4_;
  std::vector<uint64_t> planes_;
  float plane_low_ = 0;
  float plane_step_ = 0;
  int64_t plane_sum_ = 0;
  std::vector<uint8_t> levels_;
};

// Estimated distances from a query to records. Borrows both.
class CodeDistance {
 public:
  CodeDistance(const CodeMatrix& codes, const CodeQuery& query);

  float operator()(uint32_t slot) const;
  // out[i] = estimated distance to slots[i]; never NaN
  void Many(const uint32_t* slots, size_t count, float* out) const;
  // As QueryDistance has them.
  ScanPace Pace(uint32_t rows) const { return PaceOfScan(stride_, rows); }
  void FetchAhead(uint32_t first, uint32_t count, uint32_t last) const {
    FetchScanAhead(codes_.records, stride_, first, count, last);
  }
  // out[i] = estimated distance to first + i
  void Range(uint32_t first, size_t count, float* out) const;
  // Fetches a small record into the cache; larger ones are fetched by Many.
  void Prefetch(uint32_t slot) const {
    if (small_) {
      const uint8_t* record = codes_.records + size_t{slot} * stride_;
      for (size_t at = 0; at < stride_; at += kCacheLineBytes) {
        __builtin_prefetch(record + at);
      }
    }
  }
  // How far an estimate may be off, but for one case in about a thousand; of 1 bit about.
  float ErrorOf(uint32_t slot) const { return Error(slot, usual_error_); }
  // How far an estimate may be off at all; 8 and 4 bits only.
  float ErrorMax(uint32_t slot) const { return Error(slot, greatest_error_); }

 private:
  const uint8_t* TailAt(uint32_t slot) const {
    return codes_.records + size_t{slot} * stride_ + code_bytes_;
  }
  // What an error is made of: factors of the fields of a CodeTail, and the same for all.
  struct ErrorTerms {
    float factor = 0;
    float offset = 0;
    float extra = 0;
    float constant = 0;
  };
  // `root`: of the dimension; `spread`: the share of an error that lies along the query.
  ErrorTerms ErrorFor(float root, float spread) const;
  float Error(uint32_t slot, const ErrorTerms& terms) const {
    CodeTail tail;
    std::memcpy(&tail, TailAt(slot), sizeof(tail));
    const float error = terms.factor * tail.factor + terms.offset * tail.offset +
                        terms.extra * tail.extra + terms.constant;
    // Of vectors so long that squares overflow nothing is known. In this order a NaN is not taken.
    return std::min(std::numeric_limits<float>::infinity(), error);
  }
  struct FinishTerms Terms() const;

  const CodeMatrix codes_;
  const CodeQuery& query_;
  const size_t stride_;
  const size_t code_bytes_;
  const bool small_;
  float dot_factor_ = 0;  // estimate = dot_factor * sum + extra_factor * extra + constant
  float extra_factor_ = 0;
  float constant_ = 0;
  ErrorTerms usual_error_;
  ErrorTerms greatest_error_;
};

}  // namespace alidade
