// RequestMetrics: how many calls of each method ended with which code, how long they took, and what
// searches cost.
//
// Threads:  thread-safe; relaxed counters, no locks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "alidade/common/histogram.h"

namespace alidade {

enum class Method : size_t {
  kCreateCollection,
  kGetCollection,
  kListCollections,
  kUpdateCollection,
  kCreatePayloadIndex,
  kDeletePayloadIndex,
  kDeleteCollection,
  kUpdateAliases,
  kListAliases,
  kUpsertPoints,
  kGetPoints,
  kDeletePoints,
  kCountPoints,
  kListPoints,
  kFacetPoints,
  kGetPayloadBounds,
  kSetPayload,
  kOverwritePayload,
  kDeletePayloadKeys,
  kWriteBatch,
  kSearch,
  kFlush,
  kWaitIndexed,
  kGetCollectionStats,
  kGetServerInfo,
};
inline constexpr size_t kMethods = 25;
inline constexpr size_t kStatusCodes = 17;

// Full name as on the wire, e.g. "alidade.v1.SearchService/Search".
const char* MethodName(Method method);

// Sums over queries.
struct SearchCost {
  uint64_t queries = 0;
  uint64_t exact = 0;  // of which nothing was approximated
  uint64_t distance_computations = 0;
  uint64_t rows_scanned = 0;
};

class RequestMetrics {
 public:
  struct Snapshot {
    std::array<std::array<uint64_t, kStatusCodes>, kMethods> counts{};
    std::array<Histogram::Snapshot, kMethods> seconds{};
    SearchCost searches{};
  };

  // `code` is a gRPC status code, 0..16; others count as UNKNOWN (2).
  void Observe(Method method, int code, double seconds);
  void ObserveSearch(const SearchCost& cost);
  Snapshot Read() const;

 private:
  std::array<std::array<std::atomic<uint64_t>, kStatusCodes>, kMethods> counts_{};
  std::array<Histogram, kMethods> seconds_;
  std::atomic<uint64_t> queries_{0};
  std::atomic<uint64_t> exact_queries_{0};
  std::atomic<uint64_t> distance_computations_{0};
  std::atomic<uint64_t> rows_scanned_{0};
};

}  // namespace alidade
