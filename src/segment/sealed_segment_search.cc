// Path: search 6/8 (from query/executor.cc, to src/index/*)
#include <algorithm>

#include "sealed_segment_impl.h"

namespace alidade {

void SealedSegment::Impl::SetBits(FieldIndex field,
                                  const SelectedRows& allowed,
                                  const FieldPart& part,
                                  RowFilter& filter) {
  const uint32_t* slot_rows = part.vectors.slot_rows();
  if (slot_rows == nullptr) {
    filter.slot_bits = {allowed.rows.words().data(),
                        allowed.count,
                        allowed.list.empty() ? nullptr : allowed.list.data()};
    return;
  }
  filter.slots = allowed.by_field.Slots(field, [&] {
    const uint32_t slots = part.vectors.matrix().count;
    SelectedSlots made{.words = std::vector<uint64_t>((size_t{slots} + 63) / 64)};
    for (uint32_t slot = 0; slot < slots; ++slot) {
      const uint64_t bit = allowed.rows.Test(slot_rows[slot]) ? 1 : 0;
      made.words[slot / 64] |= bit << (slot % 64);
      made.count += static_cast<uint32_t>(bit);
    }
    return made;
  });
  filter.slot_bits = {filter.slots->words.data(), filter.slots->count};
}

const SlotFilter* SealedSegment::Impl::MakeFilter(const SegmentSearch& search,
                                                  const FieldPart& part,
                                                  RowFilter& filter) const {
  filter.slot_rows = part.vectors.slot_rows();
  filter.at = search.at;
  filter.allowed = search.allowed == nullptr ? nullptr : &search.allowed->rows;
  filter.passes = search.passes;
  filter.rows_end = std::min(search.visible_rows, rows.count());
  if (search.allowed != nullptr) {
    filter.rows_end = std::min(filter.rows_end, search.allowed->rows.rows());
  }
  if (search.allowed != nullptr && filter.rows_end == rows.count()) {
    SetBits(search.field, *search.allowed, part, filter);
  } else if (deletions->count() > 0) {
    filter.deletions = deletions.get();
  }
  return filter.Restricts() || filter.rows_end < rows.count() ? &filter : nullptr;
}

CodedVectors SealedSegment::Impl::CodesFor(const SegmentSearch& search, const FieldPart& part) {
  if (part.codes != nullptr) {
    return part.codes->coded();
  }
  const VectorMatrix& matrix = part.vectors.matrix();
  return part.scan_codes == nullptr
             ? CodedVectors()
             : part.scan_codes->Grow(
                   matrix, search.allowed == nullptr ? matrix.count : search.allowed->count);
}

std::shared_ptr<const PlacedSlots> SealedSegment::Impl::Placed(const SegmentSearch& search,
                                                               const FieldPart& part,
                                                               const SlotFilter& filter) const {
  struct Made {
    BudgetShare copies;
    PlacedSlots placed;
  };
  const SelectedRows& selected = *search.allowed;
  return selected.by_field.Placed(search.field, /*sorted=*/!search.scan, [&](bool copy) {
    auto made = std::make_shared<Made>();
    if (copy && part.codes != nullptr && resident.load(std::memory_order_acquire)) {
      const size_t wanted = selected.count * part.codes->finest().stride();
      if (selections.copied_bytes() + wanted <=
          part.codes->body_bytes() / SelectionCache::kCopiedShare) {
        made->copies = BudgetShare::Take(copies.budget(), wanted);
      }
    }
    if (search.scan && made->copies.budget() == nullptr) {
      return std::shared_ptr<const PlacedSlots>();  // a scan has no use for places
    }
    made->placed = part.index->PlacesOf(filter, /*copy_codes=*/made->copies.budget() != nullptr);
    return std::shared_ptr<const PlacedSlots>(made, &made->placed);
  });
}

std::shared_ptr<const SubsetGraph> SealedSegment::FindSubset(FieldIndex field,
                                                             const SelectedRows& selected) const {
  const FieldPart* part = impl_->FindPart(field);
  if (part == nullptr || part->index == nullptr || selected.rows.rows() != rows()) {
    return nullptr;
  }
  return selected.by_field.Subset(
      field,
      [&](const std::shared_ptr<const SubsetGraphs>& graph) -> std::shared_ptr<const SubsetGraph> {
        RowFilter filter;
        Impl::SetBits(field, selected, *part, filter);
        const SlotBits& slots = filter.slot_bits;
        if (slots.count == 0) {
          return nullptr;
        }
        if (part->subsets != nullptr) {
          if (const SubsetGraph* of_tenant = part->subsets->Find(slots); of_tenant != nullptr) {
            return {std::shared_ptr<void>(), of_tenant};
          }
        }
        if (graph == nullptr) {
          return nullptr;
        }
        const SubsetGraph* own = graph->Find(slots);
        if (own == nullptr) {  // more passes than when it was made
          selected.by_field.SetGraph(field, nullptr);
          return nullptr;
        }
        return {graph, own};
      });
}

void SealedSegment::WishForSubset(FieldIndex field, const SelectedRows& selected) const {
  selected.by_field.WishForGraph(field);
}

StatusOr<std::vector<RowHit>> SealedSegment::SearchIndex(const SegmentSearch& search) const {
  const FieldPart* part = impl_->FindPart(search.field);
  if (part == nullptr || part->index == nullptr) {
    return SearchExact(search);
  }
  RowFilter filter;
  IndexSearchOptions options = ToIndexOptions(search);
  options.filter = impl_->MakeFilter(search, *part, filter);
  std::shared_ptr<const PlacedSlots> placed;
  if ((options.slack > 0 || options.scan) && search.allowed != nullptr &&
      options.filter != nullptr && part->index->kind() == IndexKind::kHnsw) {
    placed = impl_->Placed(search, *part, *options.filter);
    options.placed = placed.get();
  }
  if (search.subset != nullptr && filter.slot_bits.count == SubsetSize(*search.subset)) {
    options.filter = nullptr;  // all of the subset
  }
  SlotWatch watch;
  if (search.watch != nullptr) {
    if (const auto slot = part->vectors.FindSlot(search.watch->row); slot.has_value()) {
      watch.slot = *slot;
      options.watch = &watch;
    }
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> found,
                           part->index->Search(search.query, options));
  if (options.watch != nullptr) {
    *search.watch = {search.watch->row, watch.met, watch.kept, watch.place};
  }
  return ToRowHits(found, part->vectors.slot_rows());
}

StatusOr<std::vector<RowHit>> SealedSegment::SearchExact(const SegmentSearch& search) const {
  const FieldPart* part = impl_->FindPart(search.field);
  if (part == nullptr) {
    return std::vector<RowHit>();
  }
  RowFilter filter;
  IndexSearchOptions options = ToIndexOptions(search);
  options.filter = impl_->MakeFilter(search, *part, filter);
  ALIDADE_ASSIGN_OR_RETURN(
      const std::vector<Candidate> found,
      ExactSearch(part->vectors.matrix(), search.query, options, Impl::CodesFor(search, *part)));
  return ToRowHits(found, part->vectors.slot_rows());
}

}  // namespace alidade
