// WalkScratch: what one walk of a graph needs besides the graph.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
    size_ = 0;
    nodes_.resize(std::max(nodes_.size(), limit));
  }
  size_t size() const { return size_; }
  uint32_t slot(size_t position) const { return static_cast<uint32_t>(nodes_[position]) >> 1; }
  float distance(size_t position) const {
    return DistanceOf(static_cast<uint32_t>(nodes_[position] >> 32));
  }
  bool expanded(size_t position) const { return (nodes_[position] & 1) != 0; }
  void MarkExpanded(size_t position) { nodes_[position] |= 1; }
  // The first position from there on that is not expanded; size(): there is none.
  size_t NextUnexpanded(size_t from) const {
    while (from < size_ && expanded(from)) {
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
    const size_t position = CountBelow(node);
    size_ -= size_ == limit_ ? 1 : 0;
    uint64_t* const at = nodes_.data() + position;
    std::memmove(at + 1, at, (size_ - position) * sizeof(*at));
    *at = node;
    ++size_;
    if (size_ == limit_) {
      end_ = std::min(end_, nodes_[size_ - 1]);
    }
    return position;
  }

  // Drops the nodes farther than that, and lets in none from now on.
  void CutBehind(float distance) {
    end_ = std::min(end_, (uint64_t{SortableDistance(distance)} + 1) << 32);
    while (size_ > 0 && nodes_[size_ - 1] >= end_) {
      --size_;
    }
  }

 private:
  static constexpr uint64_t kNoEnd = ~uint64_t{0};

  // By halves and without branches: where a node belongs nobody can foretell.
  size_t CountBelow(uint64_t node) const {
    size_t below = 0;
    size_t left = size_;
    while (left > 0) {
      const size_t half = (left + 1) / 2;
      below += nodes_[below + half - 1] < node ? half : 0;
      left -= half;
    }
    return below;
  }

  size_t limit_ = 0;
  uint64_t end_ = kNoEnd;  // nodes from here on are too far
  size_t size_ = 0;
  std::vector<uint64_t> nodes_;  // the first size_; behind them there is room
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
