#include "alidade/segment/sealed_segment.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>

#include "alidade/common/check.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"
#include "alidade/common/memory_budget.h"
#include "alidade/common/published.h"
#include "alidade/index/vector_codes.h"

#include "deletion_times.h"
#include "id_table.h"
#include "payload_index_file.h"
#include "row_filter.h"
#include "rows_file.h"
#include "segment_file.h"
#include "sparse_file.h"
#include "vectors_file.h"

namespace alidade {
namespace {

// One vector field; without a file no row has a vector of it.
struct FieldPart {
  SegmentFileMap vectors_file;
  VectorsBody vectors;
  SegmentFileMap codes_file;
  std::unique_ptr<VectorCodes> codes;  // null: searches read the vectors
  SegmentFileMap index_file;
  std::unique_ptr<VectorIndex> index;  // null: exact
};

// Starts reading in the background what searches will touch. Only a hint: failure changes nothing.
void WillNeed(const MappedFile& file) {
  const std::string_view bytes = file.bytes();
  static_cast<void>(::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_WILLNEED));
}

// The copy is read from now on: the mapped pages need not stay. Searches under way read them again.
void Forget(const MappedFile& file) {
  const std::string_view bytes = file.bytes();
  static_cast<void>(::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_DONTNEED));
}

const SegmentFile* FindFile(const SegmentManifest& manifest, SegmentFileKind kind, FieldId field) {
  for (const SegmentFile& file : manifest.files) {
    if (file.kind == kind && file.field == field) {
      return &file;
    }
  }
  return nullptr;
}

// An error that means "this file is no good", as opposed to one of the system.
bool IsDamage(const Status& status) { return status.code() == StatusCode::kDataLoss; }

}  // namespace

struct SealedSegment::Impl {
  explicit Impl(const OpenOptions& options_in) : options(options_in) {}

  SegmentFileIdentity Identity(const SegmentFile& file) const;
  Status OpenRows();
  Status OpenVectors(FieldIndex index);
  Status OpenCodes(FieldIndex index);
  Status OpenFieldIndex(FieldIndex index);
  Status OpenPayloadIndexes();
  Status OpenSparse(SparseIndex index);
  SegmentFileIdentity SparseIdentityOf(SparseIndex index) const;
  const SparseFile* FindSparse(SparseIndex index) const {
    return index < sparse.size() ? sparse[index].get() : nullptr;
  }
  SegmentFileIdentity PayloadIdentity(PayloadIndexId id) const;
  // The file of the field over all of its vectors; one without a file if the manifest names none.
  StatusOr<SegmentFileMap> OpenDerived(FieldIndex index, SegmentFileKind kind) const;
  const FieldPart* FindPart(FieldIndex field) const {
    return field < fields.size() && fields[field].vectors.matrix().count > 0 ? &fields[field]
                                                                             : nullptr;
  }
  static void SetBits(const SelectedRows& allowed, const FieldPart& part, RowFilter& filter);
  // Fills the filter; null if every slot passes.
  const SlotFilter* MakeFilter(const SegmentSearch& search,
                               const FieldPart& part,
                               RowFilter& filter) const;

  // The slots of a selection by place, if they were asked for before.
  std::shared_ptr<const PlacedSlots> Placed(const SegmentSearch& search,
                                            const FieldPart& part,
                                            const SlotFilter& filter) const;

  // Made by the first that asks; two that ask at once may both make it.
  std::shared_ptr<const IdTable> Ids() const {
    auto made = ids.Get();
    if (made == nullptr) {
      made = std::make_shared<const IdTable>(rows);
      ids.Set(made);
    }
    return made;
  }

  const OpenOptions options;
  SegmentFileMap rows_file;
  RowsBody rows;
  std::vector<FieldPart> fields;
  std::vector<DamagedIndex> damaged;
  std::vector<std::string> damaged_payload_indexes;
  std::vector<std::unique_ptr<const SparseFile>> sparse;
  std::vector<DamagedSparse> damaged_sparse;
  Published<const PayloadIndexes> payload_indexes;  // null: none
  std::unique_ptr<DeletionTimes> deletions;
  mutable SelectionCache selections;
  mutable Published<const IdTable> ids;  // null: nobody has asked yet
  std::unique_ptr<PayloadOverlay> changes;
  std::atomic<bool> remove_files{false};
  BudgetShare copies;  // of MakeResident
  std::atomic<bool> resident{false};
};

SegmentFileIdentity SealedSegment::Impl::Identity(const SegmentFile& file) const {
  const SegmentManifest& manifest = options.manifest;
  return {.kind = file.kind,
          .index_kind = file.index_kind,
          .metric = 0,
          .store_uuid = options.store_uuid,
          .collection = manifest.collection,
          .segment = manifest.segment,
          .field = file.field,
          .first_row = manifest.first_row,
          .last_row = manifest.last_row,
          .rows = manifest.rows,
          .count = 0,
          .dim = 0};
}

Status SealedSegment::Impl::OpenRows() {
  const SegmentManifest& manifest = options.manifest;
  const SegmentFile* file = FindFile(manifest, SegmentFileKind::kRows, FieldId());
  if (file == nullptr) {
    return DataLoss("the manifest of segment {} names no rows", manifest.segment);
  }
  ALIDADE_ASSIGN_OR_RETURN(rows_file, OpenSegmentFile(options.directory, *file, Identity(*file)));
  if (rows_file.count != manifest.rows) {
    return DataLoss("{}/{} holds {} rows, the manifest says {}",
                    options.directory,
                    file->name,
                    rows_file.count,
                    manifest.rows);
  }
  auto parsed =
      RowsBody::Parse(rows_file.body, rows_file.count, manifest.first_row, manifest.last_row);
  if (!parsed.ok()) {
    return WithContext(parsed.status(), options.directory + "/" + file->name);
  }
  rows = std::move(parsed).value();
  return OkStatus();
}

Status SealedSegment::Impl::OpenVectors(FieldIndex index) {
  const VectorField& field = options.schema.fields[index];
  const SegmentFile* file = FindFile(options.manifest, SegmentFileKind::kVectors, field.id);
  if (file == nullptr) {
    return OkStatus();
  }
  SegmentFileIdentity expected = Identity(*file);
  expected.SetField(field.id, field.metric, field.dim);
  FieldPart& part = fields[index];
  ALIDADE_ASSIGN_OR_RETURN(part.vectors_file, OpenSegmentFile(options.directory, *file, expected));
  auto parsed =
      VectorsBody::Parse(part.vectors_file.body, field, part.vectors_file.count, rows.count());
  if (!parsed.ok()) {
    return WithContext(parsed.status(), options.directory + "/" + file->name);
  }
  part.vectors = std::move(parsed).value();
  WillNeed(*part.vectors_file.file);
  return OkStatus();
}

StatusOr<SegmentFileMap> SealedSegment::Impl::OpenDerived(FieldIndex index,
                                                          SegmentFileKind kind) const {
  const VectorField& field = options.schema.fields[index];
  const SegmentFile* file = FindFile(options.manifest, kind, field.id);
  const FieldPart& part = fields[index];
  if (file == nullptr) {
    return SegmentFileMap();
  }
  SegmentFileIdentity expected = Identity(*file);
  expected.SetField(field.id, field.metric, field.dim);
  ALIDADE_ASSIGN_OR_RETURN(auto opened, OpenSegmentFile(options.directory, *file, expected));
  if (opened.count != part.vectors.matrix().count) {
    return DataLoss("{}/{} is over {} vectors of {}",
                    options.directory,
                    file->name,
                    opened.count,
                    part.vectors.matrix().count);
  }
  return opened;
}

Status SealedSegment::Impl::OpenCodes(FieldIndex index) {
  ALIDADE_ASSIGN_OR_RETURN(auto opened, OpenDerived(index, SegmentFileKind::kCodes));
  if (opened.file == nullptr) {
    return OkStatus();
  }
  FieldPart& part = fields[index];
  auto read = VectorCodes::Open(opened.body, part.vectors.matrix());
  if (!read.ok()) {
    return WithContext(
        read.status(),
        options.directory + "/" +
            SegmentFileName(SegmentFileKind::kCodes, options.schema.fields[index].id));
  }
  part.codes_file = std::move(opened);
  part.codes = std::move(read).value();
  WillNeed(*part.codes_file.file);
  return OkStatus();
}

Status SealedSegment::Impl::OpenFieldIndex(FieldIndex index) {
  ALIDADE_ASSIGN_OR_RETURN(auto opened, OpenDerived(index, SegmentFileKind::kIndex));
  if (opened.file == nullptr) {
    return OkStatus();
  }
  FieldPart& part = fields[index];
  const SegmentFile* file =
      FindFile(options.manifest, SegmentFileKind::kIndex, options.schema.fields[index].id);
  auto read = OpenIndex(file->index_kind, opened.body, part.vectors.matrix(), part.codes.get());
  if (!read.ok()) {
    return WithContext(read.status(), options.directory + "/" + file->name);
  }
  part.index_file = std::move(opened);
  part.index = std::move(read).value();
  WillNeed(*part.index_file.file);
  return OkStatus();
}

void SealedSegment::Impl::SetBits(const SelectedRows& allowed,
                                  const FieldPart& part,
                                  RowFilter& filter) {
  const uint32_t* slot_rows = part.vectors.slot_rows();
  if (slot_rows == nullptr) {
    filter.slot_bits = {allowed.rows.words().data(),
                        allowed.count,
                        allowed.list.empty() ? nullptr : allowed.list.data()};
    return;
  }
  const uint32_t slots = part.vectors.matrix().count;
  filter.slot_words.assign((size_t{slots} + 63) / 64, 0);
  for (uint32_t slot = 0; slot < slots; ++slot) {
    const uint64_t bit = allowed.rows.Test(slot_rows[slot]) ? 1 : 0;
    filter.slot_words[slot / 64] |= bit << (slot % 64);
    filter.slot_bits.count += static_cast<uint32_t>(bit);
  }
  filter.slot_bits.words = filter.slot_words.data();
}

SegmentFileIdentity SealedSegment::Impl::PayloadIdentity(PayloadIndexId id) const {
  SegmentFile file;
  file.kind = SegmentFileKind::kPayloadIndex;
  return PayloadIndexIdentity(Identity(file), id);
}

Status SealedSegment::Impl::OpenPayloadIndexes() {
  PayloadIndexes found;
  for (const PayloadIndexSpec& spec : options.schema.payload_indexes) {
    auto opened = OpenPayloadIndexFile(options.directory, PayloadIdentity(spec.id), spec);
    if (opened.ok()) {
      found.push_back(std::move(opened).value());
    } else if (IsDamage(opened.status())) {
      damaged_payload_indexes.push_back(MessageOf(opened.status()));
    } else if (opened.status().code() != StatusCode::kNotFound) {
      return opened.status();
    }
  }
  if (!found.empty()) {
    payload_indexes.Set(std::make_shared<const PayloadIndexes>(std::move(found)));
  }
  return OkStatus();
}

SegmentFileIdentity SealedSegment::Impl::SparseIdentityOf(SparseIndex index) const {
  SegmentFile file;
  file.kind = SegmentFileKind::kSparse;
  return SparseIdentity(Identity(file), options.schema.sparse_fields[index].id);
}

Status SealedSegment::Impl::OpenSparse(SparseIndex index) {
  auto opened = SparseFile::Open(options.directory, SparseIdentityOf(index));
  if (opened.ok()) {
    sparse[index] = std::make_unique<const SparseFile>(std::move(opened).value());
  } else if (IsDamage(opened.status()) || opened.status().code() == StatusCode::kNotFound) {
    damaged_sparse.push_back({.field = index, .reason = MessageOf(opened.status())});
  } else {
    return opened.status();
  }
  return OkStatus();
}

const SlotFilter* SealedSegment::Impl::MakeFilter(const SegmentSearch& search,
                                                  const FieldPart& part,
                                                  RowFilter& filter) const {
  filter.slot_rows = part.vectors.slot_rows();
  filter.at = search.at;
  filter.allowed = search.allowed == nullptr ? nullptr : &search.allowed->rows;
  filter.rows_end = std::min(search.visible_rows, rows.count());
  if (search.allowed != nullptr) {
    filter.rows_end = std::min(filter.rows_end, search.allowed->rows.rows());
  }
  if (search.allowed != nullptr && filter.rows_end == rows.count()) {
    SetBits(*search.allowed, part, filter);
  } else if (deletions->count() > 0) {
    filter.deletions = deletions.get();
  }
  return filter.Restricts() || filter.rows_end < rows.count() ? &filter : nullptr;
}

std::shared_ptr<const PlacedSlots> SealedSegment::Impl::Placed(const SegmentSearch& search,
                                                               const FieldPart& part,
                                                               const SlotFilter& filter) const {
  struct Made {
    BudgetShare copies;
    PlacedSlots placed;
  };
  const SelectedRows& selected = *search.allowed;
  return selected.placed.Get(search.field, [&](bool copy) {
    auto made = std::make_shared<Made>();
    if (copy && part.codes != nullptr && resident.load(std::memory_order_acquire)) {
      const size_t wanted = selected.count * part.codes->finest().stride();
      if (selections.copied_bytes() + wanted <=
          part.codes->body_bytes() / SelectionCache::kCopiedShare) {
        made->copies = BudgetShare::Take(copies.budget(), wanted);
      }
    }
    made->placed = part.index->PlacesOf(filter, /*copy_codes=*/made->copies.budget() != nullptr);
    return std::shared_ptr<const PlacedSlots>(made, &made->placed);
  });
}

StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Open(const OpenOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  ALIDADE_RETURN_IF_ERROR(impl->OpenRows());
  impl->fields.resize(options.schema.fields.size());
  for (FieldIndex i = 0; i < impl->fields.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(impl->OpenVectors(i));
    for (const auto open : {&Impl::OpenCodes, &Impl::OpenFieldIndex}) {
      if (const Status opened = (impl.get()->*open)(i); IsDamage(opened)) {
        impl->damaged.push_back({.field = i, .reason = MessageOf(opened)});
      } else if (!opened.ok()) {
        return opened;
      }
    }
  }
  ALIDADE_RETURN_IF_ERROR(impl->OpenPayloadIndexes());
  impl->sparse.resize(options.schema.sparse_fields.size());
  for (SparseIndex i = 0; i < impl->sparse.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(impl->OpenSparse(i));
  }
  impl->deletions = std::make_unique<DeletionTimes>(impl->rows.count());
  impl->changes = std::make_unique<PayloadOverlay>(impl->rows.count());
  return std::unique_ptr<SealedSegment>(new SealedSegment(std::move(impl)));
}

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

Status SealedSegment::SetSparse(SparseIndex field, const SparseSource& source) {
  const std::string& directory = impl_->options.directory;
  const SegmentFileIdentity identity = impl_->SparseIdentityOf(field);
  ALIDADE_RETURN_IF_ERROR(WriteSparseFile(directory, identity, source, /*progress=*/nullptr));
  ALIDADE_RETURN_IF_ERROR(SyncDirectory(directory));
  ALIDADE_ASSIGN_OR_RETURN(SparseFile made, SparseFile::Open(directory, identity));
  impl_->sparse[field] = std::make_unique<const SparseFile>(std::move(made));
  return OkStatus();
}

std::shared_ptr<const PayloadIndexes> SealedSegment::payload_indexes() const {
  return impl_->payload_indexes.Get();
}

bool SealedSegment::HasPayloadIndexes(const std::vector<PayloadIndexSpec>& specs) const {
  const auto have = payload_indexes();
  return have == nullptr ? specs.empty()
                         : std::ranges::equal(*have, specs, {}, &KeyedPayloadIndex::spec);
}

Status SealedSegment::SetPayloadIndexes(const std::vector<PayloadIndexSpec>& specs,
                                        const BuildProgress* progress) {
  const auto have = payload_indexes();
  PayloadIndexes next;
  const auto find = [&have](const PayloadIndexSpec& spec) -> const KeyedPayloadIndex* {
    if (have == nullptr) {
      return nullptr;
    }
    const auto found = std::ranges::find(*have, spec, &KeyedPayloadIndex::spec);
    return found == have->end() ? nullptr : &*found;
  };
  const std::string& directory = impl_->options.directory;
  for (const PayloadIndexSpec& spec : specs) {
    if (const KeyedPayloadIndex* present = find(spec); present != nullptr) {
      next.push_back(*present);
      continue;
    }
    const SegmentFileIdentity identity = impl_->PayloadIdentity(spec.id);
    ALIDADE_RETURN_IF_ERROR(WritePayloadIndexFile(
        directory,
        identity,
        spec,
        [this](RowId row) { return impl_->rows.payload(row); },
        progress));
    ALIDADE_RETURN_IF_ERROR(SyncDirectory(directory));
    ALIDADE_ASSIGN_OR_RETURN(KeyedPayloadIndex made,
                             OpenPayloadIndexFile(directory, identity, spec));
    next.push_back(std::move(made));
  }
  impl_->payload_indexes.Set(std::make_shared<const PayloadIndexes>(std::move(next)));
  if (have == nullptr) {
    return OkStatus();
  }
  for (const KeyedPayloadIndex& old : *have) {  // searches that have it mapped go on reading it
    if (std::ranges::find(specs, old.spec) == specs.end()) {
      ALIDADE_RETURN_IF_ERROR(RemoveTree(
          directory + "/" +
          SegmentFileName(SegmentFileKind::kPayloadIndex, FieldId(old.spec.id.value()))));
    }
  }
  return OkStatus();
}

std::string_view SealedSegment::index_body(FieldIndex field) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr || part->index == nullptr ? std::string_view() : part->index_file.body;
}

CodesSetting SealedSegment::codes(FieldIndex field) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr || part->codes == nullptr ? CodesSetting::kNone : part->codes->setting();
}

void SealedSegment::MakeResident(const std::shared_ptr<MemoryBudget>& budget) {
  if (resident()) {
    return;
  }
  if (impl_->copies.budget() == nullptr) {
    impl_->copies = BudgetShare::Take(budget, resident_bytes_wanted());
    if (impl_->copies.budget() == nullptr) {
      return;
    }
  }
  for (FieldPart& part : impl_->fields) {
    if (part.codes != nullptr) {
      part.codes->MakeResident();
      Forget(*part.codes_file.file);
    }
    if (part.index != nullptr) {
      part.index->MakeResident();
      if (part.index->resident_bytes() == part.index_file.body.size()) {
        Forget(*part.index_file.file);
      }
    }
  }
  impl_->resident.store(true, std::memory_order_release);
}

bool SealedSegment::resident() const { return impl_->resident.load(std::memory_order_acquire); }

size_t SealedSegment::resident_bytes_wanted() const {
  size_t bytes = 0;
  for (const FieldPart& part : impl_->fields) {
    bytes += part.codes == nullptr ? 0 : part.codes->body_bytes();
    bytes += part.index == nullptr ? 0 : part.index->resident_bytes();
  }
  return bytes;
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

const float* SealedSegment::vector(FieldIndex field, RowId row) const {
  const FieldPart* part = impl_->FindPart(field);
  return part == nullptr ? nullptr : part->vectors.Find(row);
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

const MeasuredRecall* SealedSegment::measured_recall(FieldIndex field) const {
  if (index_kind(field) == IndexKind::kFlat) {
    return nullptr;
  }
  const SegmentFile* file = FindFile(
      impl_->options.manifest, SegmentFileKind::kIndex, impl_->options.schema.fields[field].id);
  return file->recall.all.empty() ? nullptr : &file->recall;
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
  SlotWatch watch;
  if (search.watch != nullptr) {
    const float* watched = part->vectors.Find(search.watch->row);
    if (watched != nullptr) {
      const VectorMatrix& matrix = part->vectors.matrix();
      watch.slot = static_cast<uint32_t>(static_cast<size_t>(watched - matrix.rows) / matrix.dim);
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
      ExactSearch(part->vectors.matrix(), search.query, options, part->codes.get()));
  return ToRowHits(found, part->vectors.slot_rows());
}

size_t SealedSegment::memory_bytes() const {
  size_t bytes = sizeof(Impl) + (deleted_rows() == 0 ? 0 : impl_->deletions->byte_size()) +
                 payload_changes().memory_bytes();
  bytes += impl_->selections.memory_bytes();
  if (const auto ids = impl_->ids.Get(); ids != nullptr) {
    bytes += ids->memory_bytes();
  }
  for (FieldIndex field = 0; field < impl_->fields.size(); ++field) {
    bytes += field_memory(field).anonymous();
  }
  return bytes;
}

FieldMemory SealedSegment::field_memory(FieldIndex field) const {
  FieldMemory memory;
  const FieldPart* part = impl_->FindPart(field);
  if (part == nullptr) {
    return memory;
  }
  const uint64_t count = part->vectors.matrix().count;
  memory.vectors = {.mapped = part->vectors_file.body.size(), .count = count};
  if (part->codes != nullptr) {
    const auto bytes_of = [&](const CodeMatrix& codes) {
      const uint64_t bytes = uint64_t{codes.count} * codes.stride();
      return part->codes->resident() ? PartBytes{.anonymous = bytes, .count = count}
                                     : PartBytes{.mapped = bytes, .count = count};
    };
    memory.walk_codes = bytes_of(part->codes->walk());
    if (const auto rank = part->codes->rank(); rank.has_value()) {
      memory.rank_codes = bytes_of(*rank);
    }
  }
  if (part->index != nullptr) {
    const uint64_t copied = resident() ? part->index->resident_bytes() : 0;
    memory.links = {
        .anonymous = copied, .mapped = part->index_file.body.size() - copied, .count = count};
  }
  return memory;
}

FieldMemory SealedSegment::sparse_memory(SparseIndex field) const {
  FieldMemory memory;
  if (const SparseFile* file = impl_->FindSparse(field); file != nullptr) {
    const uint64_t count = file->postings().documents_filled();
    memory.vectors = {.mapped = file->vector_bytes(), .count = count};
    memory.links = {.mapped = file->postings().body_bytes(), .count = count};
  }
  return memory;
}

size_t SealedSegment::mapped_row_bytes() const { return impl_->rows_file.body.size(); }

size_t SealedSegment::disk_bytes() const {
  size_t bytes = 0;
  for (const SegmentFile& file : impl_->options.manifest.files) {
    bytes += file.bytes;
  }
  if (const auto indexes = payload_indexes(); indexes != nullptr) {
    for (const KeyedPayloadIndex& keyed : *indexes) {
      bytes += kSegmentHeaderBytes + keyed.body_bytes();
    }
  }
  for (const auto& file : impl_->sparse) {
    bytes += file == nullptr ? 0 : kSegmentHeaderBytes + file->body_bytes();
  }
  return bytes;
}

}  // namespace alidade
