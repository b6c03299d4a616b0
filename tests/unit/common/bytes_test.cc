#include "alidade/common/bytes.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace alidade {
namespace {

TEST(BytesTest, IntegersHaveTheirOrderInTheBytes) {
  std::string out;
  AppendLittleEndian(out, uint32_t{0x01020304});
  AppendBigEndian(out, uint32_t{0x01020304});
  AppendBigEndian(out, uint8_t{0xFF});
  AppendLittleEndian(out, uint64_t{0x8000000000000001});
  EXPECT_EQ(out, std::string("\x04\x03\x02\x01\x01\x02\x03\x04\xFF\x01\0\0\0\0\0\0\x80", 17));
  EXPECT_EQ(LoadLittleEndian<uint32_t>(out.data()), 0x01020304u);
  EXPECT_EQ(LoadBigEndian<uint32_t>(out.data() + 4), 0x01020304u);
  EXPECT_EQ(LoadLittleEndian<uint64_t>(out.data() + 9), 0x8000000000000001u);
}

TEST(BytesTest, BigEndianKeepsTheOrderOfNumbers) {
  uint64_t previous = 0;
  for (const uint64_t x :
       {uint64_t{1}, uint64_t{255}, uint64_t{256}, uint64_t{1} << 40, ~uint64_t{0}}) {
    std::string a;
    std::string b;
    AppendBigEndian(a, previous);
    AppendBigEndian(b, x);
    EXPECT_LT(a, b);
    previous = x;
  }
}

TEST(ByteReaderTest, ReadsWhatWasWritten) {
  std::string out;
  AppendLengthPrefixed(out, "abc");
  AppendLengthPrefixed(out, "");
  AppendBigEndian(out, uint16_t{513});
  out += "rest";
  ByteReader in(out);
  EXPECT_EQ(in.LengthPrefixed(), "abc");
  EXPECT_EQ(in.LengthPrefixed(), "");
  EXPECT_EQ(in.Big<uint16_t>(), 513);
  EXPECT_EQ(in.rest(), "rest");
  EXPECT_TRUE(in.ok());
  EXPECT_FALSE(in.done());
  EXPECT_EQ(in.Bytes(4), "rest");
  EXPECT_TRUE(in.done());
}

TEST(ByteReaderTest, AReadPastTheEndSpoilsEverythingAfter) {
  const std::string bytes("\x01\x02\x03", 3);
  ByteReader in(bytes);
  EXPECT_EQ(in.Little<uint32_t>(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.Little<uint8_t>(), 0);  // although there is one
  EXPECT_EQ(in.Bytes(1), "");
  EXPECT_FALSE(in.done());

  std::string huge;
  AppendLittleEndian(huge, std::numeric_limits<uint32_t>::max());
  huge += "abc";
  ByteReader prefixed(huge);
  EXPECT_EQ(prefixed.LengthPrefixed(), "");
  EXPECT_FALSE(prefixed.ok());

  ByteReader whole(bytes);
  EXPECT_EQ(whole.Bytes(std::numeric_limits<size_t>::max()), "");
  EXPECT_FALSE(whole.ok());
}

}  // namespace
}  // namespace alidade
