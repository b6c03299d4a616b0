#include "segment_file.h"

#include <array>

#include <fmt/format.h>

#include "alidade/common/bytes.h"
#include "alidade/common/check.h"
#include "alidade/common/failpoint.h"

namespace alidade {
namespace {

constexpr std::string_view kMagic = "ALIDSEG1";
constexpr uint32_t kSegmentFormat = 1;
constexpr size_t kHashedHeaderBytes = kSegmentHeaderBytes - sizeof(uint64_t);
constexpr size_t kUuidBytesMax = 256;

struct BodyShape {
  uint64_t bytes = 0;
  Hash128 hash;
};

std::string EncodeHeader(const SegmentFileIdentity& identity, const BodyShape& body) {
  std::string out(kMagic);
  AppendLittleEndian(out, kSegmentFormat);
  AppendLittleEndian(out, static_cast<uint8_t>(identity.kind));
  AppendLittleEndian(out, static_cast<uint8_t>(identity.index_kind));
  AppendLittleEndian(out, identity.metric);
  AppendLittleEndian(out, uint8_t{0});
  AppendLittleEndian(out, identity.collection.value());
  AppendLittleEndian(out, identity.field.value());
  AppendLittleEndian(out, uint16_t{0});
  AppendLittleEndian(out, identity.segment.value());
  AppendLittleEndian(out, identity.first_row.value());
  AppendLittleEndian(out, identity.last_row.value());
  AppendLittleEndian(out, identity.rows);
  AppendLittleEndian(out, identity.count);
  AppendLittleEndian(out, identity.dim);
  AppendLittleEndian(out, uint32_t{0});
  AppendLittleEndian(out, body.bytes);
  AppendLittleEndian(out, body.hash.low);
  AppendLittleEndian(out, body.hash.high);
  AppendLengthPrefixed(out, identity.store_uuid);
  out.resize(kHashedHeaderBytes, '\0');
  AppendLittleEndian(out, Checksum64(out));
  return out;
}

// Reads the fields back; the caller has checked length, magic, hash and format.
void DecodeHeader(std::string_view header, SegmentFileIdentity& identity, BodyShape& body) {
  ByteReader in(header.substr(kMagic.size() + sizeof(kSegmentFormat)));
  identity.kind = static_cast<SegmentFileKind>(in.Little<uint8_t>());
  identity.index_kind = static_cast<IndexKind>(in.Little<uint8_t>());
  identity.metric = in.Little<uint8_t>();
  in.Little<uint8_t>();
  identity.collection = CollectionId(in.Little<uint32_t>());
  identity.field = FieldId(in.Little<uint16_t>());
  in.Little<uint16_t>();
  identity.segment = SegmentId(in.Little<uint64_t>());
  identity.first_row = RowNo(in.Little<uint64_t>());
  identity.last_row = RowNo(in.Little<uint64_t>());
  identity.rows = in.Little<uint32_t>();
  identity.count = in.Little<uint32_t>();
  identity.dim = in.Little<uint32_t>();
  in.Little<uint32_t>();
  body.bytes = in.Little<uint64_t>();
  body.hash.low = in.Little<uint64_t>();
  body.hash.high = in.Little<uint64_t>();
  identity.store_uuid = in.LengthPrefixed();
}

// What differs between the file's header and what the manifest says it should be; empty if nothing.
std::string CompareIdentity(const SegmentFileIdentity& found, const SegmentFileIdentity& expected) {
  const auto differs = [](const char* what, auto is, auto should) {
    return fmt::format("{} is {}, expected {}", what, is, should);
  };
  if (found.kind != expected.kind) {
    return differs("kind", static_cast<int>(found.kind), static_cast<int>(expected.kind));
  }
  if (found.index_kind != expected.index_kind) {
    return differs(
        "index kind", static_cast<int>(found.index_kind), static_cast<int>(expected.index_kind));
  }
  if (found.store_uuid != expected.store_uuid) {
    return "it belongs to another store";
  }
  if (found.collection != expected.collection) {
    return differs("collection", found.collection, expected.collection);
  }
  if (found.segment != expected.segment) {
    return differs("segment", found.segment, expected.segment);
  }
  if (found.field != expected.field) {
    return differs("field", found.field, expected.field);
  }
  if (found.first_row != expected.first_row || found.last_row != expected.last_row) {
    return fmt::format("row range is {}..{}, expected {}..{}",
                       found.first_row,
                       found.last_row,
                       expected.first_row,
                       expected.last_row);
  }
  if (found.rows != expected.rows) {
    return differs("row count", found.rows, expected.rows);
  }
  if (found.metric != expected.metric) {
    return differs("metric", int{found.metric}, int{expected.metric});
  }
  if (found.dim != expected.dim) {
    return differs("dimension", found.dim, expected.dim);
  }
  return {};
}

// `entry` is null for a file that no manifest names.
std::string CheckHeader(std::string_view bytes,
                        const SegmentFile* entry,
                        const SegmentFileIdentity& expected,
                        uint32_t& count) {
  if (bytes.size() < kSegmentHeaderBytes) {
    return fmt::format("it has {} bytes, less than a header", bytes.size());
  }
  const std::string_view header = bytes.substr(0, kSegmentHeaderBytes);
  if (header.substr(0, kMagic.size()) != kMagic) {
    return "it does not start with the magic of a segment file";
  }
  if (!ALIDADE_MUTANT("no_checksum") &&
      LoadLittleEndian<uint64_t>(header.data() + kHashedHeaderBytes) !=
          Checksum64(header.substr(0, kHashedHeaderBytes))) {
    return "the checksum of the header does not match";
  }
  const auto format = LoadLittleEndian<uint32_t>(header.data() + kMagic.size());
  if (format != kSegmentFormat) {
    return fmt::format("it has format {}, this program knows {}", format, kSegmentFormat);
  }
  SegmentFileIdentity found;
  BodyShape body;
  DecodeHeader(header, found, body);
  if (std::string difference = CompareIdentity(found, expected); !difference.empty()) {
    return difference;
  }
  if (body.bytes != bytes.size() - kSegmentHeaderBytes) {
    return fmt::format(
        "it has {} bytes, its header says {}", bytes.size(), body.bytes + kSegmentHeaderBytes);
  }
  if (entry != nullptr && entry->bytes != bytes.size()) {
    return fmt::format("it has {} bytes, the manifest says {}", bytes.size(), entry->bytes);
  }
  if (!ALIDADE_MUTANT("no_checksum")) {
    if (entry != nullptr && body.hash != entry->body_hash) {
      return "the checksum in its header is not the one in the manifest";
    }
    if (Checksum128(bytes.substr(kSegmentHeaderBytes)) != body.hash) {
      return "the checksum of the body does not match";
    }
  }
  count = found.count;
  return {};
}

}  // namespace

std::string SegmentFileName(SegmentFileKind kind, FieldId field) {
  switch (kind) {
    case SegmentFileKind::kRows:
      return "rows.seg";
    case SegmentFileKind::kVectors:
      return fmt::format("field_{}.vec", field.value());
    case SegmentFileKind::kIndex:
      return fmt::format("field_{}.idx", field.value());
    case SegmentFileKind::kCodes:
      return fmt::format("field_{}.codes", field.value());
    case SegmentFileKind::kPayloadIndex:
      return fmt::format("payload_{}.idx", field.value());
    case SegmentFileKind::kSubsets:
      return fmt::format("field_{}.subsets", field.value());
    case SegmentFileKind::kSparse:
      return fmt::format("sparse_{}.seg", field.value());
  }
  return {};
}

StatusOr<std::unique_ptr<SegmentFileWriter>> SegmentFileWriter::Create(
    const std::string& directory, const SegmentFileIdentity& identity) {
  ALIDADE_CHECK(
      identity.store_uuid.size() <= kUuidBytesMax, "uuid of {} bytes", identity.store_uuid.size());
  ALIDADE_ASSIGN_OR_RETURN(
      auto file,
      FileWriter::Create(directory + "/" + SegmentFileName(identity.kind, identity.field)));
  // No valid header until the body is complete.
  ALIDADE_RETURN_IF_ERROR(file->Append(std::string(kSegmentHeaderBytes, '\0')));
  return std::unique_ptr<SegmentFileWriter>(new SegmentFileWriter(std::move(file), identity));
}

Status SegmentFileWriter::Append(std::string_view bytes) {
  hasher_.Update(bytes);
  body_bytes_ += bytes.size();
  return file_->Append(bytes);
}

Status SegmentFileWriter::AlignSection() {
  static constexpr std::array<char, kSectionAlignment> kZeros{};
  const size_t over = body_bytes_ % kSectionAlignment;
  return over == 0 ? OkStatus() : Append({kZeros.data(), kSectionAlignment - over});
}

StatusOr<SegmentFile> SegmentFileWriter::Finish() {
  const BodyShape body{.bytes = body_bytes_, .hash = hasher_.Finish()};
  ALIDADE_RETURN_IF_ERROR(file_->WriteAt(0, EncodeHeader(identity_, body)));
  ALIDADE_RETURN_IF_ERROR(file_->SyncAndClose());
  SegmentFile entry;
  entry.name = SegmentFileName(identity_.kind, identity_.field);
  entry.kind = identity_.kind;
  entry.field = identity_.field;
  entry.index_kind = identity_.index_kind;
  entry.bytes = kSegmentHeaderBytes + body_bytes_;
  entry.body_hash = body.hash;
  return entry;
}

namespace {

StatusOr<SegmentFileMap> MapAndCheck(const std::string& path,
                                     const SegmentFile* entry,
                                     const SegmentFileIdentity& expected) {
  SegmentFileMap result;
  ALIDADE_ASSIGN_OR_RETURN(result.file, MappedFile::Open(path));
  const std::string_view bytes = result.file->bytes();
  if (const std::string fault = CheckHeader(bytes, entry, expected, result.count); !fault.empty()) {
    return DataLoss("{} is damaged: {}", path, fault);
  }
  result.body = bytes.substr(kSegmentHeaderBytes);
  return result;
}

}  // namespace

StatusOr<SegmentFileMap> OpenSegmentFile(const std::string& directory,
                                         const SegmentFile& entry,
                                         const SegmentFileIdentity& expected) {
  const std::string path = directory + "/" + entry.name;
  auto opened = MapAndCheck(path, &entry, expected);
  return opened.status().code() == StatusCode::kNotFound ? DataLoss("{} is missing", path)
                                                         : std::move(opened);
}

StatusOr<SegmentFileMap> OpenUnlistedSegmentFile(const std::string& directory,
                                                 const SegmentFileIdentity& expected) {
  return MapAndCheck(
      directory + "/" + SegmentFileName(expected.kind, expected.field), nullptr, expected);
}

}  // namespace alidade
