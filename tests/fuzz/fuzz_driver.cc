#include "fuzz_driver.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "allocation_meter.h"
#include "death_note.h"
#include "mutator.h"

namespace alidade::fuzz {
namespace {

constexpr size_t kBytesShown = 600;
constexpr int kShrinkRunsMax = 3'000;

uint64_t accepted_runs = 0;

double CpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string Hex(std::string_view bytes) {
  std::string out = fmt::format("{} bytes ", bytes.size());
  for (const char c : bytes.substr(0, kBytesShown)) {
    out += fmt::format("{:02x}", static_cast<uint8_t>(c));
  }
  return out + (bytes.size() > kBytesShown ? "..." : "");
}

// What is wrong with one run; nothing if all is well.
std::optional<std::string> RunOnce(const FuzzTarget& target,
                                   const FuzzOptions& options,
                                   std::string_view bytes) {
  // A block of just this size: the address sanitizer sees a read behind its end.
  const auto block = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), block.get());
  const std::string_view input(block.get(), bytes.size());
  const DeathNote note(target.name, input, options.hang_seconds);
  const double start = CpuSeconds();
  std::optional<std::string> finding;
  size_t allocated = 0;
  try {
    const AllocationMeter meter(allocated);
    target.run(input);
  } catch (const std::exception& error) {
    finding = error.what();
  } catch (...) {
    finding = "something was thrown";
  }
  if (!finding.has_value() && allocated > target.memory_max) {
    finding = fmt::format(
        "{} bytes of memory were asked for, {} are allowed", allocated, target.memory_max);
  }
  if (const double seconds = CpuSeconds() - start;
      !finding.has_value() && seconds > options.cpu_seconds_max) {
    finding = fmt::format("it took {:.1f} s", seconds);
  }
  return finding;
}

// Takes pieces out as long as something is still found; says what in the end.
std::string Shrink(const FuzzTarget& target,
                   const FuzzOptions& options,
                   bool repaired,
                   std::string& bytes,
                   std::string finding) {
  int runs = 0;
  for (size_t piece = std::max<size_t>(bytes.size() / 2, 1); piece > 0; piece /= 2) {
    for (size_t at = 0; at < bytes.size() && runs < kShrinkRunsMax; ++runs) {
      std::string shorter = bytes;
      shorter.erase(at, piece);
      if (repaired) {
        target.repair(shorter);
      }
      if (auto again = RunOnce(target, options, shorter);
          again.has_value() && shorter.size() < bytes.size()) {
        bytes = shorter;
        finding = std::move(*again);
      } else {
        at += piece;
      }
    }
  }
  return finding;
}

}  // namespace

void Accepted() { ++accepted_runs; }

void Require(bool holds, std::string_view what) {
  if (!holds) {
    throw std::logic_error("does not hold: " + std::string(what));
  }
}

uint64_t RoundsFromEnvironment() {
  const char* text = std::getenv("ALIDADE_FUZZ_ROUNDS");
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

FuzzResult RunFuzz(const FuzzTarget& target, const FuzzOptions& options) {
  FuzzResult result;
  const std::vector<std::string> corpus = target.corpus();
  const auto run = [&](std::string bytes, const std::string& what, bool repaired) {
    ++result.inputs;
    auto finding = RunOnce(target, options, bytes);
    if (finding.has_value()) {
      const std::string text = Shrink(target, options, repaired, bytes, std::move(*finding));
      result.finding = fmt::format("{}, ALIDADE_TEST_SEED={}, {}: {}\ninput: {}",
                                   target.name,
                                   options.seed,
                                   what,
                                   text,
                                   Hex(bytes));
    }
    return !result.finding.has_value();
  };
  for (size_t i = 0; i < corpus.size(); ++i) {
    const uint64_t before = accepted_runs;
    if (!run(corpus[i], fmt::format("valid encoding {}", i), /*repaired=*/false)) {
      return result;
    }
    if (accepted_runs == before) {
      result.finding =
          fmt::format("{} refuses valid encoding {}: {}", target.name, i, Hex(corpus[i]));
      return result;
    }
  }
  const uint64_t rounds = options.rounds != 0 ? options.rounds : target.rounds;
  const uint64_t before = accepted_runs;
  Mutator mutator(options.seed, corpus, target.words, target.hot);
  for (uint64_t round = 0; round < rounds; ++round) {
    std::string bytes = mutator.Next();
    if (!run(bytes, fmt::format("round {}", round), /*repaired=*/false)) {
      return result;
    }
    if (target.repair) {
      target.repair(bytes);
      if (!run(bytes, fmt::format("round {}, repaired", round), /*repaired=*/true)) {
        return result;
      }
    }
  }
  result.accepted = accepted_runs - before;
  return result;
}

}  // namespace alidade::fuzz
