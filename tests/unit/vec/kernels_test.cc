// The kernels against a loop in double precision, on every instruction set of this machine.
//
// Vectors of small integers have sums that float32 holds exactly in any order: a single element
// that is left out, taken twice or taken from elsewhere shows. Vectors of random floats show what
// integers cannot: that rounding stays within its bound.
#include "alidade/vec/kernels.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alidade {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr size_t kSmallDimMax = 130;
constexpr size_t kMisalignments = 16;  // floats in the widest vector register
constexpr uint64_t kSeed = 20'260'102;

std::vector<size_t> Dims() {
  std::vector<size_t> dims;
  for (size_t dim = 0; dim <= kSmallDimMax; ++dim) {
    dims.push_back(dim);
  }
  dims.insert(dims.end(), {384, 768, 1'536, 65'536});
  return dims;
}

// Sums of squared differences stay below 2^24 up to dimension 65,536.
std::vector<float> SmallIntegers(std::mt19937_64& random, size_t count) {
  std::uniform_int_distribution<int> value(-7, 7);
  std::vector<float> values(count);
  for (float& x : values) {
    x = static_cast<float>(value(random));
  }
  return values;
}

struct Reference {
  double value = 0;
  double bound = 0;  // of what float32 may differ by
};

// At least four partial sums run in parallel on any target, and the longest chain of additions
// bounds the error.
Reference ByLoop(bool l2, const float* a, const float* b, size_t dim) {
  Reference sum;
  double magnitude = 0;
  for (size_t i = 0; i < dim; ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    const double term = l2 ? (x - y) * (x - y) : x * y;
    sum.value += term;
    magnitude += std::abs(term);
  }
  sum.bound = (static_cast<double>(dim) / 4 + 8) * std::ldexp(magnitude, -24);
  return sum;
}

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
      return;
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
using FencedFloats = Fenced<float>;

// A copy that starts `offset` floats behind a multiple of 64 bytes.
class MisalignedFloats {
 public:
  MisalignedFloats(std::span<const float> values, size_t offset)
      : storage_(values.size() + 2 * kMisalignments, std::numeric_limits<float>::quiet_NaN()) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.data());
    const size_t to_aligned = (64 - address % 64) % 64 / sizeof(float);
    begin_ = storage_.data() + to_aligned + offset;
    std::ranges::copy(values, begin_);
  }
  MisalignedFloats(const MisalignedFloats&) = delete;
  MisalignedFloats& operator=(const MisalignedFloats&) = delete;
  const float* data() const { return begin_; }

 private:
  std::vector<float> storage_;  // NaN around the values: reading one would spoil the sum
  float* begin_;
};

class KernelsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceKernelTargetForTest(GetParam())); }
  void TearDown() override { ForceKernelTargetForTest(""); }

  std::mt19937_64 random_{kSeed};
};

std::string TargetParamName(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::erase_if(name, [](unsigned char c) { return std::isalnum(c) == 0; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         KernelsTest,
                         ::testing::ValuesIn(KernelTargets()),
                         TargetParamName);

TEST_P(KernelsTest, TargetIsTheOnlyOne) { EXPECT_THAT(KernelTargets(), ElementsAre(GetParam())); }

TEST_P(KernelsTest, SumsIntegersExactlyAtAllLengthsAndMisalignments) {
  for (const size_t dim : Dims()) {
    const std::vector<float> a = SmallIntegers(random_, dim);
    const std::vector<float> b = SmallIntegers(random_, dim);
    const auto l2 = static_cast<float>(ByLoop(/*l2=*/true, a.data(), b.data(), dim).value);
    const auto dot = static_cast<float>(ByLoop(/*l2=*/false, a.data(), b.data(), dim).value);
    // All pairs of misalignments where that is cheap; each of both, but not all pairs, elsewhere.
    const size_t step = dim <= kSmallDimMax ? 1 : 5;
    for (size_t i = 0; i < kMisalignments; ++i) {
      const MisalignedFloats x(a, i);
      for (size_t j = i % step; j < kMisalignments; j += step) {
        const MisalignedFloats y(b, j);
        ASSERT_EQ(SquaredL2(x.data(), y.data(), dim), l2) << dim << " at " << i << ", " << j;
        ASSERT_EQ(Dot(x.data(), y.data(), dim), dot) << dim << " at " << i << ", " << j;
      }
    }
  }
}

TEST_P(KernelsTest, RoundsWithinTheBound) {
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> exponent(-20, 20);
  for (const size_t dim : Dims()) {
    for (const bool spread : {false, true}) {
      std::vector<float> a(dim);
      std::vector<float> b(dim);
      for (size_t i = 0; i < dim; ++i) {
        const float scale = spread ? std::exp2(exponent(random_)) : 1.0F;
        a[i] = normal(random_) * scale;
        b[i] = normal(random_) * scale;
      }
      const Reference l2 = ByLoop(/*l2=*/true, a.data(), b.data(), dim);
      const Reference dot = ByLoop(/*l2=*/false, a.data(), b.data(), dim);
      EXPECT_NEAR(SquaredL2(a.data(), b.data(), dim), l2.value, l2.bound) << dim;
      EXPECT_NEAR(Dot(a.data(), b.data(), dim), dot.value, dot.bound) << dim;
      EXPECT_EQ(SquaredL2(a.data(), a.data(), dim), 0.0F) << dim;
    }
  }
}

TEST_P(KernelsTest, ReadNothingOutsideTheVectors) {
  for (const size_t dim : Dims()) {
    const std::vector<float> a = SmallIntegers(random_, dim);
    const std::vector<float> b = SmallIntegers(random_, dim);
    const FencedFloats x(a);
    const FencedFloats y(b);
    ASSERT_EQ(SquaredL2(x.data(), y.data(), dim), SquaredL2(a.data(), b.data(), dim)) << dim;
    ASSERT_EQ(Dot(x.data(), y.data(), dim), Dot(a.data(), b.data(), dim)) << dim;
  }
}

// Rows and gathers of 0 to 9 rows: blocks of four, rests, and nothing. Query, rows and results end
// at pages that nobody may touch.
TEST_P(KernelsTest, RowsAndGatherAgreeWithOneToOne) {
  for (const size_t dim : Dims()) {
    const size_t rows_max = dim <= kSmallDimMax ? 9 : 6;
    const std::vector<float> query_values = SmallIntegers(random_, dim);
    const FencedFloats query(query_values);
    for (size_t count = 0; count <= rows_max; ++count) {
      const std::vector<float> values = SmallIntegers(random_, count * dim);
      const FencedFloats rows(values);
      FencedFloats out(std::vector<float>(count, -1.0F));
      std::vector<uint32_t> picked(count);
      for (size_t i = 0; i < count; ++i) {
        picked[i] = static_cast<uint32_t>((i * 7 + 3) % count);  // not in order; some twice
      }
      const RowPick pick{rows.data(), picked.data(), count, dim};
      const auto expect = [&](bool l2, bool gather) {
        for (size_t i = 0; i < count; ++i) {
          const float* row = values.data() + (gather ? picked[i] : i) * dim;
          ASSERT_EQ(
              out.data()[i],
              l2 ? SquaredL2(query_values.data(), row, dim) : Dot(query_values.data(), row, dim))
              << "dim " << dim << ", row " << i << " of " << count << (gather ? " gathered" : "");
        }
      };
      SquaredL2Rows(query.data(), rows.data(), count, dim, out.data());
      expect(/*l2=*/true, /*gather=*/false);
      DotRows(query.data(), rows.data(), count, dim, out.data());
      expect(/*l2=*/false, /*gather=*/false);
      SquaredL2Gather(query.data(), pick, out.data());
      expect(/*l2=*/true, /*gather=*/true);
      DotGather(query.data(), pick, out.data());
      expect(/*l2=*/false, /*gather=*/true);
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

TEST_P(KernelsTest, RowsAndGatherTakeAnyMisalignment) {
  constexpr size_t kRows = 7;
  const std::vector<uint32_t> picked = {6, 0, 5, 1, 4, 2, 3};
  for (const size_t dim : std::vector<size_t>{1, 3, 4, 7, 8, 15, 16, 17, 33, 64, 100, 384}) {
    const std::vector<float> query_values = SmallIntegers(random_, dim);
    const std::vector<float> row_values = SmallIntegers(random_, kRows * dim);
    for (size_t offset = 0; offset < kMisalignments; ++offset) {
      const MisalignedFloats query(query_values, offset);
      const MisalignedFloats rows(row_values, (offset * 5 + 3) % kMisalignments);
      std::array<float, kRows> l2{};
      std::array<float, kRows> dot{};
      std::array<float, kRows> l2_picked{};
      std::array<float, kRows> dot_picked{};
      const RowPick pick{rows.data(), picked.data(), kRows, dim};
      SquaredL2Rows(query.data(), rows.data(), kRows, dim, l2.data());
      DotRows(query.data(), rows.data(), kRows, dim, dot.data());
      SquaredL2Gather(query.data(), pick, l2_picked.data());
      DotGather(query.data(), pick, dot_picked.data());
      for (size_t i = 0; i < kRows; ++i) {
        const float* row = row_values.data() + i * dim;
        const Reference exact_l2 = ByLoop(/*l2=*/true, query_values.data(), row, dim);
        const Reference exact_dot = ByLoop(/*l2=*/false, query_values.data(), row, dim);
        ASSERT_EQ(l2[i], static_cast<float>(exact_l2.value)) << dim << " at " << offset;
        ASSERT_EQ(dot[i], static_cast<float>(exact_dot.value)) << dim << " at " << offset;
        ASSERT_EQ(l2_picked[i], l2[picked[i]]) << dim << " at " << offset;
        ASSERT_EQ(dot_picked[i], dot[picked[i]]) << dim << " at " << offset;
      }
    }
  }
}

// Rows of narrow numbers give what the same numbers give as floats, bit for bit, and widen to them.
template <class T, class Narrow>
void ExpectSameAsFloats(std::mt19937_64& random, const Narrow& narrow) {
  std::normal_distribution<float> normal;
  for (const size_t dim : Dims()) {
    constexpr size_t kRows = 6;
    std::vector<float> query(dim);
    std::vector<T> values(kRows * dim);
    std::ranges::generate(query, [&] { return normal(random); });
    std::ranges::generate(values, [&] { return narrow(normal(random)); });
    const Fenced<T> rows(values);
    Fenced<float> wide(std::vector<float>(kRows * dim));
    ToFloats(rows.data(), wide.data(), kRows * dim);
    for (size_t i = 0; i < kRows * dim; ++i) {
      ASSERT_EQ(narrow(wide.data()[i]).bits, values[i].bits);
    }
    const std::vector<uint32_t> picked = {5, 0, 5, 3, 1};
    const RowPick<T> pick{rows.data(), picked.data(), picked.size(), dim};
    const RowPick<float> wide_pick{wide.data(), picked.data(), picked.size(), dim};
    for (const size_t count : {size_t{1}, size_t{3}, kRows}) {
      std::array<float, kRows> got{};
      std::array<float, kRows> wanted{};
      SquaredL2Rows(query.data(), rows.data(), count, dim, got.data());
      SquaredL2Rows(query.data(), wide.data(), count, dim, wanted.data());
      ASSERT_EQ(got, wanted) << dim;
      DotRows(query.data(), rows.data(), count, dim, got.data());
      DotRows(query.data(), wide.data(), count, dim, wanted.data());
      ASSERT_EQ(got, wanted) << dim;
      SquaredL2Gather(query.data(), pick, got.data());
      SquaredL2Gather(query.data(), wide_pick, wanted.data());
      ASSERT_EQ(got, wanted) << dim;
      DotGather(query.data(), pick, got.data());
      DotGather(query.data(), wide_pick, wanted.data());
      ASSERT_EQ(got, wanted) << dim;
    }
  }
}

TEST_P(KernelsTest, RowsOfFloat16GiveWhatTheyGiveAsFloats) {
  ExpectSameAsFloats<Float16>(random_, ToFloat16);
}

TEST_P(KernelsTest, RowsOfBfloat16GiveWhatTheyGiveAsFloats) {
  ExpectSameAsFloats<Bfloat16>(random_, ToBfloat16);
}

// Random floats: the forms may sum in different orders, so they agree within the bound only.
TEST_P(KernelsTest, RowsAndGatherRoundWithinTheBound) {
  std::normal_distribution<float> normal;
  constexpr size_t kRows = 11;
  for (const size_t dim : std::vector<size_t>{1, 5, 16, 63, 100, 130, 384, 768, 1'536}) {
    std::vector<float> query(dim);
    std::vector<float> rows(kRows * dim);
    std::ranges::generate(query, [&] { return normal(random_); });
    std::ranges::generate(rows, [&] { return normal(random_); });
    std::vector<uint32_t> picked(kRows);
    std::ranges::generate(picked, [&] { return static_cast<uint32_t>(random_() % kRows); });
    const RowPick pick{rows.data(), picked.data(), kRows, dim};
    std::array<float, kRows> out{};
    const auto expect = [&](bool l2, bool gather) {
      for (size_t i = 0; i < kRows; ++i) {
        const size_t row = gather ? picked[i] : i;
        const Reference exact = ByLoop(l2, query.data(), rows.data() + row * dim, dim);
        EXPECT_NEAR(out[i], exact.value, exact.bound) << dim << " row " << row;
      }
    };
    SquaredL2Rows(query.data(), rows.data(), kRows, dim, out.data());
    expect(/*l2=*/true, /*gather=*/false);
    DotRows(query.data(), rows.data(), kRows, dim, out.data());
    expect(/*l2=*/false, /*gather=*/false);
    SquaredL2Gather(query.data(), pick, out.data());
    expect(/*l2=*/true, /*gather=*/true);
    DotGather(query.data(), pick, out.data());
    expect(/*l2=*/false, /*gather=*/true);
  }
}

// ValidateVector relies on it: one value that is not finite makes the sum so.
// Otherwise the order of equal vectors in an answer depends on where they lie.
TEST_P(KernelsTest, EqualRowsHaveEqualDistancesWhereverTheyStand) {
  std::mt19937_64 random(kSeed);
  std::normal_distribution<float> normal;
  constexpr uint32_t kRows = 11;
  for (const size_t dim : {1U, 7U, 32U, 100U, 384U}) {
    std::vector<float> query(dim);
    std::vector<float> row(dim);
    std::generate(query.begin(), query.end(), [&] { return normal(random); });
    std::generate(row.begin(), row.end(), [&] { return normal(random); });
    std::vector<float> rows;
    std::vector<uint32_t> picked;
    for (uint32_t i = 0; i < kRows; ++i) {
      rows.insert(rows.end(), row.begin(), row.end());
      picked.push_back(kRows - 1 - i);
    }
    using InOrder = void (*)(const float*, const float*, size_t, size_t, float*);
    using ByPick = void (*)(const float*, const RowPick<float>&, float*);
    for (const auto& [in_order, by_pick] :
         {std::pair<InOrder, ByPick>(SquaredL2Rows, SquaredL2Gather),
          std::pair<InOrder, ByPick>(DotRows, DotGather)}) {
      float first = 0;
      in_order(query.data(), rows.data(), 1, dim, &first);
      for (size_t count = 1; count <= kRows; ++count) {
        std::vector<float> out(2 * count);
        in_order(query.data(), rows.data(), count, dim, out.data());
        by_pick(query.data(),
                {.base = rows.data(), .rows = picked.data(), .count = count, .dim = dim},
                out.data() + count);
        EXPECT_THAT(out, Each(first)) << "dim " << dim << " count " << count;
      }
    }
  }
}

TEST_P(KernelsTest, NonFiniteValuesSpreadIntoTheSum) {
  for (size_t dim = 1; dim <= kSmallDimMax; ++dim) {
    for (size_t at = 0; at < dim; ++at) {
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity()}) {
        std::vector<float> vector(dim, 1.0F);
        vector[at] = bad;
        ASSERT_FALSE(std::isfinite(Dot(vector.data(), vector.data(), dim))) << dim << " " << at;
      }
    }
  }
}

TEST(KernelTargetsTest, BestIsChosenAndUnknownOnesAreRefused) {
  const std::vector<std::string> targets = KernelTargets();
  ASSERT_THAT(targets, Not(IsEmpty()));
  EXPECT_FALSE(ForceKernelTargetForTest("ABACUS"));
  EXPECT_TRUE(ForceKernelTargetForTest(targets.back()));
  EXPECT_THAT(KernelTargets(), ElementsAre(targets.back()));
  EXPECT_TRUE(ForceKernelTargetForTest(""));
  EXPECT_EQ(KernelTargets(), targets);
}

}  // namespace
}  // namespace alidade
