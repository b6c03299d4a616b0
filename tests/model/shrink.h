// Shrink: the shortest part of a failing sequence, found by leaving out chunks, that still fails.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace alidade {

// `fails` is asked at most `runs_max` times. The result fails whenever `fails` is deterministic.
template <typename T>
std::vector<T> Shrink(std::vector<T> failing,
                      const std::function<bool(const std::vector<T>&)>& fails,
                      int runs_max) {
  size_t chunk = (failing.size() + 1) / 2;
  while (chunk > 0) {
    bool removed = false;
    // From the end: what comes after the failure goes first.
    for (size_t end = failing.size(); end > 0 && runs_max > 0;) {
      const size_t begin = end > chunk ? end - chunk : 0;
      std::vector<T> shorter(failing.begin(), failing.begin() + static_cast<ptrdiff_t>(begin));
      shorter.insert(shorter.end(), failing.begin() + static_cast<ptrdiff_t>(end), failing.end());
      --runs_max;
      if (fails(shorter)) {
        failing = std::move(shorter);
        removed = true;
      }
      end = begin;
    }
    if (runs_max <= 0) {
      break;
    }
    // Single steps are tried again as long as one of them could go.
    chunk = chunk > 1 ? chunk / 2 : (removed ? 1 : 0);
  }
  return failing;
}

}  // namespace alidade
