#include "alidade/text/analyzer.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <new>

#include <libstemmer.h>
#include <utf8proc.h>

#include "alidade/common/bytes.h"
#include "alidade/common/checksum.h"
#include "alidade/text/characters.h"

#include "words.h"

namespace alidade {
namespace {

constexpr uint8_t kEncoding = 1;
// Raised when the rules in the header change what tokens a text has.
constexpr uint32_t kRules = 1;

struct StemmerDeleter {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};
using Stemmer = std::unique_ptr<sb_stemmer, StemmerDeleter>;

// Not thread-safe, and cheap to make: each text gets its own.
Stemmer MakeStemmer(Language language) {
  Stemmer stemmer(sb_stemmer_new(std::string(LanguageName(language)).c_str(), "UTF_8"));
  if (stemmer == nullptr) {
    throw std::bad_alloc();
  }
  return stemmer;
}

std::string_view StemOf(sb_stemmer* stemmer, std::string_view word) {
  const sb_symbol* stem = sb_stemmer_stem(
      stemmer, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
  if (stem == nullptr) {
    throw std::bad_alloc();
  }
  return {reinterpret_cast<const char*>(stem), static_cast<size_t>(sb_stemmer_length(stemmer))};
}

bool IsAscii(std::string_view word) {
  return std::ranges::all_of(word, [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// `scratch` keeps the characters if they are not those of the word itself.
std::string_view Normalise(std::string_view word, bool fold_case, std::string& scratch) {
  if (IsAscii(word)) {
    const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (!fold_case || std::ranges::none_of(word, is_capital)) {
      return word;
    }
    scratch.assign(word);
    for (char& c : scratch) {
      c = is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return scratch;
  }
  unsigned form = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE;
  if (fold_case) {
    form |= UTF8PROC_CASEFOLD;
  }
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(word.data()),
                   static_cast<utf8proc_ssize_t>(word.size()),
                   &mapped,
                   static_cast<utf8proc_option_t>(form));
  if (length < 0) {
    throw std::bad_alloc();  // words are well-formed
  }
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  scratch.assign(reinterpret_cast<const char*>(mapped), static_cast<size_t>(length));
  return scratch;
}

// Whether the text is one word and nothing else.
bool IsOneWord(std::string_view text) {
  size_t words = 0;
  bool whole = false;
  ForEachWord(text, [&](std::string_view word) {
    ++words;
    whole = word == text;
  });
  return words == 1 && whole;
}

bool ParseNumber(std::string_view text, uint32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out > 0;
}

Status ParseStopWords(std::string_view value, AnalyzerConfig& config) {
  if (value != "none" && value != "default") {
    return InvalidArgument("stop_words={} is neither none nor default", value);
  }
  config.stop_words = value == "none" ? StopWords::kNone : StopWords::kOfLanguage;
  config.custom_stop_words.clear();
  return OkStatus();
}

void ParseCustomStopWords(std::string_view value, AnalyzerConfig& config) {
  config.stop_words = StopWords::kCustom;
  config.custom_stop_words.clear();
  while (true) {
    const size_t comma = value.find(',');
    config.custom_stop_words.emplace_back(value.substr(0, comma));
    if (comma == std::string_view::npos) {
      return;
    }
    value.remove_prefix(comma + 1);
  }
}

Status ParseSetting(std::string_view setting, AnalyzerConfig& config) {
  const size_t sign = setting.find('=');
  const std::string_view name = setting.substr(0, sign);
  const std::string_view value =
      sign == std::string_view::npos ? std::string_view() : setting.substr(sign + 1);
  if (name == "stop_words") {
    return ParseStopWords(value, config);
  }
  if (name == "stop") {
    ParseCustomStopWords(value, config);
    return OkStatus();
  }
  if (name == "stem" && (value == "on" || value == "off")) {
    config.stem = value == "on";
    return OkStatus();
  }
  if (name == "case" && (value == "kept" || value == "folded")) {
    config.fold_case = value == "folded";
    return OkStatus();
  }
  if ((name == "min_bytes" && ParseNumber(value, config.token_bytes_min)) ||
      (name == "max_bytes" && ParseNumber(value, config.token_bytes_max))) {
    return OkStatus();
  }
  return InvalidArgument(
      "\"{}\" is no setting of text analysis: a language first, then stem=on|off, "
      "case=folded|kept, stop_words=none|default, stop=word,word, min_bytes=N, max_bytes=N",
      setting);
}

}  // namespace

Status ValidateAnalyzer(const AnalyzerConfig& config, const std::string& path) {
  if (static_cast<uint8_t>(config.language) > kLanguageMax) {
    return FieldError(path + ".language", "is unknown");
  }
  if (config.stem && !config.fold_case && config.language != Language::kNone) {
    return FieldError(path + ".keep_case", "is set: stems are known of folded words only");
  }
  if (config.stop_words == StopWords::kOfLanguage && StopWordsOf(config.language).empty()) {
    return FieldError(path + ".default_stop_words",
                      "is set, but there are no stop words of the language {}; there are of {}",
                      LanguageName(config.language),
                      LanguagesWithStopWords());
  }
  if (static_cast<uint8_t>(config.stop_words) > static_cast<uint8_t>(StopWords::kCustom)) {
    return FieldError(path + ".default_stop_words", "is unknown");
  }
  const bool custom = config.stop_words == StopWords::kCustom;
  if (custom == config.custom_stop_words.empty()) {
    return FieldError(
        path + ".stop_words", "{}", custom ? "is empty" : "is set beside default_stop_words");
  }
  if (config.custom_stop_words.size() > kStopWordsMax) {
    return FieldError(path + ".stop_words",
                      "has {} words, the limit is {}",
                      config.custom_stop_words.size(),
                      kStopWordsMax);
  }
  for (size_t i = 0; i < config.custom_stop_words.size(); ++i) {
    const std::string& word = config.custom_stop_words[i];
    if (word.size() > kTokenBytesHardMax || !IsOneWord(word)) {
      return FieldError(fmt::format("{}.stop_words[{}]", path, i),
                        "must be one word of at most {} bytes",
                        kTokenBytesHardMax);
    }
  }
  if (config.token_bytes_min < 1 || config.token_bytes_min > config.token_bytes_max) {
    return FieldError(path + ".token_bytes_min",
                      "is {}; 1..token_bytes_max ({}) are allowed",
                      config.token_bytes_min,
                      config.token_bytes_max);
  }
  if (config.token_bytes_max > kTokenBytesHardMax) {
    return FieldError(path + ".token_bytes_max",
                      "is {}, the limit is {}",
                      config.token_bytes_max,
                      kTokenBytesHardMax);
  }
  return OkStatus();
}

std::string AnalyzerText(const AnalyzerConfig& config) {
  const AnalyzerConfig standard;
  std::string text(LanguageName(config.language));
  text += config.stem ? "" : " stem=off";
  text += config.fold_case ? "" : " case=kept";
  text += config.stop_words == StopWords::kOfLanguage ? " stop_words=default" : "";
  if (config.stop_words == StopWords::kCustom) {
    text += fmt::format(" stop={}", fmt::join(config.custom_stop_words, ","));
  }
  if (config.token_bytes_min != standard.token_bytes_min) {
    text += fmt::format(" min_bytes={}", config.token_bytes_min);
  }
  if (config.token_bytes_max != standard.token_bytes_max) {
    text += fmt::format(" max_bytes={}", config.token_bytes_max);
  }
  return text;
}

StatusOr<AnalyzerConfig> ParseAnalyzerText(std::string_view text) {
  AnalyzerConfig config;
  bool first = true;
  while (!text.empty()) {
    const std::string_view setting = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), setting.size() + 1));
    if (setting.empty()) {
      continue;
    }
    const std::optional<Language> language = first ? FindLanguage(setting) : std::nullopt;
    if (language.has_value()) {
      config.language = *language;
    } else {
      ALIDADE_RETURN_IF_ERROR(ParseSetting(setting, config));
    }
    first = false;
  }
  return config;
}

std::string EncodeAnalyzer(const AnalyzerConfig& config) {
  std::string out;
  AppendLittleEndian(out, kEncoding);
  AppendLittleEndian(out, static_cast<uint8_t>(config.language));
  AppendLittleEndian(out,
                     static_cast<uint8_t>((config.fold_case ? 1U : 0U) | (config.stem ? 2U : 0U)));
  AppendLittleEndian(out, static_cast<uint8_t>(config.stop_words));
  AppendLittleEndian(out, config.token_bytes_min);
  AppendLittleEndian(out, config.token_bytes_max);
  AppendLittleEndian(out, static_cast<uint32_t>(config.custom_stop_words.size()));
  for (const std::string& word : config.custom_stop_words) {
    AppendLengthPrefixed(out, word);
  }
  return out;
}

StatusOr<AnalyzerConfig> DecodeAnalyzer(std::string_view bytes) {
  ByteReader in(bytes);
  const auto encoding = in.Little<uint8_t>();
  AnalyzerConfig config;
  config.language = static_cast<Language>(in.Little<uint8_t>());
  const auto flags = in.Little<uint8_t>();
  config.fold_case = (flags & 1U) != 0;
  config.stem = (flags & 2U) != 0;
  config.stop_words = static_cast<StopWords>(in.Little<uint8_t>());
  config.token_bytes_min = in.Little<uint32_t>();
  config.token_bytes_max = in.Little<uint32_t>();
  const auto words = in.Little<uint32_t>();
  for (uint32_t i = 0; i < words && in.ok(); ++i) {
    config.custom_stop_words.emplace_back(in.LengthPrefixed());
  }
  if (!in.done() || encoding != kEncoding || flags > 3U) {
    return DataLoss("the configuration of text analysis does not read as one");
  }
  if (const Status valid = ValidateAnalyzer(config, "analyzer"); !valid.ok()) {
    return DataLoss("the configuration of text analysis is not valid: {}", MessageOf(valid));
  }
  return config;
}

Analyzer::Analyzer(const AnalyzerConfig& config) : config_(config) {
  std::string scratch;
  const auto add = [&](std::string_view word) {
    stop_words_.emplace_back(Normalise(word, config_.fold_case, scratch));
  };
  if (config_.stop_words == StopWords::kOfLanguage) {
    std::ranges::for_each(StopWordsOf(config_.language), add);
  } else if (config_.stop_words == StopWords::kCustom) {
    std::ranges::for_each(config_.custom_stop_words, add);
  }
  std::ranges::sort(stop_words_);
  std::string identity = EncodeAnalyzer(config_);
  AppendLittleEndian(identity, kRules);
  identity += utf8proc_unicode_version();
  // Lists of stop words may grow.
  for (const std::string& word : stop_words_) {
    AppendLengthPrefixed(identity, word);
  }
  fingerprint_ = Checksum64(identity);
}

bool Analyzer::IsStopWord(std::string_view word) const {
  return std::ranges::binary_search(stop_words_, word, std::less<>());
}

void Analyzer::Analyze(std::string_view text, const TokenFn& take) const {
  Stemmer stemmer;
  if (config_.stem && config_.language != Language::kNone && !text.empty()) {
    stemmer = MakeStemmer(config_.language);
  }
  std::string scratch;
  uint32_t position = 0;
  ForEachWord(text, [&](std::string_view word) {
    const uint32_t here = position++;
    const std::string_view normal = Normalise(word, config_.fold_case, scratch);
    if (normal.size() < config_.token_bytes_min || normal.size() > config_.token_bytes_max ||
        IsStopWord(normal)) {
      return;
    }
    const std::string_view token = stemmer == nullptr ? normal : StemOf(stemmer.get(), normal);
    if (!token.empty() && token.size() <= kTokenBytesHardMax) {
      take(token, here);
    }
  });
}

std::vector<std::string> Analyzer::Tokens(std::string_view text) const {
  std::vector<std::string> tokens;
  Analyze(text, [&](std::string_view token, uint32_t /*position*/) { tokens.emplace_back(token); });
  return tokens;
}

}  // namespace alidade
