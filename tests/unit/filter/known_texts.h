// Texts whose meaning was written down by hand, for the evaluator that shares no code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace alidade {

struct KnownDatetime {
  std::string text;
  // Seconds since 1970 in UTC, and nanoseconds; nothing: no datetime.
  std::optional<std::pair<int64_t, int64_t>> instant;
};
const std::vector<KnownDatetime>& KnownDatetimes();

struct KnownLetter {
  std::string text;
  int folded;  // letters of one number fold to the same
  // As it stands in a word, with its case folded and without; empty: it separates words.
  std::string in_word;
  std::string in_word_kept;
};
const std::vector<KnownLetter>& KnownLetters();

}  // namespace alidade
