// RequestMetrics: how many calls of each method ended with which code, and how long they took.
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

class RequestMetrics {
 public:
  struct Snapshot {
    std::array<std::array<uint64_t, kStatusCodes>, kMethods> counts{};
    std::array<Histogram::Snapshot, kMethods> seconds{};
  };

  // `code` is a gRPC status code, 0..16; others count as UNKNOWN (2).
  void Observe(Method method, int code, double seconds);
  Snapshot Read() const;

 private:
  std::array<std::array<std::atomic<uint64_t>, kStatusCodes>, kMethods> counts_{};
  std::array<Histogram, kMethods> seconds_;
};

}  // namespace alidade
