#include "alidade/filter/instant.h"

#include <gtest/gtest.h>

#include "known_texts.h"

namespace alidade {
namespace {

TEST(InstantTest, ReadsWhatIsKnown) {
  for (const KnownDatetime& known : KnownDatetimes()) {
    const auto instant = ParseInstant(known.text);
    ASSERT_EQ(instant.has_value(), known.instant.has_value()) << known.text;
    if (instant.has_value()) {
      EXPECT_EQ(instant->seconds, known.instant->first) << known.text;
      EXPECT_EQ(instant->nanoseconds, known.instant->second) << known.text;
    }
  }
}

TEST(InstantTest, RefusesEveryTextWithOneCharacterMissingOrWrong) {
  const std::string whole = "2024-02-29T23:59:58+01:30";
  ASSERT_TRUE(ParseInstant(whole).has_value());
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string wrong = whole;
    wrong[i] = 'x';
    EXPECT_FALSE(ParseInstant(wrong).has_value()) << wrong;
    std::string shorter = whole;
    shorter.erase(i, 1);
    EXPECT_FALSE(ParseInstant(shorter).has_value()) << shorter;
    const std::string cut = whole.substr(0, i);
    // The date alone, and date and time without an offset, are texts of their own.
    EXPECT_EQ(ParseInstant(cut).has_value(), i == 10 || i == 19) << cut;
  }
  for (const char* wrong : {"2024-00-01",
                            "2024-13-01",
                            "2024-04-31",
                            "2024-02-29T00:60:00Z",
                            "2024-02-29T00:00:61Z",
                            "2024-02-29T00:00:00+24:00",
                            "2024-02-29T00:00:00+00:60",
                            "+024-02-29",
                            "2024-02-29T00:00:00.5.5Z",
                            "2024-02-29  00:00:00Z"}) {
    EXPECT_FALSE(ParseInstant(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace alidade
