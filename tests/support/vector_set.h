// VectorSet: the vectors of a test with all that a VectorMatrix borrows, distances by a plain loop
// in double precision, and generators.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "alidade/vec/vector_matrix.h"

namespace alidade {

// ALIDADE_TEST_SEED, or a new one; printed, so that every run can be replayed.
inline uint64_t PrintedTestSeed() {
  const char* text = std::getenv("ALIDADE_TEST_SEED");
  const uint64_t seed =
      text != nullptr ? std::strtoull(text, nullptr, 10) : uint64_t{std::random_device{}()};
  std::printf("ALIDADE_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

inline double DistanceByLoop(Metric metric, const float* a, const float* b, size_t dim) {
  double squared_l2 = 0;
  double dot = 0;
  double a_squared = 0;
  double b_squared = 0;
  for (size_t i = 0; i < dim; ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    squared_l2 += (x - y) * (x - y);
    dot += x * y;
    a_squared += x * x;
    b_squared += y * y;
  }
  switch (metric) {
    case Metric::kL2:
      return squared_l2;
    case Metric::kDot:
      return -dot;
    case Metric::kCosine:
      return 1 - dot / std::sqrt(a_squared * b_squared);
  }
  return 0;
}

// Immutable. The matrices it gives borrow from it.
class VectorSet {
 public:
  VectorSet(Metric metric, uint32_t dim, std::vector<float> values)
      : metric_(metric), dim_(dim), values_(std::move(values)) {
    for (uint32_t slot = 0; metric == Metric::kCosine && slot < count(); ++slot) {
      inv_norms_.push_back(InverseNorm(Row(slot), dim));
    }
  }
  VectorSet(const VectorSet&) = delete;
  VectorSet& operator=(const VectorSet&) = delete;

  Metric metric() const { return metric_; }
  uint32_t dim() const { return dim_; }
  uint32_t count() const { return static_cast<uint32_t>(values_.size() / dim_); }
  const float* Row(uint32_t slot) const { return values_.data() + size_t{slot} * dim_; }

  VectorMatrix matrix() const { return First(count()); }
  // The first vectors only.
  VectorMatrix First(uint32_t rows) const {
    return {.rows = values_.data(),
            .inv_norms = inv_norms_.empty() ? nullptr : inv_norms_.data(),
            .count = rows,
            .dim = dim_,
            .metric = metric_};
  }
  // By slot.
  std::vector<double> DistancesByLoop(const float* query) const {
    std::vector<double> distances;
    for (uint32_t slot = 0; slot < count(); ++slot) {
      distances.push_back(DistanceByLoop(metric_, query, Row(slot), dim_));
    }
    return distances;
  }

 private:
  Metric metric_;
  uint32_t dim_;
  std::vector<float> values_;
  std::vector<float> inv_norms_;
};

// Vectors rounded to narrow numbers, and the same as floats. Immutable.
class NarrowSet {
 public:
  NarrowSet(ElementType element, Metric metric, uint32_t dim, const std::vector<float>& values)
      : element_(element),
        bytes_(EncodeElements(values, element)),
        wide_(metric,
              dim,
              VectorView{bytes_.data(), static_cast<uint32_t>(values.size()), element}.Floats()) {}

  const VectorSet& wide() const { return wide_; }
  VectorMatrix matrix() const {
    VectorMatrix matrix = wide_.matrix();
    matrix.rows = bytes_.data();
    matrix.element = element_;
    return matrix;
  }

 private:
  ElementType element_;
  std::string bytes_;
  VectorSet wide_;
};

inline std::vector<float> NormalValues(std::mt19937_64& random, size_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) {
    value = normal(random);
  }
  return values;
}

// `rows` vectors around the rows of `centres`, each centre equally likely.
inline std::vector<float> ClusteredValues(std::mt19937_64& random,
                                          const std::vector<float>& centres,
                                          uint32_t dim,
                                          size_t rows,
                                          float spread) {
  std::uniform_int_distribution<size_t> pick(0, centres.size() / dim - 1);
  std::vector<float> values = NormalValues(random, rows * dim);
  for (size_t row = 0; row < rows; ++row) {
    const float* centre = centres.data() + pick(random) * dim;
    for (uint32_t i = 0; i < dim; ++i) {
      values[row * dim + i] = centre[i] + spread * values[row * dim + i];
    }
  }
  return values;
}

}  // namespace alidade
