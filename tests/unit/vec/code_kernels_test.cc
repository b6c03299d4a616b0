// The kernels over codes against a plain loop over the values that were encoded, on every
// instruction set of this machine. All sums are whole numbers, so nothing is compared with a bound.
#include "alidade/vec/code_kernels.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/vec/kernels.h"

namespace alidade {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

constexpr size_t kSmallDimMax = 300;  // every length: all rests of all vector lengths
constexpr uint64_t kSeed = 20'260'311;
constexpr int64_t kSumMax = std::numeric_limits<int32_t>::max();

std::vector<size_t> Dims() {
  std::vector<size_t> dims(kSmallDimMax + 1);
  std::iota(dims.begin(), dims.end(), size_t{0});
  dims.insert(dims.end(), {384, 768, 1'024, 1'536, 4'096});
  return dims;
}

using Values = std::vector<int>;

int32_t ByLoop(const Values& query, const Values& code) {
  int64_t sum = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    sum += int64_t{query[i]} * code[i];
  }
  EXPECT_LE(std::abs(sum), kSumMax) << "the test asks for more than the kernels promise";
  return static_cast<int32_t>(sum);
}

// What the three kinds of codes have in common, so that each test is written once.
struct Int8Kind {
  using Query = int8_t;
  static constexpr int kCodeMin = -128;
  static constexpr int kCodeMax = 127;
  static int QueryMin(size_t /*dim*/) { return -127; }
  static int QueryMax(size_t /*dim*/) { return 127; }
  static std::vector<uint8_t> Code(const Values& values) {
    std::vector<uint8_t> code(values.size());
    std::ranges::transform(values, code.begin(), [](int x) { return static_cast<uint8_t>(x); });
    return code;
  }
  static std::vector<int8_t> QueryOf(const Values& values) {
    const std::vector<int8_t> bytes(values.begin(), values.end());
    std::vector<int8_t> query(Int8QueryBytes(values.size()), 0x55);
    PackInt8Query(bytes.data(), bytes.size(), query.data());
    return query;
  }
  static int32_t One(const int8_t* query, const uint8_t* code, size_t dim) {
    return DotInt8(query, reinterpret_cast<const int8_t*>(code), dim);
  }
  static constexpr auto kRows = DotInt8Rows;
  static constexpr auto kGather = DotInt8Gather;
};

struct Int4Kind {
  using Query = int8_t;
  static constexpr int kCodeMin = 0;
  static constexpr int kCodeMax = 15;
  static int QueryMin(size_t /*dim*/) { return -127; }
  static int QueryMax(size_t /*dim*/) { return 127; }
  static std::vector<uint8_t> Code(const Values& values) {
    const std::vector<uint8_t> bytes(values.begin(), values.end());
    std::vector<uint8_t> code(Int4CodeBytes(values.size()), 0xEE);
    PackInt4(bytes.data(), bytes.size(), code.data());
    return code;
  }
  static std::vector<int8_t> QueryOf(const Values& values) {
    const std::vector<int8_t> bytes(values.begin(), values.end());
    std::vector<int8_t> query(2 * Int4CodeBytes(values.size()), 0x55);
    PackInt4Query(bytes.data(), bytes.size(), query.data());
    return query;
  }
  static constexpr auto One = DotInt4;
  static constexpr auto kRows = DotInt4Rows;
  static constexpr auto kGather = DotInt4Gather;
};

struct BitKind {
  using Query = uint64_t;
  static constexpr int kCodeMin = 0;
  static constexpr int kCodeMax = 1;
  static int QueryMin(size_t /*dim*/) { return 0; }
  static int QueryMax(size_t /*dim*/) { return 15; }
  static std::vector<uint8_t> Code(const Values& values) {
    std::vector<uint8_t> code(BitCodeBytes(values.size()));
    for (size_t d = 0; d < values.size(); ++d) {
      // Byte by byte: what the words of 64 come to in memory, spelt differently.
      code[d / 8] = static_cast<uint8_t>(code[d / 8] | (values[d] << (d % 8)));
    }
    return code;
  }
  static std::vector<uint64_t> QueryOf(const Values& values) {
    const std::vector<uint8_t> bytes(values.begin(), values.end());
    std::vector<uint64_t> planes(kQueryPlanes * BitCodeBytes(values.size()) / sizeof(uint64_t),
                                 ~uint64_t{0});
    PackBitPlanes(bytes.data(), bytes.size(), planes.data());
    return planes;
  }
  static constexpr auto One = DotBit;
  static constexpr auto kRows = DotBitRows;
  static constexpr auto kGather = DotBitGather;
};

// Values between two pages that nobody may touch: they end exactly where the second one begins.
template <class T>
class Fenced {
 public:
  explicit Fenced(std::span<const T> values) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = (values.size_bytes() + page) / page * page;  // at least one page
    mapped_bytes_ = bytes + 2 * page;
    mapped_ = mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) {
      ADD_FAILURE() << "mmap failed";
      std::abort();
    }
    char* inner = static_cast<char*>(mapped_) + page;
    EXPECT_EQ(mprotect(inner, bytes, PROT_READ | PROT_WRITE), 0);
    begin_ = reinterpret_cast<T*>(inner + bytes) - values.size();
    std::ranges::copy(values, begin_);
  }
  ~Fenced() { munmap(mapped_, mapped_bytes_); }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;

  const T* data() const { return begin_; }
  T* data() { return begin_; }

 private:
  void* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
  T* begin_ = nullptr;
};

// An empty name is the best target: of some kernels there may be one that KernelTargets() does not
// know.
class CodeKernelsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceKernelTargetForTest(GetParam())); }
  void TearDown() override { ForceKernelTargetForTest(""); }

  Values Random(size_t count, int least, int most) {
    std::uniform_int_distribution<int> value(least, most);
    Values values(count);
    std::ranges::generate(values, [&] { return value(random_); });
    return values;
  }
  template <class Kind>
  Values RandomCode(size_t dim) {
    return Random(dim, Kind::kCodeMin, Kind::kCodeMax);
  }
  template <class Kind>
  Values RandomQuery(size_t dim) {
    return Random(dim, Kind::QueryMin(dim), Kind::QueryMax(dim));
  }

  template <class Kind>
  void ExpectExactAtAllLengths();
  template <class Kind>
  void ExpectExactAtMisalignments();
  template <class Kind>
  void ExpectExactAtExtremes();
  template <class Kind>
  void ExpectRowsAndGather(size_t dim, size_t count, size_t gap);
  template <class Kind>
  void ExpectRowsAndGatherAtAllLengths();

  std::mt19937_64 random_{kSeed};
};

std::vector<std::string> Targets() {
  std::vector<std::string> targets = KernelTargets();
  targets.emplace_back();
  return targets;
}

std::string TargetParamName(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.empty() ? "Best" : info.param;
  std::erase_if(name, [](unsigned char c) { return std::isalnum(c) == 0; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Targets, CodeKernelsTest, ::testing::ValuesIn(Targets()), TargetParamName);

// Query and code end at pages that nobody may touch.
template <class Kind>
void CodeKernelsTest::ExpectExactAtAllLengths() {
  for (const size_t dim : Dims()) {
    const Values query_values = RandomQuery<Kind>(dim);
    const Values code_values = RandomCode<Kind>(dim);
    const Fenced<typename Kind::Query> query(Kind::QueryOf(query_values));
    const Fenced<uint8_t> code(Kind::Code(code_values));
    ASSERT_EQ(Kind::One(query.data(), code.data(), dim), ByLoop(query_values, code_values)) << dim;
  }
}
TEST_P(CodeKernelsTest, Int8IsExactAtAllLengths) { ExpectExactAtAllLengths<Int8Kind>(); }
TEST_P(CodeKernelsTest, Int4IsExactAtAllLengths) { ExpectExactAtAllLengths<Int4Kind>(); }
TEST_P(CodeKernelsTest, BitIsExactAtAllLengths) { ExpectExactAtAllLengths<BitKind>(); }

// Codes at every byte of a cache line, queries at every element of it; ones all around.
template <class Kind>
void CodeKernelsTest::ExpectExactAtMisalignments() {
  using Query = typename Kind::Query;
  constexpr size_t kLine = 64;
  for (const size_t dim : std::vector<size_t>{1, 15, 31, 64, 65, 128, 200, 384}) {
    const Values query_values = RandomQuery<Kind>(dim);
    const Values code_values = RandomCode<Kind>(dim);
    const std::vector<Query> query = Kind::QueryOf(query_values);
    const std::vector<uint8_t> code = Kind::Code(code_values);
    for (size_t offset = 0; offset < kLine; ++offset) {
      std::vector<uint8_t> code_room(code.size() + 3 * kLine, 0xFF);
      std::vector<Query> query_room(query.size() + 3 * kLine, static_cast<Query>(-1));
      void* aligned = code_room.data();
      size_t space = code_room.size();
      std::align(kLine, code.size() + kLine, aligned, space);
      uint8_t* const code_at = static_cast<uint8_t*>(aligned) + offset;
      std::ranges::copy(code, code_at);
      Query* const query_at = query_room.data() + (offset * 5 + 1) % kLine;
      std::ranges::copy(query, query_at);
      ASSERT_EQ(Kind::One(query_at, code_at, dim), ByLoop(query_values, code_values))
          << dim << " at " << offset;
    }
  }
}
TEST_P(CodeKernelsTest, Int8TakesAnyMisalignment) { ExpectExactAtMisalignments<Int8Kind>(); }
TEST_P(CodeKernelsTest, Int4TakesAnyMisalignment) { ExpectExactAtMisalignments<Int4Kind>(); }
TEST_P(CodeKernelsTest, BitTakesAnyMisalignment) { ExpectExactAtMisalignments<BitKind>(); }

// All at the end of their ranges, with one sign and with changing ones.
template <class Kind>
void CodeKernelsTest::ExpectExactAtExtremes() {
  for (const size_t dim : Dims()) {
    const std::array<int, 2> codes = {Kind::kCodeMin, Kind::kCodeMax};
    const std::array<int, 2> queries = {Kind::QueryMin(dim), Kind::QueryMax(dim)};
    for (unsigned pattern = 0; pattern < 16; ++pattern) {
      Values query_values(dim);
      Values code_values(dim);
      for (size_t i = 0; i < dim; ++i) {
        query_values[i] = queries[(pattern >> (i % 2)) & 1];
        code_values[i] = codes[(pattern >> (2 + i % 2)) & 1];
      }
      const auto query = Kind::QueryOf(query_values);
      const auto code = Kind::Code(code_values);
      const int32_t expected = ByLoop(query_values, code_values);
      ASSERT_EQ(Kind::One(query.data(), code.data(), dim), expected) << dim << " " << pattern;
      std::array<int32_t, 4> out{};
      Kind::kRows(query.data(), {code.data(), 0, out.size(), dim}, out.data());
      ASSERT_THAT(out, Each(expected)) << dim << " " << pattern;
    }
  }
}
TEST_P(CodeKernelsTest, Int8HoldsExtremes) { ExpectExactAtExtremes<Int8Kind>(); }
TEST_P(CodeKernelsTest, Int4HoldsExtremes) { ExpectExactAtExtremes<Int4Kind>(); }
TEST_P(CodeKernelsTest, BitHoldsExtremes) { ExpectExactAtExtremes<BitKind>(); }

// `gap` bytes of ones lie between the records; the last code, the query and the sums end at pages
// that nobody may touch.
template <class Kind>
void CodeKernelsTest::ExpectRowsAndGather(size_t dim, size_t count, size_t gap) {
  const Values query_values = RandomQuery<Kind>(dim);
  std::vector<uint8_t> records;
  std::vector<int32_t> expected(count);
  size_t stride = gap;
  for (size_t i = 0; i < count; ++i) {
    const Values code_values = RandomCode<Kind>(dim);
    expected[i] = ByLoop(query_values, code_values);
    const std::vector<uint8_t> code = Kind::Code(code_values);
    stride = code.size() + gap;
    records.insert(records.end(), i == 0 ? 0 : gap, 0xFF);
    records.insert(records.end(), code.begin(), code.end());
  }
  std::vector<uint32_t> picked(count);
  std::vector<int32_t> expected_picked(count);
  for (size_t i = 0; i < count; ++i) {
    picked[i] = static_cast<uint32_t>((i * 7 + 3) % count);  // not in order; some twice
    expected_picked[i] = expected[picked[i]];
  }
  const Fenced<typename Kind::Query> query(Kind::QueryOf(query_values));
  const Fenced<uint8_t> base(records);
  const Fenced<uint32_t> rows(picked);
  Fenced<int32_t> out(std::vector<int32_t>(count, -1));
  const std::span<const int32_t> sums(out.data(), count);

  Kind::kRows(query.data(), {base.data(), stride, count, dim}, out.data());
  ASSERT_THAT(sums, ElementsAreArray(expected)) << "dim " << dim << ", gap " << gap;
  for (const size_t prefetch_bytes : {size_t{0}, stride, size_t{5'000}}) {
    std::ranges::fill_n(out.data(), static_cast<std::ptrdiff_t>(count), -1);
    Kind::kGather(
        query.data(), {base.data(), stride, rows.data(), count, dim, prefetch_bytes}, out.data());
    ASSERT_THAT(sums, ElementsAreArray(expected_picked))
        << "dim " << dim << ", gap " << gap << ", prefetch of " << prefetch_bytes;
  }
}

// Blocks of several records, rests, and nothing.
template <class Kind>
void CodeKernelsTest::ExpectRowsAndGatherAtAllLengths() {
  for (const size_t dim : Dims()) {
    for (const size_t count : std::vector<size_t>{0, 1, 3, 4, 7, 9}) {
      ExpectRowsAndGather<Kind>(dim, count, /*gap=*/(dim + count) % 5);
      if (HasFatalFailure()) {
        return;
      }
    }
  }
  for (size_t count = 0; count <= 40; ++count) {  // longer than what is prefetched ahead
    ExpectRowsAndGather<Kind>(/*dim=*/100, count, /*gap=*/13);
  }
}
TEST_P(CodeKernelsTest, Int8RowsAndGatherAreExact) { ExpectRowsAndGatherAtAllLengths<Int8Kind>(); }
TEST_P(CodeKernelsTest, Int4RowsAndGatherAreExact) { ExpectRowsAndGatherAtAllLengths<Int4Kind>(); }
TEST_P(CodeKernelsTest, BitRowsAndGatherAreExact) { ExpectRowsAndGatherAtAllLengths<BitKind>(); }

TEST(CodeLayoutTest, SizesAreWholeBlocksAndWords) {
  EXPECT_THAT(
      (std::array{Int4CodeBytes(0), Int4CodeBytes(1), Int4CodeBytes(32), Int4CodeBytes(33)}),
      ElementsAre(0, 16, 16, 32));
  EXPECT_THAT((std::array{BitCodeBytes(0), BitCodeBytes(1), BitCodeBytes(64), BitCodeBytes(65)}),
              ElementsAre(0, 8, 8, 16));
}

TEST(CodeLayoutTest, Int4BlocksHoldTheirFirstHalfInLowBitsAndFillUpWithZeros) {
  std::vector<uint8_t> values(32 + 18);
  for (size_t d = 0; d < values.size(); ++d) {
    values[d] = static_cast<uint8_t>(d % 16);
  }
  values[16] = 9;
  std::vector<uint8_t> code(Int4CodeBytes(values.size()), 0xEE);
  PackInt4(values.data(), values.size(), code.data());
  EXPECT_THAT(code,
              ElementsAre(0x90,
                          0x11,
                          0x22,
                          0x33,
                          0x44,
                          0x55,
                          0x66,
                          0x77,  //
                          0x88,
                          0x99,
                          0xAA,
                          0xBB,
                          0xCC,
                          0xDD,
                          0xEE,
                          0xFF,  //
                          0x00,
                          0x11,
                          0x02,
                          0x03,
                          0x04,
                          0x05,
                          0x06,
                          0x07,  //
                          0x08,
                          0x09,
                          0x0A,
                          0x0B,
                          0x0C,
                          0x0D,
                          0x0E,
                          0x0F));
}

TEST(CodeLayoutTest, BitPlanesFollowEachOtherAndFillUpWithZeros) {
  std::vector<uint8_t> values(66);
  values[0] = 0b1010;
  values[63] = 0b0001;
  values[65] = 0b1100;
  std::vector<uint64_t> planes(kQueryPlanes * 2, ~uint64_t{0});
  PackBitPlanes(values.data(), values.size(), planes.data());
  constexpr uint64_t kTop = uint64_t{1} << 63;
  EXPECT_THAT(planes, ElementsAre(kTop, 0, 1, 0, 0, 2, 1, 2));
}

}  // namespace
}  // namespace alidade
