#include "alidade/collection/config_codec.h"
#include "alidade/collection/request_ledger.h"
#include "alidade/common/bytes.h"
#include "alidade/segment/manifest.h"
#include "alidade/storage/store.h"

#include "segment_file.h"
#include "support/scratch_directory.h"
#include "targets.h"

namespace alidade::fuzz {
namespace {

constexpr IndexSpec kGraph = {.kind = IndexKind::kHnsw, .hnsw_m = 8, .codes = CodesSetting::kBit1};
constexpr IndexSpec kLists = {
    .kind = IndexKind::kIvf, .ivf_nlist = 16, .ivf_codes = IvfCodes::kPq, .ivf_pq_m = 4};

std::vector<std::string> ConfigCorpus() {
  CollectionConfig one;
  one.name = "words";
  one.fields = {{FieldId(1), "vector", 384, Metric::kCosine, {}}};
  CollectionConfig many = one;
  many.description = "with all there is";
  many.labels = {{"team", "search"}, {"empty", ""}};
  many.default_ef = 200;
  many.default_nprobe = 9;
  many.fields.push_back({FieldId(2), "graph", 16, Metric::kL2, kGraph});
  many.fields.push_back({FieldId(3), "lists", 8, Metric::kDot, kLists});
  return {EncodeConfig(one), EncodeConfig(many)};
}

void FuzzConfig(std::string_view bytes) {
  const auto config = DecodeConfig(bytes);
  if (!config.ok()) {
    Require(config.status().code() == StatusCode::kDataLoss ||
                config.status().code() == StatusCode::kFailedPrecondition,
            "a refusal is DATA_LOSS or FAILED_PRECONDITION");
    return;
  }
  Accepted();
  const std::string once = EncodeConfig(*config);
  const auto again = DecodeConfig(once);
  Require(again.ok() && EncodeConfig(*again) == once && again->fields == config->fields &&
              again->labels == config->labels && again->name == config->name,
          "a configuration survives its encoding");
  for (const VectorField& field : config->fields) {
    Require(field.metric == Metric::kL2 || field.metric == Metric::kDot ||
                field.metric == Metric::kCosine,
            "a metric is one that there is");
    Require(field.index.kind >= IndexKind::kFlat && field.index.kind <= IndexKind::kAuto,
            "an index kind is one that there is");
    Require(IvfCodesName(field.index.ivf_codes) != "unknown" &&
                CodesName(field.index.codes) != "unknown",
            "codes are of a kind that there is");
  }
}

std::vector<std::string> StateCorpus() {
  return {EncodeState({RowNo(7), 5, SeqNo(11)}), EncodeState({RowNo(~0ULL), ~0ULL, SeqNo(~0ULL)})};
}

void FuzzState(std::string_view bytes) {
  if (const auto state = DecodeState(bytes); state.ok()) {
    Accepted();
    Require(EncodeState(*state) == bytes, "a state has one encoding");
  }
}

std::vector<std::string> ManifestCorpus() {
  SegmentManifest manifest;
  manifest.collection = CollectionId(3);
  manifest.segment = SegmentId(8);
  manifest.first_row = RowNo(100);
  manifest.last_row = RowNo(900);
  manifest.rows = 750;
  manifest.built_at = SeqNo(1'000);
  std::vector<std::string> corpus = {EncodeManifest(manifest)};
  const auto add = [&](SegmentFileKind kind, FieldId field, IndexKind index) {
    manifest.files.push_back({.name = SegmentFileName(kind, field),
                              .kind = kind,
                              .field = field,
                              .index_kind = index,
                              .bytes = 5'000,
                              .body_hash = {.low = 1, .high = 2}});
  };
  add(SegmentFileKind::kRows, FieldId(), IndexKind::kFlat);
  add(SegmentFileKind::kVectors, FieldId(1), IndexKind::kFlat);
  add(SegmentFileKind::kCodes, FieldId(1), IndexKind::kFlat);
  add(SegmentFileKind::kIndex, FieldId(1), IndexKind::kHnsw);
  add(SegmentFileKind::kIndex, FieldId(2), IndexKind::kIvf);
  manifest.specs = {{}, kGraph, kLists};
  corpus.push_back(EncodeManifest(manifest));
  add(SegmentFileKind::kSubsets, FieldId(1), IndexKind::kFlat);
  corpus.push_back(EncodeManifest(manifest));
  return corpus;
}

void FuzzManifest(std::string_view bytes) {
  const auto manifest = DecodeManifest(bytes);
  if (!manifest.ok()) {
    Require(manifest.status().code() == StatusCode::kDataLoss ||
                manifest.status().code() == StatusCode::kFailedPrecondition,
            "a refusal is DATA_LOSS or FAILED_PRECONDITION");
    return;
  }
  Accepted();
  const auto again = DecodeManifest(EncodeManifest(*manifest));
  Require(again.ok() && *again == *manifest, "a manifest survives its encoding");
  for (const SegmentFile& file : manifest->files) {
    Require(file.name.find('/') == std::string::npos, "a file lies in the segment's directory");
  }
}

// Records of request ids are read only through a store: each round puts one into it.
class LedgerStore {
 public:
  LedgerStore() {
    StoreOptions options;
    options.directory = scratch_.Path("data");
    store_ = *Store::Open(options);
  }

  void Put(std::string_view value) {
    WriteBatch batch(*store_);
    batch.PutMeta(MetaKind::kRequest, kName, value);
    Require(store_->Write(batch, /*sync=*/false).ok(), "a record is written");
  }
  std::string Value() const {
    std::optional<std::string> value;
    Require(store_->GetMeta(MetaKind::kRequest, kName, value).ok(), "a record is read");
    return value.value_or("");
  }
  // As RequestLedger writes it.
  std::string Encode(uint64_t fingerprint, const WriteReceipt& receipt) {
    RequestLedger ledger(10);
    WriteBatch batch(*store_);
    ledger.Remember(kName, fingerprint, receipt, batch);
    Require(store_->Write(batch, /*sync=*/false).ok(), "a record is written");
    return Value();
  }
  const Store& store() const { return *store_; }

  static constexpr const char* kName = "import-7";

 private:
  ScratchDirectory scratch_;
  std::unique_ptr<Store> store_;
};

LedgerStore& Ledgers() {
  static LedgerStore store;
  return store;
}

std::vector<std::string> LedgerCorpus() {
  return {Ledgers().Encode(7, {.seq = SeqNo(3), .points = 100}),
          Ledgers().Encode(~0ULL, {.seq = SeqNo(~0ULL)}),
          Ledgers().Encode(7, {.seq = SeqNo(3), .points = 5, .skipped = 1, .parts = {{5, 1}, {}}}),
          std::string("\x01", 1) + std::string(24, '\x02')};  // of before there were parts
}

void FuzzRequestLedger(std::string_view bytes) {
  Ledgers().Put(bytes);
  RequestLedger ledger(10);
  if (const Status status = ledger.Load(Ledgers().store()); !status.ok()) {
    Require(status.code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  Accepted();
  ByteReader in(bytes.substr(1));
  const auto fingerprint = in.Little<uint64_t>();
  const auto found = ledger.Find(LedgerStore::kName, fingerprint);
  Require(found.ok() && found->has_value() && (*found)->replayed, "the receipt is found");
  Require(bytes[0] == '\x01' || Ledgers().Encode(fingerprint, **found) == bytes,
          "a record has one encoding");
}

}  // namespace

std::vector<FuzzTarget> CollectionTargets() {
  return {
      {.name = "Config", .run = FuzzConfig, .corpus = ConfigCorpus, .rounds = 20'000},
      {.name = "State", .run = FuzzState, .corpus = StateCorpus},
      {.name = "Manifest", .run = FuzzManifest, .corpus = ManifestCorpus, .rounds = 20'000},
      {.name = "RequestLedger", .run = FuzzRequestLedger, .corpus = LedgerCorpus, .rounds = 1'500},
  };
}

}  // namespace alidade::fuzz
