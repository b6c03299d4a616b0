#include "alidade/common/zeroed_memory.h"

#include <sys/mman.h>

#include <new>

namespace alidade {

ZeroedMemory::ZeroedMemory(size_t bytes, Pages pages) : bytes_(bytes) {
  if (bytes == 0) {
    return;
  }
  // calloc would do for big arrays, but it clears (and so touches) memory that it reuses.
  void* data = ::mmap(
      nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    throw std::bad_alloc();
  }
  data_ = data;
  if (pages == Pages::kHuge) {
    static_cast<void>(::madvise(data, bytes, MADV_HUGEPAGE));
  }
}

ZeroedMemory::~ZeroedMemory() {
  if (data_ != nullptr) {
    ::munmap(data_, bytes_);
  }
}

}  // namespace alidade
