// AllocationMeter: how much a piece of code asks the heap for.
#pragma once

#include <cstddef>

namespace alidade::fuzz {

// While it lives, adds what this thread asks operator new for to `bytes`; a single wish beyond
// kWishMax is refused with std::bad_alloc, so that a decoder that believes a damaged length does
// not take the machine down. Measures nothing under a sanitizer, which has the heap to itself.
class AllocationMeter {
 public:
  static constexpr size_t kWishMax = size_t{256} << 20;

  explicit AllocationMeter(size_t& bytes);
  ~AllocationMeter();
  AllocationMeter(const AllocationMeter&) = delete;
  AllocationMeter& operator=(const AllocationMeter&) = delete;

  static bool Works();
};

}  // namespace alidade::fuzz
