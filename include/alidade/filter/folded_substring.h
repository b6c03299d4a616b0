// FoldedSubstring: a text that is looked for in others, both under Unicode simple case folding.
//
// Threads:  immutable.
// Cost:     reads each character once (Knuth, Morris, Pratt), whatever is looked for.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace alidade {

class FoldedSubstring {
 public:
  explicit FoldedSubstring(std::string_view text);
  bool IsIn(std::string_view where) const;

 private:
  std::vector<char32_t> folded_;
  // By characters matched: how many of them still match, at most, if the next one does not.
  std::vector<uint32_t> shorter_;
};

}  // namespace alidade
