// FilteredWalk: the nearest nodes of a graph among those that a filter allows. Only these are
// scored; the walk steps over the others.
//
// Source:   Patel et al. 2024 (ACORN, arXiv 2403.04871), its variant over an ordinary graph; here
//           links of links are followed only where too few links pass, and a sample of what passes
//           is where the walk begins, too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "alidade/common/status.h"

#include "graph_walk.h"
#include "reach.h"
#include "walk_scratch.h"

namespace alidade {

// Graph and Distance as for GraphWalk; Allowed has Test(node). Borrows the first two.
template <class Graph, class Distance, class Allowed>
class FilteredWalk {
 public:
  FilteredWalk(const Graph& graph,
               const Distance& distance,
               const Allowed& allowed,
               WalkScratch& scratch)
      : graph_(graph), distance_(distance), allowed_(allowed), scratch_(scratch) {}

  uint64_t hops() const { return hops_; }
  uint64_t distances() const { return distances_; }

  // Leaves the `ef` nearest allowed nodes that can be reached on level 0 in scratch.pool, from
  // `start` and from `seeds`, which are allowed. `reach` and `go_on()` as for GraphWalk::Beam.
  template <class GoOn>
  Status Beam(uint32_t start,
              std::span<const uint32_t> seeds,
              size_t ef,
              const Reach& reach,
              const GoOn& go_on) {
    NearestPool& pool = scratch_.pool;
    pool.Reset(ef);
    scratch_.visited.Forget(graph_.count());
    const size_t batch_max =
        std::max(seeds.size(), kAllowedEnough + 2 * size_t{graph_.LinksMax(0)});
    scratch_.batch.resize(std::max(scratch_.batch.size(), batch_max));
    scratch_.distances.resize(std::max(scratch_.distances.size(), batch_max));
    scratch_.bridges.resize(std::max<size_t>(scratch_.bridges.size(), graph_.LinksMax(0)));
    uint32_t count = 0;
    for (const uint32_t seed : seeds) {
      if (scratch_.visited.Visit(seed)) {
        distance_.Prefetch(seed);
        scratch_.batch[count++] = seed;
      }
    }
    ScoreIntoPool(count);
    Expand(start);
    for (size_t next = 0; (next = pool.NextUnexpanded(next)) < pool.size();) {
      ALIDADE_RETURN_IF_ERROR(go_on());
      pool.MarkExpanded(next);
      PrefetchNext(graph_, pool, next + 1, /*level=*/0);
      const size_t changed = Expand(pool.slot(next));
      reach.Cut(changed, distance_, pool);
      next = std::min(next + 1, changed);
    }
    return OkStatus();
  }

 private:
  // So many allowed neighbours make a node: where its links have fewer, theirs are looked at too.
  static constexpr uint32_t kAllowedEnough = 48;

  // Puts the new allowed neighbours of a node into the pool, those behind links that are not
  // allowed included. The first position that changed.
  size_t Expand(uint32_t node) {
    // Without branches on what a filter lets through: nobody can foretell them.
    uint32_t* const bridges = scratch_.bridges.data();
    uint32_t* const batch = scratch_.batch.data();
    uint32_t passing = 0;
    uint32_t blocked = 0;
    graph_.EachLink(node, 0, [&](uint32_t link) {
      const uint32_t passes = allowed_.Test(link) ? 1U : 0U;
      batch[passing] = link;
      passing += passes;
      bridges[blocked] = link;
      blocked += 1 - passes;
    });
    uint32_t count = TakeUnvisited(0, passing);
    constexpr uint32_t kAhead = 8;
    for (uint32_t i = 0; i < std::min(kAhead, blocked) && passing < kAllowedEnough; ++i) {
      graph_.PrefetchLinks(bridges[i], 0);
    }
    for (uint32_t i = 0; i < blocked && passing < kAllowedEnough; ++i) {
      if (i + kAhead < blocked) {
        graph_.PrefetchLinks(bridges[i + kAhead], 0);
      }
      if (scratch_.visited.Visit(bridges[i])) {
        uint32_t more = 0;
        graph_.EachLink(bridges[i], 0, [&](uint32_t link) {
          batch[count + more] = link;
          more += allowed_.Test(link) ? 1U : 0U;
        });
        passing += more;
        count = TakeUnvisited(count, more);
      }
    }
    return ScoreIntoPool(count);
  }

  // Keeps those of `more` nodes in the batch behind `count` that are met for the first time; how
  // many the batch has then.
  uint32_t TakeUnvisited(uint32_t count, uint32_t more) {
    uint32_t* const batch = scratch_.batch.data();
    const uint32_t begin = count;
    for (uint32_t i = begin; i < begin + more; ++i) {
      const uint32_t node = batch[i];
      batch[count] = node;
      count += scratch_.visited.Visit(node) ? 1U : 0U;
    }
    for (uint32_t i = begin; i < count; ++i) {
      distance_.Prefetch(batch[i]);
    }
    return count;
  }

  size_t ScoreIntoPool(uint32_t count) {
    Score(count);
    PrefetchNearest(graph_, scratch_, count, /*level=*/0);
    size_t first_new = scratch_.pool.size();
    for (uint32_t i = 0; i < count; ++i) {
      first_new =
          std::min(first_new, scratch_.pool.Insert(scratch_.distances[i], scratch_.batch[i]));
    }
    return first_new;
  }

  void Score(uint32_t count) {
    distance_.Many(scratch_.batch.data(), count, scratch_.distances.data());
    distances_ += count;
    ++hops_;
  }

  const Graph& graph_;
  const Distance& distance_;
  const Allowed allowed_;
  WalkScratch& scratch_;
  uint64_t hops_ = 0;
  uint64_t distances_ = 0;
};

}  // namespace alidade
