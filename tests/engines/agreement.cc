#include "engines/agreement.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
EngineOver::EngineOver(const Engine& engine, const VectorSet& set) : name_(engine.name), set_(set) {
  if (engine.kind == IndexKind::kFlat) {
    return;
  }
  auto built = BuiltIndex::Make(engine.spec, engine.kind, set.matrix());
  EXPECT_THAT(built, IsOk());
  if (!built.ok()) {
    return;
  }
  index_.emplace(std::move(built).value());
}

StatusOr<std::vector<Candidate>> EngineOver::Search(const float* query,
                                                    uint32_t k,
                                                    const SlotFilter* filter) const {
  const IndexSearchOptions options{
      .k = k, .ef = set_.count(), .nprobe = kNlistMax, .filter = filter};
  return index_.has_value() ? (*index_)->Search(query, options)
                            : ExactSearch(set_.matrix(), query, options);
}

std::vector<bool> EngineOver::Reached(const float* query) const {
  std::vector<bool> reached(set_.count(), false);
  const auto found = Search(query, set_.count(), nullptr);
  EXPECT_THAT(found, IsOk());
  for (const Candidate& candidate : found.ok() ? *found : std::vector<Candidate>()) {
    reached.at(candidate.slot) = true;
  }
  return reached;
}

std::string BruteForce::Disagreement(const std::vector<Candidate>& found,
                                     size_t k,
                                     const std::vector<bool>& allowed,
                                     double tolerance) const {
  std::vector<std::pair<double, uint32_t>> nearest;
  for (uint32_t slot = 0; slot < by_slot_.size(); ++slot) {
    if (allowed[slot]) {
      nearest.emplace_back(by_slot_[slot], slot);
    }
  }
  const auto middle = nearest.begin() + static_cast<ptrdiff_t>(std::min(k, nearest.size()));
  std::partial_sort(nearest.begin(), middle, nearest.end());
  nearest.erase(middle, nearest.end());
  if (found.size() != nearest.size()) {
    return fmt::format("{} found, {} expected", found.size(), nearest.size());
  }
  const auto equal = [tolerance](double a, double b) {
    return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
  };
  std::vector<bool> given(by_slot_.size(), false);
  for (size_t i = 0; i < found.size(); ++i) {
    const auto [distance, slot] = found[i];
    const auto [expected, expected_slot] = nearest[i];
    if (slot >= by_slot_.size() || !allowed[slot] || given[slot]) {
      return fmt::format("slot {} at {} is not allowed or given twice", slot, i);
    }
    given[slot] = true;
    if (i > 0 && !(found[i - 1] < found[i])) {
      return fmt::format("slot {} at {} is out of order", slot, i);
    }
    if (!equal(distance, by_slot_[slot])) {
      return fmt::format("slot {} is {} away, not {}", slot, by_slot_[slot], distance);
    }
    if (!equal(distance, expected) || (tolerance == 0 && slot != expected_slot)) {
      return fmt::format(
          "at {} is slot {} ({}), not {} ({})", i, slot, distance, expected_slot, expected);
    }
  }
  return "";
}

}  // namespace alidade
