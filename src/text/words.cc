#include "words.h"

#include <array>

#include <utf8proc.h>

namespace alidade {
namespace {

CharacterKind KindBeyondAscii(char32_t character) {
  if (character > kLastCharacter) {
    return CharacterKind::kSeparator;
  }
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      break;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return CharacterKind::kMark;
    case UTF8PROC_CATEGORY_CF:
      return CharacterKind::kFormat;
    default:
      return CharacterKind::kSeparator;
  }
  // Blocks of the scripts that are written without spaces between words (Blocks.txt).
  struct Block {
    char32_t first;
    char32_t last;
  };
  constexpr std::array<Block, 8> kAlone = {{{0x3005, 0x3007},      // marks of iteration, zero
                                            {0x3040, 0x30FF},      // Hiragana, Katakana
                                            {0x31F0, 0x31FF},      // Katakana, small
                                            {0x3400, 0x9FFF},      // Han with extension A
                                            {0xF900, 0xFAFF},      // Han, compatibility
                                            {0xFF66, 0xFF9F},      // Katakana, half width
                                            {0x1AFF0, 0x1B16F},    // Kana, extended
                                            {0x20000, 0x3FFFF}}};  // Han, extended
  for (const Block& block : kAlone) {
    if (character >= block.first && character <= block.last) {
      return CharacterKind::kAlone;
    }
  }
  return CharacterKind::kWord;
}

}  // namespace

CharacterKind KindOf(char32_t character) {
  if (character < 0x80) {
    const bool word = (character >= 'a' && character <= 'z') ||
                      (character >= 'A' && character <= 'Z') ||
                      (character >= '0' && character <= '9');
    return word ? CharacterKind::kWord : CharacterKind::kSeparator;
  }
  return KindBeyondAscii(character);
}

}  // namespace alidade
