#include "key_path.h"

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

std::optional<size_t> TakeLength(const char*& at, const char* end) {
  if (static_cast<size_t>(end - at) < sizeof(uint32_t)) {
    return std::nullopt;
  }
  const size_t length = LoadLittleEndian<uint32_t>(at);
  at += sizeof(uint32_t);
  return length;
}

// Bytes of the value whose tag is given; moves behind the length where one is written.
std::optional<size_t> TakeValueSize(ValueTag tag, const char*& at, const char* end) {
  switch (tag) {
    case ValueTag::kNull:
      return 0;
    case ValueTag::kBool:
      return 1;
    case ValueTag::kInt64:
    case ValueTag::kDouble:
      return sizeof(uint64_t);
    case ValueTag::kString:
    case ValueTag::kList:
    case ValueTag::kObject:
      return TakeLength(at, end);
  }
  return std::nullopt;
}

// Calls fn(key, value) for the entries of an encoded object until it returns true, up to the first
// malformed byte.
template <typename Fn>
void WalkEntries(std::string_view object, const Fn& fn) {
  const char* at = object.data();
  const char* end = at + object.size();
  for (size_t left = TakeLength(at, end).value_or(0); left > 0; --left) {
    const std::optional<size_t> key_size = TakeLength(at, end);
    if (!key_size.has_value() || static_cast<size_t>(end - at) <= *key_size) {
      return;
    }
    const std::string_view key(at, *key_size);
    at += *key_size;
    const auto tag = static_cast<ValueTag>(*at++);
    const std::optional<size_t> size = TakeValueSize(tag, at, end);
    if (!size.has_value() || static_cast<size_t>(end - at) < *size) {
      return;
    }
    if (fn(key, ValueView(tag, {at, *size}))) {
      return;
    }
    at += *size;
  }
}

// Whether the key lies behind the path in byte order, judged by the first byte.
bool IsBeyond(std::string_view key, std::string_view path) {
  return !key.empty() && static_cast<uint8_t>(key[0]) > static_cast<uint8_t>(path[0]);
}

bool IsPrefixOf(std::string_view key, std::string_view path) {
  return path.size() > key.size() + 1 && path[key.size()] == '.' && path.starts_with(key);
}

std::optional<ValueView> FindPlain(std::string_view object, std::string_view path) {
  std::optional<ValueView> found;
  WalkEntries(object, [&](std::string_view key, const ValueView& value) {
    if (key == path) {
      found = value;
      return true;
    }
    return IsBeyond(key, path);
  });
  return found;
}

// Keys are in byte order, so "a" comes before "a.b": what is found inside "a" waits for the end.
std::optional<ValueView> FindDotted(std::string_view object, std::string_view path) {
  std::optional<ValueView> found;
  WalkEntries(object, [&](std::string_view key, const ValueView& value) {
    if (key == path) {
      found = value;
      return true;
    }
    if (!found.has_value() && value.tag() == ValueTag::kObject && IsPrefixOf(key, path)) {
      found = FindDotted(value.AsObject(), path.substr(key.size() + 1));
    }
    return IsBeyond(key, path);
  });
  return found;
}

}  // namespace

std::optional<ValueView> KeyPath::Find(std::string_view object) const {
  return dotted_ ? FindDotted(object, path_) : FindPlain(object, path_);
}

}  // namespace alidade
