#include "alidade/collection/config_codec.h"

#include <algorithm>
#include <bit>

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

// On disk: never reused. A configuration is written in the oldest format that holds it.
constexpr uint8_t kConfigFormat = 6;
constexpr uint8_t kConfigFormatWithoutTenantAndElements = 5;
constexpr uint8_t kConfigFormatWithoutMoreFields = 4;
constexpr uint8_t kConfigFormatWithoutTextIndexes = 3;
constexpr uint8_t kConfigFormatWithoutPayloadIndexes = 2;
constexpr uint8_t kConfigFormatWithoutCodes = 1;
constexpr uint8_t kStateFormat = 1;
// Kinds of fields, on disk: never reused.
constexpr uint8_t kSparseFieldKind = 1;
constexpr uint8_t kMultiVectorFieldKind = 2;

void EncodeSpec(const IndexSpec& spec, std::string& out) {
  AppendLittleEndian(out, static_cast<uint8_t>(spec.kind));
  AppendLittleEndian(out, spec.hnsw_m);
  AppendLittleEndian(out, spec.hnsw_ef_construction);
  AppendLittleEndian(out, spec.ivf_nlist);
  AppendLittleEndian(out, static_cast<uint8_t>(spec.ivf_codes));
  AppendLittleEndian(out, spec.ivf_pq_m);
  AppendLittleEndian(out, static_cast<uint8_t>(spec.codes));
}

IndexSpec DecodeSpec(ByteReader& in, uint8_t format) {
  IndexSpec spec;
  spec.kind = static_cast<IndexKind>(in.Little<uint8_t>());
  spec.hnsw_m = in.Little<uint32_t>();
  spec.hnsw_ef_construction = in.Little<uint32_t>();
  spec.ivf_nlist = in.Little<uint32_t>();
  spec.ivf_codes = static_cast<IvfCodes>(in.Little<uint8_t>());
  spec.ivf_pq_m = in.Little<uint32_t>();
  if (format >= kConfigFormatWithoutPayloadIndexes) {
    spec.codes = static_cast<CodesSetting>(in.Little<uint8_t>());
  }
  return spec;
}

// Whether every enumerator is one that this program knows: nothing behind it expects another.
bool IsKnown(const VectorField& field) {
  const IndexSpec& index = field.index;
  return field.metric >= Metric::kL2 && field.metric <= Metric::kCosine &&
         index.kind >= IndexKind::kFlat && index.kind <= IndexKind::kAuto &&
         IvfCodesName(index.ivf_codes) != "unknown" && CodesName(index.codes) != "unknown";
}

void EncodeText(const TextIndexOptions& text, std::string& out) {
  AppendLengthPrefixed(out, EncodeAnalyzer(text.analyzer));
  AppendLittleEndian(out, std::bit_cast<uint64_t>(text.bm25.k1));
  AppendLittleEndian(out, std::bit_cast<uint64_t>(text.bm25.b));
}

StatusOr<TextIndexOptions> DecodeText(ByteReader& in) {
  TextIndexOptions text;
  const std::string_view analyzer = in.LengthPrefixed();
  text.bm25.k1 = std::bit_cast<double>(in.Little<uint64_t>());
  text.bm25.b = std::bit_cast<double>(in.Little<uint64_t>());
  ALIDADE_ASSIGN_OR_RETURN(text.analyzer, DecodeAnalyzer(analyzer));
  if (const Status valid = ValidateBm25(text.bm25, "bm25"); !valid.ok()) {
    return DataLoss("the parameters of a text index are not valid: {}", MessageOf(valid));
  }
  return text;
}

// Fields other than dense ones: each begins with its kind.
void EncodeMoreFields(const CollectionConfig& config, std::string& out) {
  AppendLittleEndian(
      out, static_cast<uint32_t>(config.sparse_fields.size() + config.multi_vector_fields.size()));
  for (const SparseField& field : config.sparse_fields) {
    AppendLittleEndian(out, kSparseFieldKind);
    AppendLittleEndian(out, field.id.value());
    AppendLengthPrefixed(out, field.name);
    AppendLittleEndian(out, static_cast<uint8_t>(field.idf ? 1 : 0));
  }
  for (const MultiVectorField& field : config.multi_vector_fields) {
    AppendLittleEndian(out, kMultiVectorFieldKind);
    AppendLittleEndian(out, field.id.value());
    AppendLengthPrefixed(out, field.name);
    AppendLittleEndian(out, field.dim);
    AppendLittleEndian(out, static_cast<uint8_t>(field.metric));
  }
}

bool DecodeMoreFields(ByteReader& in, CollectionConfig& config) {
  const auto count = in.Little<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    const auto kind = in.Little<uint8_t>();
    const FieldId id(in.Little<uint16_t>());
    std::string name(in.LengthPrefixed());
    bool valid = false;
    if (kind == kSparseFieldKind) {
      const auto idf = in.Little<uint8_t>();
      valid = idf <= 1;
      config.sparse_fields.push_back({.id = id, .name = std::move(name), .idf = idf == 1});
    } else if (kind == kMultiVectorFieldKind) {
      const auto dim = in.Little<uint32_t>();
      const auto metric = static_cast<Metric>(in.Little<uint8_t>());
      valid = dim > 0 && (metric == Metric::kDot || metric == Metric::kCosine);
      config.multi_vector_fields.push_back(
          {.id = id, .name = std::move(name), .dim = dim, .metric = metric});
    }
    if (!in.ok() || !valid) {
      return false;
    }
  }
  return in.ok();
}

bool HasMoreFields(const CollectionConfig& config) {
  return !config.sparse_fields.empty() || !config.multi_vector_fields.empty();
}

bool HasTextIndex(const CollectionConfig& config) {
  return std::ranges::any_of(config.payload_indexes, [](const PayloadIndexSpec& spec) {
    return spec.type == PayloadIndexType::kText;
  });
}

// What came with the newest format.
bool HasNewest(const CollectionConfig& config) {
  return FindTenantIndex(config.payload_indexes) != nullptr ||
         std::ranges::any_of(config.fields, [](const VectorField& field) {
           return field.element != ElementType::kFloat32;
         });
}

uint8_t OldestFormat(const CollectionConfig& config) {
  return HasNewest(config)       ? kConfigFormat
         : HasMoreFields(config) ? kConfigFormatWithoutTenantAndElements
         : HasTextIndex(config)  ? kConfigFormatWithoutMoreFields
                                 : kConfigFormatWithoutTextIndexes;
}

// Whether there is a tenant index, and which; then the types of elements of the dense fields.
void EncodeNewest(const CollectionConfig& config, std::string& out) {
  const PayloadIndexSpec* tenant = FindTenantIndex(config.payload_indexes);
  AppendLittleEndian(out, static_cast<uint8_t>(tenant != nullptr ? 1 : 0));
  if (tenant != nullptr) {
    AppendLittleEndian(out, tenant->id.value());
  }
  for (const VectorField& field : config.fields) {
    AppendLittleEndian(out, static_cast<uint8_t>(field.element));
  }
}

// False if there is no such index, or it cannot be one of tenants, or no such type.
bool DecodeNewest(ByteReader& in, CollectionConfig& config) {
  const auto tenants = in.Little<uint8_t>();
  if (tenants == 1) {
    const auto index = std::ranges::find(
        config.payload_indexes, PayloadIndexId(in.Little<uint16_t>()), &PayloadIndexSpec::id);
    if (index == config.payload_indexes.end() || !MayBeTenant(index->type)) {
      return false;
    }
    index->tenant = true;
  }
  for (VectorField& field : config.fields) {
    field.element = static_cast<ElementType>(in.Little<uint8_t>());
    if (ElementTypeName(field.element) == "unknown") {
      return false;
    }
  }
  return in.ok() && tenants <= 1;
}

Status DecodePayloadIndexes(ByteReader& in, CollectionConfig& config) {
  config.next_payload_index = PayloadIndexId(in.Little<uint16_t>());
  const auto indexes = in.Little<uint32_t>();
  for (uint32_t i = 0; i < indexes && in.ok(); ++i) {
    PayloadIndexSpec index;
    index.id = PayloadIndexId(in.Little<uint16_t>());
    index.key = std::string(in.LengthPrefixed());
    index.type = static_cast<PayloadIndexType>(in.Little<uint8_t>());
    if (in.ok() && PayloadIndexTypeName(index.type) == "unknown") {
      return DataLoss("the payload index on \"{}\" is of a kind that there is not", index.key);
    }
    if (in.ok() && index.type == PayloadIndexType::kText) {
      ALIDADE_ASSIGN_OR_RETURN(index.text, DecodeText(in));
    }
    config.payload_indexes.push_back(std::move(index));
  }
  return OkStatus();
}

}  // namespace

std::string CollectionMetaName(CollectionId id) {
  std::string name;
  AppendBigEndian(name, id.value());
  return name;
}

std::string ManifestMetaName(CollectionId collection, SegmentId segment) {
  std::string name = CollectionMetaName(collection);
  AppendBigEndian(name, segment.value());
  return name;
}

std::string EncodeConfig(const CollectionConfig& config) {
  std::string out;
  AppendLittleEndian(out, OldestFormat(config));
  AppendLengthPrefixed(out, config.name);
  AppendLengthPrefixed(out, config.description);
  AppendLittleEndian(out, static_cast<uint32_t>(config.labels.size()));
  for (const auto& [key, value] : config.labels) {
    AppendLengthPrefixed(out, key);
    AppendLengthPrefixed(out, value);
  }
  AppendLittleEndian(out, config.default_ef);
  AppendLittleEndian(out, config.default_nprobe);
  AppendLittleEndian(out, static_cast<uint32_t>(config.fields.size()));
  for (const VectorField& field : config.fields) {
    AppendLittleEndian(out, field.id.value());
    AppendLengthPrefixed(out, field.name);
    AppendLittleEndian(out, field.dim);
    AppendLittleEndian(out, static_cast<uint8_t>(field.metric));
    EncodeSpec(field.index, out);
  }
  AppendLittleEndian(out, config.next_payload_index.value());
  AppendLittleEndian(out, static_cast<uint32_t>(config.payload_indexes.size()));
  for (const PayloadIndexSpec& index : config.payload_indexes) {
    AppendLittleEndian(out, index.id.value());
    AppendLengthPrefixed(out, index.key);
    AppendLittleEndian(out, static_cast<uint8_t>(index.type));
    if (index.type == PayloadIndexType::kText) {
      EncodeText(index.text, out);
    }
  }
  if (OldestFormat(config) > kConfigFormatWithoutMoreFields) {
    EncodeMoreFields(config, out);
  }
  if (OldestFormat(config) == kConfigFormat) {
    EncodeNewest(config, out);
  }
  return out;
}

StatusOr<CollectionConfig> DecodeConfig(std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = in.Little<uint8_t>();
  if (format > kConfigFormat) {
    return FailedPrecondition(
        "collection format {} is newer than this server's {}", format, kConfigFormat);
  }
  CollectionConfig config;
  config.name = std::string(in.LengthPrefixed());
  config.description = std::string(in.LengthPrefixed());
  const auto labels = in.Little<uint32_t>();
  for (uint32_t i = 0; i < labels && in.ok(); ++i) {
    std::string key(in.LengthPrefixed());
    config.labels[std::move(key)] = std::string(in.LengthPrefixed());
  }
  config.default_ef = in.Little<uint32_t>();
  config.default_nprobe = in.Little<uint32_t>();
  const auto fields = in.Little<uint32_t>();
  for (uint32_t i = 0; i < fields && in.ok(); ++i) {
    VectorField field;
    field.id = FieldId(in.Little<uint16_t>());
    field.name = std::string(in.LengthPrefixed());
    field.dim = in.Little<uint32_t>();
    field.metric = static_cast<Metric>(in.Little<uint8_t>());
    field.index = DecodeSpec(in, format);
    if (in.ok() && !IsKnown(field)) {
      return DataLoss("the vector field \"{}\" is of a kind that there is not", field.name);
    }
    config.fields.push_back(std::move(field));
  }
  if (format >= kConfigFormatWithoutTextIndexes) {
    ALIDADE_RETURN_IF_ERROR(DecodePayloadIndexes(in, config));
  }
  const bool valid = (format <= kConfigFormatWithoutMoreFields || DecodeMoreFields(in, config)) &&
                     (format < kConfigFormat || DecodeNewest(in, config));
  if (!valid || !in.done() || format < kConfigFormatWithoutCodes ||
      (format >= kConfigFormatWithoutTextIndexes && format != OldestFormat(config))) {
    return DataLoss("the configuration of a collection is malformed");
  }
  return config;
}

std::string EncodeState(const CollectionState& state) {
  std::string out;
  AppendLittleEndian(out, kStateFormat);
  AppendLittleEndian(out, state.next_row.value());
  AppendLittleEndian(out, state.live_rows);
  AppendLittleEndian(out, state.seq.value());
  return out;
}

StatusOr<CollectionState> DecodeState(std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = in.Little<uint8_t>();
  CollectionState state;
  state.next_row = RowNo(in.Little<uint64_t>());
  state.live_rows = in.Little<uint64_t>();
  state.seq = SeqNo(in.Little<uint64_t>());
  if (!in.done() || format != kStateFormat) {
    return DataLoss("the state of a collection is malformed");
  }
  return state;
}

}  // namespace alidade
