// Fixed-width integers in bytes, and a reader that never runs past its end.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace alidade {

static_assert(std::endian::native == std::endian::little, "files are mapped as they lie on disk");

template <typename T>
concept UnsignedInteger = std::is_unsigned_v<T>;

template <UnsignedInteger T>
void AppendLittleEndian(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <UnsignedInteger T>
void AppendBigEndian(std::string& out, T value) {
  for (size_t i = sizeof(T); i-- > 0;) {
    out.push_back(static_cast<char>(static_cast<uint8_t>(value >> (8 * i))));
  }
}

template <UnsignedInteger T>
T LoadLittleEndian(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof(T));
  return value;
}

template <UnsignedInteger T>
T LoadBigEndian(const char* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((static_cast<uint64_t>(value) << 8) | static_cast<uint8_t>(in[i]));
  }
  return value;
}

// A length of up to 2^32 - 1 and then the bytes.
inline void AppendLengthPrefixed(std::string& out, std::string_view bytes) {
  AppendLittleEndian(out, static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

// Reads from front to back. After the first read past the end, `ok()` is false and every read gives
// zero or nothing, so a decoder checks once at its end. Thread-compatible; borrows the bytes.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <UnsignedInteger T>
  T Little() {
    const std::string_view raw = Bytes(sizeof(T));
    return raw.size() == sizeof(T) ? LoadLittleEndian<T>(raw.data()) : T{0};
  }
  template <UnsignedInteger T>
  T Big() {
    const std::string_view raw = Bytes(sizeof(T));
    return raw.size() == sizeof(T) ? LoadBigEndian<T>(raw.data()) : T{0};
  }
  std::string_view Bytes(size_t count) {
    if (!ok_ || count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view result = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return result;
  }
  std::string_view LengthPrefixed() { return Bytes(Little<uint32_t>()); }

  bool ok() const { return ok_; }
  // All bytes read and none missing.
  bool done() const { return ok_ && bytes_.empty(); }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace alidade
