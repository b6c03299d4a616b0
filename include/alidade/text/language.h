// Language: those that text can be stemmed in, and their stop words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace alidade {

enum class Language : uint8_t {  // on disk and in messages: numbers are never reused
  kNone = 0,                     // words are taken as they are
  kArabic = 1,
  kArmenian = 2,
  kBasque = 3,
  kCatalan = 4,
  kDanish = 5,
  kDutch = 6,
  kEnglish = 7,
  kFinnish = 8,
  kFrench = 9,
  kGerman = 10,
  kGreek = 11,
  kHindi = 12,
  kHungarian = 13,
  kIndonesian = 14,
  kIrish = 15,
  kItalian = 16,
  kLithuanian = 17,
  kNepali = 18,
  kNorwegian = 19,
  kPortuguese = 20,
  kRomanian = 21,
  kRussian = 22,
  kSerbian = 23,
  kSpanish = 24,
  kSwedish = 25,
  kTamil = 26,
  kTurkish = 27,
  kYiddish = 28,
};
inline constexpr uint8_t kLanguageMax = 28;

// "none", "arabic", ..., the names of Snowball's algorithms; "unknown" for a number there is not.
std::string_view LanguageName(Language language);
std::optional<Language> FindLanguage(std::string_view name);

// Words that say little by themselves, in lower case; empty: there is no list for the language.
std::span<const std::string_view> StopWordsOf(Language language);

// "english, french, ...": those with a list, for messages.
std::string LanguagesWithStopWords();

}  // namespace alidade
