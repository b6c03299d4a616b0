#include "alidade/query/diversity.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "alidade/common/check.h"
#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

double Norm(const float* vector, size_t dim) {
  return vector == nullptr ? 0 : std::sqrt(static_cast<double>(Dot(vector, vector, dim)));
}

}  // namespace

StatusOr<Ranking> Diversify(Ranking ranking,
                            std::span<const float* const> vectors,
                            const DiversityOptions& options,
                            const Deadline& deadline) {
  ALIDADE_CHECK(vectors.size() == ranking.size(), "{} vectors", vectors.size());
  if (ranking.empty()) {
    return ranking;
  }
  const auto [low, high] = std::ranges::minmax(ranking, {}, &RankedHit::score);
  const double lowest = low.score;
  const double width = high.score - low.score;
  std::vector<double> norms(ranking.size());
  // Of hits that were not picked: the similarity to the nearest that was.
  std::vector<double> nearest(ranking.size(), 0);
  std::vector<size_t> left(ranking.size());
  for (size_t i = 0; i < ranking.size(); ++i) {
    norms[i] = Norm(vectors[i], options.dim);
    left[i] = i;
  }
  const auto worth = [&](size_t i) {
    const double relevance = width == 0 ? 1 : (ranking[i].score - lowest) / width;
    return options.lambda * relevance - (1 - options.lambda) * nearest[i];
  };
  Ranking picked;
  while (!left.empty() && picked.size() < options.keep) {
    ALIDADE_RETURN_IF_ERROR(deadline.Check());
    const auto best =
        std::ranges::max_element(left, {}, worth);  // of equal ones the first: `left` is in order
    const size_t chosen = *best;
    const double score = worth(chosen);
    left.erase(best);
    for (const size_t i : left) {
      if (norms[i] > 0 && norms[chosen] > 0) {
        const double similarity =
            static_cast<double>(Dot(vectors[i], vectors[chosen], options.dim)) /
            (norms[i] * norms[chosen]);
        nearest[i] = std::max(nearest[i], similarity);
      }
    }
    picked.push_back(std::move(ranking[chosen]));
    picked.back().score = score;
  }
  return picked;
}

}  // namespace alidade
