// Ranking: hits in the order of their scores, as fusion and the stages after it take and give it.
//
// Threads:  pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/query/merger.h"
#include "alidade/segment/segment_set.h"

namespace alidade {

// What one branch or stage said of a hit.
struct ScorePart {
  std::string source;  // where it stands in the request, e.g. "branches[0]"
  uint32_t rank = 0;   // from 1
  double score = 0;

  friend bool operator==(const ScorePart&, const ScorePart&) = default;
};

struct RankedHit {
  GlobalHit place;
  double score = 0;  // larger is better
  std::vector<ScorePart> parts = {};
};

// Best first.
using Ranking = std::vector<RankedHit>;

std::string_view EncodedIdOf(const SegmentSet& view, const GlobalHit& place);

// The place of the row in the ranking, from 1; 0: it is not there.
uint64_t RankOf(const Ranking& ranking, const GlobalHit& place);

// Falling by score, ties by id bytes.
void SortRanking(const SegmentSet& view, Ranking& ranking);

// Adds to each hit what `source` says of it: its place and score now.
void NoteParts(const std::string& source, Ranking& ranking);

}  // namespace alidade
