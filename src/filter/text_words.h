// What the words of a filter's text may be.
#pragma once

#include <string_view>

namespace alidade {

// Equal but for the case of ASCII letters; `word` is in upper case.
bool IsWord(std::string_view text, std::string_view word);

bool BeginsBareKey(char c);
bool ContinuesBareKey(char c);
// Whether a key needs no backquotes.
bool IsBareKey(std::string_view key);

}  // namespace alidade
