#include "alidade/segment/sealed_segment.h"

#include <algorithm>

#include "alidade/common/check.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"

#include "sealed_segment_impl.h"

namespace alidade {

SealedSegment::SealedSegment(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SealedSegment::~SealedSegment() {
  const bool remove = impl_->remove_files.load(std::memory_order_acquire);
  const std::string directory = impl_->options.directory;
  impl_.reset();
  if (!remove) {
    return;
  }
  // No manifest names it any more; what is left behind here goes at the next start.
  if (const Status removed = RemoveTree(directory); !removed.ok()) {
    ALIDADE_LOG_WARN("old segment stays on disk until the next start: {}", MessageOf(removed));
  }
}

const SegmentManifest& SealedSegment::manifest() const { return impl_->options.manifest; }

const std::vector<SealedSegment::DamagedIndex>& SealedSegment::damaged_indexes() const {
  return impl_->damaged;
}

const std::vector<std::string>& SealedSegment::damaged_payload_indexes() const {
  return impl_->damaged_payload_indexes;
}

const std::vector<SealedSegment::DamagedSparse>& SealedSegment::damaged_sparse() const {
  return impl_->damaged_sparse;
}

std::shared_ptr<const PayloadIndexes> SealedSegment::payload_indexes() const {
  return impl_->payload_indexes.Get();
}

bool SealedSegment::HasPayloadIndexes(const std::vector<PayloadIndexSpec>& specs) const {
  const auto have = payload_indexes();
  return have == nullptr ? specs.empty()
                         : std::ranges::equal(*have, specs, {}, &KeyedPayloadIndex::spec);
}

std::string_view SealedSegment::index_body(FieldIndex field) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr || part->index == nullptr ? std::string_view() : part->index_file.body;
}

CodesSetting SealedSegment::codes(FieldIndex field) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr || part->codes == nullptr ? CodesSetting::kNone : part->codes->setting();
}

void SealedSegment::RemoveFilesWhenUnused() {
  impl_->remove_files.store(true, std::memory_order_release);
}

RowNo SealedSegment::first_row() const { return impl_->options.manifest.first_row; }
RowNo SealedSegment::last_row() const { return impl_->options.manifest.last_row; }
uint32_t SealedSegment::rows() const { return impl_->rows.count(); }
RowNo SealedSegment::row_number(RowId row) const { return impl_->rows.row_number(row); }
std::optional<RowId> SealedSegment::FindRow(RowNo row) const { return impl_->rows.Find(row); }

std::string_view SealedSegment::encoded_id(RowId row) const { return impl_->rows.encoded_id(row); }

void SealedSegment::FetchIds(std::span<const RowHit> hits) const { impl_->rows.FetchIds(hits); }

std::optional<RowBitmap> SealedSegment::FindIds(const std::vector<PointId>& ids) const {
  const auto table = impl_->Ids();
  RowBitmap found(rows());
  for (const PointId& id : ids) {
    table->ForEachRow(id.Encode(), [&found](RowId row) { found.Set(row); });
  }
  return found;
}

std::string_view SealedSegment::payload(RowId row, SeqNo at) const {
  const auto changed = impl_->changes->Find(row, at);
  return changed.has_value() ? *changed : impl_->rows.payload(row);
}

void SealedSegment::ChangePayload(RowId row, SeqNo at, std::string_view payload) {
  ALIDADE_CHECK(row < rows(), "row {} of {}", row, rows());
  impl_->changes->Change(row, at, payload);
}

const PayloadOverlay& SealedSegment::payload_changes() const { return *impl_->changes; }

VectorView SealedSegment::vector(FieldIndex field, RowId row) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr ? VectorView() : part->vectors.Find(row);
}

std::shared_ptr<const Postings> SealedSegment::text_postings(PayloadIndexId index,
                                                             uint32_t rows) const {
  const auto indexes = payload_indexes();
  if (indexes == nullptr || rows != this->rows()) {
    return nullptr;
  }
  for (const KeyedPayloadIndex& keyed : *indexes) {
    if (const auto* postings = std::get_if<SealedPostings>(&keyed.index);
        postings != nullptr && keyed.spec.id == index) {
      return {indexes, postings};  // which has the body mapped
    }
  }
  return nullptr;
}

std::string_view SealedSegment::sparse_vector(SparseIndex field, RowId row) const {
  const SparseFile* file = impl_->FindSparse(field);
  return file == nullptr ? std::string_view() : file->vector(row);
}

uint8_t SealedSegment::multi_vectors(RowId row) const { return impl_->rows.multi_vectors(row); }

std::shared_ptr<const Postings> SealedSegment::sparse_postings(SparseIndex field,
                                                               uint32_t rows) const {
  ALIDADE_CHECK(rows == this->rows(), "{} rows of {}", rows, this->rows());
  const SparseFile* file = impl_->FindSparse(field);
  return file == nullptr
             ? nullptr
             : std::shared_ptr<const Postings>(std::shared_ptr<void>(), &file->postings());
}

uint32_t SealedSegment::vectors(FieldIndex field) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr ? 0 : part->vectors.matrix().count;
}

SeqNo SealedSegment::deleted_at(RowId row) const { return impl_->deletions->At(row); }

void SealedSegment::MarkDeleted(RowId row, SeqNo at) {
  ALIDADE_CHECK(row < rows(), "row {} of {}", row, rows());
  impl_->deletions->Mark(row, at);
}

uint32_t SealedSegment::deleted_rows() const { return impl_->deletions->count(); }

SegmentChanges SealedSegment::changes() const {
  SegmentChanges changes;
  changes.count = uint64_t{impl_->deletions->count()} + payload_changes().changes();
  changes.newest = std::max(impl_->deletions->newest(), payload_changes().newest());
  return changes;
}

SelectionCache* SealedSegment::selections() const { return &impl_->selections; }

void SealedSegment::KeepAlive(SeqNo at, RowBitmap& rows) const {
  impl_->deletions->KeepAlive(at, rows);
}

IndexKind SealedSegment::index_kind(FieldIndex field) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr || part->index == nullptr ? IndexKind::kFlat : part->index->kind();
}

const SubsetGraphs* SealedSegment::subset_graphs(FieldIndex field) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr ? nullptr : part->subsets.get();
}

const MeasuredRecall* SealedSegment::measured_recall(FieldIndex field) const {
  if (index_kind(field) == IndexKind::kFlat) {
    return nullptr;
  }
  const SegmentFile* file = FindFile(
      impl_->options.manifest, SegmentFileKind::kIndex, impl_->options.schema.fields[field].id);
  return file->recall.all.empty() ? nullptr : &file->recall;
}

}  // namespace alidade
