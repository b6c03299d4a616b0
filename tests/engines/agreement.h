// Engines that must agree with brute force, and how agreement is judged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alidade/index/vector_index.h"

#include "support/built_index.h"
#include "support/vector_set.h"

namespace alidade {

struct Engine {
  std::string name;
  IndexKind kind = IndexKind::kFlat;
  IndexSpec spec = {};
};

// An engine over the vectors of a set, asked so that nothing is left out: ef of all rows, all
// lists.
class EngineOver {
 public:
  // Borrows the set. A build that fails is a failure of the test.
  EngineOver(const Engine& engine, const VectorSet& set);
  StatusOr<std::vector<Candidate>> Search(const float* query,
                                          uint32_t k,
                                          const SlotFilter* filter) const;
  const std::string& name() const { return name_; }
  bool has_graph() const { return index_.has_value() && (*index_)->kind() == IndexKind::kHnsw; }
  // The slots that a search for this query comes to. All of them for engines without a graph; a
  // graph may leave nodes that no walk from where this one starts arrives at.
  std::vector<bool> Reached(const float* query) const;

 private:
  std::string name_;
  const VectorSet& set_;
  std::optional<BuiltIndex> index_;  // absent: flat
};

// Brute force in double precision.
class BruteForce {
 public:
  BruteForce(const VectorSet& set, const float* query) : by_slot_(set.DistancesByLoop(query)) {}

  // What is wrong with `found` as the answer for the k nearest of the allowed slots; empty if
  // nothing is. Distances may differ by `tolerance` times the larger of 1 and their size; with
  // tolerance 0 the slots must be the same as well, ties in the order of the slots.
  std::string Disagreement(const std::vector<Candidate>& found,
                           size_t k,
                           const std::vector<bool>& allowed,
                           double tolerance) const;

 private:
  std::vector<double> by_slot_;
};

}  // namespace alidade
