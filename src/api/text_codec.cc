#include "text_codec.h"

#include <optional>
#include <vector>

#include "alidade/common/nearest_name.h"

namespace alidade {
namespace {

Status UnknownLanguage(const std::string& name, const FieldPath& path) {
  std::vector<std::string> names;
  for (int number = 0; number <= kLanguageMax; ++number) {
    names.emplace_back(LanguageName(static_cast<Language>(number)));
  }
  const std::string nearest = NearestName(name, names, /*edits_max=*/3);
  return FieldError(path.ToString(),
                    "there is no language \"{}\"{}",
                    name,
                    nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest));
}

}  // namespace

StatusOr<AnalyzerConfig> DecodeTextAnalyzer(const v1::TextAnalyzer& in, const FieldPath& path) {
  AnalyzerConfig config;
  if (!in.language().empty()) {
    const std::optional<Language> language = FindLanguage(in.language());
    if (!language.has_value()) {
      return UnknownLanguage(in.language(), path.Field("language"));
    }
    config.language = *language;
  }
  if (static_cast<size_t>(in.stop_words_size()) > kStopWordsMax) {
    return FieldError(path.Field("stop_words").ToString(),
                      "has {} words, the limit is {}",
                      in.stop_words_size(),
                      kStopWordsMax);
  }
  config.fold_case = !in.keep_case();
  config.stem = !in.no_stemming();
  config.stop_words = in.default_stop_words()     ? StopWords::kOfLanguage
                      : in.stop_words_size() == 0 ? StopWords::kNone
                                                  : StopWords::kCustom;
  config.custom_stop_words.assign(in.stop_words().begin(), in.stop_words().end());
  if (in.token_bytes_min() != 0) {
    config.token_bytes_min = in.token_bytes_min();
  }
  if (in.token_bytes_max() != 0) {
    config.token_bytes_max = in.token_bytes_max();
  }
  return config;
}

void EncodeTextAnalyzer(const AnalyzerConfig& in, v1::TextAnalyzer& out) {
  const AnalyzerConfig standard;
  if (in.language != standard.language) {
    out.set_language(std::string(LanguageName(in.language)));
  }
  out.set_keep_case(!in.fold_case);
  out.set_no_stemming(!in.stem);
  out.set_default_stop_words(in.stop_words == StopWords::kOfLanguage);
  for (const std::string& word : in.custom_stop_words) {
    out.add_stop_words(word);
  }
  out.set_token_bytes_min(in.token_bytes_min == standard.token_bytes_min ? 0 : in.token_bytes_min);
  out.set_token_bytes_max(in.token_bytes_max == standard.token_bytes_max ? 0 : in.token_bytes_max);
}

}  // namespace alidade
