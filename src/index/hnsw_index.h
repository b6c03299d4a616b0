// HnswIndex: walks a graph over links and codes.
//
// Three tiers: the walk reads the smallest codes there are, its finds are ranked again by 8-bit
// codes, and the vectors themselves are read of those few that can still be among the best. Under a
// filter that few pass, places of nodes (places.h), or all that pass, take the place of the walk.
//
// Source:   src/index/graph_walk.h (the walk), growing_graph.h (how the graph is made)
// Format:   src/index/hnsw_format.h
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "alidade/common/zeroed_memory.h"
#include "alidade/index/vector_codes.h"
#include "alidade/index/vector_index.h"

#include "graph_walk.h"
#include "hnsw_format.h"
#include "places.h"
#include "reach.h"
#include "scratch_pool.h"

namespace alidade {

// Pointers into a checked body.
struct HnswGraph {
  HnswHeader header;
  const uint8_t* levels = nullptr;
  const uint32_t* upper_start = nullptr;
  const uint32_t* upper_links = nullptr;
  const uint32_t* base_links = nullptr;
  PlacesView places;

  // Where a body with this header has them.
  static HnswGraph At(const HnswHeader& header, const char* body);

  const uint32_t* Links(uint32_t node, uint32_t level) const {
    return level == 0 ? base_links + size_t{node} * 2 * header.m
                      : upper_links + (size_t{upper_start[node]} + level - 1) * header.m;
  }
  // As a walk sees it.
  uint32_t count() const { return header.count; }
  uint32_t LinksMax(uint32_t level) const { return level == 0 ? 2 * header.m : header.m; }
  template <class F>
  void EachLink(uint32_t node, uint32_t level, const F& f) const {
    const uint32_t* links = Links(node, level);
    for (uint32_t i = 0; i < LinksMax(level) && links[i] != kNoLink; ++i) {
      f(links[i]);
    }
  }
  void PrefetchLinks(uint32_t node, uint32_t level) const {
    PrefetchLinkRow(Links(node, level), LinksMax(level));
  }
};

// DATA_LOSS if anything in the body would lead outside of it.
StatusOr<HnswGraph> ReadHnswGraph(std::string_view body);

Status BuildHnsw(const IndexSpec& spec,
                 const VectorMatrix& matrix,
                 std::string_view previous,
                 const BuildOptions& options,
                 ByteSink& sink);

class HnswIndex final : public VectorIndex {
 public:
  static StatusOr<std::unique_ptr<VectorIndex>> Open(std::string_view body,
                                                     const VectorMatrix& matrix,
                                                     const VectorCodes* codes);
  ~HnswIndex() override;
  HnswIndex(const HnswIndex&) = delete;
  HnswIndex& operator=(const HnswIndex&) = delete;
  IndexKind kind() const override { return IndexKind::kHnsw; }
  StatusOr<std::vector<Candidate>> Search(const float* query,
                                          const IndexSearchOptions& options) const override;
  void MakeResident() override;
  size_t resident_bytes() const override;
  uint32_t places() const override { return centres_ != nullptr ? graph_.places.count : 0; }
  PlacedSlots PlacesOf(const SlotFilter& filter, bool copy_codes) const override;

 private:
  struct Scratch;

  HnswIndex(const HnswGraph& graph, const VectorMatrix& matrix, const VectorCodes* codes);
  // One search: what the ways to find candidates have in common.
  struct Task {
    const IndexSearchOptions& options;
    size_t ef;
    Reach reach;
    SearchStats& stats;
    Scratch& scratch;
  };
  template <class Distance>
  Status Scan(const Distance& distance, const Task& task) const;
  template <class Distance>
  Status Walk(const Distance& distance, const Task& task) const;
  template <class Nodes, class Distance>
  static Status WalkGraph(const HnswGraph& graph,
                          const Nodes& nodes,
                          const Distance& distance,
                          const Task& task);
  template <class Distance>
  Status Visit(const Distance& distance, const Task& task) const;
  template <class Distance>
  Status Find(const Distance& distance, const Task& task) const;
  Reach ReachFor(const float* query, const IndexSearchOptions& options) const;
  bool ByPlaces(const IndexSearchOptions& options) const {
    return !options.scan && options.slack > 0 && centres_ != nullptr;
  }
  // Copies of codes (PlacedSlots) are read in the place of the codes.
  bool ReadsCopies(const IndexSearchOptions& options) const {
    return options.placed != nullptr && options.placed->records.bytes() > 0 &&
           (options.scan ? !codes_->rank().has_value() : ByPlaces(options));
  }
  // Of the nodes in the pool, which `allows` is asked about from the nearest on, at most `most`.
  template <class Nodes, class Allows>
  static void TakePool(const Nodes& nodes, size_t most, const Allows& allows, Scratch& scratch);
  static void NoteWatched(const IndexSearchOptions& options, Scratch& scratch);
  StatusOr<std::vector<Candidate>> Refine(const float* query, const Task& task) const;

  const HnswGraph graph_;
  const VectorMatrix matrix_;
  const VectorCodes* const codes_;              // null: walks read the vectors
  std::unique_ptr<const CentreCodes> centres_;  // null: there are no places, or no codes
  ZeroedMemory base_copy_;
  std::atomic<const uint32_t*> base_links_;  // mapped, then the copy
  mutable ScratchPool<Scratch> scratch_;
};

}  // namespace alidade
