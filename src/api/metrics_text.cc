#include <unistd.h>

#include <fstream>
#include <initializer_list>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "alidade/api/grpc_server.h"
#include "alidade/api/http_server.h"
#include "alidade/engine/engine.h"

#include "grpc_status.h"
#include "request_metrics.h"

namespace alidade {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// Collects families in the order they are written. Thread-compatible.
class MetricPage {
 public:
  // Valid until the next family is begun.
  MetricFamily& Family(const char* name, const char* help, MetricType type) {
    families_.push_back({name, help, type, {}});
    return families_.back();
  }
  void Gauge(const char* name, const char* help, double value) {
    Add(Family(name, help, MetricType::Gauge), {}, value);
  }
  void Counter(const char* name, const char* help, double value) {
    Add(Family(name, help, MetricType::Counter), {}, value);
  }
  static void Add(MetricFamily& family, Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    metric.counter.value = value;
    family.metric.push_back(std::move(metric));
  }
  static void AddHistogram(MetricFamily& family,
                           Labels labels,
                           const Histogram::Snapshot& snapshot) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram.sample_count = snapshot.count;
    metric.histogram.sample_sum = snapshot.sum;
    uint64_t cumulative = 0;
    for (int i = 0; i < Histogram::kBuckets; ++i) {
      cumulative += snapshot.counts[static_cast<size_t>(i)];
      const bool last = i + 1 == Histogram::kBuckets;
      metric.histogram.bucket.push_back(
          {cumulative, last ? std::numeric_limits<double>::infinity() : Histogram::UpperBound(i)});
    }
    family.metric.push_back(std::move(metric));
  }
  std::string Text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

void AddRequests(const GrpcServer& grpc, MetricPage& page) {
  const RequestMetrics::Snapshot requests = grpc.request_metrics().Read();
  MetricFamily& counts =
      page.Family("alidade_requests_total", "Calls by method and code.", MetricType::Counter);
  for (size_t m = 0; m < kMethods; ++m) {
    for (size_t c = 0; c < kStatusCodes; ++c) {
      if (requests.counts[m][c] != 0) {
        MetricPage::Add(counts,
                        {{"method", MethodName(static_cast<Method>(m))},
                         {"code", StatusCodeName(static_cast<int>(c))}},
                        static_cast<double>(requests.counts[m][c]));
      }
    }
  }
  MetricFamily& seconds =
      page.Family("alidade_request_seconds", "Duration of calls by method.", MetricType::Histogram);
  for (size_t m = 0; m < kMethods; ++m) {
    if (requests.seconds[m].count != 0) {
      MetricPage::AddHistogram(
          seconds, {{"method", MethodName(static_cast<Method>(m))}}, requests.seconds[m]);
    }
  }
  const auto total = [&page](const char* name, const char* help, uint64_t value) {
    page.Counter(name, help, static_cast<double>(value));
  };
  total("alidade_queries_total", "Queries that were answered.", requests.searches.queries);
  total("alidade_queries_exact_total",
        "Queries of whose answer nothing was approximated.",
        requests.searches.exact);
  total("alidade_query_distances_total",
        "Distances computed by queries, on codes or exact vectors.",
        requests.searches.distance_computations);
  total("alidade_query_rows_scanned_total",
        "Rows that queries looked at in scans.",
        requests.searches.rows_scanned);
  page.Gauge("alidade_requests_in_flight", "Calls being worked on.", grpc.calls_in_flight());
  page.Counter("alidade_requests_refused_total",
               "Calls refused because too many were in flight.",
               static_cast<double>(grpc.calls_refused()));
  page.Gauge("alidade_connections", "Open client connections.", grpc.connections());
  page.Counter("alidade_connections_refused_total",
               "Connections closed because too many were open.",
               static_cast<double>(grpc.connections_refused()));
}

using CollectionValue = double (*)(const CollectionStats&);

// One family with a sample per collection.
void AddPerCollection(const std::vector<CollectionStats>& collections,
                      MetricFamily& family,
                      CollectionValue value) {
  for (const CollectionStats& collection : collections) {
    MetricPage::Add(family, {{"collection", collection.name}}, value(collection));
  }
}

void AddCollectionStates(const std::vector<CollectionStats>& collections, MetricPage& page) {
  MetricFamily& rows = page.Family("alidade_collection_rows",
                                   "Live rows by state; delta rows are in memory.",
                                   MetricType::Gauge);
  for (const CollectionStats& collection : collections) {
    const std::initializer_list<std::pair<const char*, uint64_t>> states = {
        {"indexed", collection.indexed_rows},
        {"pending", collection.pending_rows},
        {"delta", collection.delta_rows}};
    for (const auto& [state, count] : states) {
      MetricPage::Add(
          rows, {{"collection", collection.name}, {"state", state}}, static_cast<double>(count));
    }
  }
  MetricFamily& segments =
      page.Family("alidade_collection_segments", "Segments by state.", MetricType::Gauge);
  for (const CollectionStats& collection : collections) {
    uint64_t sealed = 0;
    for (const SegmentInfo& segment : collection.segments) {
      sealed += segment.sealed ? 1 : 0;
    }
    MetricPage::Add(segments,
                    {{"collection", collection.name}, {"state", "sealed"}},
                    static_cast<double>(sealed));
    MetricPage::Add(segments,
                    {{"collection", collection.name}, {"state", "delta"}},
                    static_cast<double>(collection.segments.size() - sealed));
  }
}

// The fields of a collection are added up: every collection has the same few series.
void AddCollectionMemory(const std::vector<CollectionStats>& collections, MetricPage& page) {
  MetricFamily& family =
      page.Family("alidade_collection_component_bytes",
                  "Bytes by component: anonymous memory, and what is read through mapped files.",
                  MetricType::Gauge);
  for (const CollectionStats& collection : collections) {
    FieldMemory sealed;
    PartBytes delta_vectors;
    PartBytes scan_codes;
    for (const FieldStats& field : collection.fields) {
      sealed.walk_codes += field.sealed.walk_codes;
      sealed.rank_codes += field.sealed.rank_codes;
      sealed.links += field.sealed.links;
      sealed.vectors += field.sealed.vectors;
      delta_vectors += field.delta_vectors;
      scan_codes += field.scan_codes;
    }
    const std::initializer_list<std::pair<const char*, PartBytes>> parts = {
        {"walk_codes", sealed.walk_codes},
        {"rank_codes", sealed.rank_codes},
        {"scan_codes", scan_codes},
        {"links", sealed.links},
        {"vectors", sealed.vectors},
        {"rows", collection.rows},
        {"delta_vectors", delta_vectors},
        {"delta_rows", collection.delta_rows_memory}};
    for (const auto& [component, bytes] : parts) {
      for (const auto& [memory, value] :
           {std::pair{"anonymous", bytes.anonymous}, std::pair{"mapped", bytes.mapped}}) {
        MetricPage::Add(
            family,
            {{"collection", collection.name}, {"component", component}, {"memory", memory}},
            static_cast<double>(value));
      }
    }
  }
  MetricFamily& vectors = page.Family("alidade_collection_graph_vectors",
                                      "Vectors in graphs, by the codes that they are walked by.",
                                      MetricType::Gauge);
  for (const CollectionStats& collection : collections) {
    for (const CodesSetting codes :
         {CodesSetting::kNone, CodesSetting::kInt8, CodesSetting::kInt4, CodesSetting::kBit1}) {
      uint64_t count = 0;
      for (const FieldStats& field : collection.fields) {
        const auto found = field.codes.find(codes);
        count += found == field.codes.end() ? 0 : found->second.count;
      }
      MetricPage::Add(vectors,
                      {{"collection", collection.name}, {"codes", std::string(CodesName(codes))}},
                      static_cast<double>(count));
    }
  }
}

void AddCollections(const std::vector<CollectionStats>& collections, MetricPage& page) {
  AddCollectionStates(collections, page);
  AddCollectionMemory(collections, page);
  struct Item {
    const char* name;
    const char* help;
    MetricType type;
    CollectionValue value;
  };
  const std::initializer_list<Item> items = {
      {"alidade_collection_points",
       "Points that exist.",
       MetricType::Gauge,
       [](const CollectionStats& c) { return static_cast<double>(c.points); }},
      {"alidade_collection_delta_bytes",
       "Memory of rows not in a sealed segment.",
       MetricType::Gauge,
       [](const CollectionStats& c) { return static_cast<double>(c.delta_bytes); }},
      {"alidade_collection_disk_bytes",
       "Bytes of segment files.",
       MetricType::Gauge,
       [](const CollectionStats& c) { return static_cast<double>(c.disk_bytes); }},
      {"alidade_collection_memory_bytes",
       "Memory of the collection without mapped files.",
       MetricType::Gauge,
       [](const CollectionStats& c) { return static_cast<double>(c.memory_bytes); }},
      {"alidade_index_builds_total",
       "Background builds that ended well.",
       MetricType::Counter,
       [](const CollectionStats& c) { return static_cast<double>(c.builds_done); }},
      {"alidade_index_builds_failed_total",
       "Background builds that failed.",
       MetricType::Counter,
       [](const CollectionStats& c) { return static_cast<double>(c.builds_failed); }},
      {"alidade_index_build_seconds_total",
       "Time spent in finished builds.",
       MetricType::Counter,
       [](const CollectionStats& c) { return c.build_seconds; }},
      {"alidade_index_build_progress",
       "Progress of the running build, 0 to 1.",
       MetricType::Gauge,
       [](const CollectionStats& c) { return c.build_progress; }},
      {"alidade_index_build_rows_done",
       "Vectors that the running build has put into an index.",
       MetricType::Gauge,
       [](const CollectionStats& c) { return static_cast<double>(c.build_rows_done); }},
      {"alidade_index_build_rows_total",
       "Vectors that the running build puts into an index; 0 if none runs.",
       MetricType::Gauge,
       [](const CollectionStats& c) { return static_cast<double>(c.build_rows_total); }},
      {"alidade_healed_segments_total",
       "Segments found damaged or incomplete, and rebuilt or being rebuilt.",
       MetricType::Counter,
       [](const CollectionStats& c) { return static_cast<double>(c.healed_segments); }},
  };
  for (const Item& item : items) {
    AddPerCollection(collections, page.Family(item.name, item.help, item.type), item.value);
  }
}

void AddStore(const EngineStats& stats, MetricPage& page) {
  MetricPage::AddHistogram(
      page.Family(
          "alidade_wal_sync_seconds", "Duration of syncs of the log.", MetricType::Histogram),
      {},
      stats.sync_seconds);
  page.Counter("alidade_commit_groups_total",
               "Commit groups written.",
               static_cast<double>(stats.commit_groups));
  page.Counter("alidade_commit_operations_total",
               "Write requests in those groups.",
               static_cast<double>(stats.commit_operations));
  page.Gauge("alidade_seq", "Last write accepted.", static_cast<double>(stats.seq.value()));
  page.Gauge(
      "alidade_durable_seq", "Last write synced.", static_cast<double>(stats.durable_seq.value()));
  page.Gauge("alidade_wal_bytes", "Bytes of the log.", static_cast<double>(stats.wal_bytes));
  page.Gauge("alidade_store_disk_bytes",
             "Bytes of the store's files.",
             static_cast<double>(stats.store_disk_bytes));
  page.Gauge("alidade_store_memory_bytes",
             "Memory of the store's caches and buffers.",
             static_cast<double>(stats.store_memory_bytes));
  page.Gauge("alidade_resident_bytes_used",
             "Memory of the copies of codes, for filters too, and links, all collections together.",
             static_cast<double>(stats.resident_bytes_used));
  page.Gauge("alidade_resident_bytes_max",
             "What those copies may take: limits.resident_bytes_max.",
             static_cast<double>(stats.resident_bytes_max));
  page.Gauge("alidade_disk_free_bytes",
             "Free bytes where the data directory lies.",
             static_cast<double>(stats.disk_free_bytes));
  page.Gauge(
      "alidade_disk_full", "1 if writes are refused for want of space.", stats.disk_full ? 1 : 0);
  page.Gauge(
      "alidade_start_seconds", "From opening the data directory to ready.", stats.start_seconds);
}

// Resident memory of this process; 0 if the system does not tell.
double ResidentBytes() {
  std::ifstream in("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  in >> total >> resident;
  return in ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

std::string RenderMetrics(const Engine& engine, const GrpcServer& grpc) {
  const EngineStats stats = engine.Stats();
  MetricPage page;
  MetricPage::Add(
      page.Family("alidade_build_info", "Version of the running server.", MetricType::Gauge),
      {{"version", grpc.options().version}, {"revision", grpc.options().revision}},
      1);
  page.Gauge("alidade_ready", "1 while the server reports SERVING.", grpc.serving() ? 1 : 0);
  AddRequests(grpc, page);
  AddCollections(stats.collections, page);
  AddStore(stats, page);
  page.Gauge("process_resident_memory_bytes", "Resident memory of the process.", ResidentBytes());
  return page.Text();
}

}  // namespace alidade
