// GraphWalk: the nearest nodes of a graph, found along its links; for searches and for insertions.
//
// Source:   Malkov & Yashunin 2016 (arXiv 1603.09320), algorithms 2 and 5; differs in: one sorted
//           array as candidate list and result list, distances computed for all new neighbours of a
//           node at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "alidade/common/status.h"

#include "reach.h"
#include "walk_scratch.h"

namespace alidade {

inline void PrefetchLinkRow(const uint32_t* links, uint32_t count) {
  constexpr uint32_t kLinksPerLine = 64 / sizeof(uint32_t);
  for (uint32_t at = 0; at < count; at += kLinksPerLine) {
    __builtin_prefetch(links + at);
  }
}

// The links of the node that a walk looks behind next, unless it finds something nearer before.
template <class Graph>
void PrefetchNext(const Graph& graph, const NearestPool& pool, size_t from, uint32_t level) {
  if (const size_t next = pool.NextUnexpanded(from); next < pool.size()) {
    graph.PrefetchLinks(pool.slot(next), level);
  }
}

// .. or of the nearest of those it found.
template <class Graph>
void PrefetchNearest(const Graph& graph,
                     const WalkScratch& scratch,
                     uint32_t found,
                     uint32_t level) {
  const auto begin = scratch.distances.begin();
  if (const auto nearest = std::min_element(begin, begin + found); found > 0) {
    graph.PrefetchLinks(scratch.batch[static_cast<size_t>(nearest - begin)], level);
  }
}

// Graph has count(), LinksMax(level), EachLink(node, level, f) and PrefetchLinks(node, level).
// Distance has operator()(slot), Many(slots, count, out) and Prefetch(slot). Borrows all three.
template <class Graph, class Distance>
class GraphWalk {
 public:
  GraphWalk(const Graph& graph, const Distance& distance, WalkScratch& scratch)
      : graph_(graph), distance_(distance), scratch_(scratch) {
    const size_t links_max = graph.LinksMax(0);
    scratch.batch.resize(std::max(scratch.batch.size(), links_max));
    scratch.distances.resize(std::max(scratch.distances.size(), links_max));
  }

  uint64_t hops() const { return hops_; }
  uint64_t distances() const { return distances_; }

  // With one candidate through the levels `from`, `from` - 1, ... above `to`: the nearest node
  // found on each starts the next one.
  uint32_t Descend(uint32_t start, uint32_t from, uint32_t to) {
    uint32_t best = start;
    float best_distance = distance_(best);
    ++distances_;
    for (uint32_t level = from; level > to; --level) {
      bool moved = true;
      while (moved) {
        moved = false;
        uint32_t count = 0;
        graph_.EachLink(best, level, [&](uint32_t link) {
          distance_.Prefetch(link);
          scratch_.batch[count++] = link;
        });
        Score(count);
        for (uint32_t i = 0; i < count; ++i) {
          if (scratch_.distances[i] < best_distance) {
            best_distance = scratch_.distances[i];
            best = scratch_.batch[i];
            moved = true;
          }
        }
      }
    }
    return best;
  }

  // Leaves the `ef` nearest that can be reached on a level in scratch.pool, as far as `reach`
  // goes (reach.h). `scored(distance, slot)` hears of every node met; `go_on()` is asked before
  // each hop, and what it answers but OK ends the walk.
  template <class Extent, class Scored, class GoOn>
  Status Beam(uint32_t start,
              uint32_t level,
              size_t ef,
              const Extent& reach,
              const Scored& scored,
              const GoOn& go_on) {
    NearestPool& pool = scratch_.pool;
    pool.Reset(ef);
    scratch_.visited.Forget(graph_.count());
    scratch_.visited.Visit(start);
    const float start_distance = distance_(start);
    ++distances_;
    pool.Insert(start_distance, start);
    scored(start_distance, start);
    for (size_t next = 0; (next = pool.NextUnexpanded(next)) < pool.size();) {
      ALIDADE_RETURN_IF_ERROR(go_on());
      pool.MarkExpanded(next);
      PrefetchNext(graph_, pool, next + 1, level);
      const size_t changed = Expand(pool.slot(next), level, scored);
      reach.Cut(changed, distance_, pool);
      next = std::min(next + 1, changed);
    }
    return OkStatus();
  }

 private:
  void Score(uint32_t count) {
    distance_.Many(scratch_.batch.data(), count, scratch_.distances.data());
    distances_ += count;
    ++hops_;
  }

  // Puts the new neighbours of a node into the pool. The first position that changed.
  template <class Scored>
  size_t Expand(uint32_t node, uint32_t level, const Scored& scored) {
    // Without branches on what was met before: nobody can foretell them.
    uint32_t* const batch = scratch_.batch.data();
    uint32_t count = 0;
    graph_.EachLink(node, level, [&](uint32_t link) {
      batch[count] = link;
      count += scratch_.visited.Visit(link) ? 1U : 0U;
    });
    for (uint32_t i = 0; i < count; ++i) {
      distance_.Prefetch(batch[i]);
    }
    Score(count);
    PrefetchNearest(graph_, scratch_, count, level);
    size_t first_new = scratch_.pool.size();
    for (uint32_t i = 0; i < count; ++i) {
      scored(scratch_.distances[i], scratch_.batch[i]);
      first_new =
          std::min(first_new, scratch_.pool.Insert(scratch_.distances[i], scratch_.batch[i]));
    }
    return first_new;
  }

  const Graph& graph_;
  const Distance& distance_;
  WalkScratch& scratch_;
  uint64_t hops_ = 0;
  uint64_t distances_ = 0;
};

}  // namespace alidade
