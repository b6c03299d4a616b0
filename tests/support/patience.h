// kPatience: by how much a test's longest waits are stretched where a sanitizer slows everything
// down.
#pragma once

#include <version>  // _GLIBCXX_TSAN

namespace alidade::testing {

#if defined(_GLIBCXX_TSAN) || defined(__SANITIZE_ADDRESS__)
inline constexpr int kPatience = 5;
#else
inline constexpr int kPatience = 1;
#endif

}  // namespace alidade::testing
