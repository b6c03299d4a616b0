// Path: search 6/8 (from segment/sealed_segment.cc)
#include "ivf_index.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "alidade/vec/kernels.h"

#include "section.h"

namespace alidade {
namespace {

constexpr size_t kBlockRows = 256;

}  // namespace

IvfLayout::IvfLayout(const IvfHeader& header) {
  const auto kind = static_cast<IvfCodes>(header.codes);
  code_bytes = kind == IvfCodes::kSq8 ? header.dim : kind == IvfCodes::kPq ? header.pq_m : 0;
  const uint64_t codebook_floats = kind == IvfCodes::kSq8  ? uint64_t{2} * header.dim
                                   : kind == IvfCodes::kPq ? uint64_t{kPqCentroids} * header.dim
                                                           : 0;
  centroids = sizeof(IvfHeader);
  starts = AlignSection(centroids + uint64_t{header.nlist} * header.dim * sizeof(float));
  slots = AlignSection(starts + (uint64_t{header.nlist} + 1) * sizeof(uint32_t));
  codebook = AlignSection(slots + uint64_t{header.count} * sizeof(uint32_t));
  codes = AlignSection(codebook + codebook_floats * sizeof(float));
  end = codes + uint64_t{header.count} * code_bytes;
}

uint32_t DefaultNprobe(uint32_t nlist) { return std::max(nlist / 16, std::min(nlist, 8U)); }

IvfIndex::IvfIndex(const IvfHeader& header, std::string_view body, const VectorMatrix& matrix)
    : header_(header),
      matrix_(matrix),
      code_bytes_(IvfLayout(header).code_bytes),
      centroids_(reinterpret_cast<const float*>(body.data() + IvfLayout(header).centroids)),
      starts_(reinterpret_cast<const uint32_t*>(body.data() + IvfLayout(header).starts)),
      slots_(reinterpret_cast<const uint32_t*>(body.data() + IvfLayout(header).slots)),
      codebook_(reinterpret_cast<const float*>(body.data() + IvfLayout(header).codebook)),
      codes_(reinterpret_cast<const uint8_t*>(body.data() + IvfLayout(header).codes)) {}

StatusOr<std::unique_ptr<VectorIndex>> IvfIndex::Open(std::string_view body,
                                                      const VectorMatrix& matrix) {
  IvfHeader header;
  if (body.size() < sizeof(header)) {
    return DataLoss("the IVF index is cut short");
  }
  std::memcpy(&header, body.data(), sizeof(header));
  const auto kind = static_cast<IvfCodes>(header.codes);
  const bool known = kind == IvfCodes::kFlat || kind == IvfCodes::kSq8 || kind == IvfCodes::kPq;
  const bool fits =
      header.format == kIvfFormat && known && header.nlist >= 1 && header.nlist <= kNlistMax &&
      header.dim == matrix.dim && header.count == matrix.count &&
      (kind != IvfCodes::kPq ||
       (header.pq_m >= 1 && header.pq_m <= header.dim && header.dim % header.pq_m == 0));
  if (!fits || IvfLayout(header).end != body.size()) {
    return DataLoss(
        "the IVF header does not fit its {} bytes or its {} vectors", body.size(), matrix.count);
  }
  auto index = std::unique_ptr<IvfIndex>(new IvfIndex(header, body, matrix));
  bool good = index->starts_[0] == 0 && index->starts_[header.nlist] == header.count;
  for (uint32_t list = 0; good && list < header.nlist; ++list) {
    good = index->starts_[list] <= index->starts_[list + 1];
  }
  std::vector<bool> seen(header.count, false);
  for (uint32_t i = 0; good && i < header.count; ++i) {
    const uint32_t slot = index->slots_[i];
    good = slot < header.count && !seen[slot];
    if (good) {
      seen[slot] = true;
    }
  }
  if (!good) {
    return DataLoss("the lists of the IVF index do not name each vector once");
  }
  return std::unique_ptr<VectorIndex>(std::move(index));
}

std::vector<uint32_t> IvfIndex::NearestLists(const float* query, uint32_t nprobe) const {
  std::vector<float> distances(header_.nlist);
  if (matrix_.metric == Metric::kDot) {
    DotRows(query, centroids_, header_.nlist, header_.dim, distances.data());
    for (float& d : distances) {
      d = -d;
    }
  } else {
    SquaredL2Rows(query, centroids_, header_.nlist, header_.dim, distances.data());
  }
  std::vector<uint32_t> lists(header_.nlist);
  std::iota(lists.begin(), lists.end(), 0U);
  const auto nearer = [&](uint32_t a, uint32_t b) {
    return distances[a] < distances[b] || (distances[a] == distances[b] && a < b);
  };
  const auto middle = lists.begin() + static_cast<ptrdiff_t>(std::min(nprobe, header_.nlist));
  std::partial_sort(lists.begin(), middle, lists.end(), nearer);
  lists.erase(middle, lists.end());
  return lists;
}

// Distances of the query's parts to every codebook entry: [pq_m][256].
std::vector<float> IvfIndex::PqTable(const float* query) const {
  const size_t part = header_.dim / header_.pq_m;
  std::vector<float> table(size_t{header_.pq_m} * kPqCentroids);
  for (uint32_t m = 0; m < header_.pq_m; ++m) {
    const float* entries = codebook_ + m * kPqCentroids * part;
    float* out = table.data() + size_t{m} * kPqCentroids;
    if (matrix_.metric == Metric::kDot) {
      DotRows(query + m * part, entries, kPqCentroids, part, out);
      std::transform(out, out + kPqCentroids, out, [](float x) { return -x; });
    } else {
      SquaredL2Rows(query + m * part, entries, kPqCentroids, part, out);
    }
  }
  return table;
}

void IvfIndex::ScanCodes(const float* query,
                         const std::vector<float>& table,
                         const uint32_t* positions,
                         size_t count,
                         float* out) const {
  if (!table.empty()) {
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* code = codes_ + size_t{positions[i]} * code_bytes_;
      float sum = 0;
      for (uint32_t m = 0; m < header_.pq_m; ++m) {
        sum += table[size_t{m} * kPqCentroids + code[m]];
      }
      out[i] = sum;
    }
    return;
  }
  std::vector<float> row(header_.dim);
  const float* low = codebook_;
  const float* step = codebook_ + header_.dim;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* code = codes_ + size_t{positions[i]} * code_bytes_;
    for (uint32_t d = 0; d < header_.dim; ++d) {
      row[d] = low[d] + step[d] * static_cast<float>(code[d]);
    }
    out[i] = matrix_.metric == Metric::kDot ? -Dot(query, row.data(), header_.dim)
                                            : SquaredL2(query, row.data(), header_.dim);
  }
}

StatusOr<std::vector<Candidate>> IvfIndex::Search(const float* query,
                                                  const IndexSearchOptions& options) const {
  SearchStats unused;
  SearchStats& stats = options.stats == nullptr ? unused : *options.stats;
  std::vector<float> normalised(query, query + header_.dim);
  if (matrix_.metric == Metric::kCosine) {
    const float scale = InverseNorm(query, header_.dim);
    for (float& x : normalised) {
      x *= scale;
    }
  }
  const auto codes = static_cast<IvfCodes>(header_.codes);
  const uint32_t nprobe = options.nprobe == 0 ? DefaultNprobe(header_.nlist) : options.nprobe;
  const std::vector<float> table =
      codes == IvfCodes::kPq ? PqTable(normalised.data()) : std::vector<float>();
  const QueryDistance exact(matrix_, query);
  const bool coded = codes != IvfCodes::kFlat;
  // Candidates by code hold positions, those by vector hold slots.
  TopK pool(coded ? std::max({4 * options.k, options.k + 64, options.ef}) : options.k);
  uint32_t picked[kBlockRows];
  float distances[kBlockRows];
  for (const uint32_t list : NearestLists(normalised.data(), nprobe)) {
    if (options.deadline != nullptr) {
      ALIDADE_RETURN_IF_ERROR(options.deadline->Check());
    }
    ++stats.lists_probed;
    uint32_t position = starts_[list];
    while (position < starts_[list + 1]) {
      size_t count = 0;
      for (; position < starts_[list + 1] && count < kBlockRows; ++position) {
        if (options.filter == nullptr || options.filter->Allows(slots_[position])) {
          picked[count++] = coded ? position : slots_[position];
        }
      }
      if (coded) {
        ScanCodes(normalised.data(), table, picked, count, distances);
      } else {
        exact.Many(picked, count, distances);
      }
      stats.distance_computations += count;
      for (size_t i = 0; i < count; ++i) {
        pool.Push(distances[i], picked[i]);
      }
    }
  }
  std::vector<Candidate> found = pool.TakeSorted();
  if (!coded) {
    return found;
  }
  TopK ranked(options.k);
  for (const Candidate& candidate : found) {
    const uint32_t slot = slots_[candidate.slot];
    ranked.Push(exact(slot), slot);
  }
  stats.distance_computations += found.size();
  return ranked.TakeSorted();
}

}  // namespace alidade
