// Path: upsert 5/7 (from collection/commit_group.cc), restart 1/5
#include "alidade/storage/store.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "alidade/common/bytes.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"
#include "alidade/common/tsan.h"

#include "keys.h"
#include "row_codec.h"
#include "store_impl.h"

namespace alidade {
namespace {

constexpr std::chrono::seconds kWatermarkPeriod{1};
constexpr uint64_t kWalBytesMax = uint64_t{128} << 20;  // bounds the replay at start

rocksdb::ColumnFamilyOptions FamilyOptions(Family family,
                                           const StoreOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions result;
  result.write_buffer_size = options.write_buffer_bytes;
  result.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  if (family == kIds) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  }
  if (family == kVectors) {
    table.block_size = 16 << 10;
    result.compression = rocksdb::kNoCompression;  // embeddings do not compress
  } else {
    result.compression = rocksdb::kLZ4Compression;
  }
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return result;
}

rocksdb::DBOptions DatabaseOptions(const StoreOptions& options,
                                   const std::shared_ptr<ErrorListener>& errors) {
  rocksdb::DBOptions result;
  result.create_missing_column_families = true;
  // The default, kPointInTimeRecovery, turns one flipped bit into silent loss of everything after
  // it.
  result.wal_recovery_mode = ALIDADE_MUTANT("wal_mode")
                                 ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                 : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  result.paranoid_checks = true;
  result.max_total_wal_size = kWalBytesMax;
  // All families together: a small one would keep every log alive that its few keys are in.
  result.atomic_flush = true;
  result.recycle_log_file_num = 0;
  result.manual_wal_flush = false;
  result.avoid_flush_during_recovery = true;  // opens on a full disk
  result.avoid_flush_during_shutdown = true;  // the WAL holds everything
  // (a read-only instance asserts on the deferred purge that this asks for)
  result.avoid_unnecessary_blocking_io = !options.read_only;
  result.bytes_per_sync = 1 << 20;
  result.wal_bytes_per_sync = 512 << 10;
  result.max_background_jobs = options.background_jobs;
  result.max_bgerror_resume_count = 0;  // fail-stop: nothing is retried
  result.max_log_file_size = 4 << 20;
  result.keep_log_file_num = 4;
  result.listeners = {errors};
  return result;
}

}  // namespace

void ErrorListener::OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                                      rocksdb::Status* status) {
  if (status->IsShutdownInProgress()) {
    return;  // a flush or compaction that Close cut short
  }
  failed_.store(true, std::memory_order_release);
  ALIDADE_LOG_ERROR("RocksDB failed in the background (reason {}): {}",
                    static_cast<int>(reason),
                    status->ToString());
}

Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) {
    return OkStatus();
  }
  if (status.IsCorruption()) {
    return DataLoss("{}: {}", what, status.ToString());
  }
  if (status.IsNoSpace()) {
    return WithReason(ResourceExhausted("{}: {}", what, status.ToString()), "DISK_FULL");
  }
  return Internal("{}: {}", what, status.ToString());
}

Store::Impl::~Impl() {
  if (db == nullptr) {
    return;
  }
  rocksdb::Status closed;
  {
    const UnjudgedByTsan rocks;  // its threads have worked on what goes now
    for (rocksdb::ColumnFamilyHandle* handle : families) {
      (void)db->DestroyColumnFamilyHandle(handle);
    }
    closed = db->Close();
    db.reset();
  }
  if (!closed.ok()) {
    ALIDADE_LOG_WARN("RocksDB did not close cleanly: {}", closed.ToString());
  }
}

rocksdb::Status Store::Impl::Write(const rocksdb::WriteOptions& how, rocksdb::WriteBatch& batch) {
  // Of the writers that meet here one writes the batches of the others too.
  const UnjudgedByTsan rocks;
  return db->Write(how, &batch);
}

Status Store::Impl::OpenDatabase(bool fresh) {
  rocksdb::DBOptions db_options = DatabaseOptions(options, errors);
  db_options.create_if_missing = fresh;
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (size_t family = 0; family < kFamilyCount; ++family) {
    descriptors.emplace_back(kFamilyNames[family],
                             FamilyOptions(static_cast<Family>(family), options, cache));
  }
  const std::string path = options.directory + "/db";
  if (options.read_only) {
    // It cannot make what a program of before these families did not make.
    std::vector<std::string> there;
    if (rocksdb::DB::ListColumnFamilies(db_options, path, &there).ok()) {
      while (descriptors.size() > kPayloadChanges &&
             std::find(there.begin(), there.end(), descriptors.back().name) == there.end()) {
        descriptors.pop_back();
      }
    }
  }
  if (!fresh && !PathExists(path + "/CURRENT")) {
    return DataLoss("{} is missing or incomplete although {} was published",
                    path,
                    options.directory + "/FORMAT");
  }
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status =
      options.read_only
          ? rocksdb::DB::OpenForReadOnly(
                db_options, path, descriptors, &families, &raw, /*error_if_wal_file_exists=*/false)
          : rocksdb::DB::Open(db_options, path, descriptors, &families, &raw);
  if (!status.ok()) {
    const Status answer = FromRocks(status, "open " + path);
    // A missing file of the database says "IO error" or "not found" where data is gone.
    return answer.code() == StatusCode::kInternal && !fresh ? DataLoss("{}", MessageOf(answer))
                                                            : answer;
  }
  db.reset(raw);
  return OkStatus();
}

namespace {

// The format of a directory that may be opened with these options.
StatusOr<DirectoryFormat> ReadUsableFormat(const StoreOptions& options) {
  ALIDADE_ASSIGN_OR_RETURN(DirectoryFormat format, ReadFormat(options.directory));
  if (format.fresh && (options.read_only || !options.create_if_missing)) {
    return FailedPrecondition("{} is not a data directory: it has no FORMAT file",
                              options.directory);
  }
  return format;
}

}  // namespace

StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  if (!PathExists(options.directory)) {
    if (options.read_only || !options.create_if_missing) {
      return NotFound("there is no directory {}", options.directory);
    }
    ALIDADE_RETURN_IF_ERROR(MakeDirectories(options.directory));
  }
  // Before the lock makes a file: what is not ours stays as it is. Anything else is judged under
  // the lock, since another process may be making the directory just now.
  if (const auto format = ReadUsableFormat(options);
      format.status().code() == StatusCode::kFailedPrecondition) {
    return format.status();
  }
  ALIDADE_ASSIGN_OR_RETURN(impl->lock, DirectoryLock::Take(options.directory));
  ALIDADE_ASSIGN_OR_RETURN(DirectoryFormat format, ReadUsableFormat(options));
  if (format.fresh) {
    ALIDADE_RETURN_IF_ERROR(BeginCreation(options.directory));
    ALIDADE_FAILPOINT("storage.create.marked");
    // Whatever a creation that was cut short has left holds nothing that was ever acknowledged.
    ALIDADE_RETURN_IF_ERROR(RemoveTree(options.directory + "/db"));
    ALIDADE_FAILPOINT("storage.create.cleaned");
    ALIDADE_RETURN_IF_ERROR(Watermark::Create(options.directory));
    ALIDADE_FAILPOINT("storage.create.watermark");
    ALIDADE_ASSIGN_OR_RETURN(format.uuid, RandomUuid());
  }
  impl->uuid = format.uuid;
  if (!format.fresh) {
    ALIDADE_RETURN_IF_ERROR(impl->CheckManifest());
  }
  ALIDADE_RETURN_IF_ERROR(impl->OpenDatabase(format.fresh));
  if (format.fresh) {
    ALIDADE_FAILPOINT("storage.create.database");
    ALIDADE_RETURN_IF_ERROR(SyncDirectory(options.directory));
    ALIDADE_RETURN_IF_ERROR(PublishFormat(options.directory, format.uuid));
  }
  if (!options.read_only) {
    ALIDADE_RETURN_IF_ERROR(EndCreation(options.directory));
  }
  ALIDADE_RETURN_IF_ERROR(impl->CheckWatermark());
  auto store = std::unique_ptr<Store>(new Store(std::move(impl)));
  if (!options.read_only) {
    // RocksDB begins a new manifest with each start.
    ALIDADE_RETURN_IF_ERROR(store->RaiseWatermark(SeqNo(0), /*now=*/true));
  }
  return store;
}

// Before RocksDB opens: it deletes the tables that a shortened manifest no longer names, or one
// whose damage looks like a torn end.
Status Store::Impl::CheckManifest() {
  const auto opened = Watermark::Open(options.directory, /*read_only=*/true);
  const auto end = ReadWholeManifestEnd(options.directory + "/db", /*sync=*/false);
  if (options.accept_loss_to.has_value()) {
    return OkStatus();
  }
  ALIDADE_RETURN_IF_ERROR(opened.status());
  const ManifestEnd& durable = (*opened)->mark().manifest;
  if (!end.ok() || *end >= durable) {
    return OkStatus();  // RocksDB says itself what is wrong with a CURRENT that names nothing
  }
  return WithReason(
      DataLoss("{}/db/MANIFEST-{:06} has {} whole bytes, but {} bytes of MANIFEST-{:06} were "
               "durable: it was damaged, shortened or rolled back, and tables with acknowledged "
               "writes are not in it. "
               "Restore it, or start with --accept-loss-to={} to go on without them",
               options.directory,
               end->number,
               end->bytes,
               durable.bytes,
               durable.number,
               (*opened)->seq()),
      "ACKNOWLEDGED_WRITES_MISSING");
}

Status Store::Impl::CheckWatermark() {
  std::string sealed;
  SeqNo applied;
  const std::string key = MetaKey(MetaKind::kServer, kAppliedSeqName);
  const rocksdb::Status got = db->Get(rocksdb::ReadOptions(), Handle(kMeta), key, &sealed);
  if (got.ok()) {
    ALIDADE_ASSIGN_OR_RETURN(const std::string_view value, OpenValue(key, sealed));
    ALIDADE_ASSIGN_OR_RETURN(applied, DecodeSeq(value));
  } else if (!got.IsNotFound()) {
    return FromRocks(got, "read the applied seq");
  }
  auto opened = Watermark::Open(options.directory, options.read_only);
  if (!opened.ok() && options.accept_loss_to.has_value() && !options.read_only) {
    ALIDADE_LOG_WARN("a new watermark is made at seq {}: {}", applied, MessageOf(opened.status()));
    ALIDADE_RETURN_IF_ERROR(Watermark::Create(options.directory));
    opened = Watermark::Open(options.directory, /*read_only=*/false);
  }
  if (!opened.ok()) {
    return opened.status();
  }
  const SeqNo promised = (*opened)->seq();
  if (applied < promised) {
    const bool accepted = options.accept_loss_to.has_value() && *options.accept_loss_to >= promised;
    if (!accepted) {
      return WithReason(
          DataLoss(
              "{} acknowledged writes are missing: the log ends at seq {}, seq {} was durable. "
              "The log was shortened, removed or rolled back. Restore it, or start with "
              "--accept-loss-to={} to go on without them",
              promised.value() - applied.value(),
              applied,
              promised,
              promised),
          "ACKNOWLEDGED_WRITES_MISSING");
    }
    ALIDADE_LOG_WARN("going on without the writes {} to {}", applied.Next(), promised);
    if (!options.read_only) {
      // In both slots, so that the loss is accepted once and for all.
      const Watermark::Mark mark{applied, (*opened)->mark().manifest};
      ALIDADE_RETURN_IF_ERROR((*opened)->Write(mark));
      ALIDADE_RETURN_IF_ERROR((*opened)->Write(mark));
    }
  }
  MutexLock guard(watermark_mutex);
  watermark = std::move(opened).value();
  return OkStatus();
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

const std::string& Store::directory() const { return impl_->options.directory; }

std::string_view Store::uuid() const { return impl_->uuid; }

Status Store::Write(WriteBatch& batch, bool sync) {
  if (impl_->errors->failed()) {
    return Internal("the store failed before; restart to recover from disk");
  }
  ALIDADE_FAILPOINT("storage.before_write");
  ALIDADE_RETURN_IF_ERROR(FromRocks(batch.impl_->filled, "fill the batch"));
  rocksdb::WriteOptions options;
  options.sync = sync && !ALIDADE_MUTANT("no_sync");
  const auto start = std::chrono::steady_clock::now();
  const rocksdb::Status written = impl_->Write(options, batch.impl_->rocks);
  if (sync) {
    impl_->sync_seconds.Observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  ALIDADE_FAILPOINT("storage.after_write");
  return FromRocks(written, "write the log");
}

Status Store::Sync() {
  WriteBatch nothing(*this);
  return Write(nothing, /*sync=*/true);
}

Status Store::RaiseWatermark(SeqNo acknowledged, bool now) {
  MutexLock guard(impl_->watermark_mutex);
  const auto time = std::chrono::steady_clock::now();
  if (!now && time - impl_->watermark_written < kWatermarkPeriod) {
    return OkStatus();
  }
  const Watermark::Mark& last = impl_->watermark->mark();
  const std::string db = impl_->options.directory + "/db";
  Watermark::Mark next{std::max(acknowledged, last.seq), last.manifest};
  // The end of the manifest is a second guard; the write that waits here does not depend on it.
  next.manifest =
      std::max(ReadManifestEnd(db, /*sync=*/false).value_or(last.manifest), last.manifest);
  if (next.seq == last.seq && next.manifest == last.manifest) {
    return OkStatus();
  }
  if (next.manifest != last.manifest) {
    next.manifest =
        std::max(ReadWholeManifestEnd(db, /*sync=*/true, last.manifest).value_or(last.manifest),
                 last.manifest);
  }
  impl_->watermark_written = time;
  return impl_->watermark->Write(next);
}

Status Store::Flush() {
  rocksdb::FlushOptions options;
  options.wait = true;
  return FromRocks(impl_->db->Flush(options, impl_->families), "flush");
}

StatusOr<bool> Store::DeleteSomeKeys(CollectionId collection, uint32_t keys_max) {
  std::string prefix;
  AppendBigEndian(prefix, collection.value());
  const std::string end = PrefixEnd(prefix);
  rocksdb::WriteBatch rocks;
  uint32_t count = 0;
  for (const Family family : {kIds, kRows, kVectors, kTombstones, kPayloadChanges}) {
    rocksdb::ReadOptions read;
    const rocksdb::Slice upper(end);
    if (!end.empty()) {
      read.iterate_upper_bound = &upper;
    }
    read.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> it(
        impl_->db->NewIterator(read, impl_->Handle(family)));
    for (it->Seek(prefix); it->Valid() && count < keys_max; it->Next()) {
      ALIDADE_RETURN_IF_ERROR(FromRocks(rocks.Delete(impl_->Handle(family), it->key()), "delete"));
      ++count;
    }
    ALIDADE_RETURN_IF_ERROR(FromRocks(it->status(), "scan for deletion"));
  }
  if (count == 0) {
    return true;
  }
  ALIDADE_RETURN_IF_ERROR(FromRocks(impl_->Write(rocksdb::WriteOptions(), rocks), "delete keys"));
  return false;
}

Status Store::VerifyChecksums() const {
  rocksdb::ReadOptions read;
  read.verify_checksums = true;
  ALIDADE_RETURN_IF_ERROR(FromRocks(impl_->db->VerifyChecksum(read), "verify the tables"));
  for (const Family family : {kMeta, kIds, kRows, kVectors, kTombstones, kPayloadChanges}) {
    ALIDADE_RETURN_IF_ERROR(impl_->Scan(
        family, "", "", nullptr, [](std::string_view, std::string_view) -> StatusOr<bool> {
          return true;  // Scan itself checks each value
        }));
  }
  return OkStatus();
}

const Histogram& Store::sync_seconds() const { return impl_->sync_seconds; }

uint64_t Store::WalBytes() const {
  rocksdb::VectorLogPtr files;
  uint64_t bytes = 0;
  if (impl_->db->GetSortedWalFiles(files).ok()) {
    for (const auto& file : files) {
      bytes += file->SizeFileBytes();
    }
  }
  return bytes;
}

uint64_t Store::DiskBytes() const {
  uint64_t bytes = 0;
  for (rocksdb::ColumnFamilyHandle* handle : impl_->families) {
    uint64_t part = 0;
    if (impl_->db->GetIntProperty(handle, rocksdb::DB::Properties::kTotalSstFilesSize, &part)) {
      bytes += part;
    }
  }
  return bytes + WalBytes();
}

uint64_t Store::MemoryBytes() const {
  uint64_t bytes = 0;
  for (rocksdb::ColumnFamilyHandle* handle : impl_->families) {
    uint64_t part = 0;
    if (impl_->db->GetIntProperty(handle, rocksdb::DB::Properties::kSizeAllMemTables, &part)) {
      bytes += part;
    }
  }
  uint64_t cache = 0;
  (void)impl_->db->GetIntProperty(rocksdb::DB::Properties::kBlockCacheUsage, &cache);
  return bytes + cache;
}

}  // namespace alidade
