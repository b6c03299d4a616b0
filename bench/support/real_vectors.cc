#include "real_vectors.h"

#include <cmath>
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

void NormaliseRows(std::vector<float>& rows, uint32_t dim) {
  for (size_t first = 0; first < rows.size(); first += dim) {
    double squared = 0;
    for (size_t i = first; i < first + dim; ++i) {
      squared += static_cast<double>(rows[i]) * static_cast<double>(rows[i]);
    }
    const auto factor = static_cast<float>(1.0 / std::sqrt(squared));
    for (size_t i = first; i < first + dim; ++i) {
      rows[i] *= factor;
    }
  }
}

}  // namespace alidade
