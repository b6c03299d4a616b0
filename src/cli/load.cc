#include "load.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "alidade/common/mutex.h"

namespace alidade {

void Latencies::Merge(const Latencies& other) {
  seconds_.insert(seconds_.end(), other.seconds_.begin(), other.seconds_.end());
  sorted_ = false;
}

double Latencies::PercentileMs(double p) const {
  if (seconds_.empty()) {
    return 0;
  }
  if (!sorted_) {
    std::sort(seconds_.begin(), seconds_.end());
    sorted_ = true;
  }
  const double rank = std::ceil(p * static_cast<double>(seconds_.size()));
  const size_t index = rank < 1 ? 0 : std::min(seconds_.size() - 1, static_cast<size_t>(rank) - 1);
  return seconds_[index] * 1e3;
}

double Latencies::MeanMs() const {
  return seconds_.empty() ? 0
                          : std::accumulate(seconds_.begin(), seconds_.end(), 0.0) * 1e3 /
                                static_cast<double>(seconds_.size());
}

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Status RunWorkers(int workers, const std::function<Status(int)>& worker) {
  Mutex mutex;
  Status first_error;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(workers));
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      const Status status = worker(i);
      MutexLock lock(mutex);
      if (first_error.ok()) {
        first_error = status;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return first_error;
}

grpc::Status CallWithRetry(const ConnectionOptions& connection,
                           const RetryOptions& retry,
                           const std::function<grpc::Status(grpc::ClientContext&)>& attempt) {
  const double give_up = NowSeconds() + retry.seconds;
  int64_t pause_ms = 50;
  for (;;) {
    grpc::ClientContext context;
    SetDeadline(context, connection);
    grpc::Status status = attempt(context);
    const bool again = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                       status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    const int64_t wait_ms = std::max(pause_ms, RetryAfterMs(status));
    if (!again || NowSeconds() + static_cast<double>(wait_ms) / 1e3 > give_up) {
      return status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    pause_ms = std::min<int64_t>(pause_ms * 2, 2'000);
  }
}

Status FromGrpc(const grpc::Status& status) {
  return status.ok()
             ? OkStatus()
             : MakeStatus(static_cast<StatusCode>(status.error_code()), status.error_message());
}

}  // namespace alidade
