// CallRunner: what surrounds the work of every call: request id, admission, thread, deadline,
// parsing, exceptions, metrics, slow log.
//
// Threads:  thread-safe. Calls arrive on gRPC's polling threads and do their work where CallPool
//           says.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <google/protobuf/arena.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"

#include "call_pool.h"
#include "message_codec.h"
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
  size_t reply_bytes_max = size_t{64} << 20;
};

// A call as gRPC hands it over: the bytes of the request, and where those of the reply go.
struct RawUnary {
  grpc::CallbackServerContext* context = nullptr;
  const grpc::ByteBuffer* request = nullptr;
  grpc::ByteBuffer* reply = nullptr;
};

class UnaryCall;

// What the work of one call knows about it.
struct Call {
  std::string request_id;
  Deadline deadline;
  // Set by the work: describes the request for the slow-call log, called only if needed.
  std::function<std::string()> describe;
};

class CallRunner {
 public:
  // Borrows the pool.
  CallRunner(const CallRunnerOptions& options, CallPool& pool) : options_(options), pool_(pool) {}
  ~CallRunner() = default;
  CallRunner(const CallRunner&) = delete;
  CallRunner& operator=(const CallRunner&) = delete;

  // Parses the request, runs `work(Call&, const Request*, Reply*) -> Status`, and sends the reply
  // or the status. RESOURCE_EXHAUSTED with RetryInfo if the lane is full or the reply too large,
  // DEADLINE_EXCEEDED if the deadline passed before any work, INVALID_ARGUMENT if the request is no
  // valid message; exceptions end here: out of memory is RESOURCE_EXHAUSTED, anything else INTERNAL
  // with a log line.
  template <typename Request, typename Reply, typename Work>
  grpc::ServerUnaryReactor* Start(Method method, Lane lane, const RawUnary& raw, Work work);

  // From now on running calls see themselves as cancelled.
  void CancelAll() { cancel_all_.store(true, std::memory_order_relaxed); }

  const RequestMetrics& metrics() const { return metrics_; }
  void ObserveSearch(const SearchCost& cost) { metrics_.ObserveSearch(cost); }
  uint32_t in_flight() const { return active_.load() + waiting_.load(); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  friend class UnaryCall;
  // Takes a place in the lane, if there is one.
  bool Admit(Lane lane);
  uint32_t Most(Lane lane) const;
  std::atomic<uint32_t>& Counter(Lane lane) { return lane == Lane::kWaiting ? waiting_ : active_; }
  void Begin(UnaryCall& call);
  // Nothing if the call was not done by `give_up`.
  std::optional<grpc::Status> Run(UnaryCall& call, CallPool::Clock::time_point give_up);
  // Metrics and log.
  grpc::Status End(const UnaryCall& call, const Call& known, const Status& status);
  // No later than `latest`.
  Deadline MakeDeadline(Lane lane,
                        grpc::CallbackServerContext& context,
                        Deadline::Clock::time_point latest) const;

  const CallRunnerOptions options_;
  CallPool& pool_;
  RequestMetrics metrics_;
  std::atomic<bool> cancel_all_{false};
  std::atomic<uint32_t> active_{0};
  std::atomic<uint32_t> waiting_{0};
  std::atomic<uint64_t> refused_{0};
};

std::string NewRequestId();
// The caller's `x-request-id` if it is 1..128 printable ASCII characters, else a new one.
std::string RequestIdOf(const grpc::ServerContextBase& context);

// One call from its arrival to its end. Destroys itself when gRPC is done with it.
class UnaryCall : public grpc::ServerUnaryReactor, public CallPool::Task {
 public:
  UnaryCall(CallRunner& runner, Method method, Lane lane, const RawUnary& raw)
      : runner_(runner), method_(method), lane_(lane), raw_(raw) {}
  ~UnaryCall() override = default;

  bool RunTask(CallPool::Clock::time_point give_up) final;
  void OnDone() final { delete this; }
  // OnDone does next to nothing, so it need not go through gRPC's executor: a thread woken for each
  // call cost more than a search.
  bool InternalInlineable() final { return true; }

 protected:
  const RawUnary& raw() const { return raw_; }
  // Parses, works and writes the reply. The messages live in the arena.
  virtual Status Answer(Call& call, google::protobuf::Arena& arena) = 0;

 private:
  friend class CallRunner;
  CallRunner& runner_;
  const Method method_;
  const Lane lane_;
  const RawUnary raw_;
  const std::chrono::steady_clock::time_point arrived_ = std::chrono::steady_clock::now();
};

template <typename Request, typename Reply, typename Work>
grpc::ServerUnaryReactor* CallRunner::Start(Method method,
                                            Lane lane,
                                            const RawUnary& raw,
                                            Work work) {
  class TypedCall final : public UnaryCall {
   public:
    TypedCall(CallRunner& runner, Method method, Lane lane, const RawUnary& raw, Work work)
        : UnaryCall(runner, method, lane, raw),
          reply_bytes_max_(runner.options_.reply_bytes_max),
          work_(std::move(work)) {}

   private:
    Status Answer(Call& call, google::protobuf::Arena& arena) override {
      auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
      ALIDADE_RETURN_IF_ERROR(ParseRequest(*raw().request, *request));
      auto* reply = google::protobuf::Arena::CreateMessage<Reply>(&arena);
      ALIDADE_RETURN_IF_ERROR(work_(call, request, reply));
      return WriteReply(*reply, reply_bytes_max_, *raw().reply);
    }

    const size_t reply_bytes_max_;
    Work work_;
  };
  auto* call = new TypedCall(*this, method, lane, raw, std::move(work));
  Begin(*call);
  return call;
}

}  // namespace alidade
