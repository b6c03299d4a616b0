// CheckDataDirectory: offline verification of a data directory: every row, checksum, file and
// manifest.
#pragma once

#include <string>
#include <vector>

#include "alidade/common/status.h"

namespace alidade {

struct CheckReport {
  std::vector<std::string>
      problems;  // data that is lost or wrong: the server would refuse to start or to answer
  std::vector<std::string> repairs;  // damage that the next start repairs by itself, and how
  std::vector<std::string> notes;    // what was verified
  bool ok() const { return problems.empty(); }
};

// Opens the directory read-only (it must not be in use) and changes nothing.
// Errors: those of Store::Open; damage found after that is in the report.
StatusOr<CheckReport> CheckDataDirectory(const std::string& directory);

}  // namespace alidade
