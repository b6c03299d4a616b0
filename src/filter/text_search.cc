#include "text_search.h"

#include <cstring>

#include "alidade/text/characters.h"

namespace alidade {

bool SubstringTest::operator()(const ValueView& value) const {
  if (value.tag() != ValueTag::kString) {
    return false;
  }
  // The C library's search is linear in the worst case, std::string_view's is not.
  const std::string_view where = value.AsString();
  return memmem(where.data(), where.size(), text.data(), text.size()) != nullptr;
}

FoldedSubstring::FoldedSubstring(std::string_view text) {
  while (!text.empty()) {
    folded_.push_back(FoldCase(TakeCharacter(text)));
  }
  shorter_.assign(folded_.size() + 1, 0);
  uint32_t border = 0;
  for (size_t i = 1; i < folded_.size(); ++i) {
    while (border > 0 && folded_[i] != folded_[border]) {
      border = shorter_[border];
    }
    border += folded_[i] == folded_[border] ? 1U : 0U;
    shorter_[i + 1] = border;
  }
}

bool FoldedSubstring::IsIn(std::string_view where) const {
  std::string_view rest = where;
  size_t matched = 0;
  while (matched < folded_.size() && !rest.empty()) {
    const char32_t character = FoldCase(TakeCharacter(rest));
    while (matched > 0 && folded_[matched] != character) {
      matched = shorter_[matched];
    }
    matched += folded_[matched] == character ? size_t{1} : 0;
  }
  return matched == folded_.size();
}

}  // namespace alidade
