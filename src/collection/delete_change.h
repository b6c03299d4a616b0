// DeleteChange: points that go, by ids or by a filter.
#pragma once

#include <vector>

#include "point_change.h"
#include "point_selector.h"

namespace alidade {

class DeleteChange final : public PointChange {
 public:
  // Borrows the request.
  DeleteChange(Collection& collection, const DeleteRequest& request)
      : PointChange(collection), selector_(request.points) {}
  Status Load() {
    ALIDADE_RETURN_IF_ERROR(selector_.Load(collection()));
    Hasher128 hasher;
    selector_.AddTo(hasher);
    fingerprint_ = ~hasher.Finish().low ^ collection().id().value();
    return OkStatus();
  }

  Status Prepare(CommitContext& context) override {
    Collection& c = collection();
    std::vector<SelectedPoint> points;
    ALIDADE_RETURN_IF_ERROR(selector_.Select(c, points));
    const std::vector<FieldId> field_ids = c.FieldIds();
    deleted_.reserve(points.size());
    for (const SelectedPoint& point : points) {
      const RowNo row = point.current.row;
      context.batch.DeleteId(c.space(), point.encoded_id);
      context.batch.DeleteRow(c.space(), row, field_ids);
      context.batch.PutTombstone(c.space(), row, context.seq);
      c.pending_.Set(point.encoded_id, std::nullopt);
      --c.live_rows_;
      deleted_.push_back(row);
    }
    return OkStatus();
  }

  void Apply(SeqNo seq) override {
    for (const RowNo row : deleted_) {
      collection().MarkRowDeleted(row, seq);
    }
  }

  size_t byte_size() const override { return selector_.byte_size(); }
  uint64_t fingerprint() const override { return fingerprint_; }
  bool allowed_on_full_disk() const override { return true; }
  WriteCounts counts() const override { return {.points = deleted_.size()}; }

 private:
  PointSelector selector_;
  std::vector<RowNo> deleted_;
  uint64_t fingerprint_ = 0;
};

}  // namespace alidade
