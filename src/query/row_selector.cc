#include "row_selector.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "changed_rows.h"
#include "paced_deadline.h"

namespace alidade {
namespace {

// Rows that a guess looks at: of a share of a half it is off by 0.09 at most, 95 times of 100.
constexpr uint32_t kGuessRows = 128;
// Of fewer rows all are looked at at once (chosen).
constexpr uint32_t kGuessedRowsMin = 4'096;

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

// What the payload indexes of the segment, and its ids, say of its rows; nothing: nothing of any.
std::optional<IndexedSelection> AskIndexes(const SegmentView& view,
                                           SeqNo at,
                                           const Filter& filter) {
  const Segment& segment = *view.segment;
  if (view.visible_rows != segment.rows()) {
    return std::nullopt;
  }
  const auto indexes = segment.payload_indexes();
  const PayloadIndexes none;
  const IdLookup find_ids = [&segment](const std::vector<PointId>& ids) {
    return segment.FindIds(ids);
  };
  auto selected =
      SelectByIndexes(filter, indexes == nullptr ? none : *indexes, view.visible_rows, find_ids);
  if (selected.has_value()) {
    ForgetChanged(segment, at, *selected);
    segment.KeepAlive(at, selected->passing);
    if (selected->unknown.has_value()) {
      segment.KeepAlive(at, *selected->unknown);
    }
  }
  return selected;
}

// The first row of the set from `first` on and before `end`.
std::optional<RowId> NextRow(const RowBitmap& rows, uint32_t first, uint32_t end) {
  for (uint32_t row = first; row < end;) {
    if (const uint64_t word = rows.words()[row / 64] >> (row % 64); word != 0) {
      row += static_cast<uint32_t>(std::countr_zero(word));
      return row < end ? std::optional<RowId>(row) : std::nullopt;
    }
    row = (row / 64 + 1) * 64;
  }
  return std::nullopt;
}

}  // namespace

FilterSubject SubjectOf(const Segment& segment, RowId row, SeqNo at, const CompiledFilter& filter) {
  FilterSubject subject{.payload = segment.payload(row, at)};
  if (filter.asks_id()) {
    subject.encoded_id = segment.encoded_id(row);
  }
  subject.vectors = VectorsAt(segment, row, filter.asks_vectors());
  return subject;
}

void RowSelector::Begin() {
  if (std::exchange(begun_, true)) {
    return;
  }
  if (SelectionCache* cache = segment_.selections(); cache != nullptr) {
    before_ = segment_.changes();
    kept_ = cache->Find(filter_.text, before_, at_);
  }
  if (kept_ == nullptr) {
    indexed_ = AskIndexes(view_, at_, *filter_.tree);
  }
}

uint32_t RowSelector::Untried() const {
  if (!indexed_.has_value()) {
    return view_.visible_rows - std::min(segment_.deleted_rows(), view_.visible_rows);
  }
  return indexed_->unknown.has_value() ? indexed_->unknown->Count() : 0;
}

std::optional<RowId> RowSelector::NextUntried(uint32_t first, uint32_t end) const {
  if (indexed_.has_value()) {
    const std::optional<RowBitmap>& unknown = indexed_->unknown;
    return unknown.has_value() ? NextRow(*unknown, first, end) : std::nullopt;
  }
  while (first < end && !segment_.AliveAt(first, at_)) {
    ++first;
  }
  return first < end ? std::optional<RowId>(first) : std::nullopt;
}

std::optional<RowSelector::Guess> RowSelector::GuessPassing() {
  Begin();
  if (kept_ != nullptr || segment_.selections() == nullptr) {
    return std::nullopt;
  }
  const uint32_t untried = Untried();
  if (untried < kGuessedRowsMin) {
    return std::nullopt;
  }
  uint32_t tried = 0;
  uint32_t passed = 0;
  for (uint32_t i = 0; i < kGuessRows; ++i) {
    // One row out of each of as many parts, wherever in it: payloads may well come in turns.
    const auto begin = static_cast<uint32_t>(uint64_t{view_.visible_rows} * i / kGuessRows);
    const auto end = static_cast<uint32_t>(uint64_t{view_.visible_rows} * (i + 1) / kGuessRows);
    const auto from = static_cast<uint32_t>((uint64_t{i + 1} * 0x9E3779B97F4A7C15ULL >> 33) %
                                            std::max(1U, end - begin));
    if (const auto row = NextUntried(begin + from, end); row.has_value()) {
      ++tried;
      passed += Passes(*row) ? 1U : 0U;
    }
  }
  const double share = tried == 0 ? 0 : static_cast<double>(passed) / tried;
  const uint32_t known = indexed_.has_value() ? indexed_->passing.Count() : 0;
  return Guess{.passing = known + static_cast<uint32_t>(share * untried), .untried = untried};
}

bool RowSelector::Postpone(uint64_t cost) {
  return segment_.selections()->SpendOn(filter_.text, before_, cost, Untried());
}

bool RowSelector::Passes(RowId row) {
  ++asked_;
  if (indexed_.has_value()) {
    if (indexed_->passing.Test(row)) {
      return true;
    }
    const std::optional<RowBitmap>& unknown = indexed_->unknown;
    if (!unknown.has_value() || !unknown->Test(row)) {
      return false;
    }
  } else if (!segment_.AliveAt(row, at_)) {
    return false;
  }
  ++payloads_read_;
  return filter_.compiled.Matches(SubjectOf(segment_, row, at_, filter_.compiled));
}

StatusOr<Selection> RowSelector::Select(const Deadline& deadline) {
  Begin();
  if (kept_ != nullptr) {
    return Selection{.selected = kept_, .kept = true};
  }
  RowBitmap passing(view_.visible_rows);
  std::optional<RowBitmap> unknown;
  if (indexed_.has_value()) {
    passing = indexed_->passing;
    unknown = indexed_->unknown;
  } else {
    unknown.emplace(view_.visible_rows);
    unknown->SetAll();
    segment_.KeepAlive(at_, *unknown);
  }
  if (unknown.has_value()) {
    PacedDeadline pace(deadline);
    Status judged;
    unknown->ForEach([&](RowId row) {
      if (!judged.ok()) {
        return;
      }
      const FilterSubject subject = SubjectOf(segment_, row, at_, filter_.compiled);
      judged = pace.Pass(subject.payload.size() * filter_.compiled.passes());
      if (judged.ok() && filter_.compiled.Matches(subject)) {
        passing.Set(row);
      }
    });
    ALIDADE_RETURN_IF_ERROR(judged);
    payloads_read_ += pace.rows();
  }
  kept_ = std::make_shared<const SelectedRows>(std::move(passing));
  if (SelectionCache* cache = segment_.selections(); cache != nullptr) {
    cache->Keep(filter_.text, before_, at_, kept_);
  }
  return Selection{.selected = kept_, .payloads_read = payloads_read_};
}

}  // namespace alidade
