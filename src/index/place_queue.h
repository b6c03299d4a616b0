// PlaceQueue: places in the order of their distances, of which mostly few are asked for.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "alidade/vec/top_k.h"

namespace alidade {

// Reusable without allocating; thread-compatible.
class PlaceQueue {
 public:
  // Places 0 .. count - 1 at distances[i]; place i has nodes if starts[i] < starts[i + 1], and
  // those without are left out. Borrows both until it is empty. Requires: no distance is NaN.
  void Reset(const float* distances, const uint32_t* starts, uint32_t count) {
    distances_ = distances;
    starts_ = starts;
    count_ = count;
    for (uint32_t i = 0; i < kSample; ++i) {
      sample_[i] = count == 0 ? 0 : distances[uint64_t{i} * count / kSample];
    }
    std::ranges::sort(sample_);
    heap_.clear();
    next_ = kFirst;
    taken_to_ = std::numeric_limits<float>::quiet_NaN();
    Fill();
  }
  bool empty() const { return heap_.empty(); }
  const Candidate& front() const { return heap_.front(); }
  void Pop() {
    std::ranges::pop_heap(heap_, Farther());
    heap_.pop_back();
    Fill();
  }

 private:
  // The nearest places are picked by a bound below which a sixteenth of a sample lies; later ones
  // by bounds that let through twice as many each.
  static constexpr uint32_t kSample = 64;
  static constexpr uint32_t kFirst = kSample / 16;
  static constexpr uint32_t kBlock = 16;

  struct Farther {
    bool operator()(const Candidate& a, const Candidate& b) const { return b < a; }
  };

  // While there is nothing in the heap, what lies up to the next bound.
  void Fill() {
    while (heap_.empty() && next_ <= kSample) {
      const bool last = next_ == kSample;
      const float bound = last ? std::numeric_limits<float>::infinity() : sample_[next_];
      for (uint32_t first = 0; first < count_; first += kBlock) {
        Take(first, std::min(count_, first + kBlock), bound);
      }
      std::ranges::make_heap(heap_, Farther());
      taken_to_ = bound;
      next_ *= 2;
    }
  }

  // Most blocks have nothing: places that lie together have numbers that do.
  void Take(uint32_t first, uint32_t end, float bound) {
    uint32_t any = 0;
    for (uint32_t place = first; place < end; ++place) {
      any |= distances_[place] <= bound ? 1U : 0U;
    }
    if (any == 0) {
      return;
    }
    for (uint32_t place = first; place < end; ++place) {
      const float distance = distances_[place];
      if (distance <= bound && !(distance <= taken_to_) && starts_[place] < starts_[place + 1]) {
        heap_.push_back({distance, place});
      }
    }
  }

  const float* distances_ = nullptr;
  const uint32_t* starts_ = nullptr;
  uint32_t count_ = 0;
  std::array<float, kSample> sample_{};
  std::vector<Candidate> heap_;
  uint32_t next_ = 0;   // of the sample: the next bound
  float taken_to_ = 0;  // the last bound; NaN: there was none
};

}  // namespace alidade
