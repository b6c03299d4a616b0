#include "side.h"

#include <cstddef>
#include <memory>

#include <time.h>

#include "bench_report.h"
#include "load.h"

namespace alidade {
namespace {

// Reads more than the last-level cache holds.
class CacheFlush {
 public:
  void operator()() {
    for (size_t i = 0; i < bytes_.size(); i += 64) {
      sum_ = sum_ + ++bytes_[i];
    }
  }

 private:
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(size_t{96} << 20);
  volatile uint64_t sum_ = 0;
};

double ThreadSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

StatusOr<double> RecallOfSide(const RealVectors& set, const Side& side, uint32_t k, Half half) {
  uint64_t near = 0;
  uint64_t asked = 0;
  std::vector<float> distances;
  for (uint64_t i = half == Half::kOdd ? 1 : 0; i < set.queries.query_count; i += 2) {
    ALIDADE_RETURN_IF_ERROR(side.search(set.queries.Query(i), k, distances));
    near += CountNear(distances, set.queries.KthDistance(i, k));
    asked += k;
  }
  return static_cast<double>(near) / static_cast<double>(asked);
}

StatusOr<double> RateOfSide(const RealVectors& set, const Side& side, const RateOptions& options) {
  std::vector<double> busy(static_cast<size_t>(options.threads));
  std::vector<uint64_t> done(static_cast<size_t>(options.threads));
  const double end = NowSeconds() + options.seconds;
  const Status ran = RunWorkers(options.threads, [&](int thread) -> Status {
    const auto own = static_cast<size_t>(thread);
    std::unique_ptr<CacheFlush> flush;
    if (options.cold) {
      flush = std::make_unique<CacheFlush>();
    }
    std::vector<float> distances;
    const uint64_t count = set.queries.query_count / 2;
    uint64_t next = own * count / static_cast<uint64_t>(options.threads);
    while (NowSeconds() < end) {
      if (flush != nullptr) {
        (*flush)();
      }
      const double start = ThreadSeconds();
      ALIDADE_RETURN_IF_ERROR(
          side.search(set.queries.Query(next++ % count * 2 + 1), options.k, distances));
      busy[own] += ThreadSeconds() - start;
      ++done[own];
    }
    return OkStatus();
  });
  ALIDADE_RETURN_IF_ERROR(ran);
  double rate = 0;
  for (size_t i = 0; i < busy.size(); ++i) {
    rate += static_cast<double>(done[i]) / busy[i];
  }
  return rate;
}

}  // namespace alidade
