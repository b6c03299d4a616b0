// FAISS trains centroids and entries on bounded samples; rows are assigned and encoded by us, and
// what is as large as the vectors is written as it is made.
#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include <faiss/impl/FaissException.h>
#include <omp.h>

#include "alidade/vec/kernels.h"

#include "clustering.h"
#include "code_records.h"
#include "ivf_index.h"
#include "product_codes.h"
#include "section.h"
#include "training_rows.h"

namespace alidade {
namespace {

constexpr uint32_t kTrainRowsPerList = 64;  // FAISS asks for 39 at least
constexpr uint64_t kTrainBytesMax = uint64_t{256} << 20;
constexpr uint32_t kAssignBlockRows = 1'024;
constexpr uint32_t kPqBlocksAtOnce = 64;

// Of the sample for `nlist` centroids.
uint32_t TrainRows(uint32_t nlist, uint32_t dim) {
  const uint64_t rows = std::min(uint64_t{nlist} * kTrainRowsPerList,
                                 kTrainBytesMax / (uint64_t{dim} * sizeof(float)));
  return std::max(nlist, static_cast<uint32_t>(rows));
}

Status ReportProgress(const BuildOptions& options, uint32_t rows_more) {
  if (options.progress != nullptr) {
    options.progress->rows_done += rows_more;
  }
  return CheckCancelled(options.progress);
}

StatusOr<std::vector<uint32_t>> AssignRows(const VectorMatrix& matrix,
                                           const std::vector<float>& centroids,
                                           const BuildOptions& options) {
  const size_t nlist = centroids.size() / matrix.dim;
  std::vector<uint32_t> lists(matrix.count);
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
  return lists;
}

struct Lists {
  std::vector<uint32_t> starts;
  std::vector<uint32_t> slots;
};

Lists OrderByList(const std::vector<uint32_t>& list_of_slot, uint32_t nlist) {
  Lists lists;
  lists.starts.assign(nlist + 1, 0);
  for (const uint32_t list : list_of_slot) {
    ++lists.starts[list + 1];
  }
  for (uint32_t list = 0; list < nlist; ++list) {
    lists.starts[list + 1] += lists.starts[list];
  }
  std::vector<uint32_t> next(lists.starts.begin(), lists.starts.end() - 1);
  lists.slots.resize(list_of_slot.size());
  for (uint32_t slot = 0; slot < list_of_slot.size(); ++slot) {
    lists.slots[next[list_of_slot[slot]]++] = slot;
  }
  return lists;
}

Status AppendCentroids(const CodeSpace& space,
                       const std::vector<float>& centroids,
                       const BuildOptions& options,
                       ByteSink& sink) {
  const auto nlist = static_cast<uint32_t>(centroids.size() / space.dim());
  const std::vector<float> ones(nlist, 1.0F);
  const VectorMatrix matrix{.rows = centroids.data(),
                            .inv_norms = ones.data(),
                            .count = nlist,
                            .dim = space.dim(),
                            .metric = space.metric()};
  return AppendRecords(space, CodeKind::kInt8, matrix, nullptr, options.progress, sink);
}

Status AppendPqBlocks(const PqParts& parts,
                      const std::vector<float>& book,
                      const VectorMatrix& matrix,
                      const std::vector<uint32_t>& slots,
                      const BuildOptions& options,
                      ByteSink& sink) {
  const size_t block_bytes = PqBlockBytes(parts.parts);
  constexpr uint32_t kRows = kPqBlocksAtOnce * kPqBlockRows;
  for (uint32_t first = 0; first < matrix.count; first += kRows) {
    ALIDADE_RETURN_IF_ERROR(CheckCancelled(options.progress));
    const uint32_t rows = std::min(kRows, matrix.count - first);
    const size_t blocks = (rows + kPqBlockRows - 1) / kPqBlockRows;
    std::vector<uint8_t> bytes(blocks * block_bytes, 0);
#pragma omp parallel
    {
      TrainingRows source(matrix);
      std::vector<uint8_t> code(parts.parts);
#pragma omp for
      for (size_t block = 0; block < blocks; ++block) {
        const size_t begin = block * kPqBlockRows;
        const size_t end = std::min<size_t>(begin + kPqBlockRows, rows);
        for (size_t row = begin; row < end; ++row) {
          EncodePq(parts, book.data(), source.Get(slots[first + row]), code.data());
          PutPqCode(code.data(), parts.parts, row - begin, bytes.data() + block * block_bytes);
        }
      }
    }
    ALIDADE_RETURN_IF_ERROR(
        sink.Append({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  return OkStatus();
}

// The largest divisor of dim that is at most dim / 8 (but at least 1).
uint32_t DefaultPqM(uint32_t dim) {
  uint32_t m = std::max(dim / 8, 1U);
  while (dim % m != 0) {
    --m;
  }
  return m;
}

// Two parts a byte.
uint32_t PartsFor(const IndexSpec& spec, uint32_t dim) {
  const uint32_t bytes = spec.ivf_pq_m != 0 ? spec.ivf_pq_m : DefaultPqM(dim);
  return std::min({2 * bytes, dim, kPqPartsMax});
}

IvfHeader HeaderFor(const IndexSpec& spec, const VectorMatrix& matrix) {
  IvfHeader header;
  const uint32_t wanted =
      spec.ivf_nlist != 0 ? spec.ivf_nlist
                          : static_cast<uint32_t>(4 * std::sqrt(static_cast<double>(matrix.count)));
  header.nlist = std::clamp(wanted, 1U, std::min(kNlistMax, matrix.count));
  header.count = matrix.count;
  header.dim = matrix.dim;
  // Too few rows cannot train entries; the lists then refer to the matrix.
  const bool trainable = spec.ivf_codes != IvfCodes::kPq || matrix.count >= kPqEntries;
  header.codes = static_cast<uint32_t>(trainable ? spec.ivf_codes : IvfCodes::kFlat);
  header.parts =
      header.codes == static_cast<uint32_t>(IvfCodes::kPq) ? PartsFor(spec, matrix.dim) : 0;
  return header;
}

Status BuildAndWrite(const IndexSpec& spec,
                     const VectorMatrix& matrix,
                     const BuildOptions& options,
                     ByteSink& sink) {
  const IvfHeader header = HeaderFor(spec, matrix);
  const IvfLayout layout(header);
  const bool cosine = matrix.metric == Metric::kCosine;
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<float> centroids,
                           TrainCentroids(SampleRows(matrix, TrainRows(header.nlist, matrix.dim)),
                                          matrix.dim,
                                          header.nlist,
                                          /*spherical=*/cosine,
                                          options.progress));
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<uint32_t> list_of_slot,
                           AssignRows(matrix, centroids, options));
  const Lists lists = OrderByList(list_of_slot, header.nlist);
  const PqParts parts{.dim = header.dim, .parts = header.parts};
  const auto codes = static_cast<IvfCodes>(header.codes);
  std::vector<float> book;
  if (codes == IvfCodes::kPq) {
    ALIDADE_ASSIGN_OR_RETURN(book, TrainPq(parts, matrix, options.progress));
  }
  const CodeSpace space(matrix.metric, CodeSpace::MeanOf(matrix));

  ALIDADE_RETURN_IF_ERROR(sink.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  uint64_t at = sizeof(header);
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, space.mean(), at, layout.mean));
  ALIDADE_RETURN_IF_ERROR(AppendZeros(sink, layout.centroids - at));
  ALIDADE_RETURN_IF_ERROR(AppendCentroids(space, centroids, options, sink));
  at = layout.centroids + header.nlist * CodeStride(CodeKind::kInt8, header.dim);
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, lists.starts, at, layout.starts));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, lists.slots, at, layout.slots));
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, book, at, layout.book));
  ALIDADE_RETURN_IF_ERROR(AppendZeros(sink, layout.codes - at));
  if (codes == IvfCodes::kPq) {
    return AppendPqBlocks(parts, book, matrix, lists.slots, options, sink);
  }
  if (codes == IvfCodes::kFlat) {
    return OkStatus();
  }
  const CodeKind kind = codes == IvfCodes::kSq4 ? CodeKind::kInt4 : CodeKind::kInt8;
  return AppendRecords(space, kind, matrix, lists.slots.data(), options.progress, sink);
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
