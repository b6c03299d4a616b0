// StringSink: an index or codes written to memory.
#pragma once

#include <string>
#include <string_view>

#include "alidade/index/byte_sink.h"

namespace alidade {

// Borrows the string.
class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::string& bytes) : bytes_(bytes) {}
  Status Append(std::string_view bytes) override {
    bytes_ += bytes;
    return OkStatus();
  }

 private:
  std::string& bytes_;
};

}  // namespace alidade
