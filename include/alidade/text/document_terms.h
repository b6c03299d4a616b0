// DocumentTerms: the tokens of one document, counted.
//
// Threads:  thread-compatible; made for reuse from document to document.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alidade/text/postings.h"

namespace alidade {

class DocumentTerms {
 public:
  void Clear();
  void Add(std::string_view token);
  // Each token once, rising, with how often it was added. Borrowed until Clear or Add.
  std::span<const TermValue> Count();
  // Tokens added.
  uint32_t length() const { return static_cast<uint32_t>(places_.size()); }

 private:
  std::string bytes_;
  std::vector<std::pair<uint32_t, uint32_t>> places_;  // begin and size in bytes_
  std::vector<TermValue> terms_;
};

}  // namespace alidade
