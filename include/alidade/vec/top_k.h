// TopK, CollectedTopK: the k nearest candidates seen so far.
#pragma once

#include <algorithm>
#include <bit>
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

// A distance as a whole number: the nearer, the smaller. Without the negative zero, which equals
// the other one.
inline uint32_t SortableDistance(float distance) {
  constexpr uint32_t kSign = 0x80000000;
  const auto bits = std::bit_cast<uint32_t>(distance + 0.0F);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
inline float DistanceOf(uint32_t sortable) {
  constexpr uint32_t kSign = 0x80000000;
  return std::bit_cast<float>((sortable & kSign) != 0 ? sortable & ~kSign : ~sortable);
}

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

// The same where only the end counts: more are collected before the farther ones are dropped, which
// takes a few steps a candidate however large k is. Thread-compatible.
class CollectedTopK {
 public:
  // Requires: 1 <= k.
  void Reset(size_t k) {
    k_ = k;
    most_ = k + std::max(k, kMoreMin);
    end_ = ~uint64_t{0};
    farthest_ = std::numeric_limits<float>::infinity();
    collected_.clear();
  }
  void Push(float distance, uint32_t slot) {
    if (distance > farthest_) {
      return;  // most of them, at the cost of one comparison
    }
    const uint64_t candidate = uint64_t{SortableDistance(distance)} << 32 | slot;
    if (candidate < end_) {
      collected_.push_back(candidate);
      if (collected_.size() == most_) {
        Drop();
      }
    }
  }
  // Into `out`, ascending; leaves this empty.
  void TakeSorted(std::vector<Candidate>& out) {
    if (collected_.size() > k_) {
      Drop();
    }
    std::ranges::sort(collected_);
    out.clear();
    for (const uint64_t candidate : collected_) {
      out.push_back(
          {DistanceOf(static_cast<uint32_t>(candidate >> 32)), static_cast<uint32_t>(candidate)});
    }
    collected_.clear();
  }

 private:
  void Drop() {
    const auto last = collected_.begin() + static_cast<ptrdiff_t>(k_ - 1);
    std::ranges::nth_element(collected_, last);
    end_ = *last;
    farthest_ = DistanceOf(static_cast<uint32_t>(end_ >> 32));
    collected_.resize(k_);
  }

  // For few, a drop would cost more than to collect some more (chosen).
  static constexpr size_t kMoreMin = 64;

  size_t k_ = 1;
  size_t most_ = 1 + kMoreMin;                               // collected at once
  uint64_t end_ = ~uint64_t{0};                              // what comes has to be less
  float farthest_ = std::numeric_limits<float>::infinity();  // the distance in it
  std::vector<uint64_t> collected_;
};

}  // namespace alidade
