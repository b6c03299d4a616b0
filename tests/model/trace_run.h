// RunTrace: does a history to an engine in a directory of its own and to the model, and compares.
#pragma once

#include <optional>
#include <string>

#include "model/operation.h"
#include "model/plain_model.h"

namespace alidade {

struct TraceResult {
  // What differed, and at which operation; nothing if all was well.
  std::optional<std::string> difference;
  // What the run came past, to see that it tests something.
  uint64_t seals = 0;   // sealed segments seen after an operation
  uint64_t graphs = 0;  // segments with an index seen after an operation
  uint64_t healed = 0;  // segments and indexes that recovery replaced
  uint64_t hits_compared = 0;
  uint64_t replays = 0;
  uint64_t payloads_changed = 0;
  uint64_t refused = 0;  // writes that had to be, and left no trace
};

TraceResult RunTrace(const Trace& trace, Mistake mistake);

}  // namespace alidade
