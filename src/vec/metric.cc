#include "alidade/vec/metric.h"

#include <cmath>

namespace alidade {

Score ScoreFromDistance(Metric metric, float distance) {
  const auto d = static_cast<double>(distance);
  switch (metric) {
    case Metric::kL2:
      return {-std::sqrt(d > 0 ? d : 0)};
    case Metric::kDot:
      return {-d};
    case Metric::kCosine:
      return {1 - d};
  }
  return {0};
}

float DistanceFromScore(Metric metric, Score score) {
  switch (metric) {
    case Metric::kL2:
      return static_cast<float>(score.value > 0 ? -1 : score.value * score.value);
    case Metric::kDot:
      return static_cast<float>(-score.value);
    case Metric::kCosine:
      return static_cast<float>(1 - score.value);
  }
  return 0;
}

std::string_view MetricName(Metric metric) {
  switch (metric) {
    case Metric::kL2:
      return "l2";
    case Metric::kDot:
      return "dot";
    case Metric::kCosine:
      return "cosine";
  }
  return "unknown";
}

std::optional<Metric> MetricFromName(std::string_view name) {
  for (const Metric metric : {Metric::kL2, Metric::kDot, Metric::kCosine}) {
    if (MetricName(metric) == name) {
      return metric;
    }
  }
  return std::nullopt;
}

}  // namespace alidade
