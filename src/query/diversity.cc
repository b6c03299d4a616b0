#include "alidade/query/diversity.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "alidade/common/check.h"
#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

double Norm(const std::vector<float>& vector) {
  return std::sqrt(static_cast<double>(Dot(vector.data(), vector.data(), vector.size())));
}

}  // namespace

StatusOr<Ranking> Diversify(Ranking ranking,
                            std::span<const VectorView> stored,
                            const DiversityOptions& options,
                            const Deadline& deadline) {
  ALIDADE_CHECK(stored.size() == ranking.size(), "{} vectors", stored.size());
  if (ranking.empty()) {
    return ranking;
  }
  const auto [low, high] = std::ranges::minmax(ranking, {}, &RankedHit::score);
  const double lowest = low.score;
  const double width = high.score - low.score;
  std::vector<std::vector<float>> vectors;  // empty: none
  for (const VectorView& vector : stored) {
    vectors.push_back(vector.has_value() ? vector.Floats() : std::vector<float>());
  }
  std::vector<double> norms(ranking.size());
  // Of hits that were not picked: the similarity to the nearest that was.
  std::vector<double> nearest(ranking.size(), 0);
  std::vector<size_t> left(ranking.size());
  for (size_t i = 0; i < ranking.size(); ++i) {
    norms[i] = Norm(vectors[i]);
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
            static_cast<double>(Dot(vectors[i].data(), vectors[chosen].data(), vectors[i].size())) /
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
