// ExitCode: how the benchmarks end.
#pragma once

#include <cstdio>

#include "alidade/common/status.h"

namespace alidade {

// 0, or 1 with the message on standard error.
inline int ExitCode(const Status& status) {
  if (status.ok()) {
    return 0;
  }
  std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
  return 1;
}

}  // namespace alidade
