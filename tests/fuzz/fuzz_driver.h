// RunFuzz: feeds one decoder damaged copies of valid encodings, and notices when it misbehaves.
//
// Strategy: a seed corpus that the encoders make at run time, so that it is never out of date. Each
//           round takes one of it, damages it in one to four places (mutator.h) and runs the
//           target. Where a checksum guards the bytes, the target's `repair` makes it fit again and
//           the round runs a second time: what lies behind the checksum is reached too.
// Property: a target may accept or refuse, within its memory and time. Anything that it throws, a
//           broken Require among it, is a finding; the input is cut down before it is reported. A
//           signal (a crash, or the timer of a hang) prints the input before the process dies.
// Threads:  one RunFuzz at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alidade::fuzz {

struct FuzzTarget {
  std::string name;
  // Decodes the bytes, says Accepted() if they were taken, and checks what it got with Require.
  std::function<void(std::string_view bytes)> run;
  std::function<std::vector<std::string>()> corpus;  // valid encodings: all must be accepted
  std::function<void(std::string& bytes)> repair = nullptr;  // makes checksums fit again
  std::vector<std::string> words = {};                       // put in here and there
  // [first, second): half of the damage happens in one of these. None: anywhere.
  std::vector<std::pair<size_t, size_t>> hot = {};
  uint64_t rounds = 3'000;
  size_t memory_max = size_t{16} << 20;  // bytes that one run may ask the heap for
};

struct FuzzOptions {
  uint64_t seed = 0;
  uint64_t rounds = 0;  // 0: what the target says
  double cpu_seconds_max = 2;
  int hang_seconds = 30;  // by the clock: then the process is ended
};

struct FuzzResult {
  std::optional<std::string> finding;  // what went wrong, with input and seed
  uint64_t inputs = 0;
  uint64_t accepted = 0;  // of the damaged ones
};

// ALIDADE_FUZZ_ROUNDS, or 0.
uint64_t RoundsFromEnvironment();

FuzzResult RunFuzz(const FuzzTarget& target, const FuzzOptions& options);

// For targets: the decoder took the bytes.
void Accepted();
// For targets: ends the run as a finding unless it holds.
void Require(bool holds, std::string_view what);

}  // namespace alidade::fuzz
