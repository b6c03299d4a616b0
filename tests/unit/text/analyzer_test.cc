#include "alidade/text/analyzer.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/text/characters.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

AnalyzerConfig English() { return {.language = Language::kEnglish}; }

Words Plain(std::string_view text) { return Analyzer(AnalyzerConfig{}).Tokens(text); }

TEST(AnalyzerTest, WordsAreRunsOfLettersMarksAndNumbers) {
  EXPECT_THAT(Plain("A body of water, 3.5 km2!"),
              ElementsAre("a", "body", "of", "water", "3", "5", "km2"));
  EXPECT_THAT(Plain("don't e-mail_me"), ElementsAre("don", "t", "e", "mail", "me"));
  EXPECT_THAT(Plain(""), IsEmpty());
  EXPECT_THAT(Plain(" \t\n-- ... "), IsEmpty());
  EXPECT_THAT(Plain("\u0928\u092E\u0938\u094D\u0924\u0947 \u0434\u043E\u043C"),
              ElementsAre("\u0928\u092E\u0938\u094D\u0924\u0947", "\u0434\u043E\u043C"));
}

TEST(AnalyzerTest, EveryHanAndKanaCharacterIsAWord) {
  EXPECT_THAT(Plain("\u6771\u4EACtower\u30BF2"),
              ElementsAre("\u6771", "\u4EAC", "tower", "\u30BF", "2"));
  // A mark stays with what it is put on, and is composed with it.
  EXPECT_THAT(Plain("\u304B\u3099\u304B"), ElementsAre("\u304C", "\u304B"));
  EXPECT_THAT(Plain("\U00020000\U00020001"), ElementsAre("\U00020000", "\U00020001"));
  // Korean is written with spaces.
  EXPECT_THAT(Plain("\uD55C\uAD6D \uC5B4"), ElementsAre("\uD55C\uAD6D", "\uC5B4"));
}

TEST(AnalyzerTest, WordsThatLookTheSameAreTheSame) {
  // Composed or not, full width, ligature, case: one spelling.
  EXPECT_EQ(Plain("caf\u00E9"), Plain("CAFE\u0301"));
  EXPECT_THAT(Plain("\uFF21\uFF22 \uFB01n"), ElementsAre("ab", "fin"));
  EXPECT_THAT(Plain("Stra\u00DFe STRASSE"), ElementsAre("strasse", "strasse"));
  EXPECT_THAT(Plain("\u03A3\u03AF\u03C3\u03C5\u03C6\u03BF\u03C2"),
              ElementsAre("\u03C3\u03AF\u03C3\u03C5\u03C6\u03BF\u03C3"));
}

TEST(AnalyzerTest, InvisibleCharactersVanishInsideWords) {
  EXPECT_THAT(Plain("hyphen\u00ADation \u00AD x\u200B"), ElementsAre("hyphenation", "x"));
  EXPECT_THAT(Plain("\u00ADa\u00AD b"), ElementsAre("a", "b"));
}

TEST(AnalyzerTest, BytesThatAreNoUtf8SeparateWords) {
  EXPECT_THAT(Plain("a\xFF"
                    "b\xC3"),
              ElementsAre("a", "b"));
  EXPECT_THAT(Plain("\xED\xA0\x80 x"), ElementsAre("x"));  // a surrogate
}

TEST(AnalyzerTest, CaseCanBeKept) {
  EXPECT_THAT(Analyzer({.fold_case = false}).Tokens("To BE E\u0301"),
              ElementsAre("To", "BE", "\u00C9"));
}

TEST(AnalyzerTest, StemsByLanguage) {
  EXPECT_THAT(Analyzer(English()).Tokens("Running dogs' happily national"),
              ElementsAre("run", "dog", "happili", "nation"));
  EXPECT_THAT(Analyzer({.language = Language::kGerman}).Tokens("H\u00E4user der Katzen"),
              ElementsAre("haus", "der", "katz"));
  EXPECT_THAT(Analyzer({.language = Language::kFrench}).Tokens("continuellement"),
              ElementsAre("continuel"));
  EXPECT_THAT(Analyzer({.language = Language::kEnglish, .stem = false}).Tokens("running"),
              ElementsAre("running"));
}

TEST(AnalyzerTest, EveryLanguageHasAStemmerAndAName) {
  for (int number = 0; number <= kLanguageMax; ++number) {
    const auto language = static_cast<Language>(number);
    ASSERT_EQ(FindLanguage(LanguageName(language)), language);
    // Throws if there is no such stemmer.
    EXPECT_THAT(Analyzer({.language = language}).Tokens("x"), ElementsAre("x"))
        << LanguageName(language);
  }
  EXPECT_EQ(LanguageName(static_cast<Language>(kLanguageMax + 1)), "unknown");
  EXPECT_EQ(FindLanguage("English"), std::nullopt);
  EXPECT_EQ(FindLanguage("porter"), std::nullopt);
}

// A stop word that is cut into two, or is not in lower case, would never be met.
TEST(AnalyzerTest, ListsOfStopWordsAreSoundInEveryLanguage) {
  int lists = 0;
  for (int number = 0; number <= kLanguageMax; ++number) {
    const auto language = static_cast<Language>(number);
    Words words;
    for (const std::string_view word : StopWordsOf(language)) {
      EXPECT_THAT(Plain(word), ElementsAre(std::string(word)));
      words.emplace_back(word);
    }
    std::ranges::sort(words);
    EXPECT_TRUE(std::ranges::adjacent_find(words) == words.end()) << LanguageName(language);
    if (!words.empty()) {
      ++lists;
      EXPECT_THAT(LanguagesWithStopWords(), HasSubstr(std::string(LanguageName(language))));
    }
  }
  EXPECT_EQ(lists, 8);
}

TEST(AnalyzerTest, StopWordsAreLeftOutButCountAsPositions) {
  const Analyzer analyzer({.language = Language::kEnglish, .stop_words = StopWords::kOfLanguage});
  std::vector<std::pair<std::string, uint32_t>> found;
  analyzer.Analyze("The state of THE art", [&](std::string_view token, uint32_t position) {
    found.emplace_back(token, position);
  });
  EXPECT_THAT(found, ElementsAre(std::pair("state", 1), std::pair("art", 4)));
  const Analyzer custom({.stop_words = StopWords::kCustom, .custom_stop_words = {"Caf\u00E9"}});
  EXPECT_THAT(custom.Tokens("cafe\u0301 of caf\u00E9s"), ElementsAre("of", "caf\u00E9s"));
}

TEST(AnalyzerTest, WordsBeyondTheBoundsAreLeftOut) {
  EXPECT_THAT(
      Analyzer({.token_bytes_min = 2, .token_bytes_max = 4}).Tokens("a ab abcd abcde \u00E9"),
      ElementsAre("ab", "abcd", "\u00E9"));
  EXPECT_THAT(Plain(std::string(129, 'x') + " " + std::string(128, 'y')),
              ElementsAre(std::string(128, 'y')));
}

TEST(AnalyzerTest, TextFormSaysTheSame) {
  const std::vector<std::pair<AnalyzerConfig, std::string>> known = {
      {{}, "none"},
      {English(), "english"},
      {{.language = Language::kGerman, .stem = false, .stop_words = StopWords::kOfLanguage},
       "german stem=off stop_words=default"},
      {{.fold_case = false,
        .stop_words = StopWords::kCustom,
        .custom_stop_words = {"a", "\u00E9"},
        .token_bytes_min = 2,
        .token_bytes_max = 40},
       "none case=kept stop=a,\u00E9 min_bytes=2 max_bytes=40"}};
  for (const auto& [config, text] : known) {
    EXPECT_THAT(ValidateAnalyzer(config, "analyzer"), IsOk());
    EXPECT_EQ(AnalyzerText(config), text);
    const auto parsed = ParseAnalyzerText(text);
    ASSERT_THAT(parsed.status(), IsOk());
    EXPECT_EQ(*parsed, config);
    const auto decoded = DecodeAnalyzer(EncodeAnalyzer(config));
    ASSERT_THAT(decoded.status(), IsOk());
    EXPECT_EQ(*decoded, config);
  }
  EXPECT_EQ(*ParseAnalyzerText(""), AnalyzerConfig{});
  EXPECT_EQ(*ParseAnalyzerText("stem=off"), AnalyzerConfig{.stem = false});
  for (const char* wrong : {"klingon",
                            "english german",
                            "stem=no",
                            "min_bytes=",
                            "min_bytes=-1",
                            "max_bytes=1x",
                            "stop_words=english",
                            "case"}) {
    EXPECT_THAT(ParseAnalyzerText(wrong).status(), StatusIs(StatusCode::kInvalidArgument)) << wrong;
  }
}

TEST(AnalyzerTest, RefusesWhatMakesNoSense) {
  const auto field = [](const AnalyzerConfig& config) {
    return FieldOf(ValidateAnalyzer(config, "x")).value_or("");
  };
  EXPECT_EQ(field({.language = static_cast<Language>(99)}), "x.language");
  EXPECT_EQ(field({.language = Language::kEnglish, .fold_case = false}), "x.keep_case");
  EXPECT_EQ(field({.stop_words = StopWords::kOfLanguage}), "x.default_stop_words");
  EXPECT_EQ(field({.language = Language::kTamil, .stop_words = StopWords::kOfLanguage}),
            "x.default_stop_words");
  EXPECT_EQ(field({.stop_words = StopWords::kCustom}), "x.stop_words");
  EXPECT_EQ(field({.custom_stop_words = {"a"}}), "x.stop_words");
  EXPECT_EQ(field({.stop_words = StopWords::kCustom, .custom_stop_words = {"a", "b c"}}),
            "x.stop_words[1]");
  EXPECT_EQ(field({.stop_words = StopWords::kCustom, .custom_stop_words = {"\u6771\u4EAC"}}),
            "x.stop_words[0]");
  EXPECT_EQ(field({.stop_words = StopWords::kCustom, .custom_stop_words = {"a,"}}),
            "x.stop_words[0]");
  EXPECT_EQ(field({.stop_words = StopWords::kCustom, .custom_stop_words = {""}}),
            "x.stop_words[0]");
  EXPECT_EQ(
      field({.stop_words = StopWords::kCustom, .custom_stop_words = Words(kStopWordsMax + 1, "a")}),
      "x.stop_words");
  EXPECT_EQ(field({.token_bytes_min = 0}), "x.token_bytes_min");
  EXPECT_EQ(field({.token_bytes_min = 9, .token_bytes_max = 8}), "x.token_bytes_min");
  EXPECT_EQ(field({.token_bytes_max = 256}), "x.token_bytes_max");
}

TEST(AnalyzerTest, DamagedConfigurationsAreDataLoss) {
  const std::string bytes = EncodeAnalyzer(English());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeAnalyzer(bytes.substr(0, size)).status(), StatusIs(StatusCode::kDataLoss));
  }
  EXPECT_THAT(DecodeAnalyzer(bytes + "x").status(), StatusIs(StatusCode::kDataLoss));
  std::string other = bytes;
  other[1] = 99;  // language
  EXPECT_THAT(DecodeAnalyzer(other).status(), StatusIs(StatusCode::kDataLoss));
}

TEST(AnalyzerTest, FingerprintsTellConfigurationsApart) {
  EXPECT_EQ(Analyzer(English()).fingerprint(), Analyzer(English()).fingerprint());
  EXPECT_NE(Analyzer(English()).fingerprint(), Analyzer(AnalyzerConfig{}).fingerprint());
  AnalyzerConfig stopped = English();
  stopped.stop_words = StopWords::kOfLanguage;
  EXPECT_NE(Analyzer(English()).fingerprint(), Analyzer(stopped).fingerprint());
}

TEST(CharactersTest, AppendIsTheOppositeOfTake) {
  for (const char32_t character : {U'a', U'\u00E9', U'\uFFFD', U'\U0010FFFF', U'\0'}) {
    std::string text;
    AppendCharacter(character, text);
    std::string_view rest = text;
    EXPECT_EQ(TakeCharacter(rest), character);
    EXPECT_TRUE(rest.empty());
  }
}

}  // namespace
}  // namespace alidade
