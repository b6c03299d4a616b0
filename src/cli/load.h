// Load: many calls at once, timed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "alidade/common/status.h"

#include "connection.h"

namespace alidade {

// Seconds of each call.
class Latencies {
 public:
  void Add(double seconds) {
    seconds_.push_back(seconds);
    sorted_ = false;
  }
  void Merge(const Latencies& other);
  size_t count() const { return seconds_.size(); }
  // In milliseconds; p in [0, 1], nearest rank. 0 without calls.
  double PercentileMs(double p) const;
  double MeanMs() const;

 private:
  mutable std::vector<double> seconds_;
  mutable bool sorted_ = false;
};

double NowSeconds();

// Runs `worker(i)` for i in [0, workers) on threads of their own, and waits. The first error is the
// result.
Status RunWorkers(int workers, const std::function<Status(int)>& worker);

struct RetryOptions {
  double seconds = 60;  // how long one request may be tried; 0: once
};

// Calls `attempt` (with a fresh context, the deadline set) until it succeeds, fails for good, or
// the time is up. UNAVAILABLE and RESOURCE_EXHAUSTED are tried again after the server's hint or a
// growing pause.
grpc::Status CallWithRetry(const ConnectionOptions& connection,
                           const RetryOptions& retry,
                           const std::function<grpc::Status(grpc::ClientContext&)>& attempt);

Status FromGrpc(const grpc::Status& status);

}  // namespace alidade
