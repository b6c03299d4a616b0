// The load generator: how many calls of which kind it sends, and the figures it makes of them.
#include "bench_search.h"

#include <unistd.h>

#include <cmath>
#include <set>

#include "data_files.h"
#include "fake_server.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A call with a mark of its own.
std::vector<v1::SearchRequest> MarkedCalls(uint32_t count) {
  std::vector<v1::SearchRequest> calls(count);
  for (uint32_t i = 0; i < count; ++i) {
    calls[i].set_k(i + 1);
    calls[i].add_queries();
    calls[i].add_queries();
  }
  return calls;
}

class SearchLoadTest : public ::testing::TestWithParam<CallStyle> {
 protected:
  SearchLoadOptions Options(int in_flight, double seconds = 0, int connections = 0) const {
    return {.style = GetParam(),
            .in_flight = in_flight,
            .connections = connections,
            .seconds = seconds};
  }
  FakeServer server_;
};

INSTANTIATE_TEST_SUITE_P(Styles,
                         SearchLoadTest,
                         ::testing::Values(CallStyle::kThreads,
                                           CallStyle::kQueue,
                                           CallStyle::kCallback),
                         [](const auto& tested) {
                           return tested.param == CallStyle::kThreads ? "Threads"
                                  : tested.param == CallStyle::kQueue ? "Queue"
                                                                      : "Callback";
                         });

TEST_P(SearchLoadTest, WithoutTimeEachPlaceSendsOneCallAndBeginsElsewhere) {
  const auto calls = MarkedCalls(6);
  SearchFigures figures;
  ASSERT_THAT(SearchLoad(server_.connection(), Options(3), calls).Run(0, figures), IsOk());
  EXPECT_EQ(figures.calls.count(), 3U);
  EXPECT_EQ(figures.queries, 6U);
  EXPECT_GT(figures.seconds, 0);
  EXPECT_FALSE(figures.server_cpu.has_value());
  EXPECT_GT(figures.calls.PercentileMs(0), 0);
  EXPECT_LE(figures.calls.PercentileMs(1), figures.seconds * 1e3);
  std::multiset<uint32_t> sent;
  for (const v1::SearchRequest& request : server_.searches()) {
    sent.insert(request.k());
  }
  EXPECT_EQ(sent, (std::multiset<uint32_t>{1, 3, 5}));
}

TEST_P(SearchLoadTest, CallsAreSentAgainAndAgainUntilTheTimeIsUp) {
  const auto calls = MarkedCalls(2);
  SearchFigures figures;
  // More places than connections and than calls.
  ASSERT_THAT(SearchLoad(server_.connection(), Options(5, 0.2, 2), calls).Run(::getpid(), figures),
              IsOk());
  EXPECT_GT(figures.calls.count(), 5U);  // more than one of each place
  EXPECT_EQ(figures.calls.count(), server_.searches().size());
  EXPECT_EQ(figures.queries, 2 * figures.calls.count());
  EXPECT_GE(figures.seconds, 0.2);
  // The server is this process: both sides are the same processor time, to a tick of the kernel.
  ASSERT_TRUE(figures.server_cpu.has_value());
  EXPECT_NEAR(figures.server_cpu->total(), figures.client_cpu.total(), 0.05);
  std::set<uint32_t> sent;
  for (const v1::SearchRequest& request : server_.searches()) {
    sent.insert(request.k());
  }
  EXPECT_EQ(sent, (std::set<uint32_t>{1, 2}));
}

TEST_P(SearchLoadTest, AFailedCallEndsTheLoad) {
  server_.OnSearch([](size_t number) {
    return number == 4 ? grpc::Status(grpc::StatusCode::NOT_FOUND, "the fifth") : grpc::Status::OK;
  });
  const auto calls = MarkedCalls(3);
  SearchFigures figures;
  // One place: it would go on for an hour.
  EXPECT_THAT(SearchLoad(server_.connection(), Options(1, 3'600), calls).Run(0, figures),
              StatusIs(StatusCode::kNotFound, "the fifth"));
  EXPECT_EQ(server_.searches().size(), 5U);
}

TEST(CpuTimeTest, GrowsWithWork) {
  const CpuTime own_before = OwnCpuTime();
  const CpuTime same_before = CpuTimeOf(::getpid());
  const double give_up = NowSeconds() + 20;
  while ((OwnCpuTime() - own_before).total() < 0.1 && NowSeconds() < give_up) {
  }
  EXPECT_GE((OwnCpuTime() - own_before).total(), 0.1);
  EXPECT_GE((CpuTimeOf(::getpid()) - same_before).total(), 0.05);
  EXPECT_EQ(CpuTimeOf(0).total(), 0);
  EXPECT_EQ((CpuTime{3, 5} - CpuTime{1, 2}).total(), 5);
}

class BenchSearchTest : public ::testing::Test {
 protected:
  BenchSearchTest() {
    dataset_.dim = 1;
    dataset_.queries = {0, 1, 2, 3, 4};
    dataset_.query_count = 5;
    dataset_.depth = 3;
    // The third neighbour of every query is at distance 2.
    for (int query = 0; query < 5; ++query) {
      dataset_.distances.insert(dataset_.distances.end(), {0, 1, 2});
    }
    options_.k = 3;
    options_.seconds = 0;
  }

  BenchSearch Make() { return {server_.connection(), "words", "v", options_, dataset_}; }

  FakeServer server_;
  Dataset dataset_;
  BenchSearchOptions options_;
};

TEST_F(BenchSearchTest, EveryQueryIsAskedOnceForTheRecall) {
  options_.queries_per_call = 2;
  server_.Answer([](const v1::SearchRequest&, const v1::Query& query) {
    // The third query misses two, the fifth has a hit less.
    const float mark = FloatsOf(query.vector().packed())[0];
    return mark == 2   ? std::vector<float>{0, 2.5F, 7}
           : mark == 4 ? std::vector<float>{0, 1}
                       : std::vector<float>{0, 1, 2};
  });
  ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchFigures figures,
                               Make().Measure({.ef = 70, .nprobe = 9, .clients = 2}));
  EXPECT_DOUBLE_EQ(figures.recall, 12.0 / 15);
  EXPECT_EQ(figures.calls.count(), 2U);

  const auto sent = server_.searches();
  ASSERT_EQ(sent.size(), 5U);  // three for the recall, one for each client
  std::vector<float> asked;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(sent[i].collection(), "words");
    EXPECT_EQ(sent[i].vector_field(), "v");
    EXPECT_EQ(sent[i].k(), 3U);
    EXPECT_EQ(sent[i].params().ef(), 70U);
    EXPECT_EQ(sent[i].params().nprobe(), 9U);
    EXPECT_FALSE(sent[i].params().exact());
    EXPECT_TRUE(sent[i].has_payload());
    EXPECT_FALSE(sent[i].payload().all());
    for (const v1::Query& query : sent[i].queries()) {
      asked.push_back(FloatsOf(query.vector().packed())[0]);
    }
  }
  EXPECT_THAT(asked, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(BenchSearchTest, TheTruthIsAskedByExactSearch) {
  dataset_.depth = 0;
  dataset_.distances.clear();
  server_.Answer([](const v1::SearchRequest& request, const v1::Query&) {
    return request.params().exact() ? std::vector<float>{1, 2, 3} : std::vector<float>{1, 3, 4};
  });
  BenchSearch search = Make();
  ASSERT_THAT(search.AskTruth(), IsOk());
  EXPECT_EQ(dataset_.depth, 3U);
  EXPECT_EQ(dataset_.distances.size(), 15U);
  EXPECT_EQ(dataset_.KthDistance(4, 3), 3);
  EXPECT_EQ(server_.searches().size(), 5U);
  ALIDADE_ASSERT_OK_AND_ASSIGN(const SearchFigures figures, search.Measure({}));
  EXPECT_DOUBLE_EQ(figures.recall, 2.0 / 3);
}

TEST_F(BenchSearchTest, TooFewPointsForATruthAreTold) {
  server_.Answer([](const auto&, const auto&) { return std::vector<float>{0, 1}; });
  EXPECT_THAT(Make().AskTruth(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("gives 2 hits of 3")));
}

TEST_F(BenchSearchTest, AnErrorOfTheServerIsTheResult) {
  server_.OnSearch([](size_t) { return grpc::Status(grpc::StatusCode::NOT_FOUND, "no words"); });
  EXPECT_THAT(Make().Measure({}), StatusIs(StatusCode::kNotFound, "no words"));
  EXPECT_THAT(Make().AskTruth(), StatusIs(StatusCode::kNotFound, "no words"));
}

}  // namespace
}  // namespace alidade
