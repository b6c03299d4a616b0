// ProgressFile: which rows of a data set the server has acknowledged, so that an import can go on
// where it was.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "alidade/common/mutex.h"
#include "alidade/common/status.h"

namespace alidade {

// A text file: a first line that names the import, then "first count" for every acknowledged batch,
// appended after the acknowledgement. A line that was cut off by a crash is ignored: its rows are
// sent again. Thread-safe.
class ProgressFile {
 public:
  // Reads what is there, or makes the file. FAILED_PRECONDITION if it belongs to another import.
  static StatusOr<std::unique_ptr<ProgressFile>> Open(const std::string& path,
                                                      const std::string& title);
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;

  // Rows acknowledged when the file was opened, as first -> count.
  const std::map<uint64_t, uint64_t>& done() const { return done_; }
  uint64_t rows() const;
  // How many rows from `row` on are done, and if none: how many are not (up to `most`).
  uint64_t DoneFrom(uint64_t row) const;
  uint64_t OpenFrom(uint64_t row, uint64_t most) const;

  void Acknowledge(uint64_t first, uint64_t count);

 private:
  explicit ProgressFile(std::FILE* file) : file_(file) {}

  std::map<uint64_t, uint64_t> done_;
  Mutex mutex_;
  std::FILE* file_ ALIDADE_GUARDED_BY(mutex_);
};

}  // namespace alidade
