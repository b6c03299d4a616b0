// TopK: the k nearest candidates seen so far.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace alidade {

// Ordered by distance, then slot, so that equal searches give equal answers. Distances are never
// NaN: non-finite vectors are refused at the door.
struct Candidate {
  float distance = 0;
  uint32_t slot = 0;
  friend bool operator==(const Candidate&, const Candidate&) = default;
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.distance < b.distance || (a.distance == b.distance && a.slot < b.slot);
  }
};

// A bounded max-heap. Thread-compatible.
class TopK {
 public:
  explicit TopK(size_t k) : k_(k) { heap_.reserve(std::min<size_t>(k, 1024)); }

  void Push(float distance, uint32_t slot) {
    const Candidate candidate{distance, slot};
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (k_ > 0 && candidate < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  // Distance that a new candidate has to beat (or to equal, with a smaller slot); infinite until k
  // are there, and minus infinite for k = 0.
  float WorstDistance() const {
    if (heap_.size() < k_) {
      return std::numeric_limits<float>::infinity();
    }
    return heap_.empty() ? -std::numeric_limits<float>::infinity() : heap_.front().distance;
  }
  size_t size() const { return heap_.size(); }
  // Leaves the other one empty.
  void Take(TopK& other) {
    for (const Candidate& candidate : std::exchange(other.heap_, {})) {
      Push(candidate.distance, candidate.slot);
    }
  }
  // Ascending; leaves this empty.
  std::vector<Candidate> TakeSorted() {
    std::sort_heap(heap_.begin(), heap_.end());
    return std::exchange(heap_, {});
  }

 private:
  size_t k_;
  std::vector<Candidate> heap_;
};

}  // namespace alidade
