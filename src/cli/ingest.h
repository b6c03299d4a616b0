// Ingest: sends the points of a source in batches from several writers, each over a connection of
// its own.
#pragma once

#include <functional>
#include <string>

#include "load.h"
#include "point_source.h"
#include "progress_file.h"

namespace alidade {

struct IngestOptions {
  std::string collection;
  std::string field;
  uint64_t batch_rows = 256;
  int writers = 4;
  std::string durability = "durable";
  RetryOptions retry;
  ProgressFile* progress = nullptr;  // rows in it are skipped, acknowledged ones are added
  std::function<void(uint64_t rows)>
      on_rows;  // after every acknowledgement: rows sent so far, by all writers
};

struct IngestResult {
  uint64_t rows = 0;     // acknowledged by this run
  uint64_t skipped = 0;  // acknowledged before it
  double seconds = 0;
  Latencies batches;
  uint64_t newest_seq = 0;
};

// Stops at the first error that retries do not cure; `result` is true also then.
Status Ingest(const ConnectionOptions& connection,
              const IngestOptions& options,
              PointSource& source,
              IngestResult& result);

}  // namespace alidade
