#include "alidade/query/diversity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "unit/query/delta_view.h"

namespace alidade {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr double kSmall = 1e-6;  // of float cosines

TEST(DiversityTest, ACopyGivesWayToWhatIsDifferent) {
  const std::array<float, 2> a = {1, 0};
  const std::array<float, 2> copy = {3, 0};
  const std::array<float, 2> other = {0, 2};
  const std::vector<VectorView> vectors = {{a.data(), 2}, {copy.data(), 2}, {other.data(), 2}};
  const Ranking ranking = {HitAt(0, 10), HitAt(1, 9), HitAt(2, 5)};
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Ranking picked,
                               Diversify(ranking, vectors, {.lambda = 0.5, .keep = 3}, Deadline()));
  EXPECT_THAT(RowsAndScores(picked),
              ElementsAre(Pair(0, DoubleNear(0.5, kSmall)),
                          Pair(2, DoubleNear(0, kSmall)),
                          Pair(1, DoubleNear(0.5 * 0.8 - 0.5, kSmall))));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Ranking relevant,
                               Diversify(ranking, vectors, {.lambda = 1, .keep = 2}, Deadline()));
  EXPECT_THAT(RowsAndScores(relevant), ElementsAre(Pair(0, 1), Pair(1, DoubleNear(0.8, kSmall))));
}

TEST(DiversityTest, WithoutVectorsNothingIsSimilar) {
  const std::vector<VectorView> vectors(2);
  ALIDADE_ASSERT_OK_AND_ASSIGN(
      const Ranking picked,
      Diversify({HitAt(0, 2), HitAt(1, 2)}, vectors, {.lambda = 0.25, .keep = 5}, Deadline()));
  EXPECT_THAT(RowsAndScores(picked), ElementsAre(Pair(0, 0.25), Pair(1, 0.25)));
  ALIDADE_ASSERT_OK_AND_ASSIGN(const Ranking none, Diversify({}, {}, {.keep = 5}, Deadline()));
  EXPECT_THAT(none, IsEmpty());
}

// Straight from the definition: similarities to all that was picked, each time anew.
Ranking PlainDiversify(const Ranking& ranking,
                       const std::vector<std::array<float, 3>>& vectors,
                       double lambda,
                       size_t keep) {
  const auto cosine = [&](size_t a, size_t b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (size_t i = 0; i < 3; ++i) {
      const double x = static_cast<double>(vectors[a][i]);
      const double y = static_cast<double>(vectors[b][i]);
      dot += x * y;
      aa += x * x;
      bb += y * y;
    }
    return dot / std::sqrt(aa * bb);
  };
  const double high = ranking.front().score;
  const double low = ranking.back().score;
  std::vector<size_t> picked;
  Ranking out;
  while (out.size() < std::min(keep, ranking.size())) {
    size_t best = ranking.size();
    double best_worth = 0;
    for (size_t i = 0; i < ranking.size(); ++i) {
      if (std::ranges::find(picked, i) != picked.end()) {
        continue;
      }
      double nearest = 0;
      for (const size_t other : picked) {
        nearest = std::max(nearest, cosine(i, other));
      }
      const double worth =
          lambda * (ranking[i].score - low) / (high - low) - (1 - lambda) * nearest;
      if (best == ranking.size() || worth > best_worth) {
        best = i;
        best_worth = worth;
      }
    }
    picked.push_back(best);
    out.push_back(ranking[best]);
    out.back().score = best_worth;
  }
  return out;
}

TEST(DiversityTest, PicksWhatTheDefinitionPicks) {
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::array<float, 3>> vectors(40);
    std::vector<VectorView> views;
    Ranking ranking;
    for (size_t i = 0; i < vectors.size(); ++i) {
      for (float& x : vectors[i]) {
        x = normal(random);
      }
      views.push_back({vectors[i].data(), 3});
      ranking.push_back(HitAt(static_cast<RowId>(i), -static_cast<double>(i * i)));
    }
    const double lambda = static_cast<double>(random() % 11) / 10;
    const size_t keep = 1 + random() % 45;
    const Ranking expected = PlainDiversify(ranking, vectors, lambda, keep);
    ALIDADE_ASSERT_OK_AND_ASSIGN(
        const Ranking picked,
        Diversify(ranking, views, {.lambda = lambda, .keep = keep}, Deadline()));
    ASSERT_EQ(picked.size(), expected.size());
    for (size_t i = 0; i < picked.size(); ++i) {
      ASSERT_NEAR(picked[i].score, expected[i].score, kSmall) << "round " << round << ", " << i;
      ASSERT_TRUE(i == 0 || picked[i].score <= picked[i - 1].score) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace alidade
