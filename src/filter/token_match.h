// What TextMatch looks for, made ready.
//
// Threads:  immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/text_match.h"

namespace alidade {

// Cost:     analyses the string once; by token a search among those of the text.
class TokenTest {
 public:
  explicit TokenTest(const TextMatch& match);
  bool operator()(const ValueView& value) const;

 private:
  using Bits = std::vector<uint64_t>;

  std::optional<size_t> Find(std::string_view token) const;
  bool HoldsForWords(std::string_view text) const;
  bool HoldsForPhrase(std::string_view text) const;

  TextMatchKind kind_;
  Analyzer analyzer_;
  std::vector<std::string> tokens_;  // rising
  // Of a phrase: its places from the first token to the last, a bit each.
  size_t places_ = 0;
  std::vector<Bits> places_of_;  // by token: where it may stand
  Bits gaps_;                    // where anything may stand
};

}  // namespace alidade
