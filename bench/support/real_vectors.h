// RealVectors: a data set that was made by bench/datasets, in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alidade/common/status.h"

#include "dataset.h"

namespace alidade {

// $ALIDADE_DATASETS/wordnet, or ~/.cache/alidade/datasets/wordnet.
std::string DefaultDatasetPath();

struct RealVectors {
  Dataset queries;          // with their true distances, if the set has them
  std::vector<float> base;  // rows x dim
  uint32_t rows = 0;
  uint32_t dim = 0;

  const float* Row(uint32_t row) const { return base.data() + size_t{row} * dim; }
};

// NOT_FOUND with the command that makes the set, if it is not there.
StatusOr<RealVectors> ReadRealVectors(const std::string& path);

// Makes every row unit length: inner product and L2 then rank as cosine does.
void NormaliseRows(std::vector<float>& rows, uint32_t dim);

}  // namespace alidade
