#include "alidade/text/language.h"

#include <algorithm>
#include <array>

namespace alidade {
namespace {

// By number.
constexpr std::array<std::string_view, kLanguageMax + 1> kNames = {
    "none",    "arabic",    "armenian",   "basque",   "catalan", "danish",
    "dutch",   "english",   "finnish",    "french",   "german",  "greek",
    "hindi",   "hungarian", "indonesian", "irish",    "italian", "lithuanian",
    "nepali",  "norwegian", "portuguese", "romanian", "russian", "serbian",
    "spanish", "swedish",   "tamil",      "turkish",  "yiddish"};

// Articles, pronouns, prepositions, conjunctions and auxiliary verbs (chosen by us, short on
// purpose: BM25 gives frequent words little weight anyhow). What an apostrophe cuts off is a word
// of its own, and is among them.
constexpr std::string_view kEnglish[] = {
    "a",     "an",    "and",   "are",   "as",   "at",   "be",   "been",  "but",  "by",   "can",
    "d",     "did",   "do",    "does",  "for",  "from", "had",  "has",   "have", "he",   "her",
    "him",   "his",   "i",     "if",    "in",   "into", "is",   "it",    "its",  "ll",   "m",
    "me",    "my",    "no",    "nor",   "not",  "of",   "on",   "or",    "our",  "re",   "s",
    "she",   "so",    "such",  "t",     "than", "that", "the",  "their", "them", "then", "there",
    "these", "they",  "this",  "those", "to",   "us",   "ve",   "was",   "we",   "were", "what",
    "when",  "where", "which", "who",   "whom", "will", "with", "would", "you",  "your"};
constexpr std::string_view kGerman[] = {
    "aber",  "als",    "am",     "an",       "auch",     "auf",   "aus",   "bei",  "bin",   "bis",
    "bist",  "da",     "das",    "dass",     "dem",      "den",   "der",   "des",  "die",   "dies",
    "diese", "dieser", "dieses", "doch",     "du",       "durch", "ein",   "eine", "einem", "einen",
    "einer", "eines",  "er",     "es",       "f\u00FCr", "hat",   "hatte", "ich",  "ihr",   "ihre",
    "im",    "in",     "ist",    "mit",      "nach",     "nicht", "noch",  "nur",  "oder",  "ohne",
    "sein",  "seine",  "sich",   "sie",      "sind",     "so",    "um",    "und",  "uns",   "unter",
    "vom",   "von",    "vor",    "war",      "waren",    "was",   "wenn",  "wie",  "wir",   "wird",
    "zu",    "zum",    "zur",    "\u00FCber"};
constexpr std::string_view kFrench[] = {
    "\u00E0",   "au",  "aux",     "avec", "c",    "ce",   "ces",   "cette", "d",    "dans",
    "de",       "des", "du",      "elle", "en",   "est",  "et",    "eux",   "il",   "ils",
    "j",        "je",  "l",       "la",   "le",   "les",  "leur",  "lui",   "m",    "ma",
    "mais",     "me",  "mes",     "mon",  "n",    "ne",   "nos",   "notre", "nous", "on",
    "ont",      "ou",  "o\u00F9", "par",  "pas",  "pour", "qu",    "que",   "qui",  "s",
    "sa",       "se",  "ses",     "son",  "sont", "sur",  "t",     "ta",    "te",   "tes",
    "toi",      "ton", "tu",      "un",   "une",  "vos",  "votre", "vous",  "y",    "\u00E9t\u00E9",
    "\u00EAtre"};
constexpr std::string_view kSpanish[] = {
    "a",    "al",    "ante",  "como",  "con",    "de",      "del",      "desde", "donde", "e",
    "el",   "ella",  "ellas", "ellos", "en",     "entre",   "era",      "es",    "esa",   "ese",
    "eso",  "esta",  "este",  "esto",  "fue",    "ha",      "han",      "hasta", "la",    "las",
    "le",   "les",   "lo",    "los",   "me",     "mi",      "muy",      "ni",    "no",    "nos",
    "o",    "para",  "pero",  "por",   "porque", "que",     "qu\u00E9", "se",    "ser",   "si",
    "sin",  "sobre", "son",   "su",    "sus",    "s\u00ED", "te",       "tu",    "un",    "una",
    "unas", "uno",   "unos",  "y",     "ya",     "yo",      "\u00E9l"};
constexpr std::string_view kItalian[] = {
    "a",      "ad",     "ai",    "al",  "alla",  "alle", "anche", "che",      "chi",    "ci",
    "come",   "con",    "da",    "dal", "dalla", "de",   "dei",   "del",      "della",  "delle",
    "di",     "e",      "ed",    "era", "gli",   "ha",   "hanno", "i",        "il",     "in",
    "io",     "la",     "le",    "lei", "lo",    "loro", "lui",   "ma",       "mi",     "ne",
    "nei",    "nel",    "nella", "noi", "non",   "o",    "per",   "pi\u00F9", "quella", "quello",
    "questa", "questo", "se",    "si",  "sono",  "su",   "sul",   "sulla",    "suo",    "ti",
    "tra",    "tu",     "un",    "una", "uno",   "vi",   "voi",   "\u00E8"};
constexpr std::string_view kPortuguese[] = {
    "a",       "ao",       "aos",  "as",   "com",       "como",   "da",      "das",   "de",
    "dele",    "do",       "dos",  "e",    "ela",       "ele",    "em",      "entre", "era",
    "essa",    "esse",     "esta", "este", "eu",        "foi",    "h\u00E1", "isso",  "isto",
    "j\u00E1", "lhe",      "mais", "mas",  "me",        "na",     "nas",     "nem",   "no",
    "nos",     "n\u00E3o", "o",    "os",   "ou",        "para",   "pela",    "pelo",  "por",
    "quando",  "que",      "quem", "se",   "sem",       "ser",    "seu",     "sua",   "s\u00E3o",
    "te",      "tem",      "um",   "uma",  "voc\u00EA", "\u00E0", "\u00E9"};
constexpr std::string_view kDutch[] = {
    "aan",  "al",    "als", "bij",  "dan", "dat",   "de",  "der",  "deze", "die",  "dit",
    "door", "een",   "en",  "er",   "had", "heeft", "hem", "het",  "hij",  "hun",  "ik",
    "in",   "is",    "je",  "maar", "met", "mijn",  "na",  "naar", "niet", "nog",  "of",
    "om",   "onder", "ons", "ook",  "op",  "over",  "te",  "tot",  "uit",  "van",  "voor",
    "was",  "wat",   "we",  "werd", "wij", "zal",   "ze",  "zich", "zij",  "zijn", "zo"};
constexpr std::string_view kSwedish[] = {
    "alla",      "att",      "av",       "de",    "dem",     "den",   "denna", "det",   "detta",
    "du",        "d\u00E4r", "d\u00E5",  "efter", "ej",      "eller", "en",    "er",    "ett",
    "fr\u00E5n", "f\u00F6r", "ha",       "hade",  "han",     "har",   "hon",   "honom", "i",
    "inte",      "jag",      "kan",      "man",   "med",     "men",   "min",   "mot",   "ni",
    "n\u00E4r",  "och",      "om",       "oss",   "p\u00E5", "sig",   "sin",   "sitt",  "ska",
    "som",       "till",     "under",    "upp",   "ut",      "var",   "vi",    "vid",   "vilka",
    "\u00E4n",   "\u00E4r",  "\u00F6ver"};

struct List {
  Language language;
  std::span<const std::string_view> words;
};
constexpr List kLists[] = {{Language::kDutch, kDutch},
                           {Language::kEnglish, kEnglish},
                           {Language::kFrench, kFrench},
                           {Language::kGerman, kGerman},
                           {Language::kItalian, kItalian},
                           {Language::kPortuguese, kPortuguese},
                           {Language::kSpanish, kSpanish},
                           {Language::kSwedish, kSwedish}};

}  // namespace

std::string_view LanguageName(Language language) {
  const auto number = static_cast<size_t>(language);
  return number < kNames.size() ? kNames[number] : "unknown";
}

std::optional<Language> FindLanguage(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name);
  return found == kNames.end() ? std::nullopt
                               : std::optional(static_cast<Language>(found - kNames.begin()));
}

std::span<const std::string_view> StopWordsOf(Language language) {
  for (const List& list : kLists) {
    if (list.language == language) {
      return list.words;
    }
  }
  return {};
}

std::string LanguagesWithStopWords() {
  std::string names;
  for (const List& list : kLists) {
    names += (names.empty() ? "" : ", ") + std::string(LanguageName(list.language));
  }
  return names;
}

}  // namespace alidade
