// Side: one of several indexes that are measured in turn, on the same queries.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "alidade/common/status.h"

#include "real_vectors.h"

namespace alidade {

struct Side {
  std::string name;
  // ef of a graph, nprobe of lists.
  std::function<void(uint32_t effort)> set_effort;
  // Distances come nearest first, as in the data set.
  std::function<Status(const float* query, uint32_t k, std::vector<float>& distances)> search;
};

// Sides are tuned on the even queries and reported on the odd ones.
enum class Half : uint8_t { kEven, kOdd };

// Of the k nearest.
StatusOr<double> RecallOfSide(const RealVectors& set, const Side& side, uint32_t k, Half half);

struct RateOptions {
  uint32_t k = 10;
  int threads = 1;
  double seconds = 1;
  bool cold = false;  // the caches are flushed before each query
};

// Queries per second of processor time of all threads together, over the odd queries: what others
// take of the processor while it waits is not counted.
StatusOr<double> RateOfSide(const RealVectors& set, const Side& side, const RateOptions& options);

}  // namespace alidade
