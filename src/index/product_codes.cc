#include "product_codes.h"

#include <algorithm>
#include <limits>

#include "clustering.h"
#include "training_rows.h"

namespace alidade {
namespace {

constexpr uint32_t kTrainRowsMax = 16'384;

constexpr float kEntryMax = std::numeric_limits<uint8_t>::max();
constexpr float kSumMax = std::numeric_limits<uint16_t>::max();
static_assert(kPqPartsMax <= std::numeric_limits<uint16_t>::max() / 3);

// To all entries of a part at once.
void AddSquaredL2(const float* values, const float* book, uint32_t dim, float* out) {
  for (uint32_t d = 0; d < dim; ++d) {
    for (size_t entry = 0; entry < kPqEntries; ++entry) {
      const float difference = values[d] - book[d * kPqEntries + entry];
      out[entry] += difference * difference;
    }
  }
}

void SubtractDot(const float* values, const float* book, uint32_t dim, float* out) {
  for (uint32_t d = 0; d < dim; ++d) {
    for (size_t entry = 0; entry < kPqEntries; ++entry) {
      out[entry] -= values[d] * book[d * kPqEntries + entry];
    }
  }
}

}  // namespace

StatusOr<std::vector<float>> TrainPq(const PqParts& parts,
                                     const VectorMatrix& matrix,
                                     const BuildProgress* progress) {
  const std::vector<float> sample = SampleRows(matrix, kTrainRowsMax);
  const size_t rows = sample.size() / parts.dim;
  std::vector<float> book(size_t{parts.dim} * kPqEntries);
  std::vector<float> slice;
  for (uint32_t part = 0; part < parts.parts; ++part) {
    slice.clear();
    for (size_t row = 0; row < rows; ++row) {
      const float* begin = sample.data() + row * parts.dim + parts.Begin(part);
      slice.insert(slice.end(), begin, begin + parts.Dim(part));
    }
    const uint32_t dim = parts.Dim(part);
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<float> entries,
                             TrainCentroids(slice, dim, kPqEntries, /*spherical=*/false, progress));
    float* out = book.data() + size_t{parts.Begin(part)} * kPqEntries;
    for (size_t i = 0; i < entries.size(); ++i) {
      out[i % dim * kPqEntries + i / dim] = entries[i];
    }
  }
  return book;
}

void EncodePq(const PqParts& parts, const float* book, const float* row, uint8_t* code) {
  for (uint32_t part = 0; part < parts.parts; ++part) {
    const uint32_t begin = parts.Begin(part);
    float distances[kPqEntries] = {};
    AddSquaredL2(row + begin, book + size_t{begin} * kPqEntries, parts.Dim(part), distances);
    code[part] =
        static_cast<uint8_t>(std::min_element(distances, distances + kPqEntries) - distances);
  }
}

void PqDistance::Tables::Set(const PqParts& parts,
                             const float* book,
                             Metric metric,
                             const float* query) {
  exact_.assign(parts.parts * kPqEntries, 0.0F);
  bytes_.assign(PqBlockBytes(parts.parts), 0);
  float range_max = 0;
  float range_sum = 0;
  for (uint32_t part = 0; part < parts.parts; ++part) {
    float* out = exact_.data() + part * kPqEntries;
    const uint32_t begin = parts.Begin(part);
    const auto add = metric == Metric::kDot ? SubtractDot : AddSquaredL2;
    add(query + begin, book + size_t{begin} * kPqEntries, parts.Dim(part), out);
    const auto [least, most] = std::minmax_element(out, out + kPqEntries);
    const float low = *least;
    const float range = *most - low;
    std::transform(out, out + kPqEntries, out, [low](float x) { return x - low; });
    range_max = std::max(range_max, range);
    range_sum += range;
  }
  // As fine as bytes and their sums allow; rounding may add half a step for each part.
  const float step =
      std::max(range_max / kEntryMax, range_sum / (kSumMax - static_cast<float>(parts.parts)));
  const float scale = step > 0 ? 1 / step : 0.0F;
  for (size_t i = 0; i < exact_.size(); ++i) {
    const float level = exact_[i] * scale + 0.5F;
    // Overflows give NaN, which is as near as can be: such a row is looked at exactly.
    bytes_[i] = static_cast<uint8_t>(level > 0 ? std::min(level, kEntryMax) : 0.0F);
  }
}

void PqDistance::Range(uint32_t first, size_t count, float* out) const {
  constexpr size_t kBlocks = 8;
  uint16_t sums[kBlocks * kPqBlockRows];
  size_t block = first / kPqBlockRows;
  size_t skip = first % kPqBlockRows;
  for (size_t done = 0; done < count;) {
    const size_t blocks =
        std::min(kBlocks, (skip + count - done + kPqBlockRows - 1) / kPqBlockRows);
    Sum(block, blocks, sums);
    const size_t rows = std::min(count - done, blocks * kPqBlockRows - skip);
    for (size_t i = 0; i < rows; ++i) {
      out[done + i] = sums[skip + i];
    }
    done += rows;
    block += blocks;
    skip = 0;
  }
}

void PqDistance::Many(const uint32_t* rows, size_t count, float* out) const {
  uint16_t sums[kPqBlockRows];
  size_t summed = std::numeric_limits<size_t>::max();
  for (size_t i = 0; i < count; ++i) {
    if (const size_t block = rows[i] / kPqBlockRows; block != summed) {
      Sum(block, 1, sums);
      summed = block;
    }
    out[i] = sums[rows[i] % kPqBlockRows];
  }
}

}  // namespace alidade
