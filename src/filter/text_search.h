// What StringMatch looks for, made ready.
//
// Threads:  immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/payload_codec.h"

namespace alidade {

struct PrefixTest {
  std::string prefix;
  bool operator()(const ValueView& value) const {
    return value.tag() == ValueTag::kString && value.AsString().starts_with(prefix);
  }
};

struct SubstringTest {
  std::string text;
  bool operator()(const ValueView& value) const;
};

// Cost:     reads each character once (Knuth, Morris, Pratt), whatever is looked for.
class FoldedSubstringTest {
 public:
  explicit FoldedSubstringTest(std::string_view text);
  bool operator()(const ValueView& value) const;

 private:
  std::vector<char32_t> folded_;
  // By characters matched: how many of them still match, at most, if the next one does not.
  std::vector<uint32_t> shorter_;
};

}  // namespace alidade
