#include "alidade/index/vector_index.h"

#include "hnsw_index.h"
#include "ivf_index.h"

namespace alidade {

Status CheckCancelled(const BuildProgress* progress) {
  return progress != nullptr && progress->cancelled.load(std::memory_order_relaxed)
             ? Cancelled("the build was stopped")
             : OkStatus();
}

Status BuildIndex(const IndexSpec& spec,
                  IndexKind kind,
                  const VectorMatrix& matrix,
                  std::string_view previous,
                  const BuildOptions& options,
                  ByteSink& sink) {
  switch (kind) {
    case IndexKind::kHnsw:
      return BuildHnsw(spec, matrix, previous, options, sink);
    case IndexKind::kIvf:
      return BuildIvf(spec, matrix, options, sink);
    default:
      return InvalidArgument("there is nothing to build for index kind {}", static_cast<int>(kind));
  }
}

StatusOr<std::unique_ptr<VectorIndex>> OpenIndex(IndexKind kind,
                                                 std::string_view body,
                                                 const VectorMatrix& matrix,
                                                 const VectorCodes* codes) {
  switch (kind) {
    case IndexKind::kHnsw:
      return HnswIndex::Open(body, matrix, codes);
    case IndexKind::kIvf:
      return IvfIndex::Open(body, matrix);
    default:
      return DataLoss("index kind {} has no body", static_cast<int>(kind));
  }
}

}  // namespace alidade
