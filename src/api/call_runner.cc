#include "call_runner.h"

#include <exception>
#include <memory>
#include <new>
#include <random>

#include "alidade/common/limits.h"
#include "alidade/common/log.h"

#include "grpc_status.h"

namespace alidade {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

// A full lane empties in about the time of a few calls (chosen).
constexpr int64_t kRetryAfterMs = 100;
// Later deadlines than this count as none.
constexpr auto kDeadlineFar = std::chrono::hours(24 * 365);

// Asks gRPC whether the client is gone. At most one thread at a time: the core allows only a few
// pluckers.
struct CancelProbe {
  grpc::ServerContext* context = nullptr;
  const std::atomic<bool>* cancel_all = nullptr;
  std::atomic<bool> cancelled{false};
  std::atomic_flag busy = ATOMIC_FLAG_INIT;

  bool Check() {
    if (cancelled.load(std::memory_order_relaxed) || cancel_all->load(std::memory_order_relaxed)) {
      return true;
    }
    if (!busy.test_and_set(std::memory_order_acquire)) {
      if (context->IsCancelled()) {
        cancelled.store(true, std::memory_order_relaxed);
      }
      busy.clear(std::memory_order_release);
    }
    return cancelled.load(std::memory_order_relaxed);
  }
};

void LogOutcome(Method method, const Call& call, const Status& status, double seconds, bool slow) {
  const auto code = StatusCodeName(static_cast<int>(status.code()));
  if (slow) {
    ALIDADE_LOG_WARN("slow call {} took {:.3f} s, {}: {}",
                     MethodName(method),
                     seconds,
                     code,
                     call.describe ? call.describe() : std::string());
  }
  if (status.code() == StatusCode::kInternal || status.code() == StatusCode::kDataLoss) {
    ALIDADE_LOG_ERROR("{} failed: {}: {}", MethodName(method), code, MessageOf(status));
  } else if (!status.ok()) {
    ALIDADE_LOG_DEBUG("{} refused: {}: {}", MethodName(method), code, MessageOf(status));
  }
}

}  // namespace

// Takes a place in a lane for a scope, if there is one.
class CallRunner::Admission {
 public:
  Admission(CallRunner& runner, Lane lane)
      : counter_(lane == Lane::kWaiting ? runner.waiting_ : runner.active_) {
    most_ = lane == Lane::kWaiting    ? kWaitingCalls
            : lane == Lane::kReserved ? runner.options_.in_flight_max + kReservedCalls
                                      : runner.options_.in_flight_max;
    uint32_t current = counter_.load();
    while (current < most_ && !admitted_) {
      admitted_ = counter_.compare_exchange_weak(current, current + 1);
    }
  }
  ~Admission() {
    if (admitted_) {
      counter_.fetch_sub(1);
    }
  }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  bool admitted() const { return admitted_; }
  uint32_t most() const { return most_; }

 private:
  std::atomic<uint32_t>& counter_;
  bool admitted_ = false;
  uint32_t most_ = 0;
};

std::string NewRequestId() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return fmt::format("{:016x}", generator());
}

std::string RequestIdOf(const grpc::ServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("x-request-id");
  if (found == metadata.end() || found->second.empty() ||
      found->second.size() > kRequestIdBytesMax) {
    return NewRequestId();
  }
  for (const char c : found->second) {
    if (c < 0x21 || c > 0x7e) {
      return NewRequestId();
    }
  }
  return std::string(found->second.data(), found->second.size());
}

Deadline CallRunner::MakeDeadline(Lane lane, grpc::ServerContext& context) const {
  const auto left = context.deadline() == system_clock::time_point::max()
                        ? system_clock::duration(kDeadlineFar)
                        : context.deadline() - system_clock::now();
  auto at = steady_clock::time_point::max();
  if (left < kDeadlineFar) {
    at = steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(left);
  }
  // Waiting is what the caller of that lane asks for, so it is not cut short.
  if (lane != Lane::kWaiting && options_.deadline_max.count() > 0) {
    at = std::min(at, steady_clock::now() + options_.deadline_max);
  }
  auto probe = std::make_shared<CancelProbe>();
  probe->context = &context;
  probe->cancel_all = &cancel_all_;
  return Deadline(at, [probe] { return probe->Check(); });
}

Status CallRunner::Guard(const std::function<Status(Call&)>& work, Call& call) const {
  try {
    return work(call);
  } catch (const std::bad_alloc&) {
    return WithRetryAfter(
        WithReason(ResourceExhausted("out of memory while working on the request"),
                   "OUT_OF_MEMORY"),
        kRetryAfterMs);
  } catch (const std::exception& e) {
    return Internal("unexpected exception: {}", e.what());
  } catch (...) {
    return Internal("unexpected exception of an unknown type");
  }
}

grpc::Status CallRunner::Run(Method method,
                             Lane lane,
                             grpc::ServerContext& context,
                             const std::function<Status(Call&)>& work) {
  const auto start = steady_clock::now();
  Call call;
  call.request_id = RequestIdOf(context);
  const LogRequestScope log_scope(call.request_id);
  const Admission admission(*this, lane);
  Status status;
  if (!admission.admitted()) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    status = WithRetryAfter(
        WithReason(ResourceExhausted("{} requests are being worked on already; try again later",
                                     admission.most()),
                   "TOO_MANY_REQUESTS"),
        kRetryAfterMs);
  } else {
    call.deadline = MakeDeadline(lane, context);
    status = call.deadline.Passed()
                 ? DeadlineExceeded("the deadline had passed when the request arrived")
                 : Guard(work, call);
  }
  const auto took = steady_clock::now() - start;
  const double seconds = std::chrono::duration<double>(took).count();
  metrics_.Observe(method, static_cast<int>(status.code()), seconds);
  const bool slow =
      lane != Lane::kWaiting && options_.slow_after.count() > 0 && took >= options_.slow_after;
  LogOutcome(method, call, status, seconds, slow);
  return ToGrpcStatus(status, call.request_id);
}

}  // namespace alidade
