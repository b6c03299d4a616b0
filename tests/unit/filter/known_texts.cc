#include "known_texts.h"

namespace alidade {

// Seconds as `date -u -d ... +%s` tells them.
const std::vector<KnownDatetime>& KnownDatetimes() {
  static const std::vector<KnownDatetime> known = {
      {"1970-01-01T00:00:00Z", {{0, 0}}},
      {"1970-01-01", {{0, 0}}},
      {"1970-01-01T00:00:00", {{0, 0}}},
      {"1970-01-01t05:30:00+05:30", {{0, 0}}},
      {"1969-12-31T23:59:59.999999999Z", {{-1, 999'999'999}}},
      {"1970-01-01T00:00:00.5z", {{0, 500'000'000}}},
      {"1970-01-01 00:00:00.50000000000000000001Z", {{0, 500'000'000}}},
      {"2024-02-29T23:59:59-01:00", {{1'709'254'799, 0}}},
      {"2024-03-01T00:59:59Z", {{1'709'254'799, 0}}},
      {"2016-12-31T23:59:60Z", {{1'483'228'800, 0}}},
      {"2017-01-01T01:00:00+01:00", {{1'483'228'800, 0}}},
      {"0000-01-01T00:00:00Z", {{-62'167'219'200, 0}}},
      {"9999-12-31T23:59:59Z", {{253'402'300'799, 0}}},
      {"2023-02-29T00:00:00Z", {}},
      {"2024-1-1", {}},
      {"2024-01-01T24:00:00Z", {}},
      {"2024-01-01T00:00:60Z", {}},
      {"2024-01-01T00:00:00.Z", {}},
      {"2024-01-01T00:00:00+1:00", {}},
      {"2024-01-01T00:00:00Z ", {}},
      {"yesterday", {}},
  };
  return known;
}

const std::vector<KnownLetter>& KnownLetters() {
  static const std::vector<KnownLetter> known = {
      {"a", 1, "a", "a"},
      {"A", 1, "a", "A"},
      {"b", 2, "b", "b"},
      {"B", 2, "b", "B"},
      {"s", 3, "s", "s"},
      {"S", 3, "s", "S"},
      {"\xC5\xBF", 3, "s", "s"},      // long s
      {"\xE2\x84\xAA", 4, "k", "K"},  // Kelvin sign
      {"k", 4, "k", "k"},
      {"\xC3\x89", 5, "\xC3\xA9", "\xC3\x89"},    // E with acute
      {"\xC3\xA9", 5, "\xC3\xA9", "\xC3\xA9"},    // e with acute
      {"\xCE\xA3", 6, "\xCF\x83", "\xCE\xA3"},    // Sigma
      {"\xCF\x83", 6, "\xCF\x83", "\xCF\x83"},    // sigma
      {"\xCF\x82", 6, "\xCF\x83", "\xCF\x82"},    // sigma at the end of a word
      {"\xC3\x9F", 7, "ss", "\xC3\x9F"},          // sharp s: "ss" is its full folding
      {"\xE1\xBA\x9E", 7, "ss", "\xE1\xBA\x9E"},  // capital sharp s
      {"\xC4\xB0", 8, "i\xCC\x87", "\xC4\xB0"},   // I with dot above
      {"i", 9, "i", "i"},
      {"\xF0\x90\x90\x80", 10, "\xF0\x90\x90\xA8", "\xF0\x90\x90\x80"},  // Deseret long I
      {"\xF0\x90\x90\xA8", 10, "\xF0\x90\x90\xA8", "\xF0\x90\x90\xA8"},  // and small
      {"\"", 11, "", ""},
      {"\\", 12, "", ""},
      {"\n", 13, "", ""},
      {"`", 14, "", ""},
      {"\x7F", 15, "", ""},
      {"%", 16, "", ""},
  };
  return known;
}

}  // namespace alidade
