// The bytes of a payload, and reading single keys out of them without decoding the rest.
//
// Format:   object = u32 count, then per key: u32 length, key, value; value = tag byte, then
//           bool u8 | int64 8 bytes | double 8 bytes | string u32 length + bytes |
//           list u32 byte length, u32 count, values | object u32 byte length, object.
//           Little-endian; keys in byte order. Tags are never reused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alidade/common/status.h"
#include "alidade/common/value.h"

namespace alidade {

enum class ValueTag : uint8_t {  // on disk: numbers are never reused
  kNull = 0,
  kBool = 1,
  kInt64 = 2,
  kDouble = 3,
  kString = 4,
  kList = 5,
  kObject = 6,
};

// Deepest nesting that the codec accepts; the API's own limit (limits.h) is at most this.
inline constexpr int kPayloadDepthHardMax = 64;

void EncodeObject(const Object& object, std::string& out);
// DATA_LOSS if the bytes are not exactly one well-formed object.
StatusOr<Object> DecodeObject(std::string_view bytes);

// A value inside encoded bytes. Immutable; borrows the bytes, which must have passed DecodeObject's
// rules once (a malformed one yields nothing, never reads past the end).
class ValueView {
 public:
  ValueView(ValueTag tag, std::string_view body) : tag_(tag), body_(body) {}
  ValueTag tag() const { return tag_; }
  bool AsBool() const;
  int64_t AsInt64() const;
  double AsDouble() const;
  std::string_view AsString() const;
  // The encoded object, for PayloadView.
  std::string_view AsObject() const { return body_; }
  // Elements of a list; 0 of anything else.
  uint32_t ListSize() const;
  // Calls fn(ValueView) for each element of a list until it returns true; returns whether it did.
  template <typename Fn>
  bool AnyElement(Fn&& fn) const;

 private:
  friend class PayloadView;
  ValueTag tag_;
  std::string_view body_;
};

// An encoded object. `Find("a.b")` looks for the key "a.b" itself, then for "b" inside the object
// "a".
class PayloadView {
 public:
  explicit PayloadView(std::string_view bytes) : bytes_(bytes) {}
  std::optional<ValueView> Find(std::string_view path) const;

 private:
  std::string_view bytes_;
};

// Reads one value (tag and body) from the front of `bytes`; nothing if malformed. For AnyElement.
std::optional<ValueView> TakeValue(std::string_view& bytes);

template <typename Fn>
bool ValueView::AnyElement(Fn&& fn) const {
  if (tag_ != ValueTag::kList || body_.size() < sizeof(uint32_t)) {
    return false;
  }
  std::string_view rest = body_.substr(sizeof(uint32_t));
  while (!rest.empty()) {
    const std::optional<ValueView> element = TakeValue(rest);
    if (!element.has_value()) {
      return false;
    }
    if (fn(*element)) {
      return true;
    }
  }
  return false;
}

}  // namespace alidade
