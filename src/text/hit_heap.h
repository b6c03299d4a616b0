// HitHeap: the k best hits so far, of parts and documents that come in rising order.
//
// Threads:  thread-compatible.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "alidade/text/posting_search.h"

namespace alidade {

class HitHeap {
 public:
  HitHeap(size_t k, std::optional<double> score_min) : k_(k) {
    if (score_min.has_value()) {
      bar_ = std::nextafter(*score_min, -std::numeric_limits<double>::infinity());
    }
  }

  // What a score must be above. Of equal scores the earlier document stays.
  double bar() const { return bar_; }

  void Push(const DocumentHit& hit) {
    if (!(hit.score > bar_)) {
      return;
    }
    if (hits_.size() == k_) {
      std::ranges::pop_heap(hits_, IsBetter);
      hits_.pop_back();
    }
    hits_.push_back(hit);
    std::ranges::push_heap(hits_, IsBetter);
    if (hits_.size() == k_) {
      bar_ = std::max(bar_, hits_.front().score);
    }
  }

  // The best first; leaves this empty.
  std::vector<DocumentHit> Take() {
    std::ranges::sort(hits_, IsBetter);
    return std::exchange(hits_, {});
  }

 private:
  static bool IsBetter(const DocumentHit& a, const DocumentHit& b) {
    if (a.score != b.score) {
      return a.score > b.score;
    }
    return a.part != b.part ? a.part < b.part : a.document < b.document;
  }

  size_t k_;
  double bar_ = -std::numeric_limits<double>::infinity();
  std::vector<DocumentHit> hits_;  // a heap, the worst in front
};

}  // namespace alidade
