#include "allocation_meter.h"

#include <cstdlib>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(_GLIBCXX_TSAN)
#define ALIDADE_FUZZ_METERED 1
#endif

namespace alidade::fuzz {
namespace {

thread_local size_t* metered = nullptr;

}  // namespace

AllocationMeter::AllocationMeter(size_t& bytes) { metered = &bytes; }
AllocationMeter::~AllocationMeter() { metered = nullptr; }

#ifdef ALIDADE_FUZZ_METERED
bool AllocationMeter::Works() { return true; }

namespace {

void* Allocate(size_t bytes) {
  if (metered != nullptr) {
    *metered += bytes;
    if (bytes > AllocationMeter::kWishMax) {
      throw std::bad_alloc();
    }
  }
  if (void* block = std::malloc(bytes == 0 ? 1 : bytes); block != nullptr) {
    return block;
  }
  throw std::bad_alloc();
}

}  // namespace
#else
bool AllocationMeter::Works() { return false; }
#endif

}  // namespace alidade::fuzz

#ifdef ALIDADE_FUZZ_METERED
// The array forms and those that do not throw call these.
void* operator new(size_t bytes) { return alidade::fuzz::Allocate(bytes); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t /*bytes*/) noexcept { std::free(block); }
#endif
