// Reach: where a walk may end before it has looked at as many nodes as it may.
//
// A walk that keeps the ef nearest nodes does the same work for every query: too much where the
// nearest are found at once, too little where they hide. This one keeps more of them and ends where
// the nearest node it has not looked behind lies some times as far as the k-th nearest found: then
// the work follows the query.
//
// Source:   Al-Jazzazi et al. 2025 (distance-adaptive beam search, arXiv 2505.15636). Here the
//           error of the codes comes on top, the distances compared are the index's own (squared
//           for L2), and how far a walk has to reach is measured when a graph is built
//           (alidade/index/recall_curve.h).
#pragma once

#include <algorithm>
#include <cstddef>

#include "walk_scratch.h"

namespace alidade {

// As far as there are nodes.
struct FullReach {
  template <class Distance>
  void Cut(size_t /*changed*/, const Distance& /*distance*/, NearestPool& /*pool*/) const {}
};

class Reach {
 public:
  // `factor` times as far from `least`, the least distance that there can be, as the k-th nearest.
  // A factor of 0 is a full reach.
  Reach(float factor, size_t k, float least) : factor_(factor), k_(k), least_(least) {}

  // How many nodes a walk keeps at most where it would keep `ef` at full reach: so many times as
  // much a hard query may take.
  size_t Most(size_t ef) const { return factor_ > 0 ? 2 * ef : ef; }

  // Drops from the pool what lies out of reach, and sees to it that no such node comes in.
  // `changed`: the first position that is new. `distance` has ErrorOf(slot).
  template <class Distance>
  void Cut(size_t changed, const Distance& distance, NearestPool& pool) const {
    if (factor_ > 0 && changed < k_ && pool.size() >= k_) {
      const float nearest = pool.distance(k_ - 1);
      pool.CutBehind(nearest + (factor_ - 1) * std::max(0.0F, nearest - least_) +
                     distance.ErrorOf(pool.slot(k_ - 1)));
    }
  }

 private:
  float factor_;
  size_t k_;
  float least_;
};

}  // namespace alidade
