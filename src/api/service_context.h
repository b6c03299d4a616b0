// ServiceContext: what the four services share, and the steps that several of them take.
//
// Threads:  immutable; what it refers to is thread-safe.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "alidade/collection/requests.h"
#include "alidade/common/deadline.h"
#include "alidade/common/status.h"
#include "alidade/engine/engine.h"

#include "call_runner.h"

namespace alidade {

// Everything referred to must outlive the services.
struct ServiceContext {
  Engine& engine;
  CallRunner& runner;
  Durability default_durability = Durability::kDurable;
  std::string version;
  std::string revision;
  std::string instruction_set;
  std::chrono::system_clock::time_point start_time;

  const Limits& limits() const { return engine.options().limits; }
};

// Waits until the server has accepted the write `min_seq` (0: at once). For reads of the catalogue;
// reads of points wait inside the collection. Errors: FAILED_PRECONDITION after ten seconds,
// DEADLINE_EXCEEDED, CANCELLED.
Status WaitForSeq(const Engine& engine, uint64_t min_seq, const Deadline& deadline);

// "*" becomes the names of all vector fields of the collection.
Status ResolveAllVectors(const Engine& engine,
                         const std::string& collection,
                         std::vector<std::string>& vectors);

}  // namespace alidade
