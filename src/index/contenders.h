// Contenders: the rows that may be among the k nearest, judged by bounds of their distances.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "alidade/vec/top_k.h"

namespace alidade {

class Contenders {
 public:
  explicit Contenders(uint32_t k) : nearest_(k), pruned_(kPruneRows + 2 * size_t{k}) {}

  void Offer(uint32_t row, float estimate, float error) {
    if (const float least = estimate - error; least <= nearest_.WorstDistance()) {
      nearest_.Push(estimate + error, row);
      rows_.push_back({least, row});
      if (rows_.size() >= 2 * pruned_) {
        Prune();
        pruned_ = std::max(pruned_, rows_.size());
      }
    }
  }
  // Leaves the other one empty.
  void Take(Contenders& other) {
    nearest_.Take(other.nearest_);
    rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
    other.rows_.clear();
  }
  // By what they may be at the least.
  std::vector<Candidate> TakeSorted() {
    Prune();
    std::sort(rows_.begin(), rows_.end());
    return std::move(rows_);
  }

 private:
  static constexpr size_t kPruneRows = 512;

  // k rows are surely as near as the worst of nearest_: what is surely farther is out.
  void Prune() {
    std::erase_if(rows_, [bound = nearest_.WorstDistance()](const Candidate& row) {
      return row.distance > bound;
    });
  }

  TopK nearest_;  // by what they may be at the most
  std::vector<Candidate> rows_;
  size_t pruned_;  // rows left by the last Prune
};

}  // namespace alidade
