// Fuse: the rankings of several queries as one.
//
// Threads:  pure.
// Source:   reciprocal rank fusion: Cormack, Clarke, Buettcher 2009 (k = 60 is theirs). Scores
//           against their mean and three deviations: known as distribution-based score fusion.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "alidade/query/ranking.h"

namespace alidade {

// score = sum over the branches that have the hit of weight / (k + rank), ranks from 1.
struct ReciprocalRank {
  uint32_t k = 60;
};

// score = sum over the branches that have the hit of weight * normalised score.
struct WeightedScores {
  enum class Normalization {
    kMinMax,        // the worst of the branch is 0, the best 1; all of one score: 1
    kDistribution,  // mean - 3 deviations is 0, mean + 3 deviations 1, cut; all of one score: 0.5
  };
  Normalization normalization = Normalization::kMinMax;
};

using FusionMethod = std::variant<ReciprocalRank, WeightedScores>;

struct FusionInput {
  Ranking ranking;
  double weight = 1;  // finite, 0 or more
};

// Every hit of any branch once, best first; the parts are those of the branches, in their order.
Ranking Fuse(const SegmentSet& view, const FusionMethod& method, std::vector<FusionInput> branches);

}  // namespace alidade
