#include "alidade/vec/codes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "alidade/vec/code_kernels.h"
#include "alidade/vec/kernels.h"

#include "encode_kernels.h"
#include "finish_kernels.h"

namespace alidade {
namespace {

// Records up to here are fetched whole as soon as it is known that they will be needed.
constexpr size_t kSmallRecordBytes = 4 * kCacheLineBytes;
// Filling up to a whole cache line may cost this share of a record.
constexpr size_t kFillShare = 4;

constexpr int kInt8Max = 127;
constexpr int kInt4Max = 15;  // codes of 4 bits are the odd numbers -15..15
constexpr int kQueryLevels = 15;

// Grids tried for a 4-bit code: the largest value may be cut off to place the many small ones
// better.
constexpr int kInt4Grids = 8;
constexpr float kInt4GridMin = 0.5F;

// A random rotation spreads an error evenly: its part along a query has a standard deviation of
// 1 / sqrt(dim) of its length.
constexpr float kErrorDeviations = 3.3F;

// Of float32 arithmetic over sums of some thousand terms, as a share of what is added.
constexpr float kRounding = 1e-5F;

constexpr size_t kBlock = 64;  // distances worked on together

struct Grid {
  float step = 0;
  float fit = -1;  // dot(c, r)^2 / |c|^2: the larger the better
};

Grid BestInt4Grid(const float* residual, uint32_t dim, float largest) {
  Grid best;
  for (int i = 0; i < kInt4Grids; ++i) {
    const float share = kInt4GridMin + (1 - kInt4GridMin) * static_cast<float>(i + 1) / kInt4Grids;
    const float step = largest * share / kInt4Max;
    const GridSums sums = SumsOfInt4(residual, dim, step);
    if (const float fit = sums.dot * sums.dot / sums.square; fit > best.fit) {
      best = {.step = step, .fit = fit};
    }
  }
  return best;
}

// Writes the code and, into `numbers`, the whole numbers it stands for.
void EncodeNumbers(
    CodeKind kind, const float* residual, uint32_t dim, std::vector<float>& numbers, uint8_t* out) {
  const float largest = LargestMagnitude(residual, dim);
  if (kind == CodeKind::kBit1) {
    for (uint32_t d = 0; d < dim; ++d) {
      const bool one = residual[d] > 0;
      numbers[d] = one ? 1.0F : -1.0F;
      out[d / 8] |= static_cast<uint8_t>((one ? 1U : 0U) << (d % 8));
    }
  } else if (kind == CodeKind::kInt8) {
    // A scale that overflowed gives what does not fit: it is cut off.
    const float scale = largest > 0 ? kInt8Max / largest : 0.0F;
    RoundToInt8(residual, dim, scale, reinterpret_cast<int8_t*>(out), numbers.data());
  } else {
    const float step = largest > 0 ? BestInt4Grid(residual, dim, largest).step : 0.0F;
    std::vector<uint8_t> levels(dim);
    if (step > 0) {
      RoundToInt4(residual, dim, step, levels.data(), numbers.data());
    } else {
      std::ranges::fill(numbers, static_cast<float>(-kInt4Max));
    }
    PackInt4(levels.data(), dim, out);
  }
}

}  // namespace

size_t CodeBytes(CodeKind kind, uint32_t dim) {
  switch (kind) {
    case CodeKind::kInt8:
      return (size_t{dim} + 3) / 4 * 4;  // the tail is a row of floats
    case CodeKind::kInt4:
      return Int4CodeBytes(dim);
    case CodeKind::kBit1:
      return BitCodeBytes(dim);
  }
  return 0;
}

size_t CodeStride(CodeKind kind, uint32_t dim) {
  const size_t bytes = CodeBytes(kind, dim) + sizeof(CodeTail);
  const size_t lines = (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
  return (lines - bytes) * kFillShare <= bytes ? lines : (bytes + 15) / 16 * 16;
}

CodeSpace::CodeSpace(Metric metric, std::vector<float> mean)
    : metric_(metric),
      mean_(std::move(mean)),
      mean_length_(std::sqrt(Dot(mean_.data(), mean_.data(), mean_.size()))),
      rotation_(static_cast<uint32_t>(mean_.size())) {}

std::vector<float> CodeSpace::MeanOf(const VectorMatrix& matrix) {
  std::vector<double> sums(matrix.dim);
  std::vector<float> wide;
  for (uint32_t slot = 0; slot < matrix.count; ++slot) {
    const float* row = matrix.Floats(slot, wide);
    const double scale = matrix.metric == Metric::kCosine ? matrix.inv_norms[slot] : 1.0;
    for (uint32_t d = 0; d < matrix.dim; ++d) {
      sums[d] += scale * static_cast<double>(row[d]);
    }
  }
  std::vector<float> mean(matrix.dim);
  for (uint32_t d = 0; d < matrix.dim; ++d) {
    mean[d] = static_cast<float>(sums[d] / std::max<uint32_t>(matrix.count, 1));
  }
  return mean;
}

void CodeSpace::Residual(const float* vector, float inv_norm, float* out) const {
  const float scale = metric_ == Metric::kCosine ? inv_norm : 1.0F;
  for (uint32_t d = 0; d < dim(); ++d) {
    out[d] = vector[d] * scale - mean_[d];
  }
  rotation_.Apply(out);
}

void EncodeRecord(Metric metric, CodeKind kind, const float* residual, uint32_t dim, uint8_t* out) {
  std::memset(out, 0, CodeStride(kind, dim));
  std::vector<float> numbers(dim);
  EncodeNumbers(kind, residual, dim, numbers, out);
  const float norm = Dot(residual, residual, dim);
  const float along = Dot(numbers.data(), residual, dim);
  CodeTail tail;
  tail.factor = along > 0 ? norm / along : 0.0F;
  tail.offset = metric == Metric::kL2 ? norm : metric == Metric::kCosine ? norm / 2 : 0.0F;
  if (kind == CodeKind::kBit1) {
    tail.extra = static_cast<float>(
        std::count_if(numbers.begin(), numbers.end(), [](float x) { return x > 0; }));
  } else {
    const float error = SquaredError(residual, numbers.data(), dim, tail.factor);
    tail.extra = std::sqrt(error);
  }
  std::memcpy(out + CodeBytes(kind, dim), &tail, sizeof(tail));
}

void CodeQuery::Set(const CodeSpace& space, const float* query) {
  const uint32_t dim = space.dim();
  rotated_.resize(dim);
  const bool dot = space.metric() == Metric::kDot;
  const float scale = space.metric() == Metric::kCosine ? InverseNorm(query, dim) : 1.0F;
  for (uint32_t d = 0; d < dim; ++d) {
    rotated_[d] = query[d] * scale - (dot ? 0.0F : space.mean()[d]);
  }
  const float square = Dot(rotated_.data(), rotated_.data(), dim);
  switch (space.metric()) {
    case Metric::kL2:
      base_ = square;
      weight_ = -2;
      break;
    case Metric::kCosine:
      base_ = square / 2;
      weight_ = -1;
      break;
    case Metric::kDot:
      base_ = -Dot(query, space.mean().data(), dim);
      weight_ = -1;
      break;
  }
  norm_ = std::sqrt(square);
  rounding_ = kRounding * (norm_ * space.mean_length() + std::abs(base_));
  space.Rotate(rotated_.data());
}

void CodeQuery::Prepare(CodeKind kind) {
  const auto dim = static_cast<uint32_t>(rotated_.size());
  if (kind == CodeKind::kBit1) {
    const auto [low, high] = std::minmax_element(rotated_.begin(), rotated_.end());
    plane_low_ = *low;
    plane_step_ = (*high - *low) / kQueryLevels;
    const float scale = plane_step_ > 0 ? 1 / plane_step_ : 0.0F;
    levels_.resize(dim);
    plane_sum_ = 0;
    for (uint32_t d = 0; d < dim; ++d) {
      const float level = (rotated_[d] - plane_low_) * scale + 0.5F;
      levels_[d] = static_cast<uint8_t>(std::min(level, static_cast<float>(kQueryLevels)));
      plane_sum_ += levels_[d];
    }
    planes_.assign(kQueryPlanes * BitCodeBytes(dim) / sizeof(uint64_t), 0);
    PackBitPlanes(levels_.data(), dim, planes_.data());
    return;
  }
  numbers_.resize(dim);
  wide_.resize(dim);
  const float largest = LargestMagnitude(rotated_.data(), dim);
  const float scale = largest > 0 ? kInt8Max / largest : 0.0F;
  RoundToInt8(rotated_.data(), dim, scale, numbers_.data(), wide_.data());
  step_ = largest / kInt8Max;
  if (kind == CodeKind::kInt4) {
    sum_ = std::accumulate(numbers_.begin(), numbers_.end(), int64_t{0});
    packed4_.resize(2 * Int4CodeBytes(dim));
    PackInt4Query(numbers_.data(), dim, packed4_.data());
  } else {
    packed8_.resize(Int8QueryBytes(dim));
    PackInt8Query(numbers_.data(), dim, packed8_.data());
  }
}

void CodeQuery::SetRecord(const CodeMatrix& codes, Metric metric, uint32_t slot) {
  const uint8_t* record = codes.records + size_t{slot} * codes.stride();
  CodeTail tail;
  std::memcpy(&tail, record + CodeBytes(codes.kind, codes.dim), sizeof(tail));
  packed8_.resize(Int8QueryBytes(codes.dim));
  PackInt8Query(reinterpret_cast<const int8_t*>(record), codes.dim, packed8_.data());
  step_ = tail.factor;
  base_ = tail.offset;
  weight_ = metric == Metric::kL2 ? -2.0F : -1.0F;
}

CodeDistance::CodeDistance(const CodeMatrix& codes, const CodeQuery& query)
    : codes_(codes),
      query_(query),
      stride_(codes.stride()),
      code_bytes_(CodeBytes(codes.kind, codes.dim)),
      small_(stride_ <= kSmallRecordBytes) {
  const auto dim = static_cast<float>(codes.dim);
  switch (codes.kind) {
    case CodeKind::kInt8:
      dot_factor_ = query.step_;
      break;
    case CodeKind::kInt4:
      dot_factor_ = 2 * query.step_;
      constant_ = -kInt4Max * query.step_ * static_cast<float>(query.sum_);
      break;
    case CodeKind::kBit1:
      dot_factor_ = 2 * query.plane_step_;
      extra_factor_ = 2 * query.plane_low_;
      constant_ =
          -query.plane_low_ * dim - query.plane_step_ * static_cast<float>(query.plane_sum_);
      break;
  }
  const float root = std::sqrt(dim);
  usual_error_ = ErrorFor(root, kErrorDeviations / root);
  greatest_error_ = ErrorFor(root, 1);
}

// dot(q, r) = dot(q, f c) + dot(q, r - f c): the first part is off by what the query lost when it
// became whole numbers, the second is left out.
CodeDistance::ErrorTerms CodeDistance::ErrorFor(float root, float spread) const {
  if (codes_.kind == CodeKind::kBit1) {
    // What is left out is 0.6 root f long where r is normally distributed: dot(c, r) is 0.8 root
    // |r| then.
    constexpr float kLeftOut = 0.6F;
    return {.factor = std::abs(query_.weight_) * spread * query_.norm_ * kLeftOut * root,
            .constant = query_.rounding_};
  }
  const auto most = static_cast<float>(codes_.kind == CodeKind::kInt8 ? kInt8Max : kInt4Max);
  const float code_length = most * root;  // |f c| is at most f times that
  const float query_error = query_.step_ / 2 * root;
  const float weight = std::abs(query_.weight_) * spread;
  return {.factor = code_length * (weight * query_error + kRounding * query_.norm_),
          .offset = kRounding,
          .extra = weight * query_.norm_,
          .constant = query_.rounding_};
}

FinishTerms CodeDistance::Terms() const {
  return {.dot_factor = dot_factor_,
          .extra_factor = extra_factor_,
          .constant = constant_,
          .base = query_.base_,
          .weight = query_.weight_};
}

float CodeDistance::operator()(uint32_t slot) const {
  float distance = 0;
  Many(&slot, 1, &distance);
  return distance;
}

void CodeDistance::Many(const uint32_t* slots, size_t count, float* out) const {
  int32_t dots[kBlock];
  const FinishTerms terms = Terms();
  for (size_t first = 0; first < count; first += kBlock) {
    const size_t block = std::min(kBlock, count - first);
    const CodePick pick{.base = codes_.records,
                        .stride = stride_,
                        .rows = slots + first,
                        .count = block,
                        .dim = codes_.dim,
                        .prefetch_bytes = small_ ? 0 : stride_};
    switch (codes_.kind) {
      case CodeKind::kInt8:
        DotInt8Gather(query_.packed8_.data(), pick, dots);
        break;
      case CodeKind::kInt4:
        DotInt4Gather(query_.packed4_.data(), pick, dots);
        break;
      case CodeKind::kBit1:
        DotBitGather(query_.planes_.data(), pick, dots);
        break;
    }
    for (size_t i = 0; i < block; ++i) {
      out[first + i] = FinishCode(terms, dots[i], TailAt(slots[first + i]));
    }
  }
}

void CodeDistance::Range(uint32_t first, size_t count, float* out) const {
  int32_t dots[kBlock];
  const FinishTerms terms = Terms();
  for (size_t done = 0; done < count; done += kBlock) {
    const size_t block = std::min(kBlock, count - done);
    const size_t start = first + done;
    const CodeRows rows{.base = codes_.records + start * stride_,
                        .stride = stride_,
                        .count = block,
                        .dim = codes_.dim};
    switch (codes_.kind) {
      case CodeKind::kInt8:
        DotInt8Rows(query_.packed8_.data(), rows, dots);
        break;
      case CodeKind::kInt4:
        DotInt4Rows(query_.packed4_.data(), rows, dots);
        break;
      case CodeKind::kBit1:
        DotBitRows(query_.planes_.data(), rows, dots);
        break;
    }
    FinishCodeRows(terms, rows.base + code_bytes_, stride_, dots, block, out + done);
  }
}

}  // namespace alidade
