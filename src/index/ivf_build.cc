// FAISS trains centroids and codebooks on a bounded sample; rows are assigned with our kernels.
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/ProductQuantizer.h>
#include <omp.h>

#include "alidade/vec/kernels.h"

#include "ivf_index.h"
#include "section.h"

namespace alidade {
namespace {

constexpr int kTrainIterations = 12;        // chosen: centroids hardly move after ten
constexpr uint32_t kTrainRowsPerList = 64;  // bounds the sample; FAISS asks for 39 at least
constexpr uint32_t kPqTrainRowsMax = 16'384;
constexpr int kTrainSeed = 1234;
constexpr uint32_t kAssignBlockRows = 1'024;

// Rows as they are clustered and coded: normalised for cosine, so that L2 orders them as cosine
// does.
class TrainingRows {
 public:
  explicit TrainingRows(const VectorMatrix& matrix) : matrix_(matrix), row_(matrix.dim) {}
  const float* Get(uint32_t slot) {
    if (matrix_.metric != Metric::kCosine) {
      return matrix_.Row(slot);
    }
    const float* raw = matrix_.Row(slot);
    for (uint32_t i = 0; i < matrix_.dim; ++i) {
      row_[i] = raw[i] * matrix_.inv_norms[slot];
    }
    return row_.data();
  }

 private:
  const VectorMatrix& matrix_;
  std::vector<float> row_;
};

// Evenly spread rows: rows often come in an order that means something.
std::vector<float> Sample(const VectorMatrix& matrix, uint32_t rows_max) {
  const uint32_t rows = std::min(matrix.count, rows_max);
  TrainingRows source(matrix);
  std::vector<float> sample;
  sample.reserve(size_t{rows} * matrix.dim);
  for (uint32_t i = 0; i < rows; ++i) {
    const float* row = source.Get(static_cast<uint32_t>(uint64_t{i} * matrix.count / rows));
    sample.insert(sample.end(), row, row + matrix.dim);
  }
  return sample;
}

std::vector<float> TrainCentroids(const VectorMatrix& matrix, uint32_t nlist) {
  const std::vector<float> sample = Sample(matrix, nlist * kTrainRowsPerList);
  faiss::ClusteringParameters parameters;
  parameters.niter = kTrainIterations;
  parameters.seed = kTrainSeed;
  parameters.min_points_per_centroid = 1;
  parameters.max_points_per_centroid = static_cast<int>(kTrainRowsPerList);
  parameters.spherical = matrix.metric == Metric::kCosine;
  faiss::Clustering clustering(static_cast<int>(matrix.dim), static_cast<int>(nlist), parameters);
  faiss::IndexFlatL2 assigner(static_cast<faiss::Index::idx_t>(matrix.dim));
  clustering.train(
      static_cast<faiss::Index::idx_t>(sample.size() / matrix.dim), sample.data(), assigner);
  return clustering.centroids;
}

Status ReportProgress(const BuildOptions& options, uint32_t rows_more) {
  if (options.progress == nullptr) {
    return OkStatus();
  }
  options.progress->rows_done += rows_more;
  return options.progress->cancelled.load() ? Cancelled("the index build was stopped") : OkStatus();
}

Status AssignRows(const VectorMatrix& matrix,
                  const std::vector<float>& centroids,
                  const BuildOptions& options,
                  std::vector<uint32_t>& lists) {
  const size_t nlist = centroids.size() / matrix.dim;
  lists.resize(matrix.count);
  for (uint32_t first = 0; first < matrix.count; first += kAssignBlockRows) {
    const uint32_t last = std::min(matrix.count, first + kAssignBlockRows);
#pragma omp parallel
    {
      TrainingRows source(matrix);
      std::vector<float> distances(nlist);
#pragma omp for
      for (uint32_t slot = first; slot < last; ++slot) {
        SquaredL2Rows(source.Get(slot), centroids.data(), nlist, matrix.dim, distances.data());
        lists[slot] = static_cast<uint32_t>(std::min_element(distances.begin(), distances.end()) -
                                            distances.begin());
      }
    }
    ALIDADE_RETURN_IF_ERROR(ReportProgress(options, last - first));
  }
  return OkStatus();
}

struct Codes {
  std::vector<float> codebook;
  std::vector<uint8_t> bytes;  // by slot
};

Codes EncodeSq8(const VectorMatrix& matrix) {
  TrainingRows source(matrix);
  const size_t dim = matrix.dim;
  std::vector<float> low(dim, std::numeric_limits<float>::max());
  std::vector<float> high(dim, std::numeric_limits<float>::lowest());
  for (uint32_t slot = 0; slot < matrix.count; ++slot) {
    const float* row = source.Get(slot);
    for (size_t i = 0; i < dim; ++i) {
      low[i] = std::min(low[i], row[i]);
      high[i] = std::max(high[i], row[i]);
    }
  }
  Codes codes;
  codes.codebook = low;
  for (size_t i = 0; i < dim; ++i) {
    codes.codebook.push_back((high[i] - low[i]) / 255.0F);
  }
  codes.bytes.resize(size_t{matrix.count} * dim);
  for (uint32_t slot = 0; slot < matrix.count; ++slot) {
    const float* row = source.Get(slot);
    for (size_t i = 0; i < dim; ++i) {
      const float step = codes.codebook[dim + i];
      const float code = step > 0 ? std::round((row[i] - low[i]) / step) : 0.0F;
      codes.bytes[slot * dim + i] = static_cast<uint8_t>(std::clamp(code, 0.0F, 255.0F));
    }
  }
  return codes;
}

Codes EncodePq(const VectorMatrix& matrix, uint32_t pq_m) {
  faiss::ProductQuantizer pq(matrix.dim, pq_m, 8);
  pq.cp.seed = kTrainSeed;
  pq.cp.min_points_per_centroid = 1;
  pq.cp.niter = kTrainIterations;
  const std::vector<float> sample = Sample(matrix, kPqTrainRowsMax);
  pq.train(sample.size() / matrix.dim, sample.data());
  Codes codes;
  codes.codebook = pq.centroids;
  codes.bytes.resize(size_t{matrix.count} * pq_m);
#pragma omp parallel
  {
    TrainingRows source(matrix);
#pragma omp for
    for (uint32_t slot = 0; slot < matrix.count; ++slot) {
      pq.compute_code(source.Get(slot), codes.bytes.data() + size_t{slot} * pq_m);
    }
  }
  return codes;
}

// The largest divisor of dim that is at most dim / 8 (but at least 1).
uint32_t DefaultPqM(uint32_t dim) {
  uint32_t m = std::max(dim / 8, 1U);
  while (dim % m != 0) {
    --m;
  }
  return m;
}

Status BuildAndWrite(const IndexSpec& spec,
                     const VectorMatrix& matrix,
                     const BuildOptions& options,
                     ByteSink& sink) {
  IvfHeader header;
  const uint32_t wanted =
      spec.ivf_nlist != 0 ? spec.ivf_nlist
                          : static_cast<uint32_t>(4 * std::sqrt(static_cast<double>(matrix.count)));
  header.nlist = std::clamp(wanted, 1U, std::min(kNlistMax, matrix.count));
  header.count = matrix.count;
  header.dim = matrix.dim;
  // Fewer rows than PQ centroids cannot train a codebook; the lists then refer to the matrix.
  const bool trainable = spec.ivf_codes != IvfCodes::kPq || matrix.count >= kPqCentroids;
  header.codes = static_cast<uint32_t>(trainable ? spec.ivf_codes : IvfCodes::kFlat);
  if (header.codes == static_cast<uint32_t>(IvfCodes::kPq)) {
    header.pq_m = spec.ivf_pq_m != 0 ? spec.ivf_pq_m : DefaultPqM(matrix.dim);
  }
  ALIDADE_RETURN_IF_ERROR(ReportProgress(options, 0));  // training is not interrupted
  const std::vector<float> centroids = TrainCentroids(matrix, header.nlist);
  std::vector<uint32_t> lists;
  ALIDADE_RETURN_IF_ERROR(AssignRows(matrix, centroids, options, lists));
  Codes codes;
  if (header.codes == static_cast<uint32_t>(IvfCodes::kSq8)) {
    codes = EncodeSq8(matrix);
  } else if (header.codes == static_cast<uint32_t>(IvfCodes::kPq)) {
    codes = EncodePq(matrix, header.pq_m);
  }

  std::vector<uint32_t> starts(header.nlist + 1, 0);
  for (const uint32_t list : lists) {
    ++starts[list + 1];
  }
  for (uint32_t list = 0; list < header.nlist; ++list) {
    starts[list + 1] += starts[list];
  }
  const IvfLayout layout(header);
  std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
  std::vector<uint32_t> slots(matrix.count);
  std::vector<uint8_t> ordered(codes.bytes.size());
  for (uint32_t slot = 0; slot < matrix.count; ++slot) {
    const uint32_t position = next[lists[slot]]++;
    slots[position] = slot;
    std::copy_n(codes.bytes.begin() + static_cast<ptrdiff_t>(size_t{slot} * layout.code_bytes),
                layout.code_bytes,
                ordered.begin() + static_cast<ptrdiff_t>(size_t{position} * layout.code_bytes));
  }
  ALIDADE_RETURN_IF_ERROR(sink.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  uint64_t at = sizeof(header);
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, centroids, at, layout.centroids));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, starts, at, layout.starts));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, slots, at, layout.slots));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, codes.codebook, at, layout.codebook));
  return AppendSection(sink, ordered, at, layout.codes);
}

}  // namespace

Status BuildIvf(const IndexSpec& spec,
                const VectorMatrix& matrix,
                const BuildOptions& options,
                ByteSink& sink) {
  if (matrix.count == 0) {
    return InvalidArgument("an IVF index needs at least one vector");
  }
  try {
    omp_set_num_threads(std::max(1, options.threads));
    return BuildAndWrite(spec, matrix, options, sink);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory for the index build");
  } catch (const faiss::FaissException& error) {
    return Internal("FAISS failed: {}", error.what());
  }
}

}  // namespace alidade
