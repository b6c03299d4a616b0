#include "alidade/common/point_id.h"

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

constexpr char kNumberTag = 0x01;  // on disk: never reused
constexpr char kTextTag = 0x02;

}  // namespace

std::string PointId::Encode() const {
  std::string out;
  if (is_number()) {
    out.push_back(kNumberTag);
    AppendBigEndian(out, number());
  } else {
    out.reserve(1 + text().size());
    out.push_back(kTextTag);
    out.append(text());
  }
  return out;
}

StatusOr<PointId> PointId::Decode(std::string_view bytes) {
  if (bytes.size() == 1 + sizeof(uint64_t) && bytes[0] == kNumberTag) {
    return PointId(LoadBigEndian<uint64_t>(bytes.data() + 1));
  }
  if (bytes.size() >= 2 && bytes.size() <= 1 + kPointIdBytesMax && bytes[0] == kTextTag) {
    return PointId(std::string(bytes.substr(1)));
  }
  return DataLoss("{} bytes are no point id", bytes.size());
}

std::string PointId::ToString() const {
  return is_number() ? std::to_string(number()) : '"' + text() + '"';
}

Status ValidateTextId(std::string_view text) {
  if (text.empty() || text.size() > kPointIdBytesMax) {
    return InvalidArgument(
        "a text id has 1 to {} bytes, this one {}", kPointIdBytesMax, text.size());
  }
  if (!IsValidUtf8(text)) {
    return InvalidArgument("a text id must be valid UTF-8");
  }
  return OkStatus();
}

namespace {

// By the first byte of a character: its length, and the range of its second byte (table 3-7 of the
// Unicode standard).
struct Utf8Lead {
  size_t length;  // 0: no character begins so
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
};

Utf8Lead LeadOf(uint8_t lead) {
  if (lead < 0x80) {
    return {.length = 1};
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return {.length = 2};
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    return {.length = 3,
            .low = static_cast<uint8_t>(lead == 0xE0 ? 0xA0 : 0x80),
            .high = static_cast<uint8_t>(lead == 0xED ? 0x9F : 0xBF)};
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    return {.length = 4,
            .low = static_cast<uint8_t>(lead == 0xF0 ? 0x90 : 0x80),
            .high = static_cast<uint8_t>(lead == 0xF4 ? 0x8F : 0xBF)};
  }
  return {.length = 0};
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto [length, low, high] = LeadOf(static_cast<uint8_t>(text[i]));
    if (length == 0 || i + length > text.size()) {
      return false;
    }
    for (size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<uint8_t>(text[i + k]);
      if (byte < (k == 1 ? low : uint8_t{0x80}) || byte > (k == 1 ? high : uint8_t{0xBF})) {
        return false;
      }
    }
    i += length;
  }
  return true;
}

}  // namespace alidade
