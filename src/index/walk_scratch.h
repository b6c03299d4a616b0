// WalkScratch: what one walk of a graph needs besides the graph.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "alidade/vec/top_k.h"

namespace alidade {

// The nearest nodes seen so far, ascending by (distance, slot), each expanded or not. A node is one
// whole number, so that comparing and moving them is cheap: its distance in a form that sorts, its
// slot, and the mark in the lowest bit. Requires: slots below 2^31.
class NearestPool {
 public:
  void Reset(size_t limit) {
    limit_ = limit;
    end_ = kNoEnd;
    nodes_.clear();
    nodes_.reserve(limit);
  }
  size_t size() const { return nodes_.size(); }
  uint32_t slot(size_t position) const { return static_cast<uint32_t>(nodes_[position]) >> 1; }
  float distance(size_t position) const {
    return DistanceOf(static_cast<uint32_t>(nodes_[position] >> 32));
  }
  bool expanded(size_t position) const { return (nodes_[position] & 1) != 0; }
  void MarkExpanded(size_t position) { nodes_[position] |= 1; }
  // The first position from there on that is not expanded; size(): there is none.
  size_t NextUnexpanded(size_t from) const {
    while (from < nodes_.size() && expanded(from)) {
      ++from;
    }
    return from;
  }

  // Position at which the node went in, or the limit if it is too far. Inlined: it is asked for
  // every distance, and compilers stop where several walks ask.
  [[gnu::always_inline]] size_t Insert(float distance, uint32_t slot) {
    const uint64_t node = uint64_t{SortableDistance(distance)} << 32 | uint64_t{slot} << 1;
    if (node >= end_) {
      return limit_;
    }
    const auto at = std::lower_bound(nodes_.begin(), nodes_.end(), node);
    const auto position = static_cast<size_t>(at - nodes_.begin());
    if (nodes_.size() == limit_) {
      nodes_.pop_back();
    }
    nodes_.insert(nodes_.begin() + static_cast<ptrdiff_t>(position), node);
    if (nodes_.size() == limit_) {
      end_ = std::min(end_, nodes_.back());
    }
    return position;
  }

  // Drops the nodes farther than that, and lets in none from now on.
  void CutBehind(float distance) {
    end_ = std::min(end_, (uint64_t{SortableDistance(distance)} + 1) << 32);
    while (!nodes_.empty() && nodes_.back() >= end_) {
      nodes_.pop_back();
    }
  }

 private:
  static constexpr uint64_t kNoEnd = ~uint64_t{0};

  size_t limit_ = 0;
  uint64_t end_ = kNoEnd;  // nodes from here on are too far
  std::vector<uint64_t> nodes_;
};

// Which nodes a walk has met. Forgetting all of them costs one step.
class VisitedNodes {
 public:
  void Forget(uint32_t count) {
    seen_.resize(count, 0);
    if (++epoch_ == 0) {
      std::fill(seen_.begin(), seen_.end(), uint8_t{0});
      epoch_ = 1;
    }
  }
  // True the first time.
  bool Visit(uint32_t slot) {
    const bool first = seen_[slot] != epoch_;
    seen_[slot] = epoch_;
    return first;
  }

 private:
  std::vector<uint8_t> seen_;
  uint8_t epoch_ = 0;
};

// What one walk needs besides graph and distance; reused, so that a walk allocates nothing once it
// is warm.
struct WalkScratch {
  VisitedNodes visited;
  NearestPool pool;
  std::vector<uint32_t> batch;
  std::vector<uint32_t> bridges;  // links that a filter does not allow
  std::vector<float> distances;
};

}  // namespace alidade
