// Histogram: counts of durations in fixed buckets, cheap enough for every request.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace alidade {

// Upper bounds in seconds: powers of two from 16 us to 33.6 s, then infinity. Thread-safe, relaxed
// counters.
class Histogram {
 public:
  static constexpr int kBuckets = 23;
  // Bound of bucket i in seconds; the last bucket has no bound.
  static double UpperBound(int bucket);

  struct Snapshot {
    std::array<uint64_t, kBuckets> counts{};
    double sum = 0;
    uint64_t count = 0;
  };

  void Observe(double seconds);
  Snapshot Read() const;

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_nanoseconds_{0};
};

}  // namespace alidade
