#include "alidade/query/fusion.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

namespace alidade {
namespace {

constexpr double kDeviations = 3;  // as the method is known

// What scores become: a * score + b, cut to 0..1.
struct Scaling {
  double lowest = 0;
  double width = 0;  // 0: all of one score
  double of_all = 1;

  double Of(double score) const {
    return width == 0 ? of_all : std::clamp((score - lowest) / width, 0.0, 1.0);
  }
};

Scaling ScalingOf(const Ranking& ranking, WeightedScores::Normalization normalization) {
  if (ranking.empty()) {
    return {};
  }
  if (normalization == WeightedScores::Normalization::kMinMax) {
    const auto [low, high] = std::ranges::minmax(ranking, {}, &RankedHit::score);
    return {low.score, high.score - low.score, 1};
  }
  double mean = 0;
  for (const RankedHit& hit : ranking) {
    mean += hit.score / static_cast<double>(ranking.size());
  }
  double variance = 0;
  for (const RankedHit& hit : ranking) {
    variance += (hit.score - mean) * (hit.score - mean) / static_cast<double>(ranking.size());
  }
  const double deviation = std::sqrt(variance);
  return {mean - kDeviations * deviation, 2 * kDeviations * deviation, 0.5};
}

// Adds to each hit's sum what the branch gives it: worth(position, hit).
template <typename Worth>
void AddBranch(FusionInput& branch,
               std::map<std::pair<uint32_t, RowId>, RankedHit>& sums,
               const Worth& worth) {
  for (size_t i = 0; i < branch.ranking.size(); ++i) {
    RankedHit& hit = branch.ranking[i];
    RankedHit& sum = sums[{hit.place.segment, hit.place.row}];
    sum.place = hit.place;
    sum.score += branch.weight * worth(i, hit);
    std::ranges::move(hit.parts, std::back_inserter(sum.parts));
  }
}

}  // namespace

Ranking Fuse(const SegmentSet& view,
             const FusionMethod& method,
             std::vector<FusionInput> branches) {
  // A point that is alive in the view has one place there.
  std::map<std::pair<uint32_t, RowId>, RankedHit> sums;
  for (FusionInput& branch : branches) {
    if (const auto* ranks = std::get_if<ReciprocalRank>(&method)) {
      AddBranch(branch, sums, [ranks](size_t position, const RankedHit& /*hit*/) {
        return 1 / (static_cast<double>(ranks->k) + static_cast<double>(position + 1));
      });
    } else {
      const Scaling scaling =
          ScalingOf(branch.ranking, std::get<WeightedScores>(method).normalization);
      AddBranch(branch, sums, [&scaling](size_t /*position*/, const RankedHit& hit) {
        return scaling.Of(hit.score);
      });
    }
  }
  Ranking fused;
  fused.reserve(sums.size());
  for (auto& [place, hit] : sums) {
    fused.push_back(std::move(hit));
  }
  SortRanking(view, fused);
  return fused;
}

}  // namespace alidade
