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

#include "alidade/vec/select_kernels.h"

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

// The same where only the end counts: more are collected before the farther ones are dropped, a
// vector of them at a time, so that a candidate costs about a nanosecond however large k is, and in
// whatever order they come. Reusable without allocating; thread-compatible.
class CollectedTopK {
 public:
  // Requires: 1 <= k.
  void Reset(size_t k) {
    k_ = k;
    most_ = k + std::max(k, kMoreMin);
    count_ = 0;
    farthest_ = std::numeric_limits<float>::infinity();
  }
  // distances[i] is that of the slot slot_of(i).
  template <class SlotOf>
  void Push(const float* distances, size_t count, const SlotOf& slot_of) {
    for (size_t done = 0; done < count;) {
      const size_t some = std::min(count - done, most_ - count_);
      MakeRoom(count_ + some);
      float* const distances_to = distances_.data() + count_;
      uint32_t* const slots_to = slots_.data() + count_;
      if (farthest_ == std::numeric_limits<float>::infinity()) {
        std::copy_n(distances + done, some, distances_to);
        for (size_t i = 0; i < some; ++i) {
          slots_to[i] = slot_of(done + i);
        }
        count_ += some;
      } else {
        const size_t near = SelectUpTo(distances + done, some, farthest_, places_.data());
        for (size_t i = 0; i < near; ++i) {
          distances_to[i] = distances[done + places_[i]];
          slots_to[i] = slot_of(done + places_[i]);
        }
        count_ += near;
      }
      done += some;
      if (count_ == most_) {
        Drop();
      }
    }
  }
  // Into `out`, ascending; leaves this empty.
  void TakeSorted(std::vector<Candidate>& out) {
    Pick();
    std::ranges::sort(picked_);
    out.clear();
    for (const uint64_t candidate : picked_) {
      out.push_back(
          {DistanceOf(static_cast<uint32_t>(candidate >> 32)), static_cast<uint32_t>(candidate)});
    }
    Reset(k_);
  }

 private:
  // For so many; only then, as k may be anything.
  void MakeRoom(size_t count) {
    if (count > slots_.size()) {
      const size_t room = std::min(most_, std::max(count, 2 * slots_.size()));
      distances_.resize(room);
      slots_.resize(room);
      places_.resize(room + kSelectRoom);
    }
  }

  // The k nearest, in no order.
  void Pick() {
    const float bound = count_ <= k_ ? std::numeric_limits<float>::infinity()
                                     : BoundOfNearest(distances_.data(), count_, k_, least_);
    const size_t near = SelectUpTo(distances_.data(), count_, bound, places_.data());
    picked_.clear();
    for (size_t i = 0; i < near; ++i) {
      const uint32_t place = places_[i];
      picked_.push_back(uint64_t{SortableDistance(distances_[place])} << 32 | slots_[place]);
    }
    if (near > k_) {
      std::ranges::nth_element(picked_, picked_.begin() + static_cast<ptrdiff_t>(k_ - 1));
      picked_.resize(k_);
    }
  }

  void Drop() {
    Pick();
    count_ = picked_.size();
    farthest_ = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < count_; ++i) {
      distances_[i] = DistanceOf(static_cast<uint32_t>(picked_[i] >> 32));
      slots_[i] = static_cast<uint32_t>(picked_[i]);
      farthest_ = std::max(farthest_, distances_[i]);
    }
  }

  // So many that a drop costs little for each, few enough for the nearest cache (chosen).
  static constexpr size_t kMoreMin = 1'024;

  size_t k_ = 1;
  size_t most_ = 0;                                          // collected at once
  size_t count_ = 0;                                         // collected
  float farthest_ = std::numeric_limits<float>::infinity();  // what comes must be no farther
  std::vector<float> distances_;
  std::vector<uint32_t> slots_;
  std::vector<float> least_;      // for BoundOfNearest
  std::vector<uint32_t> places_;  // of what SelectUpTo gives
  std::vector<uint64_t> picked_;  // distances and slots, so that they sort
};

}  // namespace alidade
