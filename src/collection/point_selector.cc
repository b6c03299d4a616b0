#include "point_selector.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "alidade/filter/filter_text.h"

#include "expected_seqs.h"
#include "point_change.h"

namespace alidade {

Status PointSelector::Load(const Collection& collection) {
  return selection_.filter == nullptr ? LoadIds() : LookAhead(collection);
}

Status PointSelector::LookAhead(const Collection& collection) {
  ALIDADE_RETURN_IF_ERROR(selection_.deadline.Check());
  seen_ = collection.view_.Get();
  ALIDADE_ASSIGN_OR_RETURN(QueryFilter compiled, CompileFilter(*selection_.filter, seen_->schema));
  filter_ = std::make_unique<const QueryFilter>(std::move(compiled));
  for (const SegmentView& part : seen_->segments) {
    ALIDADE_ASSIGN_OR_RETURN(Selection selection,
                             SelectRows(part, seen_->at, filter_.get(), selection_.deadline));
    passed_.push_back(std::move(selection.selected));
  }
  return OkStatus();
}

StatusOr<RowBitmap> PointSelector::Passing(const SegmentView& part, SeqNo at) const {
  const Segment& segment = *part.segment;
  const auto seen = std::ranges::find(seen_->segments, part.segment, &SegmentView::segment);
  if (seen == seen_->segments.end()) {
    // Sealed or merged meanwhile.
    ALIDADE_ASSIGN_OR_RETURN(const Selection selection,
                             SelectRows(part, at, filter_.get(), selection_.deadline));
    return selection.selected->rows;
  }
  const RowBitmap& passed = passed_[static_cast<size_t>(seen - seen_->segments.begin())]->rows;
  RowBitmap changed(part.visible_rows);
  segment.payload_changes().ForEach(at, [&](RowId row, SeqNo changed_at, std::string_view) {
    if (changed_at > seen_->at) {
      changed.Set(row);
    }
  });
  RowBitmap rows(part.visible_rows);
  for (RowId row = 0; row < part.visible_rows; ++row) {
    const bool fresh = row >= passed.rows() || changed.Test(row);
    if (fresh ? RowPasses(segment, row, at, filter_->compiled)
              : passed.Test(row) && segment.AliveAt(row, at)) {
      rows.Set(row);
    }
  }
  return rows;
}

Status PointSelector::LoadIds() {
  ids_.reserve(selection_.ids.size());
  for (size_t i = 0; i < selection_.ids.size(); ++i) {
    ids_.push_back({.encoded_id = selection_.ids[i].Encode(), .index = i});
  }
  std::ranges::stable_sort(ids_, {}, &Wanted::encoded_id);
  const auto repeated = std::ranges::unique(ids_, {}, &Wanted::encoded_id);
  if (!repeated.empty() && !selection_.if_seqs.empty()) {
    const size_t index = repeated.front().index;
    return RepeatedId(selection_.ids[index], index);
  }
  ids_.erase(repeated.begin(), repeated.end());
  return OkStatus();
}

void PointSelector::AddTo(Hasher128& hasher) const {
  std::vector<SeqNo> seqs;
  for (const Wanted& id : ids_) {
    AddPart(hasher, id.encoded_id);
    if (!selection_.if_seqs.empty()) {
      seqs.push_back(selection_.if_seqs[id.index]);
    }
  }
  AddExpectedSeqs(hasher, seqs);
  if (selection_.filter != nullptr) {
    AddPart(hasher, "filter");
    AddPart(hasher, FilterText(*selection_.filter));
  }
}

Status PointSelector::Select(const Collection& collection,
                             std::vector<SelectedPoint>& points) const {
  return selection_.filter == nullptr ? SelectByIds(collection, points)
                                      : SelectByFilter(collection, points);
}

Status PointSelector::SelectByIds(const Collection& collection,
                                  std::vector<SelectedPoint>& points) const {
  std::vector<std::string> encoded;
  encoded.reserve(ids_.size());
  for (const Wanted& id : ids_) {
    encoded.push_back(id.encoded_id);
  }
  std::vector<std::optional<CurrentPoint>> current;
  ALIDADE_RETURN_IF_ERROR(collection.ResolveIds(encoded, current));
  for (size_t i = 0; i < ids_.size(); ++i) {
    const size_t index = ids_[i].index;
    const std::optional<CurrentPoint>& found = current[i];
    if (!selection_.if_seqs.empty()) {
      ALIDADE_RETURN_IF_ERROR(
          CheckExpectedSeq(selection_.if_seqs[index], found, selection_.ids[index], index));
    }
    if (found.has_value()) {
      points.push_back({.encoded_id = std::move(encoded[i]), .current = *found});
    }
  }
  return OkStatus();
}

Status PointSelector::Add(const Collection& collection,
                          SelectedPoint point,
                          std::vector<SelectedPoint>& points) const {
  const uint32_t limit = collection.context_.limits.filter_write_points_max;
  if (points.size() >= limit) {
    return WithReason(
        ResourceExhausted("the filter passes more than {} points, which is as many as one write "
                          "may change (limits.filter_write_points_max)",
                          limit),
        "WRITE_TOO_LARGE");
  }
  points.push_back(std::move(point));
  return OkStatus();
}

Status PointSelector::SelectByFilter(const Collection& collection,
                                     std::vector<SelectedPoint>& points) const {
  ALIDADE_RETURN_IF_ERROR(selection_.deadline.Check());
  const auto view = collection.view_.Get();
  const PendingPoints::Points& pending = collection.pending_.points();
  for (const SegmentView& part : view->segments) {
    ALIDADE_ASSIGN_OR_RETURN(const RowBitmap rows, Passing(part, view->at));
    for (RowId row = 0; row < part.visible_rows; ++row) {
      if (!rows.Test(row)) {
        continue;
      }
      std::string id(part.segment->encoded_id(row));
      if (pending.empty() || !pending.contains(id)) {
        CurrentPoint current{.row = part.segment->row_number(row)};
        ALIDADE_RETURN_IF_ERROR(
            Add(collection, {.encoded_id = std::move(id), .current = current}, points));
      }
    }
  }
  // What this group has written is in no view yet. In the order of ids, so that a write does the
  // same wherever it is done again.
  std::vector<SelectedPoint> written;
  for (const auto& [id, current] : pending) {
    if (!current.has_value()) {
      continue;
    }
    if (filter_->compiled.Matches(
            {.payload = *current->payload, .encoded_id = id, .vectors = current->vectors})) {
      written.push_back({.encoded_id = id, .current = *current});
    }
  }
  std::ranges::sort(written, {}, &SelectedPoint::encoded_id);
  for (SelectedPoint& point : written) {
    ALIDADE_RETURN_IF_ERROR(Add(collection, std::move(point), points));
  }
  return OkStatus();
}

}  // namespace alidade
