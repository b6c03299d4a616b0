#include "alidade/segment/manifest.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "alidade/common/bytes.h"

#include "segment_file.h"

namespace alidade {
namespace {

constexpr uint8_t kManifestFormat = 7;
// Still written where nothing needs the newest, so that an older server opens it.
constexpr uint8_t kManifestFormatWithoutSubsets = 6;
constexpr uint8_t kManifestFormatWithoutReach = 5;
constexpr uint8_t kManifestFormatWithoutPlaces = 4;
constexpr uint8_t kManifestFormatWithoutFilteredRecall = 3;
constexpr uint8_t kManifestFormatWithoutRecall = 2;
constexpr uint8_t kManifestFormatWithoutCodes = 1;

void EncodeSpec(std::string& out, const IndexSpec& spec) {
  AppendLittleEndian(out, static_cast<uint8_t>(spec.kind));
  AppendLittleEndian(out, spec.hnsw_m);
  AppendLittleEndian(out, spec.hnsw_ef_construction);
  AppendLittleEndian(out, spec.ivf_nlist);
  AppendLittleEndian(out, static_cast<uint8_t>(spec.ivf_codes));
  AppendLittleEndian(out, spec.ivf_pq_m);
  AppendLittleEndian(out, static_cast<uint8_t>(spec.codes));
}

bool IsIndexKind(uint8_t kind) {
  return kind >= static_cast<uint8_t>(IndexKind::kFlat) &&
         kind <= static_cast<uint8_t>(IndexKind::kAuto);
}

bool DecodeSpec(ByteReader& in, uint8_t format, IndexSpec& spec) {
  const auto kind = in.Little<uint8_t>();
  spec.hnsw_m = in.Little<uint32_t>();
  spec.hnsw_ef_construction = in.Little<uint32_t>();
  spec.ivf_nlist = in.Little<uint32_t>();
  const auto codes = in.Little<uint8_t>();
  spec.ivf_pq_m = in.Little<uint32_t>();
  spec.kind = static_cast<IndexKind>(kind);
  spec.ivf_codes = static_cast<IvfCodes>(codes);
  spec.codes = format == kManifestFormatWithoutCodes
                   ? CodesSetting::kNone
                   : static_cast<CodesSetting>(in.Little<uint8_t>());
  return in.ok() && IsIndexKind(kind) && IvfCodesName(spec.ivf_codes) != "unknown" &&
         CodesName(spec.codes) != "unknown";
}

void EncodeRecall(std::string& out, const RecallCurve& curve) {
  AppendLittleEndian(out, static_cast<uint32_t>(curve.size()));
  for (const RecallPoint& point : curve) {
    AppendLittleEndian(out, point.k);
    AppendLittleEndian(out, point.effort);
    AppendLittleEndian(out, std::bit_cast<uint32_t>(point.recall));
    AppendLittleEndian(out, std::bit_cast<uint32_t>(point.reach));
  }
}

bool DecodeRecall(ByteReader& in, uint8_t format, RecallCurve& curve) {
  const auto points = in.Little<uint32_t>();
  for (uint32_t i = 0; in.ok() && i < points; ++i) {
    RecallPoint& point = curve.emplace_back();
    point.k = in.Little<uint32_t>();
    point.effort = in.Little<uint32_t>();
    point.recall = std::bit_cast<float>(in.Little<uint32_t>());
    if (format > kManifestFormatWithoutReach) {
      point.reach = std::bit_cast<float>(in.Little<uint32_t>());
    }
    if (point.k == 0 || point.effort == 0 || !(point.recall >= 0 && point.recall <= 1) ||
        !(point.reach == 0 || (point.reach >= 1 && std::isfinite(point.reach)))) {
      return false;
    }
  }
  return in.ok();
}

void EncodePlaces(std::string& out, const std::vector<PlacePoint>& points) {
  AppendLittleEndian(out, static_cast<uint32_t>(points.size()));
  for (const PlacePoint& point : points) {
    AppendLittleEndian(out, point.slack);
    AppendLittleEndian(out, std::bit_cast<uint32_t>(point.recall));
    AppendLittleEndian(out, point.distances);
  }
}

bool DecodePlaces(ByteReader& in, std::vector<PlacePoint>& points) {
  const auto count = in.Little<uint32_t>();
  for (uint32_t i = 0; in.ok() && i < count; ++i) {
    PlacePoint& point = points.emplace_back();
    point.slack = in.Little<uint32_t>();
    point.recall = std::bit_cast<float>(in.Little<uint32_t>());
    point.distances = in.Little<uint32_t>();
    if (point.slack == 0 || !(point.recall >= 0 && point.recall <= 1)) {
      return false;
    }
  }
  return in.ok();
}

void EncodeHardness(std::string& out, const std::vector<float>& hardness) {
  AppendLittleEndian(out, static_cast<uint32_t>(hardness.size()));
  for (const float factor : hardness) {
    AppendLittleEndian(out, std::bit_cast<uint32_t>(factor));
  }
}

bool DecodeHardness(ByteReader& in, std::vector<float>& hardness) {
  const auto count = in.Little<uint32_t>();
  for (uint32_t i = 0; in.ok() && i < count; ++i) {
    hardness.push_back(std::bit_cast<float>(in.Little<uint32_t>()));
    if (!(hardness.back() >= 1 && std::isfinite(hardness.back()))) {
      return false;
    }
  }
  return in.ok();
}

bool DecodeFile(ByteReader& in, uint8_t format, SegmentFile& file) {
  file.name = in.LengthPrefixed();
  const auto kind = in.Little<uint8_t>();
  file.field = FieldId(in.Little<uint16_t>());
  const auto index_kind = in.Little<uint8_t>();
  file.bytes = in.Little<uint64_t>();
  file.body_hash.low = in.Little<uint64_t>();
  file.body_hash.high = in.Little<uint64_t>();
  file.kind = static_cast<SegmentFileKind>(kind);
  file.index_kind = static_cast<IndexKind>(index_kind);
  if (format > kManifestFormatWithoutRecall && !DecodeRecall(in, format, file.recall.all)) {
    return false;
  }
  if (format > kManifestFormatWithoutFilteredRecall &&
      !DecodeRecall(in, format, file.recall.tenth)) {
    return false;
  }
  if (format > kManifestFormatWithoutPlaces && !DecodePlaces(in, file.recall.places)) {
    return false;
  }
  if (file.kind == SegmentFileKind::kSubsets && !DecodeHardness(in, file.hardness)) {
    return false;
  }
  // The name follows from the rest; anything else would be a path to somewhere else.
  const bool listed =
      (kind >= static_cast<uint8_t>(SegmentFileKind::kRows) &&
       kind <= static_cast<uint8_t>(SegmentFileKind::kCodes)) ||
      (file.kind == SegmentFileKind::kSubsets && format > kManifestFormatWithoutSubsets);
  return in.ok() && listed && IsIndexKind(index_kind) &&
         file.name == SegmentFileName(file.kind, file.field);
}

}  // namespace

std::string EncodeManifest(const SegmentManifest& manifest) {
  std::string out;
  const bool subsets = std::ranges::any_of(manifest.files, [](const SegmentFile& file) {
    return file.kind == SegmentFileKind::kSubsets;
  });
  AppendLittleEndian(out, subsets ? kManifestFormat : kManifestFormatWithoutSubsets);
  AppendLittleEndian(out, manifest.collection.value());
  AppendLittleEndian(out, manifest.segment.value());
  AppendLittleEndian(out, manifest.first_row.value());
  AppendLittleEndian(out, manifest.last_row.value());
  AppendLittleEndian(out, manifest.rows);
  AppendLittleEndian(out, manifest.built_at.value());
  AppendLittleEndian(out, static_cast<uint32_t>(manifest.files.size()));
  for (const SegmentFile& file : manifest.files) {
    AppendLengthPrefixed(out, file.name);
    AppendLittleEndian(out, static_cast<uint8_t>(file.kind));
    AppendLittleEndian(out, file.field.value());
    AppendLittleEndian(out, static_cast<uint8_t>(file.index_kind));
    AppendLittleEndian(out, file.bytes);
    AppendLittleEndian(out, file.body_hash.low);
    AppendLittleEndian(out, file.body_hash.high);
    EncodeRecall(out, file.recall.all);
    EncodeRecall(out, file.recall.tenth);
    EncodePlaces(out, file.recall.places);
    if (file.kind == SegmentFileKind::kSubsets) {
      EncodeHardness(out, file.hardness);
    }
  }
  AppendLittleEndian(out, static_cast<uint32_t>(manifest.specs.size()));
  for (const IndexSpec& spec : manifest.specs) {
    EncodeSpec(out, spec);
  }
  return out;
}

StatusOr<SegmentManifest> DecodeManifest(std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = in.Little<uint8_t>();
  if (in.ok() && format > kManifestFormat) {
    return FailedPrecondition(
        "segment manifest has format {}, this program knows {}", format, kManifestFormat);
  }
  SegmentManifest manifest;
  manifest.collection = CollectionId(in.Little<uint32_t>());
  manifest.segment = SegmentId(in.Little<uint64_t>());
  manifest.first_row = RowNo(in.Little<uint64_t>());
  manifest.last_row = RowNo(in.Little<uint64_t>());
  manifest.rows = in.Little<uint32_t>();
  manifest.built_at = SeqNo(in.Little<uint64_t>());
  bool valid =
      in.ok() && format >= kManifestFormatWithoutCodes && manifest.first_row <= manifest.last_row;
  const auto files = in.Little<uint32_t>();
  for (uint32_t i = 0; valid && i < files; ++i) {
    valid = DecodeFile(in, format, manifest.files.emplace_back());
  }
  const auto specs = in.Little<uint32_t>();
  for (uint32_t i = 0; valid && i < specs; ++i) {
    valid = DecodeSpec(in, format, manifest.specs.emplace_back());
  }
  if (!valid || !in.done()) {
    return DataLoss("segment manifest of {} bytes is malformed", bytes.size());
  }
  return manifest;
}

}  // namespace alidade
