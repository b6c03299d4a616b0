// What ThreadSanitizer cannot see, told to it: the packaged libraries are built without it, so it
// misses how their threads wait for each other. Nothing of this exists in other builds.
#pragma once

#include <version>  // _GLIBCXX_TSAN; __SANITIZE_THREAD__ is hidden from all who see protobuf's headers

#if defined(_GLIBCXX_TSAN)
// Of TSan's run-time library, which has no header for them.
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);
extern "C" void AnnotateHappensBefore(const char* file, int line, const volatile void* what);
extern "C" void AnnotateHappensAfter(const char* file, int line, const volatile void* what);
#endif

namespace alidade {

// A scope whose loads and stores are left out. For calls into a library: the sanitizer sees
// libstdc++ or the library's templates copying bytes for the library's threads, and takes the two
// together for races. A suppression by name would also hide what our own functions do above and
// below the call; this scope holds the call and nothing else.
class UnjudgedByTsan {
 public:
#if defined(_GLIBCXX_TSAN)
  UnjudgedByTsan() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~UnjudgedByTsan() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
#else
  UnjudgedByTsan() {}  // not defaulted: the scope's variable counts as used
  ~UnjudgedByTsan() {}
#endif
  UnjudgedByTsan(const UnjudgedByTsan&) = delete;
  UnjudgedByTsan& operator=(const UnjudgedByTsan&) = delete;
};

// Around a hand-over to another thread that the library makes: what was done before TsanHandsOver
// is visible after TsanTakesOver of the same object.
inline void TsanHandsOver([[maybe_unused]] const void* what) {
#if defined(_GLIBCXX_TSAN)
  AnnotateHappensBefore(__FILE__, __LINE__, what);
#endif
}
inline void TsanTakesOver([[maybe_unused]] const void* what) {
#if defined(_GLIBCXX_TSAN)
  AnnotateHappensAfter(__FILE__, __LINE__, what);
#endif
}

}  // namespace alidade
