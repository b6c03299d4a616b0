// What StringMatch looks for, made ready.
//
// Threads:  immutable.
#pragma once

#include <string>
#include <string_view>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/folded_substring.h"

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

struct FoldedSubstringTest {
  explicit FoldedSubstringTest(std::string_view wanted) : text(wanted) {}
  FoldedSubstring text;
  bool operator()(const ValueView& value) const {
    return value.tag() == ValueTag::kString && text.IsIn(value.AsString());
  }
};

}  // namespace alidade
