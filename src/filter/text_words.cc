#include "text_words.h"

#include <algorithm>

namespace alidade {

bool IsWord(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
  });
}

bool BeginsBareKey(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

bool ContinuesBareKey(char c) {
  return BeginsBareKey(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

bool IsBareKey(std::string_view key) {
  if (key.empty() || !BeginsBareKey(key[0]) || !std::ranges::all_of(key, ContinuesBareKey)) {
    return false;
  }
  for (const std::string_view word :
       {"AND", "OR", "NOT", "IN", "BETWEEN", "TRUE", "FALSE", "NULL", "ID"}) {
    if (IsWord(key, word)) {
      return false;
    }
  }
  return true;
}

}  // namespace alidade
