// Counts and sizes of a collection, read from its newest view and from what builds tell.
#include <algorithm>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/common/memory_budget.h"
#include "alidade/segment/sealed_segment.h"

namespace alidade {
namespace {

const char* IndexName(IndexKind kind) {
  return kind == IndexKind::kHnsw ? "hnsw" : kind == IndexKind::kIvf ? "ivf" : "flat";
}

SegmentInfo Describe(const Segment& segment, const Schema& schema) {
  SegmentInfo info;
  info.sealed = segment.sealed();
  info.first_row = segment.first_row().value();
  info.last_row = segment.last_row().value();
  info.rows = segment.rows();
  info.deleted_rows = segment.deleted_rows();
  info.disk_bytes = segment.disk_bytes();
  info.memory_bytes = segment.memory_bytes();
  const auto* sealed = segment.sealed() ? static_cast<const SealedSegment*>(&segment) : nullptr;
  if (sealed != nullptr) {
    info.id = sealed->manifest().segment;
  }
  for (FieldIndex field = 0; field < schema.fields.size(); ++field) {
    info.indexes.emplace_back(IndexName(segment.index_kind(field)));
    info.codes.push_back(sealed == nullptr ? CodesSetting::kNone : sealed->codes(field));
  }
  return info;
}

std::vector<FieldMemory> ReadFields(const Segment& segment, const Schema& schema) {
  std::vector<FieldMemory> fields;
  for (FieldIndex field = 0; field < schema.fields.size(); ++field) {
    fields.push_back(segment.field_memory(field));
  }
  for (SparseIndex field = 0; field < schema.sparse_fields.size(); ++field) {
    fields.push_back(segment.sparse_memory(field));
  }
  return fields;
}

// Adds the memory of a segment to that of its collection. What is in no field is the rows'. Memory
// grows while it is read: the fields come first, and the rows may miss a row that is being written.
void AddMemory(const Segment& segment,
               const SegmentInfo& info,
               const std::vector<FieldMemory>& fields,
               CollectionStats& stats) {
  PartBytes rows{.anonymous = info.memory_bytes, .count = info.rows};
  for (FieldIndex field = 0; field < stats.fields.size(); ++field) {
    FieldStats& sum = stats.fields[field];
    const FieldMemory& memory = fields[field];
    rows.anonymous -= std::min(rows.anonymous, memory.anonymous());
    sum.scan_codes += memory.scan_codes;
    if (!info.sealed) {
      sum.delta_vectors += memory.vectors;
      continue;
    }
    sum.sealed.walk_codes += memory.walk_codes;
    sum.sealed.rank_codes += memory.rank_codes;
    sum.sealed.links += memory.links;
    sum.sealed.vectors += memory.vectors;
    const bool dense = field < info.codes.size();
    if (dense && segment.index_kind(field) == IndexKind::kHnsw) {
      PartBytes& codes = sum.codes[info.codes[field]];
      codes.anonymous += memory.walk_codes.anonymous + memory.rank_codes.anonymous;
      codes.mapped += memory.walk_codes.mapped + memory.rank_codes.mapped;
      codes.count += memory.links.count;
    }
  }
  if (info.sealed) {
    rows.mapped = static_cast<const SealedSegment&>(segment).mapped_row_bytes();
    stats.rows += rows;
  } else {
    stats.delta_rows_memory += rows;
  }
}

void AddPayloadIndexes(const Segment& segment, CollectionStats& stats) {
  const auto indexes = segment.payload_indexes();
  for (PayloadIndexStats& sum : stats.payload_indexes) {
    const KeyedPayloadIndex* found = nullptr;
    if (indexes != nullptr) {
      const auto at = std::ranges::find(*indexes, sum.spec, &KeyedPayloadIndex::spec);
      found = at == indexes->end() ? nullptr : &*at;
    }
    if (found == nullptr) {
      sum.pending_rows += segment.rows();
      continue;
    }
    sum.indexed_rows += segment.rows();
    sum.values += found->values();
    sum.disk_bytes += found->body_bytes();
  }
}

}  // namespace

CollectionStats Collection::Stats() const {
  const auto view = view_.Get();
  CollectionStats stats;
  stats.name = config()->name;
  stats.points = view->live_rows;
  stats.seq = view->at;
  stats.builds_done = counters_.builds_done.load();
  stats.builds_failed = counters_.builds_failed.load();
  stats.build_seconds = static_cast<double>(counters_.build_milliseconds.load()) / 1e3;
  stats.healed_segments = counters_.healed.load();
  if (const uint64_t rows = running_build_rows_.load(); rows > 0) {
    const uint64_t vectors = build_progress_.rows_total.load();  // 0 until the rows are chosen
    stats.build_rows_total = vectors == 0 ? rows : vectors;
    stats.build_rows_done = std::min(build_progress_.rows_done.load(), stats.build_rows_total);
    stats.build_progress =
        static_cast<double>(stats.build_rows_done) / static_cast<double>(stats.build_rows_total);
  }
  stats.resident_bytes_used = context_.resident_budget->taken();
  stats.resident_bytes_max = context_.resident_budget->bytes_max();
  for (const VectorField& field : view->schema.fields) {
    stats.fields.emplace_back().name = field.name;
  }
  for (const SparseField& field : view->schema.sparse_fields) {
    stats.fields.emplace_back().name = field.name;
  }
  for (const PayloadIndexSpec& spec : view->schema.payload_indexes) {
    stats.payload_indexes.emplace_back().spec = spec;
  }
  for (const SegmentView& entry : view->segments) {
    const Segment& segment = *entry.segment;
    const std::vector<FieldMemory> fields = ReadFields(segment, view->schema);
    SegmentInfo info = Describe(segment, view->schema);
    if (!info.sealed) {
      stats.delta_rows += info.rows;
      stats.delta_bytes += info.memory_bytes;
    }
    const bool ready =
        info.sealed && !NeedsIndex(segment, view->schema) &&
        static_cast<const SealedSegment&>(segment).HasPayloadIndexes(view->schema.payload_indexes);
    (ready ? stats.indexed_rows : stats.pending_rows) +=
        info.rows - std::min(info.deleted_rows, info.rows);
    stats.disk_bytes += info.disk_bytes;
    stats.memory_bytes += info.memory_bytes;
    AddMemory(segment, info, fields, stats);
    AddPayloadIndexes(segment, stats);
    stats.segments.push_back(std::move(info));
  }
  return stats;
}

}  // namespace alidade
