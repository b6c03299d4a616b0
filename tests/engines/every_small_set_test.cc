// All sets of up to six vectors from small grids, under all engines. Distances of such vectors are
// exact in float32, so that the answers must be equal to the last slot.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engines/agreement.h"
#include "support/built_index.h"
#include "support/vector_set.h"

namespace alidade {
namespace {

using Points = std::vector<std::vector<float>>;

std::vector<Engine> Engines(uint32_t count) {
  return {{.name = "flat"},
          // Six links at level 0: all of five others.
          {"hnsw", IndexKind::kHnsw, {.hnsw_m = 3, .hnsw_ef_construction = 12}},
          {"ivf of one list", IndexKind::kIvf, {.ivf_nlist = 1}},
          {"ivf", IndexKind::kIvf, {.ivf_nlist = count / 2 + 1}},
          {"ivf sq8", IndexKind::kIvf, {.ivf_nlist = 2, .ivf_codes = IvfCodes::kSq8}},
          {"ivf sq4", IndexKind::kIvf, {.ivf_nlist = 2, .ivf_codes = IvfCodes::kSq4}},
          // Not enough to train on: answers as if not coded.
          {"ivf pq", IndexKind::kIvf, {.ivf_nlist = 3, .ivf_codes = IvfCodes::kPq}}};
}

class SmallSets {
 public:
  SmallSets(Metric metric, Points grid, Points queries)
      : metric_(metric), grid_(std::move(grid)), queries_(std::move(queries)) {}

  // All sequences of 1 to `count_max` points of the grid.
  void CheckAll(uint32_t count_max) {
    for (uint32_t count = 1; count <= count_max; ++count) {
      std::vector<size_t> picked(count, 0);
      do {
        Check(picked);
        if (::testing::Test::HasFailure()) {
          return;
        }
      } while (Next(picked));
    }
  }
  size_t searches() const { return searches_; }

 private:
  // Counts in the base of the grid's size.
  bool Next(std::vector<size_t>& picked) const {
    for (size_t& digit : picked) {
      if (++digit < grid_.size()) {
        return true;
      }
      digit = 0;
    }
    return false;
  }

  // No filter, and sets of slots: all of them for few vectors, some that change from set to set for
  // more.
  std::vector<uint32_t> FilterBits(uint32_t count) {
    const uint32_t all = (1U << count) - 1;
    std::vector<uint32_t> bits;
    if (count <= 3) {
      for (uint32_t some = 0; some <= all; ++some) {
        bits.push_back(some);
      }
      return bits;
    }
    rotation_ = rotation_ * 5 + 3;  // visits all residues of a power of two
    return {all, rotation_ & all};
  }

  void Check(const std::vector<size_t>& picked) {
    const auto count = static_cast<uint32_t>(picked.size());
    std::vector<float> values;
    std::string trace = std::string(MetricName(metric_)) + " over points";
    for (const size_t point : picked) {
      values.insert(values.end(), grid_[point].begin(), grid_[point].end());
      trace += " " + std::to_string(point);
    }
    SCOPED_TRACE(trace);
    const VectorSet set(metric_, static_cast<uint32_t>(grid_[0].size()), values);
    std::vector<EngineOver> engines;
    for (const Engine& engine : Engines(count)) {
      engines.emplace_back(engine, set);
    }
    for (const uint32_t bits : FilterBits(count)) {
      std::vector<bool> allowed(count);
      for (uint32_t slot = 0; slot < count; ++slot) {
        allowed[slot] = (bits >> slot & 1) == 1;
      }
      for (const auto& query : queries_) {
        CheckQuery(set, engines, query, allowed);
      }
    }
  }

  void CheckQuery(const VectorSet& set,
                  const std::vector<EngineOver>& engines,
                  const std::vector<float>& query,
                  const std::vector<bool>& allowed) {
    const BruteForce brute(set, query.data());
    const SlotSet filter(allowed);
    const SlotSet* use = filter.size() == set.count() ? nullptr : &filter;
    const double tolerance = metric_ == Metric::kCosine ? 1e-6 : 0;
    for (const uint32_t k : {1U, 3U, set.count() + 1}) {
      for (const EngineOver& engine : engines) {
        const auto found = engine.Search(query.data(), k, use);
        ++searches_;
        if (!found.ok()) {
          ADD_FAILURE() << engine.name() << ": " << found.status();
          continue;
        }
        const std::string wrong = brute.Disagreement(*found, k, allowed, tolerance);
        if (!wrong.empty()) {
          ADD_FAILURE() << engine.name() << " with k " << k << ", query " << query[0]
                        << "...: " << wrong;
        }
      }
    }
  }

  Metric metric_;
  Points grid_;
  Points queries_;
  uint32_t rotation_ = 0;
  size_t searches_ = 0;
};

class EverySmallSetTest : public ::testing::TestWithParam<Metric> {};

INSTANTIATE_TEST_SUITE_P(Metrics,
                         EverySmallSetTest,
                         ::testing::Values(Metric::kL2, Metric::kDot, Metric::kCosine),
                         [](const auto& tested) { return std::string(MetricName(tested.param)); });

TEST_P(EverySmallSetTest, OnALineIsSearchedAlikeByAllEngines) {
  const bool cosine = GetParam() == Metric::kCosine;  // has no place for zero
  SmallSets sets(GetParam(), {{-1}, {cosine ? 1.0F : 0.0F}, {2}}, {{-1}, {3}});
  sets.CheckAll(6);
  EXPECT_GT(sets.searches(), 50'000u);
}

TEST_P(EverySmallSetTest, InThePlaneIsSearchedAlikeByAllEngines) {
  const float zero = GetParam() == Metric::kCosine ? 2.0F : 0.0F;
  SmallSets sets(GetParam(), {{zero, zero}, {1, 0}, {0, 2}, {-1, 1}}, {{1, -1}, {0.5F, 2}});
  sets.CheckAll(5);
  EXPECT_GT(sets.searches(), 50'000u);
}

}  // namespace
}  // namespace alidade
