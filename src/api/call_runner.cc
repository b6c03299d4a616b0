#include "call_runner.h"

#include <algorithm>
#include <array>
#include <exception>
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

// The messages of a usual search fit; larger ones take more from the heap (chosen).
constexpr size_t kArenaBlockBytes = 16 << 10;
constexpr size_t kArenaBlockBytesMax = 64 << 10;  // below what malloc maps anew each time

google::protobuf::ArenaOptions ArenaOnThisThread() {
  alignas(8) thread_local std::array<char, kArenaBlockBytes> block;
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  options.max_block_size = kArenaBlockBytesMax;
  return options;
}

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

// Exceptions end here.
Status Guarded(const std::function<Status()>& work) {
  try {
    return work();
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

}  // namespace

uint32_t CallRunner::Most(Lane lane) const {
  return lane == Lane::kWaiting    ? kWaitingCalls
         : lane == Lane::kReserved ? options_.in_flight_max + kReservedCalls
                                   : options_.in_flight_max;
}

bool CallRunner::Admit(Lane lane) {
  std::atomic<uint32_t>& counter = Counter(lane);
  const uint32_t most = Most(lane);
  uint32_t current = counter.load();
  while (current < most) {
    if (counter.compare_exchange_weak(current, current + 1)) {
      return true;
    }
  }
  return false;
}

std::string NewRequestId() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return fmt::format("{:016x}", generator());
}

std::string RequestIdOf(const grpc::ServerContextBase& context) {
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

Deadline CallRunner::MakeDeadline(Lane lane,
                                  grpc::CallbackServerContext& context,
                                  steady_clock::time_point latest) const {
  const auto left = context.deadline() == system_clock::time_point::max()
                        ? system_clock::duration(kDeadlineFar)
                        : context.deadline() - system_clock::now();
  auto at = latest;
  if (left < kDeadlineFar) {
    at = std::min(at,
                  steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(left));
  }
  // Waiting is what the caller of that lane asks for, so it is not cut short.
  if (lane != Lane::kWaiting && options_.deadline_max.count() > 0) {
    at = std::min(at, steady_clock::now() + options_.deadline_max);
  }
  return Deadline(at, [context = &context, cancel_all = &cancel_all_] {
    return cancel_all->load(std::memory_order_relaxed) || context->IsCancelled();
  });
}

void CallRunner::Begin(UnaryCall& call) {
  if (Admit(call.lane_)) {
    // Searches change nothing, so they may be begun anew.
    pool_.Submit(
        call, call.method_ == Method::kSearch ? CallPool::Kind::kComputes : CallPool::Kind::kWaits);
    return;
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  const Status status = WithRetryAfter(
      WithReason(ResourceExhausted("{} requests are being worked on already; try again later",
                                   Most(call.lane_)),
                 "TOO_MANY_REQUESTS"),
      kRetryAfterMs);
  Call known;
  known.request_id = RequestIdOf(*call.raw_.context);
  call.Finish(End(call, known, status));
}

std::optional<grpc::Status> CallRunner::Run(UnaryCall& call, steady_clock::time_point give_up) {
  Call known;
  known.request_id = RequestIdOf(*call.raw_.context);
  const LogRequestScope log_scope(known.request_id);
  google::protobuf::Arena arena(ArenaOnThisThread());
  known.deadline = MakeDeadline(call.lane_, *call.raw_.context, give_up);
  // It may have waited for its turn: nothing is done for a caller who is gone.
  Status status = known.deadline.Check();
  if (status.ok()) {
    status = Guarded([&] { return call.Answer(known, arena); });
  }
  // Without a time to give up, what comes of the call is its answer, whatever that is.
  if (give_up != steady_clock::time_point::max() && known.deadline.at() == give_up &&
      status.code() == StatusCode::kDeadlineExceeded) {
    return std::nullopt;
  }
  return End(call, known, status);
}

grpc::Status CallRunner::End(const UnaryCall& call, const Call& known, const Status& status) {
  const auto took = steady_clock::now() - call.arrived_;
  const double seconds = std::chrono::duration<double>(took).count();
  metrics_.Observe(call.method_, static_cast<int>(status.code()), seconds);
  const bool slow = call.lane_ != Lane::kWaiting && options_.slow_after.count() > 0 &&
                    took >= options_.slow_after;
  LogOutcome(call.method_, known, status, seconds, slow);
  return ToGrpcStatus(status, known.request_id);
}

bool UnaryCall::RunTask(CallPool::Clock::time_point give_up) {
  const std::optional<grpc::Status> status = runner_.Run(*this, give_up);
  if (!status.has_value()) {
    return false;
  }
  runner_.Counter(lane_).fetch_sub(1);
  Finish(*status);  // from here on the call may be gone
  return true;
}

}  // namespace alidade
