// The engine's background threads: one seals deltas and removes what was dropped, one merges and
// indexes.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include <pthread.h>

#include "alidade/collection/config_codec.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"
#include "alidade/segment/segment_writer.h"

#include "engine_impl.h"

namespace alidade {
namespace {

constexpr std::chrono::milliseconds kIdlePeriod{100};
constexpr const char* kSealThread = "sealing";  // as ps and top show them
constexpr const char* kBuildThread = "building";
constexpr uint32_t kDropKeysPerStep = 20'000;
constexpr uint64_t kQuietLogBytes = uint64_t{8} << 20;
constexpr std::chrono::seconds kQuietLogPeriod{2};
// RocksDB tells the size of its log by listing the directory, and notes each look in its own log.
constexpr std::chrono::milliseconds kLogLookPeriod{500};

}  // namespace

void Engine::Impl::StartBackground() {
  background.emplace_back([this] { RunMaintenance(/*build=*/false); });
  background.emplace_back([this] { RunMaintenance(/*build=*/true); });
}

void Engine::Impl::RunMaintenance(bool build) {
  // Linux keeps name and niceness per thread, and threads made by this one inherit both. Failure
  // costs politeness only.
  ::pthread_setname_np(::pthread_self(), build ? kBuildThread : kSealThread);
  (void)::setpriority(PRIO_PROCESS,
                      static_cast<id_t>(::syscall(SYS_gettid)),
                      build ? options.build_nice : options.background_nice);
  while (true) {
    {
      MutexLock lock(mutex);
      if (stopping) {
        return;
      }
    }
    if (!RunOneStep(build)) {
      MutexLock lock(mutex);
      if (!stopping) {
        changed.WaitUntil(mutex, std::chrono::steady_clock::now() + kIdlePeriod);
      }
    }
  }
}

bool Engine::Impl::RunOneStep(bool build) {
  bool worked = false;
  const auto names = catalog.Get();  // held: a range-for does not keep it
  for (const auto& [name, collection] : names->collections) {
    worked = (build ? collection->BuildSomething() : collection->SealSomething()) || worked;
  }
  if (!build) {
    RemoveDropped();
    FlushQuietLog();
  }
  return worked;
}

// A start replays the log. When nothing is written any more, its content goes into tables.
void Engine::Impl::FlushQuietLog() {
  const auto now = std::chrono::steady_clock::now();
  if (now - log_looked_at < kLogLookPeriod) {
    return;
  }
  log_looked_at = now;
  const uint64_t bytes = store->WalBytes();
  if (bytes != log_bytes_seen) {
    log_bytes_seen = bytes;
    log_quiet_since = now;
    return;
  }
  if (bytes < kQuietLogBytes || now - log_quiet_since < kQuietLogPeriod) {
    return;
  }
  log_quiet_since = now;
  // RocksDB must never meet a full disk: the tables need at most as much room as the log.
  const StatusOr<uint64_t> free_bytes = FreeBytes(options.data_directory);
  if (!free_bytes.ok() || *free_bytes < options.limits.disk_free_bytes_min + bytes) {
    return;
  }
  if (const Status status = store->Flush(); !status.ok()) {
    ALIDADE_LOG_WARN("the log stays as it is for now: {}", MessageOf(status));
  }
}

void Engine::Impl::RemoveDropped() {
  CollectionId id;
  {
    MutexLock lock(mutex);
    if (dropped.empty()) {
      return;
    }
    id = dropped.front();
  }
  while (true) {
    {
      MutexLock lock(mutex);
      if (stopping) {
        return;
      }
    }
    const StatusOr<bool> done = store->DeleteSomeKeys(id, kDropKeysPerStep);
    if (!done.ok()) {
      ALIDADE_LOG_WARN(
          "keys of dropped collection {} stay for now: {}", id, MessageOf(done.status()));
      return;
    }
    if (*done) {
      break;
    }
  }
  ALIDADE_FAILPOINT_VOID("drop.keys_deleted");
  const std::string directory = SegmentsDirectory() + "/" + CollectionDirectoryName(id);
  if (const Status status = RemoveTree(directory); !status.ok()) {
    ALIDADE_LOG_WARN("files of dropped collection {} stay for now: {}", id, MessageOf(status));
    return;
  }
  ALIDADE_FAILPOINT_VOID("drop.files_removed");
  // Manifests last: a publish in the group before the drop was not yet in the store then.
  WriteBatch batch(*store);
  Status status = store->ScanMeta(MetaKind::kManifest,
                                  CollectionMetaName(id),
                                  [&batch](std::string_view name, std::string_view) -> Status {
                                    batch.DeleteMeta(MetaKind::kManifest, name);
                                    return OkStatus();
                                  });
  batch.DeleteMeta(MetaKind::kDropped, CollectionMetaName(id));
  if (status.ok()) {
    status = store->Write(batch, /*sync=*/true);
  }
  if (!status.ok()) {
    ALIDADE_LOG_WARN("dropped collection {} is noted still: {}", id, MessageOf(status));
    return;
  }
  MutexLock lock(mutex);
  dropped.erase(dropped.begin());
}

}  // namespace alidade
