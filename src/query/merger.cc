#include "alidade/query/merger.h"

#include <algorithm>
#include <compare>

namespace alidade {

std::vector<GlobalHit> MergeHits(std::vector<MergeInput> inputs, uint32_t k) {
  std::ranges::sort(inputs, [](const MergeInput& a, const MergeInput& b) {
    const int order = a.encoded_id.compare(b.encoded_id);
    return order != 0 ? order < 0 : a.row_number > b.row_number;
  });
  const auto older = std::ranges::unique(inputs, {}, &MergeInput::encoded_id);
  inputs.erase(older.begin(), older.end());
  // A total order even for NaN, which no valid vector gives: a comparison that is none would be
  // undefined behaviour.
  std::ranges::sort(inputs, [](const MergeInput& a, const MergeInput& b) {
    const auto order = std::weak_order(a.hit.distance, b.hit.distance);
    return std::is_neq(order) ? std::is_lt(order) : a.encoded_id < b.encoded_id;
  });
  std::vector<GlobalHit> hits;
  hits.reserve(std::min<size_t>(k, inputs.size()));
  for (size_t i = 0; i < inputs.size() && i < k; ++i) {
    hits.push_back(inputs[i].hit);
  }
  return hits;
}

}  // namespace alidade
