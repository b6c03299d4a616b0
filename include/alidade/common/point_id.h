// PointId: the user's name of a point, an unsigned 64-bit integer or a UTF-8 string of 1..256
// bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "alidade/common/status.h"

namespace alidade {

inline constexpr size_t kPointIdBytesMax = 256;

class PointId {
 public:
  PointId() = default;
  explicit PointId(uint64_t number) : value_(number) {}
  explicit PointId(std::string text) : value_(std::move(text)) {}

  bool is_number() const { return std::holds_alternative<uint64_t>(value_); }
  uint64_t number() const { return std::get<uint64_t>(value_); }
  const std::string& text() const { return std::get<std::string>(value_); }

  // Key bytes whose order is the order of ids: numbers first, rising, then strings by bytes.
  std::string Encode() const;
  static StatusOr<PointId> Decode(std::string_view bytes);

  // For messages: 42 or "text".
  std::string ToString() const;

  friend auto operator<=>(const PointId&, const PointId&) = default;

 private:
  std::variant<uint64_t, std::string> value_ = uint64_t{0};
};

// OK if `text` is 1..256 bytes of valid UTF-8.
Status ValidateTextId(std::string_view text);
// True if the bytes are well-formed UTF-8 (no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view text);

}  // namespace alidade
