// MergeHits: the hits of several segments (later: of several nodes) as one answer.
//
// Path:     search 7/8 (from query/executor.cc)
// Threads:  pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "alidade/common/types.h"

namespace alidade {

// Where a hit lies.
struct GlobalHit {
  float distance = 0;
  uint32_t segment = 0;  // position in the view
  RowId row = 0;

  friend bool operator==(const GlobalHit&, const GlobalHit&) = default;
};

// What the order of hits depends on.
struct MergeInput {
  GlobalHit hit;
  std::string_view encoded_id;  // borrowed
  RowNo row_number;
};

// The k nearest, ascending by (distance, id bytes), so that the same query gives the same answer
// however the rows are spread over segments. Of hits with the same id only the newest version
// (largest row number) counts. `inputs` may be in any order.
std::vector<GlobalHit> MergeHits(std::vector<MergeInput> inputs, uint32_t k);

}  // namespace alidade
