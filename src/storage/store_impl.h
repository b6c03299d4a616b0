// The inside of Store and WriteBatch, shared by their sources.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "alidade/common/mutex.h"
#include "alidade/storage/store.h"

#include "directory.h"

namespace alidade {

// Column families, in the order of their handles. The default one stays empty: RocksDB insists on
// it. New ones come last: programs that do not know one refuse to open the directory.
enum Family : size_t {
  kDefault,
  kMeta,
  kIds,
  kRows,
  kVectors,
  kTombstones,
  kPayloadChanges,
  kFamilyCount
};
inline constexpr std::array<const char*, kFamilyCount> kFamilyNames = {
    "default", "meta", "ids", "rows", "vectors", "tombstones", "payload_changes"};

struct WriteBatch::Impl {
  explicit Impl(const std::vector<rocksdb::ColumnFamilyHandle*>& handles);

  // Adds `key` with what is in `value`, sealed.
  void Put(Family family, const std::string& key);
  void Delete(Family family, const std::string& key);
  void Note(const rocksdb::Status& added);

  const std::vector<rocksdb::ColumnFamilyHandle*>& families;  // the store's
  rocksdb::WriteBatch rocks;
  const size_t empty_bytes;
  rocksdb::Status filled;  // the first failure
  std::string value;       // one at a time: it stays in the cache between being sealed and copied
};

class SnapshotHolder final : public StoreSnapshot {
 public:
  explicit SnapshotHolder(rocksdb::DB* db) : db_(db), snapshot_(db->GetSnapshot()) {}
  ~SnapshotHolder() override { db_->ReleaseSnapshot(snapshot_); }
  SnapshotHolder(const SnapshotHolder&) = delete;
  SnapshotHolder& operator=(const SnapshotHolder&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB* db_;
  const rocksdb::Snapshot* snapshot_;
};

// Marks the store failed when RocksDB meets an error in the background: nothing is acknowledged
// after that.
class ErrorListener final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
  bool failed() const { return failed_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> failed_{false};
};

struct Store::Impl {
  StoreOptions options;
  std::unique_ptr<DirectoryLock> lock;
  std::string uuid;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  std::shared_ptr<ErrorListener> errors = std::make_shared<ErrorListener>();
  Histogram sync_seconds;

  Mutex watermark_mutex;
  std::unique_ptr<Watermark> watermark ALIDADE_GUARDED_BY(watermark_mutex);
  std::chrono::steady_clock::time_point watermark_written ALIDADE_GUARDED_BY(watermark_mutex);

  Impl() = default;
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  rocksdb::Status Write(const rocksdb::WriteOptions& how, rocksdb::WriteBatch& batch);
  Status OpenDatabase(bool fresh);
  Status CheckManifest();
  Status CheckWatermark();
  rocksdb::ColumnFamilyHandle* Handle(Family family) const { return families[family]; }
  // False in a directory that is opened read-only and was made before there was this family.
  bool Has(Family family) const { return family < families.size(); }

  // Values of many keys of one family, unsealed; nothing where there is none.
  StatusOr<std::vector<std::optional<std::string>>> MultiGet(Family family,
                                                             const std::vector<std::string>& keys,
                                                             const StoreSnapshot* snapshot) const;
  // Calls fn(key, unsealed value) for first <= key < end in order, until it returns false.
  Status Scan(
      Family family,
      const std::string& first,
      const std::string& end,
      const StoreSnapshot* snapshot,
      const std::function<StatusOr<bool>(std::string_view key, std::string_view value)>& fn) const;
  // Calls fn(row, seq) for rows first..last of a family that maps rows to seqs.
  Status ScanSeqs(Family family,
                  KeySpace space,
                  RowNo first,
                  RowNo last,
                  const std::function<Status(RowNo row, SeqNo seq)>& fn) const;
};

// DATA_LOSS for corruption, RESOURCE_EXHAUSTED for no space, INTERNAL for the rest.
Status FromRocks(const rocksdb::Status& status, std::string_view what);

inline rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace alidade
