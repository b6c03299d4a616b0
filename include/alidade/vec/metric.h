// Metric: how near two vectors are, and what the user sees of it.
//
// distance (float): smaller is nearer, inside the server: squared L2, -dot, or 1 - cosine.
// Score: larger is better, what the user sees: -(Euclidean distance), dot product, or cosine
// similarity.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace alidade {

enum class Metric : uint8_t {  // on disk: numbers are never reused
  kL2 = 1,
  kDot = 2,
  kCosine = 3,
};

struct Score {
  double value = 0;
};

Score ScoreFromDistance(Metric metric, float distance);
// The largest distance that a hit of at least this score has. A positive L2 score gives a negative
// distance: no hit.
float DistanceFromScore(Metric metric, Score score);

std::string_view MetricName(Metric metric);  // "l2", "dot", "cosine"
std::optional<Metric> MetricFromName(std::string_view name);

}  // namespace alidade
