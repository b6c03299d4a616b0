// Numbers of a few bits each, one after the other, lowest bit first.
//
// Threads:  pure.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>

#include "alidade/common/bytes.h"

namespace alidade {

// Readable bytes that UnpackBits needs behind those of the numbers.
inline constexpr size_t kUnpackSlack = sizeof(uint64_t);

inline uint32_t BitsFor(uint32_t largest) { return static_cast<uint32_t>(std::bit_width(largest)); }

inline uint64_t PackedBytes(uint64_t count, uint32_t bits) { return (count * bits + 7) / 8; }

// Requires: every value has at most `bits` bits, 0..32.
inline void PackBits(std::span<const uint32_t> values, uint32_t bits, std::string& out) {
  uint64_t pending = 0;
  uint32_t filled = 0;
  for (const uint32_t value : values) {
    pending |= uint64_t{value} << filled;
    filled += bits;
    while (filled >= 8) {
      out.push_back(static_cast<char>(static_cast<uint8_t>(pending)));
      pending >>= 8;
      filled -= 8;
    }
  }
  if (filled > 0) {
    out.push_back(static_cast<char>(static_cast<uint8_t>(pending)));
  }
}

inline void UnpackBits(const char* in, uint32_t bits, std::span<uint32_t> out) {
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  uint64_t at = 0;
  for (uint32_t& value : out) {
    value = static_cast<uint32_t>((LoadLittleEndian<uint64_t>(in + at / 8) >> (at % 8)) & mask);
    at += bits;
  }
}

}  // namespace alidade
