#include "alidade/query/executor.h"

namespace alidade {
namespace {

// Rows between two looks at the clock: a few microseconds to a few milliseconds of filter work
// (chosen).
constexpr RowId kRowsPerDeadlineCheck = 1024;

// Calls fn(row) for every row of the view that is alive and passes the filter, rising.
template <typename Fn>
Status ForEachSelected(const SegmentView& view,
                       SeqNo at,
                       const Filter* filter,
                       const Deadline& deadline,
                       const Fn& fn) {
  const Segment& segment = *view.segment;
  for (RowId row = 0; row < view.visible_rows; ++row) {
    if (row % kRowsPerDeadlineCheck == 0) {
      ALIDADE_RETURN_IF_ERROR(deadline.Check());
    }
    if (segment.AliveAt(row, at) && (filter == nullptr || Matches(*filter, segment.payload(row)))) {
      fn(row);
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<RowBitmap> SelectRows(const SegmentView& segment,
                               SeqNo at,
                               const Filter* filter,
                               const Deadline& deadline) {
  RowBitmap selected(segment.visible_rows);
  ALIDADE_RETURN_IF_ERROR(ForEachSelected(
      segment, at, filter, deadline, [&selected](RowId row) { selected.Set(row); }));
  return selected;
}

StatusOr<uint64_t> CountRows(const SegmentSet& view,
                             const Filter* filter,
                             const Deadline& deadline) {
  ALIDADE_RETURN_IF_ERROR(deadline.Check());
  uint64_t count = 0;
  for (const SegmentView& segment : view.segments) {
    ALIDADE_RETURN_IF_ERROR(
        ForEachSelected(segment, view.at, filter, deadline, [&count](RowId) { ++count; }));
  }
  return count;
}

}  // namespace alidade
