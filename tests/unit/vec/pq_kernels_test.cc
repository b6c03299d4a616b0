#include "alidade/vec/pq_kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

class PqKernelsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceKernelTargetForTest(GetParam())); }
  void TearDown() override { ForceKernelTargetForTest(""); }

  std::vector<uint8_t> Random(size_t count, int most) {
    std::uniform_int_distribution<int> value(0, most);
    std::vector<uint8_t> values(count);
    std::ranges::generate(values, [&] { return static_cast<uint8_t>(value(random_)); });
    return values;
  }

  // Codes and tables at all alignments, in memory of just their size, against a plain loop.
  void ExpectSums(size_t parts, size_t blocks, int entry_max) {
    const size_t rows = blocks * kPqBlockRows;
    const std::vector<uint8_t> codes = Random(rows * parts, kPqEntries - 1);
    std::vector<uint8_t> tables = Random(parts * kPqEntries, entry_max);
    tables.resize(PqBlockBytes(parts));
    std::vector<uint8_t> packed(blocks * PqBlockBytes(parts));
    for (size_t row = 0; row < rows; ++row) {
      PutPqCode(&codes[row * parts],
                parts,
                row % kPqBlockRows,
                &packed[row / kPqBlockRows * PqBlockBytes(parts)]);
    }
    for (const size_t off : std::vector<size_t>{0, 1, 15}) {
      std::vector<uint8_t> moved(off);
      moved.insert(moved.end(), packed.begin(), packed.end());
      std::vector<uint16_t> sums(rows, 12'345);
      SumPqBlocks(tables.data(), moved.data() + off, parts, blocks, sums.data());
      for (size_t row = 0; row < rows; ++row) {
        unsigned expected = 0;
        for (size_t part = 0; part < parts; ++part) {
          expected += tables[part * kPqEntries + codes[row * parts + part]];
        }
        ASSERT_EQ(sums[row], expected) << parts << " parts, row " << row << " of " << rows;
      }
    }
  }

  std::mt19937_64 random_{20'260'111};
};

INSTANTIATE_TEST_SUITE_P(Targets,
                         PqKernelsTest,
                         ::testing::ValuesIn(KernelTargets()),
                         [](const auto& tested) { return tested.param; });

TEST_P(PqKernelsTest, SumsAreExactForAnyNumberOfParts) {
  for (size_t parts = 1; parts <= 70; ++parts) {
    ExpectSums(parts, 1 + parts % 3, 255);
  }
  ExpectSums(96, 20, 255);
}

TEST_P(PqKernelsTest, SumsReachTheLargestNumber) {
  ExpectSums(257, 2, 255);   // 65,535 if all entries are the largest
  ExpectSums(16'384, 1, 3);  // many parts
  std::vector<uint8_t> tables(257 * kPqEntries, 255);
  tables.resize(PqBlockBytes(257));
  const std::vector<uint8_t> codes = Random(PqBlockBytes(257), 255);
  std::vector<uint16_t> sums(kPqBlockRows);
  SumPqBlocks(tables.data(), codes.data(), 257, 1, sums.data());
  EXPECT_EQ(sums, std::vector<uint16_t>(kPqBlockRows, 65'535));
}

TEST(PqBlocksTest, PartsAreFilledUpToFour) {
  EXPECT_EQ(PqBlockBytes(1), 64u);
  EXPECT_EQ(PqBlockBytes(4), 64u);
  EXPECT_EQ(PqBlockBytes(5), 128u);
  EXPECT_EQ(PqBlockBytes(96), 1'536u);
}

// The order on disk, spelt out.
TEST(PqBlocksTest, RowsShareBytesInHalves) {
  std::vector<uint8_t> block(PqBlockBytes(2));
  const uint8_t one[] = {0x1, 0x2};
  const uint8_t other[] = {0xE, 0xF};
  PutPqCode(one, 2, 3, block.data());
  PutPqCode(other, 2, 19, block.data());
  std::vector<uint8_t> expected(PqBlockBytes(2));
  expected[3] = 0xE1;
  expected[16 + 3] = 0xF2;
  EXPECT_EQ(block, expected);
}

}  // namespace
}  // namespace alidade
