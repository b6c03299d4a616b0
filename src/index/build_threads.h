// OnThreads: the same work on several threads, which share it among themselves.
#pragma once

#include <atomic>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "alidade/common/log.h"

namespace alidade {

// Calls work(stop) on so many threads at once, this one among them, and returns when all have
// returned; they are as nice as this one. `stop` becomes true when one of them ran out of memory.
// Throws std::bad_alloc then.
template <class Work>
void OnThreads(int threads, const Work& work) {
  std::atomic<bool> out_of_memory{false};
  const auto guarded = [&] {
    try {
      work(std::as_const(out_of_memory));
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (int i = 1; i < threads; ++i) {
        others.emplace_back(guarded);
      }
    } catch (const std::system_error& error) {
      ALIDADE_LOG_WARN("the index is built by fewer threads: {}", error.what());
    }
    guarded();
  }
  if (out_of_memory) {
    throw std::bad_alloc();
  }
}

}  // namespace alidade
