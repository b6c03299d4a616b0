// GrowingGraph: a graph into which several threads insert nodes at once.
//
// Source:   Malkov & Yashunin 2016 (arXiv 1603.09320), algorithms 1 and 4; differs in: a node is
//           linked on its lowest level first, so that whoever meets it on a higher one finds links
//           below; a node's level follows from its number.
// Threads:  any number of Insert calls, each with an Inserter of its own. Links are read without a
//           lock: a reader may see the old links of a node, the new ones or a mixture, and all of
//           them lead to nodes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "alidade/common/mutex.h"
#include "alidade/common/status.h"
#include "alidade/common/zeroed_memory.h"
#include "alidade/index/byte_sink.h"
#include "alidade/vec/top_k.h"

#include "build_distances.h"
#include "graph_walk.h"
#include "hnsw_index.h"
#include "places.h"

namespace alidade {

class GrowingGraph {
 public:
  // For `count` nodes, none of them inserted yet. `previous`, if not null, is a graph over the
  // first of them with the same m, which is taken over. Throws std::bad_alloc.
  GrowingGraph(uint32_t m, uint32_t ef_construction, uint32_t count, const HnswGraph* previous);

  // Requires: every node was inserted; `places` are of all nodes, or none. `longest`: as in the
  // header.
  Status Write(const Places& places, float longest, ByteSink& sink) const;

  // As a walk sees it.
  uint32_t count() const { return count_; }
  uint32_t LinksMax(uint32_t level) const { return level == 0 ? 2 * m_ : m_; }
  template <class F>
  void EachLink(uint32_t node, uint32_t level, const F& f) const {
    const uint32_t* links = Links(node, level);
    for (uint32_t i = 0; i < LinksMax(level); ++i) {
      const uint32_t link = Load(links[i]);
      if (link == kNoLink) {
        return;
      }
      f(link);
    }
  }
  void PrefetchLinks(uint32_t node, uint32_t level) const {
    PrefetchLinkRow(Links(node, level), LinksMax(level));
  }

 private:
  friend class Inserter;

  static constexpr size_t kMutexes = 1'024;

  static uint32_t Load(const uint32_t& link) {
    return std::atomic_ref(const_cast<uint32_t&>(link)).load(std::memory_order_relaxed);
  }
  static void Store(uint32_t& link, uint32_t node) {
    std::atomic_ref(link).store(node, std::memory_order_relaxed);
  }
  const uint32_t* Links(uint32_t node, uint32_t level) const {
    return level == 0 ? base_links_.as<uint32_t>() + size_t{node} * 2 * m_
                      : upper_links_.data() + (size_t{upper_start_[node]} + level - 1) * m_;
  }
  uint32_t* Links(uint32_t node, uint32_t level) {
    return const_cast<uint32_t*>(std::as_const(*this).Links(node, level));
  }
  Mutex& MutexOf(uint32_t node) { return mutexes_[node % kMutexes]; }

  // The node with the highest level, and that level: entry_ = level << 32 | node.
  static constexpr uint64_t kNoEntry = ~uint64_t{0};
  void OfferEntry(uint32_t node, uint32_t level);

  const uint32_t m_;
  const uint32_t ef_construction_;
  const uint32_t count_;
  std::vector<uint8_t> levels_;
  std::vector<uint32_t> upper_start_;
  std::vector<uint32_t> upper_links_;
  ZeroedMemory base_links_;
  std::atomic<uint64_t> entry_{kNoEntry};
  std::array<Mutex, kMutexes> mutexes_;  // of the links of each node
};

// Inserts nodes, one at a time. One for each thread. Borrows both.
class Inserter {
 public:
  Inserter(GrowingGraph& graph, const BuildDistances& distances);
  // Requires: `node` is below the graph's count and was not inserted before. Nobody else inserts
  // while the graph is empty.
  void Insert(uint32_t node);

 private:
  void SelectDiverse(const std::vector<Candidate>& candidates,
                     uint32_t max,
                     std::vector<Candidate>& out);
  void LinkBack(uint32_t node, uint32_t level, const Candidate& to);

  GrowingGraph& graph_;
  RowDistance from_node_;
  RowDistance from_neighbour_;
  RowDistance from_candidate_;
  WalkScratch scratch_;
  std::vector<Candidate> candidates_;
  std::vector<std::vector<Candidate>> chosen_;  // by level
  std::vector<Candidate> kept_;
  std::vector<uint32_t> slots_;  // of those that SelectDiverse has chosen so far
  std::vector<float> distances_;
};

}  // namespace alidade
