// Characters of UTF-8 text, one by one, and Unicode simple case folding (CaseFolding.txt, statuses
// C and S).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace alidade {

// The character that stands for all that differ from it in case only, e.g. "s" for "S" and U+017F.
char32_t FoldCase(char32_t character);

// The last one of Unicode; TakeCharacter gives more for what is none.
inline constexpr char32_t kLastCharacter = 0x10FFFF;

// Takes one character from the front of UTF-8 text, which must not be empty. A byte that begins no
// well-formed character is taken alone, as a number that is no character.
char32_t TakeCharacter(std::string_view& text);

// Requires: character <= kLastCharacter.
void AppendCharacter(char32_t character, std::string& out);

}  // namespace alidade
