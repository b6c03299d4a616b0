#include "real_vectors.h"

#include <cstdlib>

#include "alidade/common/file.h"

#include "vector_file.h"

namespace alidade {

std::string DefaultDatasetPath() {
  if (const char* cache = std::getenv("ALIDADE_DATASETS"); cache != nullptr && *cache != '\0') {
    return std::string(cache) + "/wordnet";
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.cache/alidade/datasets/wordnet";
}

StatusOr<RealVectors> ReadRealVectors(const std::string& path) {
  if (!PathExists(path)) {
    return NotFound("{} is not there; bench/datasets/make_wordnet.sh makes it", path);
  }
  RealVectors set;
  ALIDADE_ASSIGN_OR_RETURN(set.queries, OpenDataset(path));
  ALIDADE_ASSIGN_OR_RETURN(const auto file, OpenVectorFile(set.queries.base, "train"));
  if (file->dim() != set.queries.dim) {
    return InvalidArgument(
        "{}: rows of {} and queries of {} dimensions", path, file->dim(), set.queries.dim);
  }
  set.rows = static_cast<uint32_t>(file->rows());
  set.dim = file->dim();
  set.base.resize(size_t{set.rows} * set.dim);
  ALIDADE_RETURN_IF_ERROR(file->Read(0, set.rows, set.base.data()));
  return set;
}

}  // namespace alidade
