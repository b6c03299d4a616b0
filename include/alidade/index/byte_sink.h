// ByteSink: where an index writes its body; given by the caller, who owns files and checksums.
#pragma once

#include <string_view>

#include "alidade/common/status.h"

namespace alidade {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status Append(std::string_view bytes) = 0;
};

}  // namespace alidade
