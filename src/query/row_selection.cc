#include <bit>

#include "alidade/query/executor.h"

namespace alidade {
namespace {

// Rows, and bytes of payload looked at, between two looks at the clock: a few microseconds to some
// milliseconds of filter work (chosen).
constexpr RowId kRowsPerDeadlineCheck = 1024;
constexpr uint64_t kBytesPerDeadlineCheck = uint64_t{4} << 20;

// What the filter asks about a row.
FilterSubject SubjectOf(const Segment& segment, RowId row, const CompiledFilter& filter) {
  FilterSubject subject{.payload = segment.payload(row)};
  if (filter.asks_id()) {
    subject.encoded_id = segment.encoded_id(row);
  }
  for (uint32_t asked = filter.asks_vectors(); asked != 0; asked &= asked - 1) {
    const auto field = static_cast<FieldIndex>(std::countr_zero(asked));
    if (segment.vector(field, row) != nullptr) {
      subject.vectors |= uint32_t{1} << field;
    }
  }
  return subject;
}

// Calls fn(row) for every row of the view that is alive and passes the filter, rising.
template <typename Fn>
Status ForEachSelected(const SegmentView& view,
                       SeqNo at,
                       const CompiledFilter* filter,
                       const Deadline& deadline,
                       const Fn& fn) {
  const Segment& segment = *view.segment;
  uint64_t bytes = 0;
  for (RowId row = 0; row < view.visible_rows; ++row) {
    if (row % kRowsPerDeadlineCheck == 0 || bytes >= kBytesPerDeadlineCheck) {
      ALIDADE_RETURN_IF_ERROR(deadline.Check());
      bytes = 0;
    }
    if (!segment.AliveAt(row, at)) {
      continue;
    }
    if (filter != nullptr) {
      const FilterSubject subject = SubjectOf(segment, row, *filter);
      bytes += subject.payload.size() * filter->passes();
      if (!filter->Matches(subject)) {
        continue;
      }
    }
    fn(row);
  }
  return OkStatus();
}

}  // namespace

StatusOr<CompiledFilter> CompileFilter(const Filter& filter, const Schema& schema) {
  std::vector<std::string_view> fields;
  fields.reserve(schema.fields.size());
  for (const VectorField& field : schema.fields) {
    fields.push_back(field.name);
  }
  return CompiledFilter::Make(filter, fields, "filter");
}

StatusOr<RowBitmap> SelectRows(const SegmentView& segment,
                               SeqNo at,
                               const CompiledFilter* filter,
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
  std::optional<CompiledFilter> compiled;
  if (filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(compiled, CompileFilter(*filter, view.schema));
  }
  uint64_t count = 0;
  for (const SegmentView& segment : view.segments) {
    ALIDADE_RETURN_IF_ERROR(ForEachSelected(
        segment, view.at, compiled.has_value() ? &*compiled : nullptr, deadline, [&count](RowId) {
          ++count;
        }));
  }
  return count;
}

}  // namespace alidade
