// Diversify: hits that are near the query and not near each other.
//
// Threads:  pure.
// Source:   maximal marginal relevance: Carbonell, Goldstein 1998.
#pragma once

#include <cstddef>
#include <span>

#include "alidade/common/deadline.h"
#include "alidade/query/ranking.h"
#include "alidade/vec/element.h"

namespace alidade {

struct DiversityOptions {
  double lambda = 0.5;  // 1: relevance alone, 0: difference alone
  size_t keep = 10;     // hits picked
};

// Picks one hit after the other, each time the one of the largest
//   lambda * relevance - (1 - lambda) * largest cosine similarity to a hit picked before
// (at least 0), ties by their order before. Relevance is the score so far, scaled so
// that the worst hit has 0 and the best 1 (all of one score: 1), so that the scores of any branch
// or fusion will do. `vectors`: one of each hit; without a value: similar to nothing. The scores
// become what the hits were picked by, falling. Cost: keep * hits distances. Errors:
// DEADLINE_EXCEEDED, CANCELLED.
StatusOr<Ranking> Diversify(Ranking ranking,
                            std::span<const VectorView> vectors,
                            const DiversityOptions& options,
                            const Deadline& deadline);

}  // namespace alidade
