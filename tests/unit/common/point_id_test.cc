#include "alidade/common/point_id.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/status_matchers.h"

namespace alidade {
namespace {

PointId Text(std::string text) { return PointId(std::move(text)); }

TEST(PointIdTest, EncodingKeepsTheOrderOfIds) {
  const std::vector<PointId> ids = {PointId(),
                                    PointId(1),
                                    PointId(255),
                                    PointId(256),
                                    PointId(uint64_t{1} << 32),
                                    PointId(~uint64_t{0}),
                                    Text(std::string("\0", 1)),
                                    Text("0"),
                                    Text("1"),
                                    Text("10"),
                                    Text("2"),
                                    Text("a"),
                                    Text(std::string("a\0", 2)),
                                    Text("aa"),
                                    Text("b"),
                                    Text("\xC3\xA9"),
                                    Text("\xF0\x9F\x98\x80"),
                                    Text(std::string(kPointIdBytesMax, '\xF4'))};
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_THAT(PointId::Decode(ids[i].Encode()), IsOkAndHolds(ids[i]));
    for (size_t j = 0; j < ids.size(); ++j) {
      EXPECT_EQ(ids[i].Encode() < ids[j].Encode(), i < j) << i << " " << j;
    }
    // Numbers among themselves and texts among themselves are ordered as the type orders them.
    if (i > 0) {
      EXPECT_LT(ids[i - 1], ids[i]);
    }
  }
  EXPECT_EQ(PointId(258).Encode(), std::string("\x01\0\0\0\0\0\0\x01\x02", 9));
  EXPECT_EQ(Text("ab").Encode(),
            "\x02"
            "ab");
}

TEST(PointIdTest, RefusesBytesThatAreNoId) {
  const std::vector<std::string> bad = {"",
                                        "\x01",
                                        "\x01"
                                        "1234567",
                                        "\x01"
                                        "123456789",
                                        "\x02",
                                        "\x03"
                                        "a",
                                        std::string("\0a", 2),
                                        "\x02" + std::string(kPointIdBytesMax + 1, 'a')};
  for (const std::string& bytes : bad) {
    EXPECT_THAT(PointId::Decode(bytes), StatusIs(StatusCode::kDataLoss)) << bytes.size();
  }
}

TEST(PointIdTest, PrintsForMessages) {
  EXPECT_EQ(PointId(42).ToString(), "42");
  EXPECT_EQ(Text("42").ToString(), "\"42\"");
  EXPECT_NE(PointId(42), Text("42"));
}

TEST(PointIdTest, TextIdsAreBoundedUtf8) {
  EXPECT_THAT(ValidateTextId("a"), IsOk());
  EXPECT_THAT(ValidateTextId(std::string(256, 'a')), IsOk());
  EXPECT_THAT(ValidateTextId(""), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateTextId(std::string(257, 'a')), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateTextId("\xFF"), StatusIs(StatusCode::kInvalidArgument));
}

// Table 3-7 of the Unicode standard, at the edges of each row.
TEST(Utf8Test, AcceptsExactlyTheWellFormed) {
  const std::vector<std::string> good = {"",
                                         "plain",
                                         std::string("\0", 1),
                                         "\x7F",
                                         "\xC2\x80",
                                         "\xDF\xBF",
                                         "\xE0\xA0\x80",
                                         "\xE0\xBF\xBF",
                                         "\xE1\x80\x80",
                                         "\xEC\xBF\xBF",
                                         "\xED\x80\x80",
                                         "\xED\x9F\xBF",
                                         "\xEE\x80\x80",
                                         "\xEF\xBF\xBF",
                                         "\xF0\x90\x80\x80",
                                         "\xF1\x80\x80\x80",
                                         "\xF3\xBF\xBF\xBF",
                                         "\xF4\x8F\xBF\xBF",
                                         "a\xC3\xA9z"};
  const std::vector<std::string> bad = {"\x80",  // a continuation alone
                                        "\xBF",
                                        "\xC0\x80",  // overlong
                                        "\xC1\xBF",
                                        "\xE0\x9F\xBF",
                                        "\xF0\x8F\xBF\xBF",
                                        "\xED\xA0\x80",  // surrogates
                                        "\xED\xBF\xBF",
                                        "\xF4\x90\x80\x80",  // above U+10FFFF
                                        "\xF5\x80\x80\x80",
                                        "\xFE",
                                        "\xFF",
                                        "\xC2",  // cut short
                                        "\xE1\x80",
                                        "\xF1\x80\x80",
                                        "\xC2"
                                        "a",
                                        "\xE1"
                                        "a\x80",
                                        "\xE1\x80"
                                        "a",
                                        "\xF1\x80\x80"
                                        "a",
                                        "ok then \x80"};
  for (const std::string& text : good) {
    EXPECT_TRUE(IsValidUtf8(text)) << ::testing::PrintToString(text);
  }
  for (const std::string& text : bad) {
    EXPECT_FALSE(IsValidUtf8(text)) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace alidade
