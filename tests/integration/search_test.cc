// Searches over gRPC against brute force.
#include <algorithm>
#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/shared_server.h"

namespace alidade::testing {
namespace {

constexpr size_t kDim = 8;
constexpr uint64_t kPoints = 300;

std::vector<float> VectorOf(uint64_t id) { return RandomVector(id + 1, kDim); }

// The score as the API defines it, in double precision.
double ScoreOf(v1::Metric metric, const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0;
  double squares_a = 0;
  double squares_b = 0;
  double squared_distance = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]);
    const double y = static_cast<double>(b[i]);
    dot += x * y;
    squares_a += x * x;
    squares_b += y * y;
    squared_distance += (x - y) * (x - y);
  }
  return metric == v1::METRIC_DOT      ? dot
         : metric == v1::METRIC_COSINE ? dot / std::sqrt(squares_a * squares_b)
                                       : -std::sqrt(squared_distance);
}

struct Expected {
  uint64_t id = 0;
  double score = 0;
};

std::vector<Expected> BruteForce(v1::Metric metric, const std::vector<float>& query) {
  std::vector<Expected> all;
  for (uint64_t id = 0; id < kPoints; ++id) {
    all.push_back({id, ScoreOf(metric, query, VectorOf(id))});
  }
  std::stable_sort(all.begin(), all.end(), [](const Expected& a, const Expected& b) {
    return a.score > b.score;
  });
  return all;
}

class SearchTest : public SharedServerTest {
 protected:
  // kPoints points with their number as "n" and its last digit as "digit".
  void Fill(const std::string& name, v1::Metric metric) {
    Must(client_, NewCollection(name, kDim, metric));
    v1::UpsertPointsRequest request;
    request.set_collection(name);
    for (uint64_t id = 0; id < kPoints; ++id) {
      v1::Point& point = *request.mutable_rows()->add_points();
      point.mutable_id()->set_num(id);
      (*point.mutable_vectors())["v"].set_packed(Packed(VectorOf(id)));
      auto& fields = *point.mutable_payload()->mutable_fields();
      fields["n"].set_int64_value(static_cast<int64_t>(id));
      fields["digit"].set_string_value(std::to_string(id % 10));
    }
    Must(client_, request);
  }

  static v1::SearchRequest Near(const std::string& collection,
                                uint32_t k,
                                const std::vector<float>& vector) {
    v1::SearchRequest request;
    request.set_collection(collection);
    request.set_k(k);
    request.add_queries()->mutable_vector()->set_packed(Packed(vector));
    return request;
  }
};

TEST_F(SearchTest, EveryMetricRanksByItsScore) {
  for (const auto& [name, metric] : std::vector<std::pair<std::string, v1::Metric>>{
           {"cosine", v1::METRIC_COSINE}, {"dot", v1::METRIC_DOT}, {"l2", v1::METRIC_L2}}) {
    SCOPED_TRACE(name);
    Fill(name, metric);
    for (uint64_t seed = 1'000; seed < 1'005; ++seed) {
      const std::vector<float> query = RandomVector(seed, kDim);
      const auto truth = BruteForce(metric, query);
      const auto result = Must(client_, Near(name, 20, query)).results(0);
      ASSERT_EQ(result.hits_size(), 20);
      EXPECT_TRUE(result.stats().exact());
      for (int i = 0; i < 20; ++i) {
        const v1::Hit& hit = result.hits(i);
        const Expected& expected = truth[static_cast<size_t>(i)];
        EXPECT_EQ(hit.id().num(), expected.id) << "rank " << i;
        EXPECT_NEAR(static_cast<double>(hit.score()), expected.score, 1e-5);
        const double distance = metric == v1::METRIC_COSINE ? 1 - expected.score : -expected.score;
        EXPECT_NEAR(static_cast<double>(hit.distance()), distance, 1e-5);
        EXPECT_TRUE(i == 0 || hit.score() <= result.hits(i - 1).score());
      }
    }
  }
}

TEST_F(SearchTest, AThresholdCutsTheRankingAtItsScore) {
  for (const auto& [name, metric] :
       std::vector<std::pair<std::string, v1::Metric>>{{"cosine-cut", v1::METRIC_COSINE},
                                                       {"dot-cut", v1::METRIC_DOT},
                                                       {"l2-cut", v1::METRIC_L2}}) {
    SCOPED_TRACE(name);
    Fill(name, metric);
    const std::vector<float> query = RandomVector(7, kDim);
    const auto truth = BruteForce(metric, query);
    auto request = Near(name, 100, query);
    // Half-way between the ranks 11 and 12.
    request.set_score_threshold(static_cast<float>((truth[11].score + truth[12].score) / 2));
    EXPECT_EQ(Must(client_, request).results(0).hits_size(), 12);
    request.set_k(5);
    EXPECT_EQ(Must(client_, request).results(0).hits_size(), 5);
    request.set_score_threshold(1e30F);
    EXPECT_EQ(Must(client_, request).results(0).hits_size(), 0);
    request.set_score_threshold(-1e30F);
    EXPECT_EQ(Must(client_, request).results(0).hits_size(), 5);
  }
}

TEST_F(SearchTest, AStoredPointIsNotAmongItsOwnNeighbours) {
  Fill("by-id", v1::METRIC_L2);
  v1::SearchRequest request;
  request.set_collection("by-id");
  request.set_k(10);
  request.add_queries()->mutable_point_id()->set_num(42);
  const auto result = Must(client_, request).results(0);
  const auto truth = BruteForce(v1::METRIC_L2, VectorOf(42));
  ASSERT_EQ(truth[0].id, 42U);
  ASSERT_EQ(result.hits_size(), 10);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(result.hits(i).id().num(), truth[static_cast<size_t>(i) + 1].id);
  }
  // All others, when asked for all.
  request.set_k(kPoints + 10);
  EXPECT_EQ(Must(client_, request).results(0).hits_size(), static_cast<int>(kPoints) - 1);
}

TEST_F(SearchTest, SeveralQueriesAreAnsweredInTheirOrder) {
  Fill("several", v1::METRIC_L2);
  v1::SearchRequest request;
  request.set_collection("several");
  request.set_k(1);
  request.set_vector_field("v");
  for (uint64_t id = 0; id < 50; ++id) {
    request.add_queries()->mutable_vector()->set_packed(Packed(VectorOf(49 - id)));
  }
  const auto answer = Must(client_, request);
  ASSERT_EQ(answer.results_size(), 50);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(answer.results(i).hits_size(), 1);
    EXPECT_EQ(answer.results(i).hits(0).id().num(), static_cast<uint64_t>(49 - i));
  }
}

TEST_F(SearchTest, HitsCarryWhatWasSelectedInMemoryAndInASegment) {
  Fill("parts", v1::METRIC_L2);
  for (const std::string when : {"in memory", "in a segment"}) {
    SCOPED_TRACE(when);
    auto request = Near("parts", 1, VectorOf(123));
    auto hit = Must(client_, request).results(0).hits(0);
    EXPECT_EQ(hit.id().num(), 123U);
    EXPECT_EQ(hit.payload().fields_size(), 2);
    EXPECT_EQ(hit.vectors_size(), 0);
    request.mutable_payload()->set_all(false);
    request.add_with_vectors("v");
    hit = Must(client_, request).results(0).hits(0);
    EXPECT_FALSE(hit.has_payload());
    EXPECT_EQ(hit.vectors().at("v").packed(), Packed(VectorOf(123)));
    request.mutable_payload()->mutable_include()->add_keys("digit");
    hit = Must(client_, request).results(0).hits(0);
    EXPECT_EQ(hit.payload().ShortDebugString(),
              "fields { key: \"digit\" value { string_value: \"3\" } }");
    request.mutable_payload()->mutable_exclude()->add_keys("digit");
    hit = Must(client_, request).results(0).hits(0);
    EXPECT_EQ(hit.payload().ShortDebugString(), "fields { key: \"n\" value { int64_value: 123 } }");
    Must(client_, Parse<v1::FlushRequest>("collection: 'parts'"));
  }
}

TEST_F(SearchTest, EqualScoresAreOrderedById) {
  Must(client_, NewCollection("ties", 2, v1::METRIC_L2));
  for (const std::string id : {"str: 'b'", "num: 20", "str: 'a'", "num: 3"}) {
    Must(client_,
         Parse<v1::UpsertPointsRequest>("collection: 'ties' rows { points { id { " + id +
                                        " } vectors { key: 'v' value { values { values: "
                                        "[1, 1] } } } } }"));
  }
  std::vector<std::string> order;
  const auto answer = Must(client_, Near("ties", 3, {1, 1}));
  for (const v1::Hit& hit : answer.results(0).hits()) {
    order.push_back(hit.id().ShortDebugString());
  }
  EXPECT_THAT(order, ::testing::ElementsAre("num: 3", "num: 20", "str: \"a\""));
}

TEST_F(SearchTest, AnExplainedSearchSaysHowItWasAnswered) {
  Fill("explained", v1::METRIC_L2);
  auto request = Near("explained", 3, VectorOf(5));
  EXPECT_EQ(Must(client_, request).results(0).stats().plan(), "");
  request.set_explain(true);
  *request.mutable_filter() =
      Parse<v1::Filter>("equals { key: 'digit' value { string_value: '5' } }");
  const auto stats = Must(client_, request).results(0).stats();
  EXPECT_THAT(stats.plan(),
              ::testing::HasSubstr("filter passes 30 of 300 rows, 300 payloads read"));
  EXPECT_GE(stats.distance_computations(), 30U);
  EXPECT_LT(stats.distance_computations(), 300U);
}

}  // namespace
}  // namespace alidade::testing
