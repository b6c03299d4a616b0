// Engine: all collections of one server over one store: the whole database without a network.
//
// Threads:  thread-safe. Calls may block for a sync of the log (writes) or a wait that the request
// asks for. Owns:     the store, the collections, the commit group, the background pool, the disk
// guard. Stop:     Stop() refuses new calls with UNAVAILABLE, waits for running ones, ends
// background work, syncs, closes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alidade/collection/facet_requests.h"
#include "alidade/collection/requests.h"
#include "alidade/collection/search_request.h"
#include "alidade/collection/stats.h"
#include "alidade/common/histogram.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

struct EngineOptions {
  std::string data_directory;
  Limits limits;
  int background_threads = 2;  // threads of one index build
  int background_nice = 5;     // niceness of the sealing thread: writes wait for it
  int build_nice = 19;         // .. of the building thread and its helpers: searches come first
  int64_t seal_after_quiet_ms =
      2'000;  // a delta without writes for this long is sealed and indexed
  size_t block_cache_bytes = size_t{256} << 20;
  size_t write_buffer_bytes = size_t{64} << 20;
  std::optional<SeqNo> accept_loss_to;
};

struct AliasAction {
  std::string alias;
  std::string collection;  // empty: remove the alias
};

struct AliasInfo {
  std::string alias;
  std::string collection;
};

struct EngineStats {
  std::vector<CollectionStats> collections;
  SeqNo seq;
  SeqNo durable_seq;
  Histogram::Snapshot sync_seconds;
  uint64_t commit_groups = 0;
  uint64_t commit_operations = 0;
  uint64_t wal_bytes = 0;
  uint64_t store_disk_bytes = 0;
  uint64_t store_memory_bytes = 0;
  // Copies of codes and links in memory, against `limits.resident_bytes_max`.
  uint64_t resident_bytes_used = 0;
  uint64_t resident_bytes_max = 0;
  uint64_t disk_free_bytes = 0;
  bool disk_full = false;    // writes are refused
  double start_seconds = 0;  // from Open to ready
};

class Engine {
 public:
  // Opens the data directory (made if missing), recovers every collection, starts background work.
  // Errors: those of Store::Open; DATA_LOSS with the exact reason.
  static StatusOr<std::unique_ptr<Engine>> Open(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const EngineOptions& options() const;

  // ALREADY_EXISTS if the name is a collection or an alias; RESOURCE_EXHAUSTED past
  // limits.collections_max.
  StatusOr<CollectionInfo> CreateCollection(const CollectionConfig& config);
  StatusOr<CollectionInfo> GetCollection(const std::string& name) const;
  // By name.
  std::vector<CollectionInfo> ListCollections() const;
  StatusOr<CollectionInfo> UpdateCollection(const CollectionUpdate& update);
  // As Collection::ChangePayloadIndex.
  StatusOr<CollectionInfo> ChangePayloadIndex(const PayloadIndexChange& change);
  // Its aliases go with it. The name is free at once; keys and files are removed in the background.
  StatusOr<WriteReceipt> DropCollection(const std::string& name);
  // All or nothing, in order.
  StatusOr<WriteReceipt> UpdateAliases(const std::vector<AliasAction>& actions);
  std::vector<AliasInfo> ListAliases() const;

  StatusOr<WriteReceipt> Upsert(const UpsertRequest& request);
  StatusOr<WriteReceipt> Delete(const DeleteRequest& request);
  StatusOr<WriteReceipt> ChangePayload(const PayloadRequest& request);
  // Parts of any collections, all or nothing. An error names its part: "operations[i]" comes before
  // the path of a field, or before the message.
  StatusOr<WriteReceipt> WriteAll(const BatchRequest& request);
  StatusOr<GetResponse> Get(const GetRequest& request) const;
  StatusOr<CountResponse> Count(const CountRequest& request) const;
  StatusOr<ListResponse> List(const ListRequest& request) const;
  StatusOr<FacetResponse> Facet(const FacetRequest& request) const;
  StatusOr<BoundsResponse> Bounds(const BoundsRequest& request) const;
  StatusOr<SearchResponse> Search(const SearchRequest& request) const;

  // Seals the deltas of a collection (empty name: of all) and writes the store's memtables out.
  Status Flush(const std::string& collection, const Deadline& deadline);
  // Seals, then blocks until no row of the collection is pending. Returns the state reached; on a
  // passed deadline the state is in `stats` and the status is DEADLINE_EXCEEDED.
  Status WaitIndexed(const std::string& collection,
                     const Deadline& deadline,
                     CollectionStats& stats);
  StatusOr<CollectionStats> Stats(const std::string& collection) const;
  EngineStats Stats() const;

  void Stop();

  struct Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
