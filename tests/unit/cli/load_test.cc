// Latencies, workers and retries.
#include "load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "alidade/common/mutex.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::AnyOf;
using ::testing::DoubleEq;

TEST(LatenciesTest, NoneAreZero) {
  const Latencies none;
  EXPECT_EQ(none.count(), 0U);
  EXPECT_EQ(none.PercentileMs(0.5), 0);
  EXPECT_EQ(none.MeanMs(), 0);
}

TEST(LatenciesTest, PercentilesAreOfTheNearestRank) {
  Latencies latencies;
  // Neither sorted nor evenly spaced.
  for (const double seconds : {0.004, 0.001, 0.100, 0.003, 0.002}) {
    latencies.Add(seconds);
  }
  EXPECT_EQ(latencies.count(), 5U);
  EXPECT_THAT(latencies.MeanMs(), DoubleEq(22));
  EXPECT_THAT(latencies.PercentileMs(0), DoubleEq(1));
  EXPECT_THAT(latencies.PercentileMs(0.2), DoubleEq(1));
  EXPECT_THAT(latencies.PercentileMs(0.21), DoubleEq(2));
  EXPECT_THAT(latencies.PercentileMs(0.5), DoubleEq(3));
  EXPECT_THAT(latencies.PercentileMs(0.8), DoubleEq(4));
  EXPECT_THAT(latencies.PercentileMs(0.81), DoubleEq(100));
  EXPECT_THAT(latencies.PercentileMs(1), DoubleEq(100));
}

TEST(LatenciesTest, WhatComesAfterAPercentileCountsToo) {
  Latencies first;
  first.Add(0.001);
  first.Add(0.009);
  EXPECT_THAT(first.PercentileMs(1), DoubleEq(9));
  Latencies second;
  second.Add(0.020);
  second.Add(0.002);
  first.Merge(second);
  EXPECT_EQ(first.count(), 4U);
  EXPECT_THAT(first.PercentileMs(1), DoubleEq(20));
  EXPECT_THAT(first.PercentileMs(0.5), DoubleEq(2));
  first.Add(0.0005);
  EXPECT_THAT(first.PercentileMs(0), DoubleEq(0.5));
}

TEST(RunWorkersTest, EveryWorkerRunsOnce) {
  Mutex mutex;
  std::multiset<int> seen;
  EXPECT_THAT(RunWorkers(5,
                         [&](int worker) {
                           const MutexLock lock(mutex);
                           seen.insert(worker);
                           return OkStatus();
                         }),
              IsOk());
  EXPECT_EQ(seen, (std::multiset<int>{0, 1, 2, 3, 4}));
  EXPECT_THAT(RunWorkers(0, [](int) { return Internal("nobody"); }), IsOk());
}

TEST(RunWorkersTest, AnErrorIsNotHiddenByThoseThatEndWell) {
  for (const int failing : {0, 1, 2}) {
    std::atomic<int> ended = 0;
    const Status status = RunWorkers(3, [&](int worker) {
      ++ended;
      return worker == failing ? NotFound("worker {}", worker) : OkStatus();
    });
    EXPECT_THAT(status, StatusIs(StatusCode::kNotFound, "worker " + std::to_string(failing)));
    EXPECT_EQ(ended.load(), 3);
  }
}

TEST(RunWorkersTest, OfSeveralErrorsOneIsTheResultWhole) {
  const Status status = RunWorkers(
      4, [](int worker) { return worker % 2 == 0 ? OkStatus() : Internal("worker {}", worker); });
  EXPECT_THAT(status, StatusIs(StatusCode::kInternal, AnyOf("worker 1", "worker 3")));
}

// What the server answers to the attempts, in turn; the last one again and again.
class Attempts {
 public:
  explicit Attempts(std::vector<grpc::Status> answers) : answers_(std::move(answers)) {}
  grpc::Status operator()(grpc::ClientContext& context) {
    EXPECT_GT(context.deadline(), std::chrono::system_clock::now());
    return answers_[std::min(answers_.size() - 1, made_++)];
  }
  size_t made() const { return made_; }

 private:
  std::vector<grpc::Status> answers_;
  size_t made_ = 0;
};

const grpc::Status kBusy(grpc::StatusCode::RESOURCE_EXHAUSTED, "busy");
const grpc::Status kGone(grpc::StatusCode::UNAVAILABLE, "gone");
const grpc::Status kBad(grpc::StatusCode::INVALID_ARGUMENT, "bad");

TEST(CallWithRetryTest, WhatMayPassIsTriedAgain) {
  Attempts attempts({kBusy, kGone, grpc::Status::OK});
  EXPECT_TRUE(CallWithRetry({}, {.seconds = 20}, std::ref(attempts)).ok());
  EXPECT_EQ(attempts.made(), 3U);
}

TEST(CallWithRetryTest, WhatWillNotPassIsNotTriedAgain) {
  Attempts attempts({kGone, kBad, grpc::Status::OK});
  EXPECT_EQ(CallWithRetry({}, {.seconds = 20}, std::ref(attempts)).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(attempts.made(), 2U);
}

TEST(CallWithRetryTest, TimeRunsOut) {
  Attempts once({kGone});
  EXPECT_EQ(CallWithRetry({}, {.seconds = 0}, std::ref(once)).error_message(), "gone");
  EXPECT_EQ(once.made(), 1U);
  // A server that asks for more patience than there is left is not waited for.
  google::rpc::Status details;
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(3'600);
  details.add_details()->PackFrom(retry);
  Attempts later(
      {grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "later", details.SerializeAsString())});
  EXPECT_EQ(CallWithRetry({}, {.seconds = 60}, std::ref(later)).error_message(), "later");
  EXPECT_EQ(later.made(), 1U);
}

TEST(FromGrpcTest, CodeAndMessageAreKept) {
  EXPECT_THAT(FromGrpc(grpc::Status::OK), IsOk());
  EXPECT_THAT(FromGrpc(kBusy), StatusIs(StatusCode::kResourceExhausted, "busy"));
}

}  // namespace
}  // namespace alidade
