// The order of keys is the order of what they stand for; RocksDB compares bytes.
#include "keys.h"

#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alidade {
namespace {

constexpr uint64_t kRowMax = std::numeric_limits<uint64_t>::max();

KeySpace Space(uint32_t collection, uint16_t shard = 0) {
  return {CollectionId(collection), ShardId(shard)};
}

// Numbers around every byte boundary, where an encoding that is not big-endian gives itself away.
std::vector<uint64_t> TellingNumbers() {
  std::vector<uint64_t> numbers{0, kRowMax};
  for (int shift = 0; shift < 64; shift += 8) {
    const uint64_t one = uint64_t{1} << shift;
    numbers.insert(numbers.end(), {one - 1, one, one + 1, 0x7F * one, 0x80 * one, 0xFF * one});
  }
  return numbers;
}

TEST(KeysTest, ByteOrderIsRowOrder) {
  for (const uint64_t a : TellingNumbers()) {
    for (const uint64_t b : TellingNumbers()) {
      EXPECT_EQ(RowKey(Space(7), RowNo(a)) < RowKey(Space(7), RowNo(b)), a < b) << a << " " << b;
      EXPECT_EQ(
          VectorKey(Space(7), FieldId(3), RowNo(a)) < VectorKey(Space(7), FieldId(3), RowNo(b)),
          a < b);
    }
  }
}

TEST(KeysTest, CollectionsShardsAndFieldsAreSortedAsNumbers) {
  for (const uint64_t a : TellingNumbers()) {
    for (const uint64_t b : TellingNumbers()) {
      const auto collection_a = static_cast<uint32_t>(a);
      const auto collection_b = static_cast<uint32_t>(b);
      EXPECT_EQ(RowKey(Space(collection_a), RowNo(kRowMax)) < RowKey(Space(collection_b), RowNo(0)),
                collection_a < collection_b);
      const auto shard_a = static_cast<uint16_t>(a);
      const auto shard_b = static_cast<uint16_t>(b);
      EXPECT_EQ(SpaceKey(Space(1, shard_a)) < SpaceKey(Space(1, shard_b)), shard_a < shard_b);
      EXPECT_EQ(FieldKey(Space(1), FieldId(shard_a)) < FieldKey(Space(1), FieldId(shard_b)),
                shard_a < shard_b);
    }
  }
}

TEST(KeysTest, HaveTheWrittenWidths) {
  EXPECT_EQ(SpaceKey(Space(0x01020304, 0x0506)), "\x01\x02\x03\x04\x05\x06");
  EXPECT_EQ(SpaceKey(Space(1)).size(), kSpaceKeyBytes);
  EXPECT_EQ(RowKey(Space(1), RowNo(1)).size(), kSpaceKeyBytes + 8);
  EXPECT_EQ(VectorKey(Space(1), FieldId(1), RowNo(1)).size(), kSpaceKeyBytes + 2 + 8);
  EXPECT_EQ(IdKey(Space(1), "abc"), SpaceKey(Space(1)) + "abc");
  EXPECT_EQ(MetaKey(MetaKind::kManifest, "n"), "\x05n");
}

TEST(KeysTest, TheRowComesBackOutOfEveryKeyThatEndsInOne) {
  for (const uint64_t row : TellingNumbers()) {
    EXPECT_EQ(RowOfKey(RowKey(Space(9, 2), RowNo(row))), RowNo(row));
    EXPECT_EQ(RowOfKey(VectorKey(Space(9, 2), FieldId(0xFFFF), RowNo(row))), RowNo(row));
  }
  EXPECT_EQ(RowOfKey("short"), RowNo(0));
}

TEST(KeysTest, PrefixEndCarriesOverBytesOf255) {
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xFF"), "b");
  EXPECT_EQ(PrefixEnd("a\xFF\xFF"), "b");
  EXPECT_EQ(PrefixEnd("\x7F"), "\x80");
  EXPECT_EQ(PrefixEnd("\xFE\xFF"), "\xFF");
  // Nothing lies behind these: no upper bound.
  EXPECT_EQ(PrefixEnd("\xFF\xFF"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

TEST(KeysTest, PrefixEndBoundsExactlyTheKeysWithThePrefix) {
  std::mt19937_64 rng(1);
  const auto text = [&rng](size_t bytes) {
    std::string out;
    for (size_t i = 0; i < bytes; ++i) {
      // Mostly the extreme bytes, where the carry happens.
      constexpr unsigned char kBytes[] = {0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF, 0xFF};
      out.push_back(static_cast<char>(kBytes[rng() % sizeof(kBytes)]));
    }
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string prefix = text(1 + rng() % 3);
    const std::string end = PrefixEnd(prefix);
    const std::string key = rng() % 2 == 0 ? prefix + text(rng() % 3) : text(rng() % 5);
    const bool inside = key >= prefix && (end.empty() || key < end);
    ASSERT_EQ(inside, key.starts_with(prefix));
  }
}

}  // namespace
}  // namespace alidade
