// FakeSegment: a segment in plain memory with one vector field under squared L2, whose index does
// what the test says.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alidade/common/payload_codec.h"
#include "alidade/common/point_id.h"
#include "alidade/segment/segment.h"

namespace alidade {

// One row of a FakeSegment.
struct FakeRow {
  PointId id;
  std::vector<float> vector;  // empty: absent
  Object payload = {};
  SeqNo deleted_at = {};
  uint8_t multi_vectors = 0;
};

// Thread-compatible. Rows are numbered from `first_row` on.
class FakeSegment final : public Segment {
 public:
  FakeSegment(RowNo first_row, std::vector<FakeRow> rows, IndexKind index = IndexKind::kFlat)
      : first_row_(first_row),
        rows_(std::move(rows)),
        index_(index),
        changes_(static_cast<uint32_t>(rows_.size())) {
    for (const FakeRow& row : rows_) {
      ids_.push_back(row.id.Encode());
      EncodeObject(row.payload, payloads_.emplace_back());
    }
  }

  void SetPayloadIndexes(std::shared_ptr<const PayloadIndexes> indexes) {
    indexes_ = std::move(indexes);
  }
  // The index gives only the hits that this lets through: (hits found so far, row).
  void LimitIndex(std::function<bool(size_t, RowId)> keep) { keep_ = std::move(keep); }
  // Called at the start of every search.
  void OnSearch(std::function<void()> hook) { hook_ = std::move(hook); }
  int exact_searches() const { return exact_searches_; }
  int index_searches() const { return index_searches_; }
  uint32_t largest_k() const { return largest_k_; }
  bool got_filter() const { return got_filter_; }

  RowNo first_row() const override { return first_row_; }
  RowNo last_row() const override { return RowNo(first_row_.value() + rows_.size() - 1); }
  uint32_t rows() const override { return static_cast<uint32_t>(rows_.size()); }
  bool sealed() const override { return true; }
  RowNo row_number(RowId row) const override { return RowNo(first_row_.value() + row); }
  std::optional<RowId> FindRow(RowNo row) const override {
    if (row < first_row_ || row.value() - first_row_.value() >= rows_.size()) {
      return std::nullopt;
    }
    return static_cast<RowId>(row.value() - first_row_.value());
  }
  std::string_view encoded_id(RowId row) const override { return ids_.at(row); }
  std::string_view payload(RowId row, SeqNo at) const override {
    return changes_.Find(row, at).value_or(payloads_.at(row));
  }
  void ChangePayload(RowId row, SeqNo at, std::string_view payload) override {
    changes_.Change(row, at, payload);
  }
  const PayloadOverlay& payload_changes() const override { return changes_; }
  VectorView vector(FieldIndex /*field*/, RowId row) const override {
    const std::vector<float>& vector = rows_.at(row).vector;
    return vector.empty() ? VectorView()
                          : VectorView{vector.data(), static_cast<uint32_t>(vector.size())};
  }
  uint8_t multi_vectors(RowId row) const override { return rows_.at(row).multi_vectors; }
  uint32_t vectors(FieldIndex /*field*/) const override {
    return static_cast<uint32_t>(
        std::ranges::count_if(rows_, [](const FakeRow& row) { return !row.vector.empty(); }));
  }
  SeqNo deleted_at(RowId row) const override { return rows_.at(row).deleted_at; }
  void MarkDeleted(RowId row, SeqNo at) override { rows_.at(row).deleted_at = at; }
  uint32_t deleted_rows() const override {
    return static_cast<uint32_t>(
        std::ranges::count_if(rows_, [](const FakeRow& row) { return row.deleted_at != SeqNo(); }));
  }
  SegmentChanges changes() const override {
    SegmentChanges changes;
    changes.count = deleted_rows() + changes_.changes();
    changes.newest = changes_.newest();
    for (const FakeRow& row : rows_) {
      changes.newest = std::max(changes.newest, row.deleted_at);
    }
    return changes;
  }
  SelectionCache* selections() const override { return keeps_ ? &selections_ : nullptr; }
  void KeepSelections() { keeps_ = true; }
  void KeepAlive(SeqNo at, RowBitmap& rows) const override {
    for (RowId row = 0; row < rows.rows(); ++row) {
      if (!AliveAt(row, at)) {
        rows.Clear(row);
      }
    }
  }
  std::shared_ptr<const PayloadIndexes> payload_indexes() const override { return indexes_; }
  IndexKind index_kind(FieldIndex /*field*/) const override { return index_; }
  const MeasuredRecall* measured_recall(FieldIndex /*field*/) const override { return nullptr; }

  StatusOr<std::vector<RowHit>> SearchIndex(const SegmentSearch& search) const override {
    ++index_searches_;
    search.stats->hops += 1;
    return Scan(search, keep_);
  }
  StatusOr<std::vector<RowHit>> SearchExact(const SegmentSearch& search) const override {
    ++exact_searches_;
    search.stats->rows_scanned += search.visible_rows;
    return Scan(search, nullptr);
  }
  size_t memory_bytes() const override { return 0; }
  size_t disk_bytes() const override { return 0; }
  FieldMemory field_memory(FieldIndex /*field*/) const override { return {}; }

 private:
  StatusOr<std::vector<RowHit>> Scan(const SegmentSearch& search,
                                     const std::function<bool(size_t, RowId)>& keep) const {
    if (hook_) {
      hook_();
    }
    largest_k_ = std::max(largest_k_, search.k);
    got_filter_ = search.allowed != nullptr;
    ALIDADE_RETURN_IF_ERROR(search.deadline->Check());
    std::vector<RowHit> hits;
    for (RowId row = 0; row < search.visible_rows; ++row) {
      const std::vector<float>& vector = rows_.at(row).vector;
      if (vector.empty() || !AliveAt(row, search.at) ||
          (search.allowed != nullptr && !search.allowed->rows.Test(row))) {
        continue;
      }
      float distance = 0;
      for (size_t i = 0; i < vector.size(); ++i) {
        distance += (vector[i] - search.query[i]) * (vector[i] - search.query[i]);
      }
      search.stats->distance_computations += 1;
      hits.push_back({.distance = distance, .row = row});
    }
    std::ranges::stable_sort(hits, {}, &RowHit::distance);
    std::vector<RowHit> kept;
    for (const RowHit& hit : hits) {
      if (kept.size() < search.k && (!keep || keep(kept.size(), hit.row)) &&
          (search.passes == nullptr || search.passes->Passes(hit.row))) {
        kept.push_back(hit);
      }
    }
    return kept;
  }

  RowNo first_row_;
  std::vector<FakeRow> rows_;
  IndexKind index_;
  std::shared_ptr<const PayloadIndexes> indexes_;
  bool keeps_ = false;
  mutable SelectionCache selections_;
  PayloadOverlay changes_;
  std::vector<std::string> ids_;
  std::vector<std::string> payloads_;
  std::function<bool(size_t, RowId)> keep_;
  std::function<void()> hook_;
  mutable int exact_searches_ = 0;
  mutable int index_searches_ = 0;
  mutable uint32_t largest_k_ = 0;
  mutable bool got_filter_ = false;
};

}  // namespace alidade
