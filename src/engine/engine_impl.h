// The inside of Engine, shared by its sources.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "alidade/collection/commit_group.h"
#include "alidade/common/mutex.h"
#include "alidade/common/published.h"
#include "alidade/engine/engine.h"
#include "alidade/storage/store.h"

#include "catalog.h"

namespace alidade {

struct Engine::Impl {
  explicit Impl(const EngineOptions& engine_options)
      : options(engine_options),
        ledger(engine_options.limits.request_ids_max),
        resident_budget(std::make_shared<MemoryBudget>(engine_options.limits.resident_bytes_max)) {}

  Status Open();
  Status LoadCatalog();
  void StartBackground();
  void Stop();

  // Every public call holds one of these while it runs; Stop waits for them. UNAVAILABLE when
  // stopping.
  class Call {
   public:
    explicit Call(const Impl& impl);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    Status status() const { return status_; }

   private:
    const Impl& impl_;
    Status status_;
  };

  StatusOr<std::shared_ptr<Collection>> Find(const std::string& name) const;
  CollectionContext ContextForCollections();
  CollectionInfo Describe(const Collection& collection, const Catalog& names) const;
  std::string SegmentsDirectory() const { return options.data_directory + "/segments"; }

  void RunMaintenance(bool build);
  bool RunOneStep(bool build);
  void RemoveDropped();
  void FlushQuietLog();

  const EngineOptions options;
  std::unique_ptr<Store> store;
  RequestLedger ledger;
  std::unique_ptr<CommitGroup> commits;
  const std::shared_ptr<MemoryBudget> resident_budget;
  SpareThreads spare{std::thread::hardware_concurrency()};
  Published<const Catalog> catalog{std::make_shared<Catalog>()};
  // Writer only.
  uint32_t next_collection = 1;

  mutable Mutex mutex;
  mutable CondVar changed;
  mutable int running_calls ALIDADE_GUARDED_BY(mutex) = 0;
  bool stopping ALIDADE_GUARDED_BY(mutex) = false;
  bool stopped ALIDADE_GUARDED_BY(mutex) = false;
  std::vector<CollectionId> dropped ALIDADE_GUARDED_BY(mutex);
  std::vector<std::thread> background;
  // Sealing thread only.
  uint64_t log_bytes_seen = 0;
  std::chrono::steady_clock::time_point log_quiet_since;
  std::chrono::steady_clock::time_point log_looked_at;
  double start_seconds = 0;
};

}  // namespace alidade
