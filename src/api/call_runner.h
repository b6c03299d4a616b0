// CallRunner: what surrounds the work of every call: request id, admission, deadline, exceptions,
// metrics, slow log.
//
// Threads:  thread-safe; Run executes the work in the calling thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"

#include "request_metrics.h"

namespace alidade {

// Which allowance a call draws on, so that a flood of one kind leaves room for the others.
enum class Lane {
  kNormal,    // searches, reads, upserts: CallRunnerOptions::in_flight_max
  kReserved,  // deletes and administration: kReservedCalls on top, so that an overloaded server can
              // be relieved
  kWaiting,   // calls that mostly sleep: kWaitingCalls of their own
};
inline constexpr uint32_t kReservedCalls = 16;
inline constexpr uint32_t kWaitingCalls = 16;

struct CallRunnerOptions {
  uint32_t in_flight_max = 128;
  std::chrono::milliseconds slow_after{1'000};  // calls that take longer are logged; 0: none
  std::chrono::milliseconds deadline_max{
      60'000};  // for calls that have a later deadline or none; 0: no such cap
};

// What the work of one call knows about it.
struct Call {
  std::string request_id;
  Deadline deadline;
  // Set by the work: describes the request for the slow-call log, called only if needed.
  std::function<std::string()> describe;
};

class CallRunner {
 public:
  explicit CallRunner(const CallRunnerOptions& options) : options_(options) {}
  CallRunner(const CallRunner&) = delete;
  CallRunner& operator=(const CallRunner&) = delete;

  // Runs `work` and turns its status into the wire's. RESOURCE_EXHAUSTED with RetryInfo if the lane
  // is full, DEADLINE_EXCEEDED if the deadline passed before any work; exceptions end here: out of
  // memory is RESOURCE_EXHAUSTED, anything else INTERNAL with a log line.
  grpc::Status Run(Method method,
                   Lane lane,
                   grpc::ServerContext& context,
                   const std::function<Status(Call&)>& work);

  // From now on running calls see themselves as cancelled.
  void CancelAll() { cancel_all_.store(true, std::memory_order_relaxed); }

  const RequestMetrics& metrics() const { return metrics_; }
  uint32_t in_flight() const { return active_.load() + waiting_.load(); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  class Admission;
  Status Guard(const std::function<Status(Call&)>& work, Call& call) const;
  Deadline MakeDeadline(Lane lane, grpc::ServerContext& context) const;

  const CallRunnerOptions options_;
  RequestMetrics metrics_;
  std::atomic<bool> cancel_all_{false};
  std::atomic<uint32_t> active_{0};
  std::atomic<uint32_t> waiting_{0};
  std::atomic<uint64_t> refused_{0};
};

std::string NewRequestId();
// The caller's `x-request-id` if it is 1..128 printable ASCII characters, else a new one.
std::string RequestIdOf(const grpc::ServerContext& context);

}  // namespace alidade
