#include "page_token.h"

#include <algorithm>
#include <optional>

#include "alidade/common/bytes.h"
#include "alidade/common/checksum.h"

namespace alidade {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeaderBytes = 1 + sizeof(uint64_t);
constexpr char kDigits[] = "0123456789abcdef";

uint64_t TokenChecksum(std::string_view scope, std::string_view position) {
  std::string both;
  AppendLengthPrefixed(both, scope);
  both += position;
  return Checksum64(both);
}

std::optional<uint8_t> Nibble(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<uint8_t>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<uint8_t>(c - 'a' + 10);
  }
  return std::nullopt;
}

std::string FromHex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const std::optional<uint8_t> high = Nibble(text[i]);
    const std::optional<uint8_t> low = Nibble(text[i + 1]);
    if (!high.has_value() || !low.has_value()) {
      return {};
    }
    bytes.push_back(static_cast<char>(*high << 4 | *low));
  }
  return text.size() % 2 == 0 ? bytes : std::string();
}

}  // namespace

std::string MakePageToken(std::string_view scope, std::string_view position) {
  std::string bytes(1, kVersion);
  AppendLittleEndian(bytes, TokenChecksum(scope, position));
  bytes += position;
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xF];
  }
  return text;
}

StatusOr<std::string> ReadPageToken(std::string_view scope,
                                    std::string_view token,
                                    const char* field) {
  if (token.empty()) {
    return std::string();
  }
  const std::string bytes = FromHex(token);
  if (bytes.size() <= kHeaderBytes || bytes[0] != kVersion) {
    return FieldError(field, "is not a token of this server");
  }
  std::string position = bytes.substr(kHeaderBytes);
  if (LoadLittleEndian<uint64_t>(bytes.data() + 1) != TokenChecksum(scope, position)) {
    return FieldError(field, "is damaged or belongs to another request");
  }
  return position;
}

uint32_t ClampPageSize(uint32_t page_size, uint32_t page_default, uint32_t page_max) {
  return std::min(page_size == 0 ? page_default : page_size, page_max);
}

}  // namespace alidade
