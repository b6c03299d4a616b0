#include "alidade/filter/filter_text.h"
#include "alidade/query/executor.h"

#include "row_selector.h"

namespace alidade {

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
  if (filter == nullptr) {
    RowBitmap all(view.visible_rows);
    all.SetAll();
    view.segment->KeepAlive(at, all);
    return Selection{.selected = std::make_shared<const SelectedRows>(std::move(all))};
  }
  return RowSelector(view, at, *filter).Select(deadline);
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
