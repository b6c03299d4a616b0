// Path: restart 2/5 .. 5/5 (from engine/engine.cc; to segment/sealed_segment_open.cc and
// segment/delta.cc)
//
// Manifest rows say which sealed segments there are. A segment whose rows or vectors are missing or
// damaged is dropped: its range then counts as uncovered, like the newest rows, and is replayed
// from the store through the same AppendRow that live writes use.
#include <algorithm>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/collection/config_codec.h"
#include "alidade/common/bytes.h"
#include "alidade/common/check.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"
#include "alidade/segment/segment_writer.h"

#include "stored_points.h"

namespace alidade {
namespace {

// By FieldIndex, of each of the rows.
StatusOr<std::vector<std::vector<std::optional<std::string>>>> ReadDense(
    const Store& store, KeySpace space, const Schema& schema, const std::vector<RowNo>& rows) {
  std::vector<std::vector<std::optional<std::string>>> vectors;
  for (const VectorField& field : schema.fields) {
    ALIDADE_ASSIGN_OR_RETURN(auto read, store.GetVectors(space, field.id, rows, nullptr));
    for (size_t i = 0; i < read.size(); ++i) {
      const std::optional<std::string>& bytes = read[i];
      if (bytes.has_value() && bytes->size() != field.vector_bytes()) {
        return DataLoss("row {} has {} bytes in field \"{}\" of {} dimensions",
                        rows[i],
                        bytes->size(),
                        field.name,
                        field.dim);
      }
    }
    vectors.push_back(std::move(read));
  }
  return vectors;
}

}  // namespace

Collection::Collection(CollectionContext context, CollectionId id, const CollectionConfig& config)
    : context_(std::move(context)), id_(id) {
  config_.Set(std::make_shared<CollectionConfig>(config));
  schema_ = config.schema();
  PublishView(SeqNo(0));
}

Collection::~Collection() = default;

Status Collection::LoadState() {
  std::optional<std::string> value;
  ALIDADE_RETURN_IF_ERROR(
      context_.store->GetMeta(MetaKind::kState, CollectionMetaName(id_), value));
  if (!value.has_value()) {
    return OkStatus();  // never written to
  }
  ALIDADE_ASSIGN_OR_RETURN(const CollectionState state, DecodeState(*value));
  next_row_ = state.next_row;
  live_rows_ = state.live_rows;
  seq_ = state.seq;
  return OkStatus();
}

Status Collection::Recover() {
  ALIDADE_RETURN_IF_ERROR(LoadState());
  std::vector<SegmentManifest> manifests;
  ALIDADE_RETURN_IF_ERROR(context_.store->ScanMeta(
      MetaKind::kManifest,
      CollectionMetaName(id_),
      [&](std::string_view, std::string_view value) -> Status {
        ALIDADE_ASSIGN_OR_RETURN(SegmentManifest manifest, DecodeManifest(value));
        next_segment_ = std::max(next_segment_.load(), manifest.segment.value() + 1);
        manifests.push_back(std::move(manifest));
        return OkStatus();
      }));
  std::sort(manifests.begin(), manifests.end(), [](const auto& a, const auto& b) {
    return a.first_row < b.first_row;
  });
  ALIDADE_RETURN_IF_ERROR(OpenSegments(manifests));
  ALIDADE_RETURN_IF_ERROR(RemoveOrphans(manifests));

  // Rows that no segment covers, in order, between and after the segments.
  std::vector<std::shared_ptr<Segment>> sealed;
  sealed.swap(segments_);
  RowNo next{0};
  for (const auto& segment : sealed) {
    if (next < segment->first_row()) {
      ALIDADE_RETURN_IF_ERROR(ReplayRows(next, RowNo(segment->first_row().value() - 1)));
      if (open_delta_ != nullptr) {
        open_delta_->Freeze(RowNo(segment->first_row().value() - 1));
        open_delta_ = nullptr;
      }
    }
    segments_.push_back(segment);
    next = segment->last_row().Next();
  }
  if (next < next_row_) {
    ALIDADE_RETURN_IF_ERROR(ReplayRows(next, RowNo(next_row_.value() - 1)));
  }

  uint64_t alive = 0;
  for (const auto& segment : segments_) {
    alive += segment->rows() - segment->deleted_rows();
  }
  if (alive != live_rows_) {
    return DataLoss("collection \"{}\" should have {} points, {} were recovered",
                    config()->name,
                    live_rows_,
                    alive);
  }
  applied_live_rows_ = live_rows_;
  PublishView(seq_);
  return OkStatus();
}

Status Collection::OpenSegments(std::vector<SegmentManifest>& manifests) {
  std::vector<SegmentManifest> kept;
  WriteBatch dropped(*context_.store);
  bool any_dropped = false;
  for (SegmentManifest& manifest : manifests) {
    SealedSegment::OpenOptions options;
    options.directory = context_.segments_directory + "/" + CollectionDirectoryName(id_) + "/" +
                        SegmentDirectoryName(manifest.segment);
    options.store_uuid = std::string(context_.store->uuid());
    options.manifest = manifest;
    options.schema = schema_;
    options.scan_budget = context_.resident_budget;
    auto opened = SealedSegment::Open(options);
    if (!opened.ok()) {
      ALIDADE_LOG_WARN("collection \"{}\": segment {} is dropped and its {} rows are replayed: {}",
                       config()->name,
                       manifest.segment,
                       manifest.rows,
                       MessageOf(opened.status()));
      dropped.DeleteMeta(MetaKind::kManifest, ManifestMetaName(id_, manifest.segment));
      any_dropped = true;
      counters_.healed.fetch_add(1);
      continue;
    }
    for (const auto& damage : (*opened)->damaged_indexes()) {
      ALIDADE_LOG_WARN(
          "collection \"{}\": index or codes of field \"{}\" in segment {} will be rebuilt: {}",
          config()->name,
          schema_.fields[damage.field].name,
          manifest.segment,
          damage.reason);
      counters_.healed.fetch_add(1);
    }
    for (const std::string& reason : (*opened)->damaged_payload_indexes()) {
      ALIDADE_LOG_WARN("collection \"{}\": a payload index of segment {} will be rebuilt: {}",
                       config()->name,
                       manifest.segment,
                       reason);
      counters_.healed.fetch_add(1);
    }
    std::shared_ptr<SealedSegment> segment = std::move(opened).value();
    ALIDADE_RETURN_IF_ERROR(HealSparse(*segment));
    ALIDADE_RETURN_IF_ERROR(ApplyTombstones(*segment));
    ALIDADE_RETURN_IF_ERROR(ApplyPayloadChanges(*segment));
    segments_.push_back(std::move(segment));
    kept.push_back(std::move(manifest));
  }
  manifests = std::move(kept);
  if (any_dropped) {
    ALIDADE_FAILPOINT("recover.before_drop_manifest");
    ALIDADE_RETURN_IF_ERROR(context_.store->Write(dropped, /*sync=*/true));
    ALIDADE_FAILPOINT("recover.after_drop_manifest");
  }
  return OkStatus();
}

// Sparse files are read by every search of their field, so nobody sees the segment before they are
// whole. Vectors of rows that died meanwhile are gone from the store, and nobody asks for them.
Status Collection::HealSparse(SealedSegment& segment) {
  for (const auto& damage : segment.damaged_sparse()) {
    const SparseField& field = schema_.sparse_fields[damage.field];
    ALIDADE_LOG_WARN("collection \"{}\": field \"{}\" in segment {} is made anew: {}",
                     config()->name,
                     field.name,
                     segment.manifest().segment,
                     damage.reason);
    const SparseSource stored = [&](const auto& visit) -> Status {
      return context_.store->ScanVectors(space(),
                                         field.id,
                                         segment.first_row(),
                                         segment.last_row(),
                                         /*snapshot=*/nullptr,
                                         [&](RowNo number, std::string_view encoded) -> Status {
                                           const auto row = segment.FindRow(number);
                                           return row.has_value() ? visit(*row, encoded)
                                                                  : OkStatus();
                                         });
    };
    if (const Status made = segment.SetSparse(damage.field, stored); !made.ok()) {
      return WithContext(made, fmt::format("field \"{}\"", field.name));
    }
    counters_.healed.fetch_add(1);
  }
  return OkStatus();
}

Status Collection::ApplyTombstones(Segment& segment) const {
  return context_.store->ScanTombstones(
      space(), segment.first_row(), segment.last_row(), [&](RowNo row, SeqNo seq) -> Status {
        if (const auto found = segment.FindRow(row); found.has_value()) {
          segment.MarkDeleted(*found, seq);
        }
        return OkStatus();
      });
}

// What a segment's files do not show: payloads that were changed after it was built. Records of
// dead rows, and of changes that are in the files, only wait to be removed.
Status Collection::ApplyPayloadChanges(SealedSegment& segment) {
  constexpr size_t kChunkRows = 1'024;
  struct Change {
    RowId row = 0;
    SeqNo seq;
  };
  std::vector<Change> changes;
  std::vector<RowNo> numbers;
  const auto apply = [&]() -> Status {
    ALIDADE_ASSIGN_OR_RETURN(const auto stored,
                             context_.store->GetRows(space(), numbers, /*snapshot=*/nullptr));
    for (size_t i = 0; i < changes.size(); ++i) {
      const std::optional<StoredRow>& row = stored[i];
      if (!row.has_value() || row->seq != changes[i].seq) {
        return DataLoss(
            "the payload of row {} was changed at seq {}, but the row {}",
            numbers[i],
            changes[i].seq,
            row.has_value() ? fmt::format("is of seq {}", row->seq) : std::string("is missing"));
      }
      ChangeRowPayload(segment, changes[i].row, row->seq, row->payload);
    }
    changes.clear();
    numbers.clear();
    return OkStatus();
  };
  ALIDADE_RETURN_IF_ERROR(context_.store->ScanPayloadChanges(
      space(), segment.first_row(), segment.last_row(), [&](RowNo row, SeqNo seq) -> Status {
        const auto found = segment.FindRow(row);
        if (seq <= segment.manifest().built_at || !found.has_value() ||
            segment.deleted_at(*found).value() != 0) {
          return OkStatus();
        }
        changes.push_back({.row = *found, .seq = seq});
        numbers.push_back(row);
        return changes.size() < kChunkRows ? OkStatus() : apply();
      }));
  return apply();
}

Status Collection::RemoveOrphans(const std::vector<SegmentManifest>& kept) const {
  const std::string directory = context_.segments_directory + "/" + CollectionDirectoryName(id_);
  if (!PathExists(directory)) {
    return OkStatus();
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto names, ListDirectory(directory));
  for (const std::string& name : names) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const SegmentManifest& manifest) {
      return SegmentDirectoryName(manifest.segment) == name;
    });
    if (!known) {
      ALIDADE_LOG_INFO("removing {}/{}: no manifest names it", directory, name);
      ALIDADE_RETURN_IF_ERROR(RemoveTree(fmt::format("{}/{}", directory, name)));
    }
  }
  return OkStatus();
}

// By SparseIndex, of each of the rows.
StatusOr<std::vector<std::vector<std::optional<std::string>>>> Collection::ReadSparse(
    const std::vector<RowNo>& rows) const {
  std::vector<std::vector<std::optional<std::string>>> sparse;
  for (const SparseField& field : schema_.sparse_fields) {
    ALIDADE_ASSIGN_OR_RETURN(auto read,
                             context_.store->GetVectors(space(), field.id, rows, nullptr));
    for (size_t i = 0; i < read.size(); ++i) {
      const std::optional<std::string>& bytes = read[i];
      const Status decoded = bytes.has_value() ? DecodeSparseVector(*bytes).status() : OkStatus();
      if (!decoded.ok()) {
        return WithContext(decoded, fmt::format("row {}, field \"{}\"", rows[i], field.name));
      }
    }
    sparse.push_back(std::move(read));
  }
  return sparse;
}

Status Collection::ReplayRows(RowNo first, RowNo last) {
  // Vectors lie apart from rows, so they are read per chunk of rows.
  constexpr size_t kChunkRows = 1'024;
  struct Replayed {
    RowNo number;
    std::string encoded_id;
    std::string payload;
    uint8_t multi_vectors = 0;
  };
  const StoredPoints reader(*context_.store, space(), schema_, /*snapshot=*/nullptr);
  std::vector<Replayed> chunk;
  const auto apply = [&]() -> Status {
    std::vector<RowNo> numbers;
    numbers.reserve(chunk.size());
    for (const Replayed& row : chunk) {
      numbers.push_back(row.number);
    }
    ALIDADE_ASSIGN_OR_RETURN(const auto vectors,
                             ReadDense(*context_.store, space(), schema_, numbers));
    ALIDADE_ASSIGN_OR_RETURN(const auto sparse, ReadSparse(numbers));
    for (size_t i = 0; i < chunk.size(); ++i) {
      NewRow row{.row = chunk[i].number,
                 .encoded_id = chunk[i].encoded_id,
                 .payload = chunk[i].payload,
                 .vectors = {},
                 .multi_vectors = chunk[i].multi_vectors};
      for (const auto& field : sparse) {
        row.sparse.push_back(field[i].has_value() ? std::string_view(*field[i])
                                                  : std::string_view());
      }
      for (const auto& field : vectors) {
        row.vectors.push_back(field[i].has_value() ? std::string_view(*field[i])
                                                   : std::string_view());
      }
      AppendRow(row);
    }
    chunk.clear();
    return OkStatus();
  };
  ALIDADE_RETURN_IF_ERROR(context_.store->ScanRows(
      space(),
      first,
      last,
      /*snapshot=*/nullptr,
      [&](RowNo number, const StoredRow& row) -> Status {
        ALIDADE_ASSIGN_OR_RETURN(const uint32_t present,
                                 reader.Present(schema_.MultiVectorBits(), number, row));
        chunk.push_back({number, row.id.Encode(), row.payload, MultiVectorsOf(present)});
        return chunk.size() < kChunkRows ? OkStatus() : apply();
      }));
  return apply();
}

}  // namespace alidade
