#include "row_codec.h"

#include "alidade/common/bytes.h"
#include "alidade/common/checksum.h"
#include "alidade/common/failpoint.h"

namespace alidade {
namespace {

// On disk: never reused. The first says nothing of vectors.
constexpr uint8_t kFirstRowFormat = 1;
constexpr uint8_t kRowFormat = 2;

uint64_t ValueChecksum(std::string_view key, std::string_view value) {
  // Mixing two hashes is enough: neither is chosen by an adversary who could not write both.
  return Checksum64(value) ^ (Checksum64(key) * 0x9E3779B97F4A7C15ULL);
}

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, 40)) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

void SealValue(std::string_view key, std::string& value) {
  AppendLittleEndian(value, ValueChecksum(key, value));
}

StatusOr<std::string_view> OpenValue(std::string_view key, std::string_view sealed) {
  if (sealed.size() >= sizeof(uint64_t)) {
    const std::string_view value = sealed.substr(0, sealed.size() - sizeof(uint64_t));
    const auto stored = LoadLittleEndian<uint64_t>(sealed.data() + value.size());
    if (ALIDADE_MUTANT("no_checksum") || stored == ValueChecksum(key, value)) {
      return value;
    }
  }
  return DataLoss("the value under key {} does not match its checksum", Hex(key));
}

std::string EncodeRow(const RowVersion& version) {
  std::string out;
  out.reserve(version.encoded_id.size() + version.payload.size() + 32);
  AppendLittleEndian(out, kRowFormat);
  AppendLittleEndian(out, version.seq.value());
  AppendLittleEndian(out, version.vectors);
  AppendLengthPrefixed(out, version.encoded_id);
  AppendLengthPrefixed(out, version.payload);
  return out;
}

StatusOr<StoredRow> DecodeRow(std::string_view value) {
  ByteReader in(value);
  const auto format = in.Little<uint8_t>();
  StoredRow row;
  row.seq = SeqNo(in.Little<uint64_t>());
  if (format != kFirstRowFormat) {
    row.vectors = in.Little<uint32_t>();
  }
  const std::string_view encoded_id = in.LengthPrefixed();
  row.payload = std::string(in.LengthPrefixed());
  if (!in.done() || (format != kFirstRowFormat && format != kRowFormat)) {
    return DataLoss("a stored row is malformed");
  }
  ALIDADE_ASSIGN_OR_RETURN(row.id, PointId::Decode(encoded_id));
  return row;
}

std::string EncodeIdEntry(IdEntry entry) {
  std::string out;
  AppendLittleEndian(out, entry.row.value());
  AppendLittleEndian(out, entry.seq.value());
  return out;
}

StatusOr<IdEntry> DecodeIdEntry(std::string_view value) {
  ByteReader in(value);
  IdEntry entry;
  entry.row = RowNo(in.Little<uint64_t>());
  entry.seq = SeqNo(in.Little<uint64_t>());
  if (!in.done()) {
    return DataLoss("a stored id entry is malformed");
  }
  return entry;
}

std::string EncodeSeq(SeqNo seq) {
  std::string out;
  AppendLittleEndian(out, seq.value());
  return out;
}

StatusOr<SeqNo> DecodeSeq(std::string_view value) {
  ByteReader in(value);
  const SeqNo seq(in.Little<uint64_t>());
  if (!in.done()) {
    return DataLoss("a stored seq is malformed");
  }
  return seq;
}

}  // namespace alidade
