#include "alidade/common/checksum.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace alidade {
namespace {

// Values of the published algorithm: what is on disk must stay readable.
TEST(ChecksumTest, IsXxh3) {
  EXPECT_EQ(Checksum64(""), 0x2D06800538D394C2u);
  EXPECT_EQ(Checksum128("").low, 0x6001C324468D497Fu);
  EXPECT_EQ(Checksum128("").high, 0x99AA06D3014798D8u);
}

TEST(ChecksumTest, PiecesGiveTheHashOfTheWhole) {
  std::string bytes;
  for (int i = 0; i < 5'000; ++i) {
    bytes.push_back(static_cast<char>(i * i));
  }
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{256}, size_t{5'000}}) {
    Hasher128 hasher;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      hasher.Update(std::string_view(bytes).substr(at, piece));
    }
    EXPECT_EQ(hasher.Finish(), Checksum128(bytes)) << piece;
  }
}

TEST(ChecksumTest, EveryFlippedBitShows) {
  const std::string bytes(300, 'x');
  const uint64_t hash = Checksum64(bytes);
  const Hash128 hash128 = Checksum128(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(Checksum64(damaged), hash) << bit;
    ASSERT_NE(Checksum128(damaged), hash128) << bit;
  }
}

}  // namespace
}  // namespace alidade
