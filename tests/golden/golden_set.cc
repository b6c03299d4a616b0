#include "golden_set.h"

#include <filesystem>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "alidade/collection/config_codec.h"
#include "alidade/common/file.h"
#include "alidade/segment/manifest.h"
#include "alidade/storage/store.h"
#include "alidade/text/sparse_vector.h"
#include "alidade/vec/multi_vector.h"

#include "directory.h"
#include "keys.h"
#include "row_codec.h"

namespace alidade {
namespace {

constexpr KeySpace kSpace{CollectionId(1), ShardId(0)};

VectorField Field(const std::string& name, uint32_t dim, Metric metric, const IndexSpec& index) {
  return {.id = FieldId(), .name = name, .dim = dim, .metric = metric, .index = index};
}

// Every kind of value, with the ends of its range.
Object FullPayload() {
  Object inner;
  inner["deep"] = Value(List{Value(), Value(false), Value(std::string("\xC3\xA9t\xC3\xA9"))});
  Object payload;
  payload["null"] = Value();
  payload["true"] = Value(true);
  payload["least"] = Value(std::numeric_limits<int64_t>::min());
  payload["tiny"] = Value(std::numeric_limits<double>::denorm_min());
  payload["empty"] = Value(std::string());
  payload["list"] = Value(List{Value(int64_t{1}), Value(List{}), Value(Object{})});
  payload["object"] = Value(std::move(inner));
  return payload;
}

// One that no file stands behind: a start replays its rows from the store.
SegmentManifest Manifest() {
  SegmentManifest manifest;
  manifest.collection = kSpace.collection;
  manifest.segment = SegmentId(3);
  manifest.first_row = RowNo(0);
  manifest.last_row = RowNo(1);
  manifest.rows = 2;
  manifest.built_at = SeqNo(3);
  const Hash128 hash{.low = 0x0123456789ABCDEF, .high = 0xFEDCBA9876543210};
  manifest.files = {
      {"rows.seg", SegmentFileKind::kRows, FieldId(), IndexKind::kFlat, 4'321, hash},
      {"field_1.vec", SegmentFileKind::kVectors, FieldId(1), IndexKind::kFlat, 5'000, hash},
      {"field_1.idx",
       SegmentFileKind::kIndex,
       FieldId(1),
       IndexKind::kHnsw,
       1 << 20,
       hash,
       {.all = {{.k = 10, .effort = 12, .recall = 0.875F, .reach = 1.25F},
                {.k = 100, .effort = 104, .recall = 1.0F}},
        .tenth = {{.k = 10, .effort = 40, .recall = 0.9F}},
        .places = {{.slack = 66, .recall = 0.95F, .distances = 3'000}}}}};
  for (const VectorField& field : GoldenConfig().fields) {
    manifest.specs.push_back(field.index);
  }
  return manifest;
}

// Brings in what the engine would need a segment for, or would clean up by itself.
Status AddRecords(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  ALIDADE_ASSIGN_OR_RETURN(const auto store, Store::Open(options));
  WriteBatch batch(*store);
  const SegmentManifest manifest = Manifest();
  batch.PutMeta(MetaKind::kManifest,
                ManifestMetaName(manifest.collection, manifest.segment),
                EncodeManifest(manifest));
  batch.PutMeta(MetaKind::kDropped, CollectionMetaName(CollectionId(77)), "");
  batch.PutPayloadChange(kSpace, RowNo(0), SeqNo(3));  // as if seq 3 had changed its own row
  return store->Write(batch, /*sync=*/true);
}

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string Record(const std::string& name, const std::string& key, std::string value) {
  SealValue(key, value);
  return fmt::format("{} = {} : {}", name, Hex(key), Hex(value));
}

std::string MetaRecord(const std::string& name,
                       MetaKind kind,
                       std::string_view meta_name,
                       const std::string& value) {
  return Record("meta " + name, MetaKey(kind, meta_name), value);
}

}  // namespace

CollectionConfig GoldenConfig() {
  CollectionConfig config;
  config.name = "things";
  config.description = "every metric, every index";
  config.labels = {{"empty", ""}, {"team", "search"}};
  config.default_ef = 77;
  config.default_nprobe = 8;
  config.fields = {
      Field("hnsw",
            4,
            Metric::kCosine,
            {.kind = IndexKind::kHnsw, .hnsw_m = 24, .hnsw_ef_construction = 333}),
      Field("flat", 3, Metric::kDot, {.kind = IndexKind::kFlat}),
      Field("auto", 2, Metric::kL2, {.kind = IndexKind::kAuto}),
      Field("ivf", 1, Metric::kL2, {.kind = IndexKind::kIvf, .ivf_nlist = 5}),
      Field("sq8", 8, Metric::kDot, {.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kSq8}),
      Field("pq",
            8,
            Metric::kCosine,
            {.kind = IndexKind::kIvf, .ivf_codes = IvfCodes::kPq, .ivf_pq_m = 4})};
  config.fields[2].element = ElementType::kFloat16;
  config.fields[4].element = ElementType::kBfloat16;
  config.payload_indexes = {
      {PayloadIndexId(0), "k", PayloadIndexType::kKeyword, {}, /*tenant=*/true},
      {PayloadIndexId(1), "object.place", PayloadIndexType::kGeo},
      {PayloadIndexId(2),
       "k",
       PayloadIndexType::kText,
       {.analyzer = {.language = Language::kFinnish}, .bm25 = {.k1 = 0.5, .b = 0.25}}}};
  config.sparse_fields = {{.id = FieldId(), .name = "sparse"},
                          {.id = FieldId(), .name = "rare", .idf = true}};
  config.multi_vector_fields = {
      {.id = FieldId(), .name = "tokens", .dim = 3, .metric = Metric::kDot}};
  return config;
}

std::map<PointId, OwnedPoint> GoldenPoints() {
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  const PointId zero(uint64_t{0});
  const PointId last(std::numeric_limits<uint64_t>::max());
  const PointId text(std::string("na\xC3\xAFve"));
  return {
      {zero, {zero, FullPayload(), {{"hnsw", {1, -0.0F, 0.5F, -2}}, {"auto", {3, 4}}}}},
      {last, {last, {}, {{"flat", {kTiny, -1.5F, 0.25F}}, {"ivf", {1e18F}}}}},
      {text,
       {text,
        {{"k", Value(std::string("v"))}},
        {{"sq8", {1, 2, 3, 4, 5, 6, 7, 8}}, {"pq", {8, 7, 6, 5, 4, 3, 2, 1}}, {"flat", {0, 1, 0}}},
        {{"rare", {{0, 7, 4'294'967'295}, {-0.5F, 2, kTiny}}}},
        {{"tokens", {2, {1, 2, 3, -4, 5, kTiny}}}}}}};
}

UpsertRequest GoldenRequest() {
  UpsertRequest request = MakeUpsert(
      {GoldenPoints().at(PointId(uint64_t{0})), {PointId(uint64_t{5}), {}, {{"auto", {9, 9}}}}},
      GoldenConfig().name);
  request.options.request_id = kGoldenRequestId;
  return request;
}

EngineOptions QuietOptions(const std::string& directory) {
  EngineOptions options;
  options.data_directory = directory;
  options.background_threads = 1;
  options.background_nice = options.build_nice = 0;
  options.seal_after_quiet_ms = 1'000'000;
  options.block_cache_bytes = options.write_buffer_bytes = size_t{1} << 20;
  options.limits.disk_free_bytes_min = 0;
  return options;
}

Status WriteGoldenDirectory(const std::string& directory) {
  const auto points = GoldenPoints();
  const std::string name = GoldenConfig().name;
  {
    ALIDADE_ASSIGN_OR_RETURN(const auto engine, Engine::Open(QuietOptions(directory)));
    ALIDADE_RETURN_IF_ERROR(engine->CreateCollection(GoldenConfig()).status());       // seq 1
    ALIDADE_RETURN_IF_ERROR(engine->UpdateAliases({{kGoldenAlias, name}}).status());  // 2
    ALIDADE_RETURN_IF_ERROR(engine->Upsert(GoldenRequest()).status());                // 3
    OwnedPoint before = points.rbegin()->second;  // replaced in the same request
    before.payload = {};
    std::vector<OwnedPoint> rest = {std::move(before)};
    for (auto point = std::next(points.begin()); point != points.end(); ++point) {
      rest.push_back(point->second);
    }
    ALIDADE_RETURN_IF_ERROR(engine->Upsert(MakeUpsert(std::move(rest), name)).status());  // 4
    ALIDADE_RETURN_IF_ERROR(
        engine->Delete(MakeDelete({PointId(uint64_t{5})}, name)).status());  // 5
  }
  ALIDADE_RETURN_IF_ERROR(AddRecords(directory));
  for (const std::string& folder : {directory, directory + "/db"}) {
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(folder));
    for (const std::string& file : files) {
      if (file.starts_with("LO") || file.starts_with("OPTIONS")) {  // LOCK, LOG
        ALIDADE_RETURN_IF_ERROR(RemoveTree(folder + "/" + file));
      }
    }
  }
  return OkStatus();
}

std::vector<std::string> GoldenRecords() {
  const auto points = GoldenPoints();
  const std::string number = points.begin()->first.Encode();
  const std::string text = points.rbegin()->first.Encode();
  const SegmentManifest manifest = Manifest();
  const RowNo row(0x0102030405060708);
  std::string payload;
  EncodeObject(points.begin()->second.payload, payload);
  return {
      MetaRecord("applied seq", MetaKind::kServer, kAppliedSeqName, EncodeSeq(SeqNo(4'660))),
      MetaRecord("collection",
                 MetaKind::kCollection,
                 CollectionMetaName(kSpace.collection),
                 EncodeConfig(GoldenConfig())),
      MetaRecord("alias", MetaKind::kAlias, kGoldenAlias, GoldenConfig().name),
      MetaRecord("state",
                 MetaKind::kState,
                 CollectionMetaName(kSpace.collection),
                 EncodeState({.next_row = row, .live_rows = 3, .seq = SeqNo(5)})),
      MetaRecord("manifest",
                 MetaKind::kManifest,
                 ManifestMetaName(manifest.collection, manifest.segment),
                 EncodeManifest(manifest)),
      MetaRecord("dropped", MetaKind::kDropped, CollectionMetaName(CollectionId(77)), ""),
      Record("id number", IdKey(kSpace, number), EncodeIdEntry({row, SeqNo(5)})),
      Record("id text", IdKey(kSpace, text), EncodeIdEntry({RowNo(2), SeqNo(5)})),
      Record("row",
             RowKey(kSpace, row),
             EncodeRow(
                 {.encoded_id = text, .seq = SeqNo(5), .payload = payload, .vectors = 0x01020012})),
      Record("vector", VectorKey(kSpace, FieldId(2), row), "not interpreted"),
      Record("vector of float16",
             VectorKey(kSpace, FieldId(3), row),
             EncodeElements(std::vector<float>{0.1F, -65'504}, ElementType::kFloat16)),
      Record("vector of bfloat16",
             VectorKey(kSpace, FieldId(5), row),
             EncodeElements(std::vector<float>{0.1F, -3e38F}, ElementType::kBfloat16)),
      Record("sparse vector",
             VectorKey(kSpace, FieldId(8), row),
             EncodeSparseVector(points.rbegin()->second.sparse_vectors.at("rare"))),
      Record("multi-vector",
             VectorKey(kSpace, FieldId(9), row),
             EncodeMultiVector(points.rbegin()->second.multi_vectors.at("tokens"))),
      Record("tombstone", RowKey(kSpace, row), EncodeSeq(SeqNo(5))),
      Record("payload change", RowKey(kSpace, row), EncodeSeq(SeqNo(6))),
  };
}

}  // namespace alidade
