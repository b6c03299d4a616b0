// Checks of invariants: always on, print the condition with a message, abort.
//
// For broken invariants of our own only; input, disk and network answer with a Status (STYLE:
// errors).
#pragma once

#include <string>

#include <fmt/format.h>

namespace alidade {

// Prints the failed condition and aborts the process.
[[noreturn]] void CheckFailed(const char* file,
                              int line,
                              const char* condition,
                              const std::string& message);

}  // namespace alidade

// ALIDADE_CHECK(rows == ids.size(), "rows {} ids {}", rows, ids.size());
#define ALIDADE_CHECK(condition, ...)                                                     \
  do {                                                                                    \
    if (!(condition)) [[unlikely]] {                                                      \
      ::alidade::CheckFailed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
    }                                                                                     \
  } while (false)

// For checks that are expensive or on a hot path: gone in release builds.
#ifdef NDEBUG
#define ALIDADE_DCHECK(condition, ...) \
  do {                                 \
  } while (false)
#else
#define ALIDADE_DCHECK(condition, ...) ALIDADE_CHECK(condition, __VA_ARGS__)
#endif
