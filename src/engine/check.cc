// Offline verification. Every promise that recovery relies on is looked at: ids and rows name each
// other, vectors have their fields' sizes, counters agree, segments hold exactly what the rows say.
#include "alidade/engine/check.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "alidade/collection/config_codec.h"
#include "alidade/common/bytes.h"
#include "alidade/common/file.h"
#include "alidade/segment/sealed_segment.h"
#include "alidade/segment/segment_writer.h"
#include "alidade/storage/store.h"

namespace alidade {
namespace {

constexpr size_t kFindingsMax = 20;  // of one kind and collection; the rest is counted

// Collects findings of one kind without flooding the report.
class Findings {
 public:
  explicit Findings(std::vector<std::string>& out) : out_(out) {}
  ~Findings() {
    if (count_ > kFindingsMax) {
      out_.push_back(fmt::format("... and {} more like these", count_ - kFindingsMax));
    }
  }
  Findings(const Findings&) = delete;
  Findings& operator=(const Findings&) = delete;
  void Add(std::string text) {
    if (++count_ <= kFindingsMax) {
      out_.push_back(std::move(text));
    }
  }

 private:
  std::vector<std::string>& out_;
  size_t count_ = 0;
};

struct CheckedRow {
  std::string encoded_id;
  SeqNo seq;
  uint64_t payload_hash = 0;
  std::optional<uint32_t> stated;  // StoredRow::vectors
  uint32_t present = 0;            // the same, by the vectors that there are
};

class CollectionCheck {
 public:
  CollectionCheck(const Store& store,
                  CollectionId id,
                  const CollectionConfig& config,
                  std::string segments_directory,
                  CheckReport& report)
      : store_(store),
        space_{id, ShardId(0)},
        config_(config),
        directory_(std::move(segments_directory)),
        report_(report),
        problems_(report.problems) {}

  Status Run() {
    ALIDADE_RETURN_IF_ERROR(ReadState());
    ALIDADE_RETURN_IF_ERROR(ReadRows());
    ALIDADE_RETURN_IF_ERROR(CheckIds());
    ALIDADE_RETURN_IF_ERROR(CheckVectors());
    CheckPresence();
    ALIDADE_RETURN_IF_ERROR(CheckPayloadChanges());
    ALIDADE_RETURN_IF_ERROR(CheckSegments());
    report_.notes.push_back(fmt::format(
        "collection \"{}\": {} points, {} segments", config_.name, rows_.size(), segments_));
    return OkStatus();
  }

 private:
  std::string Name() const { return fmt::format("collection \"{}\"", config_.name); }
  RowNo LastRow() const { return RowNo(state_.next_row.value() - 1); }
  bool Empty() const { return state_.next_row.value() == 0; }

  Status ReadState() {
    std::optional<std::string> value;
    ALIDADE_RETURN_IF_ERROR(
        store_.GetMeta(MetaKind::kState, CollectionMetaName(space_.collection), value));
    if (value.has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(state_, DecodeState(*value));
    }
    return OkStatus();
  }

  Status ReadRows() {
    ALIDADE_RETURN_IF_ERROR(store_.ScanRows(
        space_, RowNo(0), RowNo(~uint64_t{0}), nullptr, [&](RowNo number, const StoredRow& row) {
          if (number >= state_.next_row) {
            problems_.Add(fmt::format(
                "{}: row {} is beyond the next row number {}", Name(), number, state_.next_row));
          }
          rows_[number.value()] = {row.id.Encode(), row.seq, Checksum64(row.payload), row.vectors};
          return OkStatus();
        }));
    if (rows_.size() != state_.live_rows) {
      problems_.Add(fmt::format(
          "{}: {} rows are stored, the counter says {}", Name(), rows_.size(), state_.live_rows));
    }
    return OkStatus();
  }

  Status CheckIds() {
    uint64_t ids = 0;
    ALIDADE_RETURN_IF_ERROR(store_.ScanIds(
        space_, "", nullptr, [&](std::string_view encoded, IdEntry entry) -> StatusOr<bool> {
          ++ids;
          const auto row = rows_.find(entry.row.value());
          if (row == rows_.end() || row->second.encoded_id != encoded) {
            problems_.Add(fmt::format("{}: an id points to row {}, which {}",
                                      Name(),
                                      entry.row,
                                      row == rows_.end() ? "is missing" : "has another id"));
          } else if (row->second.seq != entry.seq) {
            problems_.Add(fmt::format("{}: the id of row {} says seq {}, the row seq {}",
                                      Name(),
                                      entry.row,
                                      entry.seq,
                                      row->second.seq));
          }
          return true;
        }));
    if (ids != rows_.size()) {
      problems_.Add(fmt::format("{}: {} ids but {} rows", Name(), ids, rows_.size()));
    }
    return OkStatus();
  }

  Status CheckVectors() {
    for (size_t i = 0; i < config_.fields.size(); ++i) {
      const VectorField& field = config_.fields[i];
      ALIDADE_RETURN_IF_ERROR(CheckField(
          {FieldRef::Kind::kDense, i}, field.id, field.name, [&field](std::string_view bytes) {
            return bytes.size() == field.vector_bytes() ? OkStatus()
                                                        : DataLoss("has {} bytes", bytes.size());
          }));
    }
    for (size_t i = 0; i < config_.sparse_fields.size(); ++i) {
      const SparseField& field = config_.sparse_fields[i];
      ALIDADE_RETURN_IF_ERROR(CheckField(
          {FieldRef::Kind::kSparse, i}, field.id, field.name, [](std::string_view bytes) {
            return DecodeSparseVector(bytes).status();
          }));
    }
    for (size_t i = 0; i < config_.multi_vector_fields.size(); ++i) {
      const MultiVectorField& field = config_.multi_vector_fields[i];
      ALIDADE_RETURN_IF_ERROR(CheckField({FieldRef::Kind::kMultiVector, i},
                                         field.id,
                                         field.name,
                                         [&field](std::string_view bytes) {
                                           return DecodeMultiVector(bytes, field.dim).status();
                                         }));
    }
    return OkStatus();
  }

  Status CheckField(FieldRef field,
                    FieldId id,
                    const std::string& name,
                    const std::function<Status(std::string_view bytes)>& check) {
    auto& hashes = vectors_[id.value()];
    return store_.ScanVectors(
        space_,
        id,
        RowNo(0),
        RowNo(~uint64_t{0}),
        nullptr,
        [&](RowNo number, std::string_view bytes) {
          const auto row = rows_.find(number.value());
          if (row == rows_.end()) {
            problems_.Add(fmt::format("{}: a vector belongs to no row ({})", Name(), number));
          } else {
            row->second.present |= VectorBit(field);
          }
          if (const Status good = check(bytes); !good.ok()) {
            problems_.Add(fmt::format(
                "{}: the vector \"{}\" of row {}: {}", Name(), name, number, MessageOf(good)));
          }
          hashes[number.value()] = Checksum64(bytes);
          return OkStatus();
        });
  }

  void CheckPresence() {
    for (const auto& [number, row] : rows_) {
      if (row.stated.value_or(row.present) != row.present) {
        problems_.Add(
            fmt::format("{}: row {} should have vectors in the fields {:#x}, it has {:#x}",
                        Name(),
                        number,
                        *row.stated,
                        row.present));
      }
    }
  }

  Status CheckPayloadChanges() {
    return store_.ScanPayloadChanges(
        space_, RowNo(0), RowNo(~uint64_t{0}), [&](RowNo number, SeqNo seq) -> Status {
          const auto row = rows_.find(number.value());
          if (number >= state_.next_row || (row != rows_.end() && row->second.seq != seq)) {
            problems_.Add(fmt::format(
                "{}: the payload of row {} was changed at seq {}, but {}",
                Name(),
                number,
                seq,
                row == rows_.end() ? fmt::format("the next row number is {}", state_.next_row)
                                   : fmt::format("the row is of seq {}", row->second.seq)));
          } else if (row != rows_.end()) {
            changed_[number.value()] = seq;
          }
          return OkStatus();
        });
  }

  Status CheckSegments() {
    std::vector<SegmentManifest> manifests;
    ALIDADE_RETURN_IF_ERROR(
        store_.ScanMeta(MetaKind::kManifest,
                        CollectionMetaName(space_.collection),
                        [&](std::string_view, std::string_view value) -> Status {
                          ALIDADE_ASSIGN_OR_RETURN(auto manifest, DecodeManifest(value));
                          manifests.push_back(std::move(manifest));
                          return OkStatus();
                        }));
    std::sort(manifests.begin(), manifests.end(), [](const auto& a, const auto& b) {
      return a.first_row < b.first_row;
    });
    segments_ = manifests.size();
    for (size_t i = 1; i < manifests.size(); ++i) {
      if (manifests[i].first_row <= manifests[i - 1].last_row) {
        problems_.Add(fmt::format("{}: segments {} and {} cover the same rows",
                                  Name(),
                                  manifests[i - 1].segment,
                                  manifests[i].segment));
      }
    }
    for (const SegmentManifest& manifest : manifests) {
      ALIDADE_RETURN_IF_ERROR(CheckSegment(manifest));
    }
    ReportOrphans(manifests);
    return OkStatus();
  }

  Status CheckSegment(const SegmentManifest& manifest) {
    SealedSegment::OpenOptions options;
    options.directory = directory_ + "/" + SegmentDirectoryName(manifest.segment);
    options.store_uuid = std::string(store_.uuid());
    options.manifest = manifest;
    options.schema = config_.schema();
    const auto opened = SealedSegment::Open(options);
    if (!opened.ok()) {
      report_.repairs.push_back(
          fmt::format("{}: segment {} would be dropped and its {} rows "
                      "replayed from the store: {}",
                      Name(),
                      manifest.segment,
                      manifest.rows,
                      MessageOf(opened.status())));
      return OkStatus();
    }
    SealedSegment& segment = **opened;
    for (const auto& damage : segment.damaged_indexes()) {
      report_.repairs.push_back(
          fmt::format("{}: index or codes of field \"{}\" in segment {} would be "
                      "rebuilt: {}",
                      Name(),
                      config_.fields[damage.field].name,
                      manifest.segment,
                      damage.reason));
    }
    for (const auto& damage : segment.damaged_sparse()) {
      report_.repairs.push_back(fmt::format("{}: field \"{}\" in segment {} would be made anew: {}",
                                            Name(),
                                            config_.sparse_fields[damage.field].name,
                                            manifest.segment,
                                            damage.reason));
    }
    for (const std::string& reason : segment.damaged_payload_indexes()) {
      report_.repairs.push_back(
          fmt::format("{}: a payload index of segment {} would be rebuilt: {}",
                      Name(),
                      manifest.segment,
                      reason));
    }
    ALIDADE_RETURN_IF_ERROR(store_.ScanTombstones(
        space_, segment.first_row(), segment.last_row(), [&](RowNo row, SeqNo seq) -> Status {
          if (const auto found = segment.FindRow(row); found.has_value()) {
            segment.MarkDeleted(*found, seq);
          }
          return OkStatus();
        }));
    CompareWithRows(segment);
    return OkStatus();
  }

  void CompareWithRows(const SealedSegment& segment) {
    const uint64_t segment_id = segment.manifest().segment.value();
    uint64_t alive = 0;
    for (RowId i = 0; i < segment.rows(); ++i) {
      const uint64_t number = segment.row_number(i).value();
      const auto row = rows_.find(number);
      const bool dead = segment.deleted_at(i).value() != 0;
      if (dead != (row == rows_.end())) {
        problems_.Add(fmt::format("{}: row {} is {} in segment {} but {} in the store",
                                  Name(),
                                  number,
                                  dead ? "dead" : "alive",
                                  segment_id,
                                  dead ? "present" : "missing"));
        continue;
      }
      if (dead) {
        continue;
      }
      ++alive;
      const auto changed = changed_.find(number);
      const bool newer = changed != changed_.end() && changed->second > segment.manifest().built_at;
      bool same = row->second.encoded_id == segment.encoded_id(i) &&
                  (newer || row->second.payload_hash ==
                                Checksum64(segment.payload(i, segment.manifest().built_at)));
      for (FieldIndex field = 0; field < config_.fields.size(); ++field) {
        const auto& hashes = vectors_[config_.fields[field].id.value()];
        const auto stored = hashes.find(number);
        const VectorView vector = segment.vector(field, i);
        same = same && vector.has_value() == (stored != hashes.end());
        if (same && vector.has_value()) {
          same = Checksum64(vector.bytes()) == stored->second;
        }
      }
      same = same && SparseAgrees(segment, i, number) &&
             segment.multi_vectors(i) == MultiVectorsOf(row->second.present);
      if (!same) {
        problems_.Add(fmt::format(
            "{}: row {} in segment {} differs from the store", Name(), number, segment_id));
      }
    }
    const auto first = rows_.lower_bound(segment.first_row().value());
    const auto last = rows_.upper_bound(segment.last_row().value());
    if (static_cast<uint64_t>(std::distance(first, last)) != alive) {
      problems_.Add(fmt::format("{}: segment {} has {} live rows, the store {} in its range",
                                Name(),
                                segment_id,
                                alive,
                                std::distance(first, last)));
    }
  }

  // Whether the row's sparse vectors are those of the store; damaged files are a finding already.
  bool SparseAgrees(const SealedSegment& segment, RowId row, uint64_t number) const {
    for (SparseIndex field = 0; field < config_.sparse_fields.size(); ++field) {
      const auto& damaged = segment.damaged_sparse();
      if (std::ranges::find(damaged, field, &SealedSegment::DamagedSparse::field) !=
          damaged.end()) {
        continue;
      }
      const auto& hashes = vectors_.at(config_.sparse_fields[field].id.value());
      const auto stored = hashes.find(number);
      const std::string_view vector = segment.sparse_vector(field, row);
      if (vector.empty() != (stored == hashes.end()) ||
          (!vector.empty() && Checksum64(vector) != stored->second)) {
        return false;
      }
    }
    return true;
  }

  void ReportOrphans(const std::vector<SegmentManifest>& manifests) {
    const auto names = ListDirectory(directory_);
    if (!names.ok()) {
      return;  // no segment was ever written
    }
    for (const std::string& name : *names) {
      const bool known = std::any_of(manifests.begin(), manifests.end(), [&](const auto& manifest) {
        return SegmentDirectoryName(manifest.segment) == name;
      });
      if (!known) {
        report_.repairs.push_back(
            fmt::format("{}: {} belongs to no manifest and would be removed", Name(), name));
      }
    }
  }

  const Store& store_;
  const KeySpace space_;
  const CollectionConfig& config_;
  const std::string directory_;
  CheckReport& report_;
  Findings problems_;
  CollectionState state_;
  std::map<uint64_t, CheckedRow> rows_;
  std::map<uint16_t, std::unordered_map<uint64_t, uint64_t>> vectors_;  // field -> row -> hash
  std::unordered_map<uint64_t, SeqNo> changed_;  // live row -> newest change of its payload
  size_t segments_ = 0;
};

}  // namespace

StatusOr<CheckReport> CheckDataDirectory(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  options.create_if_missing = false;
  options.read_only = true;
  ALIDADE_ASSIGN_OR_RETURN(const auto store, Store::Open(options));
  CheckReport report;
  if (const Status status = store->VerifyChecksums(); !status.ok()) {
    report.problems.push_back(MessageOf(status));
  }
  std::vector<std::pair<CollectionId, CollectionConfig>> collections;
  const Status read = store->ScanMeta(
      MetaKind::kCollection, "", [&](std::string_view name, std::string_view value) -> Status {
        ALIDADE_ASSIGN_OR_RETURN(CollectionConfig config, DecodeConfig(value));
        collections.emplace_back(CollectionId(ByteReader(name).Big<uint32_t>()), std::move(config));
        return OkStatus();
      });
  if (!read.ok()) {
    report.problems.push_back(MessageOf(read));
  }
  for (const auto& [id, config] : collections) {
    CollectionCheck check(
        *store, id, config, directory + "/segments/" + CollectionDirectoryName(id), report);
    if (const Status status = check.Run(); !status.ok()) {
      report.problems.push_back(
          fmt::format("collection \"{}\": {}", config.name, MessageOf(status)));
    }
  }
  return report;
}

}  // namespace alidade
