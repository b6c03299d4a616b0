#include "alidade/query/value_scan.h"

#include <optional>
#include <variant>

#include "alidade/query/executor.h"

#include "changed_rows.h"
#include "paced_deadline.h"

namespace alidade {
namespace {

// An index that tells everything about the key; null if there is none.
const PayloadIndex* FindWhole(const PayloadIndexes* indexes, std::string_view key) {
  if (indexes == nullptr) {
    return nullptr;
  }
  for (const KeyedPayloadIndex& keyed : *indexes) {
    if (keyed.spec.key != key) {
      continue;
    }
    if (const auto* index = std::get_if<PayloadIndex>(&keyed.index);
        index != nullptr && index->holds_all_scalars()) {
      return index;
    }
  }
  return nullptr;
}

Status CountRowsOfValues(const PayloadIndex& index,
                         const RowBitmap& rows,
                         PacedDeadline& pace,
                         const ValueScan::Visitor& visit) {
  for (uint64_t i = 0; i < index.values(); ++i) {
    uint64_t count = 0;
    for (const RowId row : index.RowsOf(i)) {
      ALIDADE_RETURN_IF_ERROR(pace.Pass(0));
      count += rows.Test(row) ? uint64_t{1} : 0;
    }
    if (count == 0) {
      continue;
    }
    const std::optional<Scalar> value = index.scalar(i);
    if (!value.has_value()) {
      return DataLoss("value {} of a payload index is none of its type", i);
    }
    ALIDADE_RETURN_IF_ERROR(visit(*value, count));
  }
  return OkStatus();
}

Status LookAt(const Segment& segment,
              SeqNo at,
              const RowBitmap& rows,
              std::string_view key,
              PacedDeadline& pace,
              const ValueScan::Visitor& visit) {
  ScalarReader reader(key);
  Status status;
  rows.ForEach([&](RowId row) {
    if (!status.ok()) {
      return;
    }
    const std::string_view payload = segment.payload(row, at);
    status = pace.Pass(payload.size());
    for (const Scalar& value : reader.Of(payload)) {
      if (!status.ok()) {
        return;
      }
      status = visit(value, 1);
    }
  });
  return status;
}

}  // namespace

Status ValueScan::ScanSegment(const SegmentView& part,
                              const SelectedRows& selected,
                              const Visitor& visit) {
  const Segment& segment = *part.segment;
  PacedDeadline pace(deadline_);
  auto indexes = segment.payload_indexes();
  const PayloadIndex* index = FindWhole(indexes.get(), key_);
  if (index == nullptr || part.visible_rows != segment.rows()) {
    return LookAt(segment, view_.at, selected.rows, key_, pace, visit);
  }
  kept_.push_back(std::move(indexes));
  const auto changed = ChangedRows(segment, view_.at, part.visible_rows);
  if (!changed.has_value()) {
    return CountRowsOfValues(*index, selected.rows, pace, visit);
  }
  RowBitmap unchanged = selected.rows;
  unchanged.Subtract(changed->words());
  ALIDADE_RETURN_IF_ERROR(CountRowsOfValues(*index, unchanged, pace, visit));
  RowBitmap loose = selected.rows;
  loose.Intersect(changed->words());
  return LookAt(segment, view_.at, loose, key_, pace, visit);
}

Status ValueScan::Run(const Visitor& visit) {
  std::optional<QueryFilter> filter;
  if (filter_ != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(filter, CompileFilter(*filter_, view_.schema));
  }
  for (const SegmentView& part : view_.segments) {
    ALIDADE_ASSIGN_OR_RETURN(
        const Selection selection,
        SelectRows(part, view_.at, filter.has_value() ? &*filter : nullptr, deadline_));
    ALIDADE_RETURN_IF_ERROR(ScanSegment(part, *selection.selected, visit));
  }
  return OkStatus();
}

}  // namespace alidade
