#include "alidade/common/histogram.h"

#include <bit>
#include <cmath>
#include <limits>

namespace alidade {
namespace {

constexpr uint64_t kFirstBoundNanoseconds = 16'000;

}  // namespace

double Histogram::UpperBound(int bucket) {
  if (bucket >= kBuckets - 1) {
    return std::numeric_limits<double>::infinity();
  }
  return std::ldexp(static_cast<double>(kFirstBoundNanoseconds) * 1e-9, bucket);
}

void Histogram::Observe(double seconds) {
  const auto nanoseconds = static_cast<uint64_t>(seconds > 0 ? seconds * 1e9 : 0);
  const uint64_t ratio = nanoseconds / kFirstBoundNanoseconds;
  const auto bucket = static_cast<size_t>(std::bit_width(ratio));
  const size_t last = kBuckets - 1;
  counts_[bucket < last ? bucket : last].fetch_add(1, std::memory_order_relaxed);
  sum_nanoseconds_.fetch_add(nanoseconds, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::Read() const {
  Snapshot snapshot;
  for (size_t i = 0; i < counts_.size(); ++i) {
    snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
    snapshot.count += snapshot.counts[i];
  }
  snapshot.sum = static_cast<double>(sum_nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
  return snapshot;
}

}  // namespace alidade
