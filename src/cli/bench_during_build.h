// BenchDuringBuild: what searches of one collection cost while another one is loaded and indexed.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "alidade/common/status.h"

#include "bench_search.h"
#include "connection.h"
#include "ingest.h"
#include "schema_flags.h"

namespace alidade {

struct DuringBuildOptions {
  ConnectionOptions connection;
  SchemaFlags schema;         // of the second collection
  IngestOptions ingest;       // likewise; `collection` is its name, and it must have no points
  std::string base;           // vectors to load
  uint64_t limit = 0;         // of them; 0: all
  double quiet_seconds = 10;  // of searches without a build, half before it and half after it
};

// Searches with `setting` all the time, in short windows: first nothing else runs, then the second
// collection is loaded, then its rows are indexed, then nothing runs again. A window counts for
// what went on from its beginning to its end. The second collection is deleted at the end.
// Returns latencies for each state and the ratios to those of the quiet state. FAILED_PRECONDITION
// if the build was over before one window.
StatusOr<nlohmann::json> MeasureDuringBuild(const DuringBuildOptions& options,
                                            const BenchSearch& search,
                                            const SearchSetting& setting);

}  // namespace alidade
