#include "manifest_records.h"

#include <array>
#include <bit>
#include <cstdint>

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

constexpr size_t kBlockBytes = 32'768;
constexpr size_t kHeaderBytes = 4 + 2 + 1;  // checksum, length, kind
constexpr uint8_t kKindLeast = 1;           // whole, first, middle, last part
constexpr uint8_t kKindMost = 4;

// CRC-32C (Castagnoli), a byte at a time.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    }
    table[byte] = crc;
  }
  return table;
}();

// As it stands in a header: turned, so that the checksum of bytes with a checksum in them is none.
uint32_t StoredCrc(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF];
  }
  return std::rotr(~crc, 15) + 0xA282EAD8U;
}

}  // namespace

size_t WholeRecords(std::string_view bytes, size_t offset) {
  const size_t file_end = offset + bytes.size();
  size_t at = offset;
  while (true) {
    const size_t left = kBlockBytes - at % kBlockBytes;
    // Where no header fits, a block is filled up.
    const size_t start = left < kHeaderBytes ? at + left : at;
    if (start + kHeaderBytes > file_end) {
      return at;
    }
    ByteReader in(bytes.substr(start - offset, kHeaderBytes));
    const auto crc = in.Little<uint32_t>();
    const auto length = in.Little<uint16_t>();
    const auto kind = in.Little<uint8_t>();
    const size_t end = start + kHeaderBytes + length;
    if (kind < kKindLeast || kind > kKindMost || end > file_end ||
        start / kBlockBytes != (end - 1) / kBlockBytes ||
        crc != StoredCrc(bytes.substr(start - offset + kHeaderBytes - 1, size_t{length} + 1))) {
      return at;
    }
    at = end;
  }
}

}  // namespace alidade
