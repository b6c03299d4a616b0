#include "progress_file.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "alidade/common/file.h"

namespace alidade {

StatusOr<std::unique_ptr<ProgressFile>> ProgressFile::Open(const std::string& path,
                                                           const std::string& title) {
  std::string content;
  if (PathExists(path)) {
    ALIDADE_ASSIGN_OR_RETURN(content, ReadWholeFile(path));
  }
  // Only whole lines count.
  content.resize(content.rfind('\n') == std::string::npos ? 0 : content.rfind('\n') + 1);
  std::istringstream lines(content);
  std::string line;
  const bool begun = static_cast<bool>(std::getline(lines, line));
  if (begun && line != title) {
    return FailedPrecondition("{} belongs to another import: {}", path, line);
  }
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    return ErrnoStatus(errno, "cannot write " + path);
  }
  std::unique_ptr<ProgressFile> progress(new ProgressFile(file));
  std::fprintf(file, "%s\n", title.c_str());
  uint64_t first = 0;
  uint64_t count = 0;
  while (lines >> first >> count) {
    progress->done_[first] = std::max(progress->done_[first], count);
    std::fprintf(file, "%lu %lu\n", first, count);
  }
  if (std::fflush(file) != 0) {
    return ErrnoStatus(errno, "cannot write " + path);
  }
  return progress;
}

ProgressFile::~ProgressFile() { std::fclose(file_); }

uint64_t ProgressFile::rows() const {
  uint64_t rows = 0;
  for (const auto& [first, count] : done_) {
    rows += count;
  }
  return rows;
}

uint64_t ProgressFile::DoneFrom(uint64_t row) const {
  auto next = done_.upper_bound(row);
  if (next == done_.begin()) {
    return 0;
  }
  --next;
  const uint64_t end = next->first + next->second;
  return end > row ? end - row : 0;
}

uint64_t ProgressFile::OpenFrom(uint64_t row, uint64_t most) const {
  const auto next = done_.upper_bound(row);
  return next == done_.end() ? most : std::min(most, next->first - row);
}

void ProgressFile::Acknowledge(uint64_t first, uint64_t count) {
  MutexLock lock(mutex_);
  std::fprintf(file_, "%lu %lu\n", first, count);
  std::fflush(file_);
}

}  // namespace alidade
