// Store: the durable truth of a server: one RocksDB in <data>/db, opened with an exclusive lock.
//
// Path:     upsert 5/7 (from collection/commit_group.cc), restart 1/5
// Threads:  thread-safe. Points are written by the commit group's leader alone, one batch after the
// other;
//           manifests, schemas and clean-up come from other threads, each about keys of its own.
// Owns:     the RocksDB instance, the lock on the data directory, the watermark file.
// Format:   keys and values in src/storage/keys.h and row_codec.h; format version in `meta`.
//
// Failure:  a failed write or sync is not retried and must not be acknowledged: the caller stops
// the process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/histogram.h"
#include "alidade/common/point_id.h"
#include "alidade/common/status.h"
#include "alidade/common/types.h"
#include "alidade/storage/write_batch.h"

namespace alidade {

// One stored version of a point, without its vectors.
struct StoredRow {
  PointId id;
  SeqNo seq;
  std::string payload;  // encoded object (common/payload_codec.h)
  // The bits that PutRow was given; nothing: the row was written before there were any.
  std::optional<uint32_t> vectors = {};
};

// A consistent moment of the store for several reads. Cheap; release soon (it holds back
// compaction).
class StoreSnapshot {
 public:
  virtual ~StoreSnapshot() = default;
};

struct StoreOptions {
  std::string directory;
  bool create_if_missing = true;
  bool read_only = false;  // for `check`: changes nothing, still takes the lock
  std::optional<SeqNo>
      accept_loss_to;  // open although the watermark says that writes up to it are missing
  size_t block_cache_bytes = size_t{256} << 20;
  size_t write_buffer_bytes = size_t{64} << 20;
  int background_jobs = 2;
};

class Store {
 public:
  // Opens or makes the store.
  // Errors: FAILED_PRECONDITION (directory locked by another process; made by a newer format; not
  // ours),
  //         DATA_LOSS (damage, or the recovered applied seq is below the watermark: the message
  //         says how many acknowledged writes are missing), RESOURCE_EXHAUSTED (disk full),
  //         INTERNAL.
  static StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  // Closes without flushing memtables: the WAL holds them.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& directory() const;
  // Random, made with the directory; part of every segment file's header.
  std::string_view uuid() const;  // 16 bytes

  // Commits the batch, which was made for this store; with `sync` its bytes are on disk when OK is
  // answered.
  Status Write(WriteBatch& batch, bool sync);
  // Makes everything written so far durable (an empty synced write).
  Status Sync();
  // Records that everything up to `acknowledged` is durable, and how far RocksDB's record of its
  // tables reaches; written to the watermark file at most once a second (or at once with `now`).
  Status RaiseWatermark(SeqNo acknowledged, bool now);
  // Writes memtables out.
  Status Flush();

  std::unique_ptr<StoreSnapshot> TakeSnapshot() const;

  // All reads take an optional snapshot (null: the newest state). DATA_LOSS for a bad checksum or
  // value.
  Status GetMeta(MetaKind kind, std::string_view name, std::optional<std::string>& value) const;
  // Calls fn(name, value) in order of names that start with `prefix`; stops at the first error,
  // which it returns.
  Status ScanMeta(
      MetaKind kind,
      std::string_view prefix,
      const std::function<Status(std::string_view name, std::string_view value)>& fn) const;
  // Entries in the order of `encoded_ids`; nothing where there is none.
  StatusOr<std::vector<std::optional<IdEntry>>> GetIds(KeySpace space,
                                                       const std::vector<std::string>& encoded_ids,
                                                       const StoreSnapshot* snapshot) const;
  // Calls fn for ids after `after` (empty: from the first), in order, until it returns false.
  Status ScanIds(
      KeySpace space,
      std::string_view after,
      const StoreSnapshot* snapshot,
      const std::function<StatusOr<bool>(std::string_view encoded_id, IdEntry entry)>& fn) const;
  // Nothing where there is no such row.
  StatusOr<std::vector<std::optional<StoredRow>>> GetRows(KeySpace space,
                                                          const std::vector<RowNo>& rows,
                                                          const StoreSnapshot* snapshot) const;
  // Raw bytes; nothing where the row has no such vector.
  StatusOr<std::vector<std::optional<std::string>>> GetVectors(KeySpace space,
                                                               FieldId field,
                                                               const std::vector<RowNo>& rows,
                                                               const StoreSnapshot* snapshot) const;
  // Rows first..last (inclusive) in order.
  Status ScanRows(KeySpace space,
                  RowNo first,
                  RowNo last,
                  const StoreSnapshot* snapshot,
                  const std::function<Status(RowNo row, const StoredRow& value)>& fn) const;
  Status ScanVectors(KeySpace space,
                     FieldId field,
                     RowNo first,
                     RowNo last,
                     const StoreSnapshot* snapshot,
                     const std::function<Status(RowNo row, std::string_view bytes)>& fn) const;
  Status ScanTombstones(KeySpace space,
                        RowNo first,
                        RowNo last,
                        const std::function<Status(RowNo row, SeqNo seq)>& fn) const;
  // Rows whose payload was changed after they were written, and the newest change; what a sealed
  // segment's files do not show yet.
  Status ScanPayloadChanges(KeySpace space,
                            RowNo first,
                            RowNo last,
                            const std::function<Status(RowNo row, SeqNo seq)>& fn) const;

  // Deletes up to `keys_max` keys of a dropped collection (all families but meta); true when none
  // is left.
  StatusOr<bool> DeleteSomeKeys(CollectionId collection, uint32_t keys_max);

  // Reads everything and verifies every checksum (RocksDB's and ours). For `check`.
  Status VerifyChecksums() const;

  // For metrics.
  const Histogram& sync_seconds() const;
  uint64_t WalBytes() const;
  uint64_t DiskBytes() const;
  uint64_t MemoryBytes() const;

 private:
  friend class WriteBatch;
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
