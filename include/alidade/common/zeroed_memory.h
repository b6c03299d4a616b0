// ZeroedMemory: a large array of zeros whose untouched pages cost nothing.
#pragma once

#include <cstddef>
#include <utility>

namespace alidade {

// Page-aligned anonymous mapping. Thread-compatible; never moves once made.
class ZeroedMemory {
 public:
  ZeroedMemory() = default;
  // What is read at random from end to end is better off on huge pages: fewer misses of the
  // translation cache. A wish, which the kernel may not grant.
  enum class Pages { kNormal, kHuge };
  // Throws std::bad_alloc if the address space is not to be had.
  explicit ZeroedMemory(size_t bytes, Pages pages = Pages::kNormal);
  ~ZeroedMemory();
  ZeroedMemory(ZeroedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  ZeroedMemory& operator=(ZeroedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ZeroedMemory(const ZeroedMemory&) = delete;
  ZeroedMemory& operator=(const ZeroedMemory&) = delete;

  size_t bytes() const { return bytes_; }
  // For trivial element types; null if empty.
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace alidade
