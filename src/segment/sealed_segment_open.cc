// Opens the files of a sealed segment, and makes those anew that no manifest names.
// Path: restart 3/5 (from collection/recovery.cc)
#include <sys/mman.h>

#include <algorithm>

#include "alidade/common/file.h"

#include "sealed_segment_impl.h"

namespace alidade {
namespace {

// Starts reading in the background what searches will touch. Only a hint: failure changes nothing.
void WillNeed(const MappedFile& file) {
  const std::string_view bytes = file.bytes();
  static_cast<void>(::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_WILLNEED));
}

// What is not in memory is read a page at a time, not with what lies around it. A hint, too.
void ReadSingly(const MappedFile& file) {
  const std::string_view bytes = file.bytes();
  static_cast<void>(::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_RANDOM));
}

// An error that means "this file is no good", as opposed to one of the system.
bool IsDamage(const Status& status) { return status.code() == StatusCode::kDataLoss; }

}  // namespace

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
  auto parsed = RowsBody::Parse(rows_file.body,
                                rows_file.count,
                                manifest.first_row,
                                manifest.last_row,
                                options.schema.multi_vector_fields.size());
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

Status SealedSegment::Impl::OpenSubsets(FieldIndex index) {
  FieldPart& part = fields[index];
  if (part.index == nullptr) {
    return OkStatus();  // all rows are compared
  }
  ALIDADE_ASSIGN_OR_RETURN(auto opened, OpenDerived(index, SegmentFileKind::kSubsets));
  if (opened.file == nullptr) {
    return OkStatus();
  }
  const SegmentFile* file =
      FindFile(options.manifest, SegmentFileKind::kSubsets, options.schema.fields[index].id);
  auto read = SubsetGraphs::Open(opened.body, part.vectors.matrix().count);
  Status good = read.status();
  if (good.ok()) {
    good = (*read)->SetHardness(file->hardness);
  }
  if (!good.ok()) {
    return WithContext(good, options.directory + "/" + file->name);
  }
  part.subsets_file = std::move(opened);
  part.subsets = std::move(read).value();
  WillNeed(*part.subsets_file.file);
  return OkStatus();
}

void SealedSegment::Impl::PrepareReads(FieldIndex index) {
  const VectorField& field = options.schema.fields[index];
  FieldPart& part = fields[index];
  if (part.codes != nullptr) {
    ReadSingly(*part.vectors_file.file);  // a few for each search, wherever they lie
  } else if (options.scan_budget != nullptr && MayScanCodes(field.index, field.dim)) {
    part.scan_codes = std::make_unique<GrowingCodes>(
        field.metric, field.dim, part.vectors.matrix().count, options.scan_budget);
  }
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

StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Open(const OpenOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  ALIDADE_RETURN_IF_ERROR(impl->OpenRows());
  impl->fields.resize(options.schema.fields.size());
  for (FieldIndex i = 0; i < impl->fields.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(impl->OpenVectors(i));
    for (const auto open : {&Impl::OpenCodes, &Impl::OpenFieldIndex, &Impl::OpenSubsets}) {
      if (const Status opened = (impl.get()->*open)(i); IsDamage(opened)) {
        impl->damaged.push_back({.field = i, .reason = MessageOf(opened)});
      } else if (!opened.ok()) {
        return opened;
      }
    }
    impl->PrepareReads(i);
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

Status SealedSegment::SetSparse(SparseIndex field, const SparseSource& source) {
  const std::string& directory = impl_->options.directory;
  const SegmentFileIdentity identity = impl_->SparseIdentityOf(field);
  ALIDADE_RETURN_IF_ERROR(WriteSparseFile(directory, identity, source, /*progress=*/nullptr));
  ALIDADE_RETURN_IF_ERROR(SyncDirectory(directory));
  ALIDADE_ASSIGN_OR_RETURN(SparseFile made, SparseFile::Open(directory, identity));
  impl_->sparse[field] = std::make_unique<const SparseFile>(std::move(made));
  return OkStatus();
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

}  // namespace alidade
