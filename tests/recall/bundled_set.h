// The bundled set (bench/datasets/wordnet5k): 5,000 real embeddings of 384 dimensions and 200
// held-out queries, cosine. A file that is not what it should be is a test failure and an empty
// set.
#pragma once

#include <memory>

#include "support/vector_set.h"

namespace alidade {

std::unique_ptr<VectorSet> BundledBase();
std::unique_ptr<VectorSet> BundledQueries();

}  // namespace alidade
