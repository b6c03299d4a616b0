// TextMatch: a condition on the words of a string.
#pragma once

#include <cstdint>
#include <string>

#include "alidade/text/analyzer.h"

namespace alidade {

enum class TextMatchKind : uint8_t {
  kAllWords,  // every word of the text is among those of the string
  kAnyWord,   // some word is
  kPhrase,    // its words stand in the string side by side, in order; stop words are gaps
};

// Holds for strings whose tokens match those of the text; both are analysed alike, by default
// without a language: words, compatibility composed and case folded. A text without a token holds
// for nothing.
struct TextMatch {
  std::string key;
  TextMatchKind kind = TextMatchKind::kAllWords;
  std::string text;  // not empty
  AnalyzerConfig analyzer = {};
  friend bool operator==(const TextMatch&, const TextMatch&) = default;
};

}  // namespace alidade
