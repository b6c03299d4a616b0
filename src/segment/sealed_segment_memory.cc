// Where the bytes of a sealed segment lie, and which of them are copied into memory.
#include <sys/mman.h>

#include "sealed_segment_impl.h"

namespace alidade {
namespace {

// The copy is read from now on: the mapped pages need not stay. Searches under way read them again.
void Forget(const MappedFile& file) {
  const std::string_view bytes = file.bytes();
  static_cast<void>(::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_DONTNEED));
}

}  // namespace

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
    if (part.subsets != nullptr) {
      part.subsets->MakeResident();
      Forget(*part.subsets_file.file);
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
    bytes += part.subsets == nullptr ? 0 : part.subsets->body_bytes();
  }
  return bytes;
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
  if (part->scan_codes != nullptr) {
    memory.scan_codes = {.anonymous = part->scan_codes->memory_bytes(),
                         .count = part->scan_codes->count()};
  }
  if (part->index != nullptr) {
    const uint64_t copied = resident() ? part->index->resident_bytes() : 0;
    memory.links = {
        .anonymous = copied, .mapped = part->index_file.body.size() - copied, .count = count};
  }
  if (part->subsets != nullptr) {
    const uint64_t bytes = part->subsets->body_bytes();
    (resident() ? memory.links.anonymous : memory.links.mapped) += bytes;
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
