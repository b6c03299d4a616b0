// Spread: one figure measured several times on a machine that others disturb.
#pragma once

#include <cstddef>
#include <vector>

namespace alidade {

struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

// Requires: at least one value.
Spread SpreadOf(std::vector<double> values);

}  // namespace alidade
