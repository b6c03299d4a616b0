// PayloadTerms: the tokens that a payload has at the key of a text index: of the string there, or
// of all strings of a list together.
//
// Threads:  thread-compatible; for reuse from payload to payload.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "alidade/filter/payload_index_spec.h"
#include "alidade/text/document_terms.h"

namespace alidade {

class PayloadTerms {
 public:
  // Requires: a spec of kText.
  explicit PayloadTerms(const PayloadIndexSpec& spec);

  // Borrowed until the next call. Malformed payload bytes have no tokens.
  std::span<const TermValue> Of(std::string_view payload);
  // Tokens of the last payload.
  uint32_t length() const { return terms_.length(); }
  const Analyzer& analyzer() const { return analyzer_; }

 private:
  std::string key_;
  Analyzer analyzer_;
  DocumentTerms terms_;
};

}  // namespace alidade
