#include "alidade/query/ranking.h"

#include <algorithm>

namespace alidade {

std::string_view EncodedIdOf(const SegmentSet& view, const GlobalHit& place) {
  return view.segments[place.segment].segment->encoded_id(place.row);
}

uint64_t RankOf(const Ranking& ranking, const GlobalHit& place) {
  const auto at = std::ranges::find_if(ranking, [&place](const RankedHit& hit) {
    return hit.place.segment == place.segment && hit.place.row == place.row;
  });
  return at == ranking.end() ? 0 : static_cast<uint64_t>(at - ranking.begin()) + 1;
}

void SortRanking(const SegmentSet& view, Ranking& ranking) {
  std::ranges::sort(ranking, [&view](const RankedHit& a, const RankedHit& b) {
    return a.score != b.score ? a.score > b.score
                              : EncodedIdOf(view, a.place) < EncodedIdOf(view, b.place);
  });
}

void NoteParts(const std::string& source, Ranking& ranking) {
  uint32_t rank = 0;
  for (RankedHit& hit : ranking) {
    hit.parts.push_back({source, ++rank, hit.score});
  }
}

}  // namespace alidade
