#include <algorithm>

#include "alidade/common/bytes.h"
#include "alidade/common/checksum.h"
#include "alidade/common/file.h"
#include "alidade/common/payload_codec.h"

#include "directory.h"
#include "input_file.h"
#include "keys.h"
#include "row_codec.h"
#include "targets.h"

namespace alidade::fuzz {
namespace {

const std::string kKey = RowKey({CollectionId(3), ShardId(0)}, RowNo(77));

std::string Sealed(std::string value) {
  SealValue(kKey, value);
  return value;
}

// The checksum at the end, over key and value.
void RepairValue(std::string& bytes) {
  bytes.resize(bytes.size() - std::min(bytes.size(), sizeof(uint64_t)));
  SealValue(kKey, bytes);
}

// The value below the checksum; none if that does not fit.
std::optional<std::string_view> Opened(std::string_view sealed) {
  const auto value = OpenValue(kKey, sealed);
  if (!value.ok()) {
    Require(value.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return std::nullopt;
  }
  return *value;
}

void FuzzRow(std::string_view bytes) {
  const auto value = Opened(bytes);
  if (!value.has_value()) {
    return;
  }
  const auto row = DecodeRow(*value);
  if (!row.ok()) {
    return;
  }
  Accepted();
  if (row->vectors.has_value()) {  // else of the first format, which is not written any more
    Require(EncodeRow({.encoded_id = row->id.Encode(),
                       .seq = row->seq,
                       .payload = row->payload,
                       .vectors = *row->vectors}) == *value,
            "a row has one encoding");
  }
  static_cast<void>(DecodeObject(row->payload));
}

std::vector<std::string> RowCorpus() {
  std::string payload;
  EncodeObject({{"word", Value("cat")}, {"n", Value(int64_t{4})}}, payload);
  const auto row = [](const PointId& id, uint64_t seq, std::string_view bytes, uint32_t vectors) {
    const std::string encoded = id.Encode();
    return EncodeRow(
        {.encoded_id = encoded, .seq = SeqNo(seq), .payload = bytes, .vectors = vectors});
  };
  std::string first = row(PointId(std::string("five")), 10, payload, 0);
  first[0] = 1;  // the first format
  first.erase(sizeof(uint8_t) + sizeof(uint64_t), sizeof(uint32_t));
  return {Sealed(row(PointId(uint64_t{5}), 9, payload, 1)),
          Sealed(row(PointId(std::string("five")), 10, "", 0)),
          Sealed(row(PointId(std::string(200, 'i')), ~0ULL, payload, 0x01010001)),
          Sealed(std::move(first))};
}

void FuzzIdEntry(std::string_view bytes) {
  const auto value = Opened(bytes);
  if (!value.has_value()) {
    return;
  }
  if (const auto entry = DecodeIdEntry(*value); entry.ok()) {
    Accepted();
    Require(EncodeIdEntry(*entry) == *value, "an id entry has one encoding");
  }
}

std::vector<std::string> IdEntryCorpus() {
  return {Sealed(EncodeIdEntry({RowNo(1), SeqNo(2)})),
          Sealed(EncodeIdEntry({RowNo(~0ULL), SeqNo(0)}))};
}

// Tombstones, and the applied seq.
void FuzzSeq(std::string_view bytes) {
  const auto value = Opened(bytes);
  if (!value.has_value()) {
    return;
  }
  if (const auto seq = DecodeSeq(*value); seq.ok()) {
    Accepted();
    Require(EncodeSeq(*seq) == *value, "a seq has one encoding");
  }
}

std::vector<std::string> SeqCorpus() {
  return {Sealed(EncodeSeq(SeqNo(7))), Sealed(EncodeSeq(SeqNo(~0ULL)))};
}

constexpr std::string_view kUuid = "0123456789abcdef";

std::vector<std::string> FormatCorpus() {
  const ScratchDirectory scratch;
  Require(PublishFormat(scratch.path(), kUuid).ok(), "a format file is written");
  return {*ReadWholeFile(scratch.Path("FORMAT"))};
}

void FuzzFormat(std::string_view bytes) {
  PutInput("FORMAT", bytes);
  const auto format = ReadFormat(Inputs().path());
  if (!format.ok()) {
    Require(format.status().code() == StatusCode::kDataLoss ||
                format.status().code() == StatusCode::kFailedPrecondition,
            "a refusal is DATA_LOSS or FAILED_PRECONDITION");
    return;
  }
  Accepted();
  Require(!format->fresh && format->uuid.size() == kUuid.size(), "a format file has a uuid");
}

void RepairFormat(std::string& bytes) {
  bytes.resize(std::min(bytes.size(), bytes.find("checksum ")));
  bytes += fmt::format("checksum {:016x}\n", Checksum64(bytes));
}

constexpr size_t kSlotStride = 512;  // as in directory.cc
constexpr size_t kSlotBytes = 40;

std::vector<std::string> WatermarkCorpus() {
  const ScratchDirectory scratch;
  Require(Watermark::Create(scratch.path()).ok(), "a watermark is made");
  std::vector<std::string> corpus = {*ReadWholeFile(scratch.Path("watermark"))};
  const auto watermark = Watermark::Open(scratch.path(), /*read_only=*/false);
  for (const uint64_t seq : {5U, 9U}) {
    Require((*watermark)->Write({SeqNo(seq), {.number = 4, .bytes = seq * 100}}).ok(),
            "a watermark is written");
    corpus.push_back(*ReadWholeFile(scratch.Path("watermark")));
  }
  return corpus;
}

void FuzzWatermark(std::string_view bytes) {
  PutInput("watermark", bytes);
  const auto watermark = Watermark::Open(Inputs().path(), /*read_only=*/true);
  if (!watermark.ok()) {
    Require(watermark.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  Accepted();
  // The mark is one of the two that the file holds, whole.
  const SeqNo seq = (*watermark)->seq();
  bool held = false;
  for (const size_t slot : {size_t{0}, kSlotStride}) {
    ByteReader in(bytes.substr(std::min(bytes.size(), slot)));
    in.Little<uint64_t>();
    held = held || (in.Little<uint64_t>() == seq.value() && in.ok());
  }
  Require(held, "the mark is in the file");
}

void RepairWatermark(std::string& bytes) {
  for (const size_t slot : {size_t{0}, kSlotStride}) {
    if (bytes.size() >= slot + kSlotBytes) {
      std::string sum;
      const size_t hashed = kSlotBytes - sizeof(uint64_t);
      AppendLittleEndian(sum, Checksum64(std::string_view(bytes).substr(slot, hashed)));
      bytes.replace(slot + hashed, sum.size(), sum);
    }
  }
}

// The name of RocksDB's manifest: the only file of its that we read ourselves.
void FuzzCurrent(std::string_view bytes) {
  const std::string db = Inputs().Path("db");
  if (!PathExists(db)) {
    Require(MakeDirectories(db).ok(), "a directory is made");
    PutBytes(db + "/MANIFEST-000007", "twelve bytes");
  }
  PutInput("db/CURRENT", bytes);
  const auto end = ReadManifestEnd(db, /*sync=*/false);
  if (!end.ok()) {
    Require(end.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  Accepted();
  Require(*end == ManifestEnd{.number = 7, .bytes = 12}, "the manifest is the one that is there");
}

std::vector<std::string> CurrentCorpus() { return {"MANIFEST-000007\n"}; }

}  // namespace

std::vector<FuzzTarget> StorageTargets() {
  return {
      {.name = "Row", .run = FuzzRow, .corpus = RowCorpus, .repair = RepairValue, .rounds = 10'000},
      {.name = "IdEntry", .run = FuzzIdEntry, .corpus = IdEntryCorpus, .repair = RepairValue},
      {.name = "Seq", .run = FuzzSeq, .corpus = SeqCorpus, .repair = RepairValue},
      {.name = "Format",
       .run = FuzzFormat,
       .corpus = FormatCorpus,
       .repair = RepairFormat,
       .words = {"alidade ", "uuid ", "checksum ", " 1", " 2", "\n", "99999999999999999999", "-1"},
       .rounds = 1'500},
      {.name = "Watermark",
       .run = FuzzWatermark,
       .corpus = WatermarkCorpus,
       .repair = RepairWatermark,
       .hot = {{0, kSlotBytes}, {kSlotStride, kSlotStride + kSlotBytes}},
       .rounds = 1'500},
      {.name = "Current",
       .run = FuzzCurrent,
       .corpus = CurrentCorpus,
       .words = {"MANIFEST-", "000007", "/", "..", "\n"},
       .rounds = 1'000},
  };
}

}  // namespace alidade::fuzz
