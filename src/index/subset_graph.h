// SubsetGraph: one of them (alidade/index/subset_graphs.h), as a walk reads it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "alidade/index/subset_graphs.h"

#include "hnsw_index.h"

namespace alidade {

class SubsetGraph {
 public:
  // Of a checked body; `bytes` are where it lies.
  SubsetGraph(const HnswHeader& header,
              uint64_t graph_at,
              uint64_t slots_at,
              const std::atomic<const char*>& bytes)
      : header_(header), graph_at_(graph_at), slots_at_(slots_at), bytes_(&bytes) {}

  uint32_t count() const { return header_.count; }
  HnswGraph graph() const { return HnswGraph::At(header_, Bytes() + graph_at_); }
  float hardness() const { return hardness_; }
  void set_hardness(float hardness) { hardness_ = hardness; }
  // Of the nodes; none: walks read those of all vectors.
  const CodeMatrix& codes() const { return codes_; }
  void set_codes(const CodeMatrix& codes) { codes_ = codes; }
  // The vector that each node is.
  std::span<const uint32_t> slots() const {
    return {reinterpret_cast<const uint32_t*>(Bytes() + slots_at_), header_.count};
  }

 private:
  const char* Bytes() const { return bytes_->load(std::memory_order_acquire); }

  HnswHeader header_;
  uint64_t graph_at_;
  uint64_t slots_at_;
  const std::atomic<const char*>* bytes_;
  float hardness_ = 1;
  CodeMatrix codes_;
};

// Which vectors the nodes of a graph are: themselves.
struct NodesAreSlots {
  uint32_t SlotOf(uint32_t node) const { return node; }
  std::optional<uint32_t> NodeOf(uint32_t slot) const { return slot; }
};

// .. or some, rising.
struct NodesOfSubset {
  uint32_t SlotOf(uint32_t node) const { return slots[node]; }
  std::optional<uint32_t> NodeOf(uint32_t slot) const {
    const auto found = std::ranges::lower_bound(slots, slot);
    return found == slots.end() || *found != slot
               ? std::nullopt
               : std::optional(static_cast<uint32_t>(found - slots.begin()));
  }

  std::span<const uint32_t> slots;
};

// Distances to the nodes of a subset. As a walk wants it; borrows both.
template <class Distance>
class SubsetDistance {
 public:
  SubsetDistance(const Distance& distance, const NodesOfSubset& nodes)
      : distance_(distance), nodes_(nodes) {}

  float operator()(uint32_t node) const { return distance_(nodes_.SlotOf(node)); }
  void Many(const uint32_t* nodes, size_t count, float* out) const {
    constexpr size_t kTogether = 64;
    uint32_t slots[kTogether];
    for (size_t done = 0; done < count; done += kTogether) {
      const size_t more = std::min(kTogether, count - done);
      for (size_t i = 0; i < more; ++i) {
        slots[i] = nodes_.SlotOf(nodes[done + i]);
      }
      distance_.Many(slots, more, out + done);
    }
  }
  void Prefetch(uint32_t node) const { distance_.Prefetch(nodes_.SlotOf(node)); }
  float ErrorOf(uint32_t node) const { return distance_.ErrorOf(nodes_.SlotOf(node)); }

 private:
  const Distance& distance_;
  const NodesOfSubset nodes_;
};

}  // namespace alidade
