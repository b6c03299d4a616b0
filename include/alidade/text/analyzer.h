// Analyzer: turns text into tokens: the words that are searched for and indexed.
//
// Words:    longest runs of letters, marks and numbers (general categories L, M, N of Unicode).
//           Every Han, Hiragana or Katakana character is a word by itself. Inside a word
//           characters of category Cf belong to it; most, such as a soft hyphen, vanish then.
// Tokens:   word -> compatibility composition (NFKC), with full case folding if asked -> length
//           between the bounds -> not a stop word -> stem.
// Position: number of the word in the text, from 0, those left out counted: a phrase with a stop
//           word in it has a gap there.
// Threads:  immutable; any number of concurrent Analyze calls.
// Source:   stems by Snowball (libstemmer), categories and foldings by utf8proc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/text/language.h"

namespace alidade {

inline constexpr uint32_t kTokenBytesHardMax = 255;  // chosen: a postings dictionary stores a byte
inline constexpr size_t kStopWordsMax = 1'000;       // chosen

enum class StopWords : uint8_t {  // on disk: numbers are never reused
  kNone = 0,
  kOfLanguage = 1,  // our list of the language (language.h)
  kCustom = 2,
};

struct AnalyzerConfig {
  Language language = Language::kNone;
  bool fold_case = true;
  bool stem = true;  // kNone has no stems
  StopWords stop_words = StopWords::kNone;
  std::vector<std::string> custom_stop_words = {};  // kCustom only; each one word
  // Of a word before stemming; others are left out.
  uint32_t token_bytes_min = 1;
  uint32_t token_bytes_max = 128;

  friend bool operator==(const AnalyzerConfig&, const AnalyzerConfig&) = default;
};

// Errors: INVALID_ARGUMENT with the path of the field of an alidade.v1.TextAnalyzer at `path`.
Status ValidateAnalyzer(const AnalyzerConfig& config, const std::string& path);

// One line that says what differs from the default, e.g. `english stop_words=default case=kept`;
// the default is `none`.
// Ensures: ParseAnalyzerText(AnalyzerText(x)) == x for every x that passed ValidateAnalyzer.
std::string AnalyzerText(const AnalyzerConfig& config);
// Settings separated by spaces: a language (at most one, first), `stem=off`, `case=kept`,
// `stop_words=none|default`, `stop=word,word,...`, `min_bytes=N`, `max_bytes=N`.
// Errors: INVALID_ARGUMENT. What it takes may still fail ValidateAnalyzer.
StatusOr<AnalyzerConfig> ParseAnalyzerText(std::string_view text);

// For storage. Decode gives DATA_LOSS for bytes that Encode does not make or that are not valid.
std::string EncodeAnalyzer(const AnalyzerConfig& config);
StatusOr<AnalyzerConfig> DecodeAnalyzer(std::string_view bytes);

// The token, borrowed for the call, and its position.
using TokenFn = std::function<void(std::string_view token, uint32_t position)>;

class Analyzer {
 public:
  // Requires: passed ValidateAnalyzer.
  explicit Analyzer(const AnalyzerConfig& config);

  // Bytes that are no UTF-8 separate words.
  // Cost: some 10 ns a byte, stems the most of it (bench/micro/text_bench.cc).
  void Analyze(std::string_view text, const TokenFn& take) const;
  // All tokens, in order.
  std::vector<std::string> Tokens(std::string_view text) const;

  const AnalyzerConfig& config() const { return config_; }
  // Equal only if the same text gives the same tokens: of the configuration and the version of
  // Unicode. An index made with another one is made anew.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  bool IsStopWord(std::string_view word) const;

  AnalyzerConfig config_;
  std::vector<std::string> stop_words_;  // as words are when they are compared; rising
  uint64_t fingerprint_ = 0;
};

}  // namespace alidade
