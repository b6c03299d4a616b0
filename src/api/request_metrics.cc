#include "request_metrics.h"

namespace alidade {
namespace {

constexpr std::array<const char*, kMethods> kNames = {
    "alidade.v1.CollectionService/CreateCollection",
    "alidade.v1.CollectionService/GetCollection",
    "alidade.v1.CollectionService/ListCollections",
    "alidade.v1.CollectionService/UpdateCollection",
    "alidade.v1.CollectionService/CreatePayloadIndex",
    "alidade.v1.CollectionService/DeletePayloadIndex",
    "alidade.v1.CollectionService/DeleteCollection",
    "alidade.v1.CollectionService/UpdateAliases",
    "alidade.v1.CollectionService/ListAliases",
    "alidade.v1.PointService/UpsertPoints",
    "alidade.v1.PointService/GetPoints",
    "alidade.v1.PointService/DeletePoints",
    "alidade.v1.PointService/CountPoints",
    "alidade.v1.PointService/ListPoints",
    "alidade.v1.PointService/FacetPoints",
    "alidade.v1.PointService/GetPayloadBounds",
    "alidade.v1.PointService/SetPayload",
    "alidade.v1.PointService/OverwritePayload",
    "alidade.v1.PointService/DeletePayloadKeys",
    "alidade.v1.PointService/WriteBatch",
    "alidade.v1.SearchService/Search",
    "alidade.v1.AdminService/Flush",
    "alidade.v1.AdminService/WaitIndexed",
    "alidade.v1.AdminService/GetCollectionStats",
    "alidade.v1.AdminService/GetServerInfo",
};
static_assert(static_cast<size_t>(Method::kGetServerInfo) + 1 == kMethods);

}  // namespace

const char* MethodName(Method method) { return kNames[static_cast<size_t>(method)]; }

void RequestMetrics::Observe(Method method, int code, double seconds) {
  const auto m = static_cast<size_t>(method);
  const size_t c =
      code >= 0 && static_cast<size_t>(code) < kStatusCodes ? static_cast<size_t>(code) : 2;
  counts_[m][c].fetch_add(1, std::memory_order_relaxed);
  seconds_[m].Observe(seconds);
}

void RequestMetrics::ObserveSearch(const SearchCost& cost) {
  queries_.fetch_add(cost.queries, std::memory_order_relaxed);
  exact_queries_.fetch_add(cost.exact, std::memory_order_relaxed);
  distance_computations_.fetch_add(cost.distance_computations, std::memory_order_relaxed);
  rows_scanned_.fetch_add(cost.rows_scanned, std::memory_order_relaxed);
}

RequestMetrics::Snapshot RequestMetrics::Read() const {
  Snapshot snapshot;
  for (size_t m = 0; m < kMethods; ++m) {
    for (size_t c = 0; c < kStatusCodes; ++c) {
      snapshot.counts[m][c] = counts_[m][c].load(std::memory_order_relaxed);
    }
    snapshot.seconds[m] = seconds_[m].Read();
  }
  snapshot.searches = {
      .queries = queries_.load(std::memory_order_relaxed),
      .exact = exact_queries_.load(std::memory_order_relaxed),
      .distance_computations = distance_computations_.load(std::memory_order_relaxed),
      .rows_scanned = rows_scanned_.load(std::memory_order_relaxed)};
  return snapshot;
}

}  // namespace alidade
