#include "alidade/filter/filter_text.h"
#include "alidade/query/executor.h"

#include "changed_rows.h"
#include "paced_deadline.h"

namespace alidade {
namespace {

// What the filter asks about a row.
FilterSubject SubjectOf(const Segment& segment, RowId row, SeqNo at, const CompiledFilter& filter) {
  FilterSubject subject{.payload = segment.payload(row, at)};
  if (filter.asks_id()) {
    subject.encoded_id = segment.encoded_id(row);
  }
  subject.vectors = VectorsAt(segment, row, filter.asks_vectors());
  return subject;
}

// Looks at the payloads of rows one by one, and now and then at the clock.
class RowJudge {
 public:
  RowJudge(const Segment& segment, SeqNo at, const CompiledFilter& filter, const Deadline& deadline)
      : segment_(segment), at_(at), filter_(filter), pace_(deadline) {}

  StatusOr<bool> Passes(RowId row) {
    const FilterSubject subject = SubjectOf(segment_, row, at_, filter_);
    ALIDADE_RETURN_IF_ERROR(pace_.Pass(subject.payload.size() * filter_.passes()));
    return filter_.Matches(subject);
  }
  uint64_t rows() const { return pace_.rows(); }

 private:
  const Segment& segment_;
  const SeqNo at_;
  const CompiledFilter& filter_;
  PacedDeadline pace_;
};

// Indexes are over the payloads that the segment was made with.
void ForgetChanged(const Segment& segment, SeqNo at, IndexedSelection& selection) {
  const auto changed = ChangedRows(segment, at, selection.passing.rows());
  if (!changed.has_value()) {
    return;
  }
  selection.passing.Subtract(changed->words());
  if (!selection.unknown.has_value()) {
    selection.unknown.emplace(changed->rows());
  }
  selection.unknown->Unite(changed->words());
}

// What the payload indexes of the segment, and its ids, say of its rows; if nothing, that all are
// unknown.
IndexedSelection SelectWithIndexes(const SegmentView& view, SeqNo at, const Filter& filter) {
  const Segment& segment = *view.segment;
  const auto indexes = segment.payload_indexes();
  const PayloadIndexes none;
  if (view.visible_rows == segment.rows()) {
    const IdLookup find_ids = [&segment](const std::vector<PointId>& ids) {
      return segment.FindIds(ids);
    };
    if (auto selected = SelectByIndexes(
            filter, indexes == nullptr ? none : *indexes, view.visible_rows, find_ids);
        selected.has_value()) {
      ForgetChanged(segment, at, *selected);
      return std::move(*selected);
    }
  }
  IndexedSelection open{RowBitmap(view.visible_rows), RowBitmap(view.visible_rows)};
  open.unknown->SetAll();
  return open;
}

StatusOr<Selection> JudgeRows(const SegmentView& view,
                              SeqNo at,
                              const QueryFilter& filter,
                              const Deadline& deadline) {
  const Segment& segment = *view.segment;
  IndexedSelection indexed = SelectWithIndexes(view, at, *filter.tree);
  RowBitmap passing = std::move(indexed.passing);
  segment.KeepAlive(at, passing);
  if (!indexed.unknown.has_value()) {
    return Selection{.selected = std::make_shared<const SelectedRows>(std::move(passing))};
  }
  segment.KeepAlive(at, *indexed.unknown);
  RowJudge judge(segment, at, filter.compiled, deadline);
  Status judged;
  indexed.unknown->ForEach([&](RowId row) {
    if (!judged.ok()) {
      return;
    }
    const StatusOr<bool> passes = judge.Passes(row);
    judged = passes.status();
    if (passes.ok() && *passes) {
      passing.Set(row);
    }
  });
  ALIDADE_RETURN_IF_ERROR(judged);
  return Selection{.selected = std::make_shared<const SelectedRows>(std::move(passing)),
                   .payloads_read = judge.rows()};
}

}  // namespace

StatusOr<QueryFilter> CompileFilter(const Filter& filter,
                                    const Schema& schema,
                                    const std::string& path) {
  std::vector<std::string_view> fields(kSparseBitsBegin);  // no field has an empty name
  for (FieldIndex i = 0; i < schema.fields.size(); ++i) {
    fields[i] = schema.fields[i].name;
  }
  for (const SparseField& field : schema.sparse_fields) {
    fields.emplace_back(field.name);
  }
  fields.resize(kMultiBitsBegin);
  for (const MultiVectorField& field : schema.multi_vector_fields) {
    fields.emplace_back(field.name);
  }
  ALIDADE_ASSIGN_OR_RETURN(CompiledFilter compiled, CompiledFilter::Make(filter, fields, path));
  return QueryFilter{&filter, FilterText(filter), std::move(compiled)};
}

StatusOr<Selection> SelectRows(const SegmentView& view,
                               SeqNo at,
                               const QueryFilter* filter,
                               const Deadline& deadline) {
  ALIDADE_RETURN_IF_ERROR(deadline.Check());
  const Segment& segment = *view.segment;
  if (filter == nullptr) {
    RowBitmap all(view.visible_rows);
    all.SetAll();
    segment.KeepAlive(at, all);
    return Selection{.selected = std::make_shared<const SelectedRows>(std::move(all))};
  }
  SelectionCache* cache = segment.selections();
  if (cache == nullptr) {
    return JudgeRows(view, at, *filter, deadline);
  }
  const SegmentChanges before = segment.changes();
  if (auto kept = cache->Find(filter->text, before, at); kept != nullptr) {
    return Selection{.selected = std::move(kept), .kept = true};
  }
  ALIDADE_ASSIGN_OR_RETURN(Selection selection, JudgeRows(view, at, *filter, deadline));
  cache->Keep(filter->text, before, at, selection.selected);
  return selection;
}

uint32_t VectorsAt(const Segment& segment, RowId row, uint32_t asked) {
  const auto present = [&](FieldRef field) {
    switch (field.kind) {
      case FieldRef::Kind::kDense:
        return segment.vector(field.index, row).has_value();
      case FieldRef::Kind::kSparse:
        return !segment.sparse_vector(field.index, row).empty();
      case FieldRef::Kind::kMultiVector:
        break;
    }
    return (segment.multi_vectors(row) >> field.index & 1) != 0;
  };
  uint32_t vectors = 0;
  for (; asked != 0; asked &= asked - 1) {
    const FieldRef field = FieldOfLowestBit(asked);
    vectors |= present(field) ? VectorBit(field) : 0U;
  }
  return vectors;
}

bool RowPasses(const Segment& segment, RowId row, SeqNo at, const CompiledFilter& filter) {
  return segment.AliveAt(row, at) && filter.Matches(SubjectOf(segment, row, at, filter));
}

StatusOr<uint64_t> CountRows(const SegmentSet& view,
                             const Filter* filter,
                             const Deadline& deadline) {
  ALIDADE_RETURN_IF_ERROR(deadline.Check());
  std::optional<QueryFilter> compiled;
  if (filter != nullptr) {
    ALIDADE_ASSIGN_OR_RETURN(compiled, CompileFilter(*filter, view.schema));
  }
  uint64_t count = 0;
  for (const SegmentView& segment : view.segments) {
    ALIDADE_ASSIGN_OR_RETURN(
        const Selection selection,
        SelectRows(segment, view.at, compiled.has_value() ? &*compiled : nullptr, deadline));
    count += selection.selected->count;
  }
  return count;
}

}  // namespace alidade
