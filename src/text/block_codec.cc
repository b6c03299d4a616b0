#include "block_codec.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "alidade/common/bytes.h"

#include "bit_packing.h"

namespace alidade {
namespace {

constexpr size_t kFixedHeaderBytes = 2;
constexpr uint32_t kBitsMax = 32;

void AppendVarint(uint32_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(static_cast<uint8_t>(value | 0x80U)));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

std::optional<uint32_t> TakeVarint(std::string_view& bytes) {
  uint64_t value = 0;
  for (uint32_t shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) {
      return value <= std::numeric_limits<uint32_t>::max()
                 ? std::optional(static_cast<uint32_t>(value))
                 : std::nullopt;
    }
  }
  return std::nullopt;
}

uint32_t LargestOf(std::span<const uint32_t> values) {
  return values.empty() ? 0 : *std::ranges::max_element(values);
}

Impact UniteSparse(const std::vector<Impact>& impacts) {
  float largest = -std::numeric_limits<float>::infinity();
  float smallest = std::numeric_limits<float>::infinity();
  for (const Impact& impact : impacts) {
    largest = std::max(largest, std::bit_cast<float>(impact.value));
    smallest = std::min(smallest, std::bit_cast<float>(impact.other));
  }
  return {.value = std::bit_cast<uint32_t>(largest), .other = std::bit_cast<uint32_t>(smallest)};
}

}  // namespace

void AppendImpacts(PostingsKind kind, std::span<const Impact> impacts, std::string& out) {
  if (kind == PostingsKind::kSparse) {
    AppendLittleEndian(out, impacts[0].value);
    AppendLittleEndian(out, impacts[0].other);
    return;
  }
  out.push_back(static_cast<char>(impacts.size()));
  for (const Impact& impact : impacts) {
    AppendVarint(impact.value, out);
    AppendVarint(impact.other, out);
  }
}

size_t TakeImpacts(PostingsKind kind, std::string_view& bytes, std::span<Impact, kImpactsMax> out) {
  if (kind == PostingsKind::kSparse) {
    ByteReader in(bytes);
    out[0].value = in.Little<uint32_t>();
    out[0].other = in.Little<uint32_t>();
    bytes = in.rest();
    return in.ok() ? 1 : 0;
  }
  const size_t count = bytes.empty() ? 0 : static_cast<uint8_t>(bytes.front());
  if (count == 0 || count > kImpactsMax) {
    return 0;
  }
  bytes.remove_prefix(1);
  for (size_t i = 0; i < count; ++i) {
    const std::optional<uint32_t> value = TakeVarint(bytes);
    const std::optional<uint32_t> other = TakeVarint(bytes);
    if (!value.has_value() || !other.has_value()) {
      return 0;
    }
    out[i] = {.value = *value, .other = *other};
  }
  return count;
}

void AppendBlock(PostingsKind kind,
                 uint32_t before,
                 std::span<const uint32_t> documents,
                 std::span<const uint32_t> values,
                 std::span<const Impact> impacts,
                 std::string& out) {
  std::vector<uint32_t> gaps;
  for (const uint32_t document : documents) {
    gaps.push_back(document - before);
    before = document + 1;
  }
  std::vector<uint32_t> times;
  if (kind == PostingsKind::kText) {
    std::ranges::transform(values, std::back_inserter(times), [](uint32_t x) { return x - 1; });
  }
  const uint32_t document_bits = BitsFor(LargestOf(gaps));
  const uint32_t value_bits = BitsFor(LargestOf(times));
  out.push_back(static_cast<char>(document_bits));
  out.push_back(static_cast<char>(value_bits));
  AppendImpacts(kind, impacts, out);
  PackBits(gaps, document_bits, out);
  if (kind == PostingsKind::kText) {
    PackBits(times, value_bits, out);
  } else {
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
}

std::optional<BlockHeader> ReadBlockHeader(PostingsKind kind,
                                           std::string_view block,
                                           std::span<Impact, kImpactsMax> impacts) {
  if (block.size() < kFixedHeaderBytes) {
    return std::nullopt;
  }
  BlockHeader header{.document_bits = static_cast<uint8_t>(block[0]),
                     .value_bits = static_cast<uint8_t>(block[1])};
  std::string_view rest = block.substr(kFixedHeaderBytes);
  header.impacts = TakeImpacts(kind, rest, impacts);
  header.data_at = block.size() - rest.size();
  if (header.document_bits > kBitsMax || header.value_bits > kBitsMax || header.impacts == 0 ||
      (kind == PostingsKind::kSparse && header.value_bits != 0)) {
    return std::nullopt;
  }
  return header;
}

uint64_t BlockBytes(PostingsKind kind, const BlockHeader& header, uint32_t count) {
  return header.data_at + PackedBytes(count, header.document_bits) +
         (kind == PostingsKind::kText ? PackedBytes(count, header.value_bits)
                                      : uint64_t{count} * sizeof(float));
}

bool ReadBlock(PostingsKind kind,
               const BlockHeader& header,
               const char* data,
               uint32_t before,
               uint32_t last,
               PostingBlock& out) {
  const std::span<uint32_t> documents(out.documents.data(), out.count);
  UnpackBits(data, header.document_bits, documents);
  // Gaps rise to the last document or beyond 32 bits: if it is the right one, so are all.
  uint64_t next = before;
  for (uint32_t& document : documents) {
    next += document;
    document = static_cast<uint32_t>(next);
    ++next;
  }
  if (next != uint64_t{last} + 1) {
    return false;
  }
  const char* values = data + PackedBytes(out.count, header.document_bits);
  if (kind == PostingsKind::kSparse) {
    std::memcpy(out.values.data(), values, out.count * sizeof(float));
    return true;
  }
  const std::span<uint32_t> times(out.values.data(), out.count);
  if (header.value_bits == 0) {
    std::ranges::fill(times, 1U);
    return true;
  }
  UnpackBits(values, header.value_bits, times);
  for (uint32_t& value : times) {
    ++value;
  }
  return true;
}

std::vector<Impact> UniteImpacts(PostingsKind kind, std::vector<Impact> impacts) {
  if (kind == PostingsKind::kSparse) {
    return {UniteSparse(impacts)};
  }
  // By times, falling; of those only such that have shorter documents than all before.
  std::ranges::sort(impacts, [](const Impact& a, const Impact& b) {
    return a.value != b.value ? a.value > b.value : a.other < b.other;
  });
  std::vector<Impact> kept;
  for (const Impact& impact : impacts) {
    if (kept.empty() || impact.other < kept.back().other) {
      kept.push_back(impact);
    }
  }
  // Those with few times differ most in what they score: the others are united first.
  while (kept.size() > kImpactsMax) {
    kept[1].value = kept[0].value;
    kept.erase(kept.begin());
  }
  return kept;
}

}  // namespace alidade
