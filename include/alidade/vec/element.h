// ElementType: how the numbers of stored vectors are written, and vectors that are written so.
//
// Plain code, the same on every machine: what is stored must not depend on which one wrote it. The
// kernels (kernels.h) read narrow numbers without it.
// Threads:  pure.
// Format:   little-endian; a vector of float32 is an array of floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alidade {

enum class ElementType : uint8_t {  // on disk: numbers are never reused
  kFloat32 = 1,
  kFloat16 = 2,   // IEEE 754 binary16: 11 bits of precision, up to 65,504
  kBfloat16 = 3,  // the upper half of a float32: 8 bits of precision, its range
};

// One number of a vector, as it is stored.
struct Float16 {
  uint16_t bits = 0;
};
struct Bfloat16 {
  uint16_t bits = 0;
};

constexpr size_t ElementBytes(ElementType element) {
  return element == ElementType::kFloat32 ? sizeof(float) : sizeof(uint16_t);
}
std::string_view ElementTypeName(ElementType element);  // "float32", ...; else "unknown"

// The nearest numbers that there are, of two equally near ones the even one; what is beyond the
// largest becomes infinite.
Float16 ToFloat16(float value);
Bfloat16 ToBfloat16(float value);
std::string EncodeElements(std::span<const float> values, ElementType element);

void ToFloats(const Float16* in, float* out, size_t count);
void ToFloats(const Bfloat16* in, float* out, size_t count);
void ToFloats(const void* in, ElementType element, float* out, size_t count);

// A vector as it is stored. Borrows it.
struct VectorView {
  const void* data = nullptr;  // null: there is none
  uint32_t dim = 0;
  ElementType element = ElementType::kFloat32;

  bool has_value() const { return data != nullptr; }
  std::string_view bytes() const {
    return {static_cast<const char*>(data), dim * ElementBytes(element)};
  }
  std::vector<float> Floats() const {
    std::vector<float> floats(dim);
    ToFloats(data, element, floats.data(), dim);
    return floats;
  }
};

}  // namespace alidade
