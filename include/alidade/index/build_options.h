// How an index is built, how far a build is, and the wish to stop it.
//
// Threads:  BuildProgress is written by the build and read, and cancelled, by any other thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "alidade/common/status.h"

namespace alidade {

class VectorCodes;

// Progress of a build, readable from other threads, and the wish to stop it.
struct BuildProgress {
  // Vectors in their index; of a segment with several fields, those of all fields so far.
  std::atomic<uint64_t> rows_done{0};
  // Of how many; 0: not known. Whoever builds for several fields says so.
  std::atomic<uint64_t> rows_total{0};
  std::atomic<bool> cancelled{false};
};

// CANCELLED when the progress says so. Null: never.
Status CheckCancelled(const BuildProgress* progress);

struct BuildOptions {
  int threads = 1;
  BuildProgress* progress = nullptr;
  // Of the same vectors, or null. With codes, distances of a graph are estimated by those of 8
  // bits, which are made for the build if these are others.
  const VectorCodes* codes = nullptr;
  // A graph over so many vectors and more gets places, if there are codes: of fewer, a filter lets
  // so few through that all of them are looked at.
  uint32_t places_from = 20'000;
  // From so many vectors on a tenant gets a graph of its own: fewer are looked at in less.
  uint32_t subsets_from = 1'000;
};

}  // namespace alidade
