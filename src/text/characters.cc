#include "alidade/text/characters.h"

#include <array>

#include <utf8proc.h>

namespace alidade {
namespace {

constexpr char32_t kCapitalIWithDot = 0x130;  // folds to itself but in Turkic languages

char32_t FoldBeyondAscii(char32_t character) {
  if (character > kLastCharacter || character == kCapitalIWithDot) {
    return character;
  }
  std::array<utf8proc_int32_t, 8> folded{};
  int boundary = 0;
  const auto code = static_cast<utf8proc_int32_t>(character);
  const utf8proc_ssize_t length =
      utf8proc_decompose_char(code, folded.data(), folded.size(), UTF8PROC_CASEFOLD, &boundary);
  if (length == 1) {
    return static_cast<char32_t>(folded[0]);
  }
  // Its full folding is longer; the simple one, if it has any, is its simple lower case.
  return static_cast<char32_t>(utf8proc_tolower(code));
}

}  // namespace

char32_t FoldCase(char32_t character) {
  if (character < 0x80) {
    return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
  }
  return FoldBeyondAscii(character);
}

char32_t TakeCharacter(std::string_view& text) {
  const auto byte = static_cast<uint8_t>(text.front());
  if (byte < 0x80) {
    text.remove_prefix(1);
    return byte;
  }
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t taken =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()),
                       &code);
  if (taken <= 0) {
    text.remove_prefix(1);
    return kLastCharacter + 1 + byte;
  }
  text.remove_prefix(static_cast<size_t>(taken));
  return static_cast<char32_t>(code);
}

void AppendCharacter(char32_t character, std::string& out) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(character), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(length));
}

}  // namespace alidade
