// UnjudgedByTsan: a scope whose loads and stores ThreadSanitizer leaves out.
//
// For calls into RocksDB, which is packaged without it: the sanitizer does not see how RocksDB's
// threads wait for each other, but it sees libstdc++ copying bytes for them, and takes the two
// together for races. A suppression by name would also hide what our own functions do above and
// below the call; this scope holds the call and nothing else.
#pragma once

#if defined(__SANITIZE_THREAD__)
// Of TSan's run-time library, which has no header for them.
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);
#endif

namespace alidade {

class UnjudgedByTsan {
 public:
#if defined(__SANITIZE_THREAD__)
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

}  // namespace alidade
