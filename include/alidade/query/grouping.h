// GroupHits: a ranking by the values of a payload key.
//
// Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "alidade/common/value.h"
#include "alidade/query/ranking.h"

namespace alidade {

struct GroupBy {
  std::string key;          // dotted path
  uint32_t group_size = 1;  // hits in each, at least 1
};

struct HitGroup {
  Value value;               // string, integer or boolean
  std::vector<size_t> hits;  // places in the ranking, rising
};

// The first `groups` values that hits of the ranking have, in its order, each with the first
// `group_size` hits that have it. A hit belongs to the value at the key, of a list to each of its
// elements; values of other kinds make no group.
std::vector<HitGroup> GroupHits(const SegmentSet& view,
                                const Ranking& ranking,
                                const GroupBy& by,
                                size_t groups);

}  // namespace alidade
