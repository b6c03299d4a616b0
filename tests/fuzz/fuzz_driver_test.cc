// The driver notices what it is there for: canaries whose decoders have a planted fault.
#include "fuzz_driver.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/bytes.h"
#include "alidade/common/checksum.h"

#include "allocation_meter.h"
#include "mutator.h"

namespace alidade::fuzz {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr FuzzOptions kOptions = {.seed = 7, .rounds = 3'000};

// "length, bytes", with a fault that the test chooses.
FuzzTarget Canary(std::function<void(std::string_view bytes)> run) {
  return {.name = "Canary", .run = std::move(run), .corpus = [] {
            std::string bytes;
            AppendLengthPrefixed(bytes, "some bytes of a canary");
            return std::vector<std::string>{bytes};
          }};
}

// What is right: the length is checked.
std::string_view CheckedBody(std::string_view bytes) {
  ByteReader in(bytes);
  const std::string_view body = in.LengthPrefixed();
  if (in.done()) {
    Accepted();
  }
  return in.done() ? body : std::string_view();
}

TEST(FuzzDriver, AGoodDecoderHasNoFinding) {
  const FuzzResult result = RunFuzz(Canary([](auto bytes) { CheckedBody(bytes); }), kOptions);
  EXPECT_FALSE(result.finding.has_value()) << *result.finding;
  EXPECT_EQ(result.inputs, kOptions.rounds + 1);
  EXPECT_GT(result.accepted, 0U);
  EXPECT_LT(result.accepted, kOptions.rounds);
}

TEST(FuzzDriver, AValueThatDoesNotSurviveItsEncodingIsFound) {
  const auto run = [](std::string_view bytes) {
    // Bytes behind the value are overlooked.
    ByteReader in(bytes);
    const std::string_view body = in.LengthPrefixed();
    if (in.ok()) {
      Accepted();
      std::string again;
      AppendLengthPrefixed(again, body);
      Require(again == bytes, "round trip");
    }
  };
  const FuzzResult result = RunFuzz(Canary(run), kOptions);
  ASSERT_TRUE(result.finding.has_value());
  EXPECT_THAT(
      *result.finding,
      AllOf(HasSubstr("Canary, ALIDADE_TEST_SEED=7, round "), HasSubstr("not hold: round trip")));
}

TEST(FuzzDriver, AFindingIsCutDown) {
  const auto run = [](std::string_view bytes) {
    Accepted();
    Require(bytes.find('X') == std::string_view::npos, "no X");
  };
  const FuzzResult result = RunFuzz(Canary(run), kOptions);
  ASSERT_TRUE(result.finding.has_value());
  EXPECT_THAT(*result.finding, HasSubstr("input: 1 bytes 58"));
}

TEST(FuzzDriver, AnExceptionIsFound) {
  const auto run = [](std::string_view bytes) {
    Accepted();
    static_cast<void>(std::string(bytes).at(3));
  };
  const FuzzResult result = RunFuzz(Canary(run), kOptions);
  ASSERT_TRUE(result.finding.has_value());
  EXPECT_THAT(*result.finding, HasSubstr("input: 0 bytes"));
}

TEST(FuzzDriver, ABelievedLengthIsFoundByItsMemory) {
  if (!AllocationMeter::Works()) {
    GTEST_SKIP() << "the sanitizer has the heap";
  }
  const auto run = [](std::string_view bytes) {
    Accepted();
    ByteReader in(bytes);
    const std::vector<char> believed(in.Little<uint32_t>());
  };
  const FuzzResult result = RunFuzz(Canary(run), kOptions);
  ASSERT_TRUE(result.finding.has_value());
  EXPECT_THAT(*result.finding, ::testing::ContainsRegex("bytes of memory|bad_alloc"));
}

TEST(FuzzDriver, AFaultBehindAChecksumIsFoundOnlyThroughTheRepair) {
  const auto seal = [](std::string& bytes) {
    bytes.resize(bytes.size() - std::min(bytes.size(), sizeof(uint64_t)));
    AppendLittleEndian(bytes, Checksum64(bytes));
  };
  FuzzTarget target = Canary([](std::string_view bytes) {
    if (bytes.size() >= sizeof(uint64_t)) {
      const size_t hashed = bytes.size() - sizeof(uint64_t);
      if (LoadLittleEndian<uint64_t>(bytes.data() + hashed) ==
          Checksum64(bytes.substr(0, hashed))) {
        Accepted();
        Require(bytes.substr(0, hashed).starts_with('c'), "the first byte");
      }
    }
  });
  target.corpus = [seal] {
    std::string bytes = "checked" + std::string(sizeof(uint64_t), '\0');
    seal(bytes);
    return std::vector<std::string>{bytes};
  };
  EXPECT_FALSE(RunFuzz(target, kOptions).finding.has_value());
  target.repair = seal;
  const FuzzResult result = RunFuzz(target, kOptions);
  ASSERT_TRUE(result.finding.has_value());
  EXPECT_THAT(*result.finding, AllOf(HasSubstr("repaired"), HasSubstr("input: 8 bytes")));
}

TEST(FuzzDriver, SlowRunsAreFound) {
  const auto run = [](std::string_view bytes) {
    Accepted();
    if (bytes.size() < 20) {
      std::mt19937_64 random(bytes.size());
      random.discard(50'000'000);
      Require(random() != 0, "the work is not left out");
    }
  };
  const FuzzResult result =
      RunFuzz(Canary(run), {.seed = 7, .rounds = 500, .cpu_seconds_max = 0.01});
  ASSERT_TRUE(result.finding.has_value());
  EXPECT_THAT(*result.finding, HasSubstr("it took"));
}

TEST(FuzzDriver, ARefusedValidEncodingIsFound) {
  const FuzzResult result = RunFuzz(Canary([](auto) {}), kOptions);
  ASSERT_TRUE(result.finding.has_value());
  EXPECT_THAT(*result.finding, HasSubstr("refuses valid encoding 0"));
}

class FuzzDriverDeathTest : public ::testing::Test {
 protected:
  // The other targets may have made threads by now.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(FuzzDriverDeathTest, ACrashPrintsItsInput) {
  const auto run = [](std::string_view bytes) {
    Accepted();
    if (bytes.size() < 4) {
      std::abort();
    }
  };
#ifndef __SANITIZE_ADDRESS__
  EXPECT_DEATH(RunFuzz(Canary(run), kOptions), "it dies: Canary\ninput: [0-9a-f]*\n");
#else
  EXPECT_DEATH(RunFuzz(Canary(run), kOptions), "");
#endif
}

TEST_F(FuzzDriverDeathTest, AHangPrintsItsInput) {
  const auto run = [](std::string_view bytes) {
    Accepted();
    const volatile bool hangs = bytes.size() < 4;
    while (hangs) {
      ::poll(nullptr, 0, 0);  // TSan delivers signals in calls only
    }
  };
  EXPECT_DEATH(RunFuzz(Canary(run), {.seed = 7, .rounds = 3'000, .hang_seconds = 1}),
               "it hangs: Canary\ninput: [0-9a-f]*\n");
}

TEST(Mutator, IsDeterministicAndReachesEveryByte) {
  const std::vector<std::string> corpus = {std::string(64, 'a'), std::string(16, 'b')};
  const std::vector<std::string> words = {"word"};
  const std::vector<std::pair<size_t, size_t>> hot = {{8, 16}};
  Mutator one(5, corpus, words, hot);
  Mutator two(5, corpus, words, hot);
  std::set<size_t> changed;
  std::set<size_t> sizes;
  bool word = false;
  int hits = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::string bytes = one.Next();
    ASSERT_EQ(bytes, two.Next());
    sizes.insert(bytes.size());
    word = word || bytes.find("word") != std::string::npos;
    const size_t at = bytes.find_first_not_of("a");
    if (at != std::string::npos && bytes.size() == 64) {
      changed.insert(at);
      hits += at >= 8 && at < 16 ? 1 : 0;
    }
  }
  EXPECT_EQ(changed.size(), 64U);
  EXPECT_GT(hits, 3'000);
  EXPECT_TRUE(word);
  EXPECT_TRUE(sizes.contains(0));
  EXPECT_GT(*sizes.rbegin(), 64U);
}

}  // namespace
}  // namespace alidade::fuzz
