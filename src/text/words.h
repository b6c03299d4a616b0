// ForEachWord: where words begin and end in a text (the rule: analyzer.h).
//
// Threads:  pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "alidade/text/characters.h"

namespace alidade {

enum class CharacterKind : uint8_t {
  kSeparator,
  kWord,    // letters and numbers
  kMark,    // goes with what is before it
  kAlone,   // Han, Hiragana, Katakana: a word each
  kFormat,  // invisible
};

CharacterKind KindOf(char32_t character);

// Calls fn(std::string_view) for every word, in order.
template <typename Fn>
void ForEachWord(std::string_view text, const Fn& fn) {
  std::string_view rest = text;
  size_t begin = 0;
  size_t end = 0;  // of the word that is open; begin == end: none
  bool alone = false;
  const auto close = [&](size_t at) {
    if (begin < end) {
      fn(text.substr(begin, end - begin));
    }
    begin = at;
    end = at;
  };
  while (!rest.empty()) {
    const size_t at = text.size() - rest.size();
    const CharacterKind kind = KindOf(TakeCharacter(rest));
    const size_t behind = text.size() - rest.size();
    if (kind == CharacterKind::kSeparator) {
      close(behind);
      continue;
    }
    if (kind == CharacterKind::kFormat) {
      if (begin == end) {
        close(behind);
      }
      continue;
    }
    if (kind == CharacterKind::kAlone || (kind == CharacterKind::kWord && alone)) {
      close(at);
    }
    if (begin == end) {
      begin = at;
      alone = kind == CharacterKind::kAlone;
    }
    end = behind;
  }
  close(text.size());
}

}  // namespace alidade
