// CollectionContext: what a collection needs from its surroundings, and what it counts for them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "alidade/common/limits.h"

namespace alidade {

class CommitGroup;
class MemoryBudget;
class SpareThreads;
class Store;

// Plain pointers are borrowed.
struct CollectionContext {
  Store* store = nullptr;
  CommitGroup* commits = nullptr;
  SpareThreads* spare = nullptr;  // null: none
  std::shared_ptr<MemoryBudget> resident_budget;
  Limits limits;
  std::string segments_directory;  // <data>/segments
  int build_threads = 1;
  int64_t seal_after_quiet_ms = 2'000;
};

// Counters of background work, for statistics.
struct MaintenanceCounters {
  std::atomic<uint64_t> builds_done{0};
  std::atomic<uint64_t> builds_failed{0};
  std::atomic<uint64_t> build_milliseconds{0};
  std::atomic<uint64_t> healed{0};
};

}  // namespace alidade
