#include "alidade/storage/write_batch.h"

#include "keys.h"
#include "row_codec.h"
#include "store_impl.h"

namespace alidade {
namespace {

constexpr uint64_t kProtectionBytes = 8;  // per key, from here to the memtable

// What a batch keeps for the next group of writes; more is given back (chosen: several batches of
// 500 vectors).
constexpr size_t kKeptBytesMax = size_t{16} << 20;

rocksdb::WriteBatch EmptyBatch() { return rocksdb::WriteBatch(0, 0, kProtectionBytes, 0); }

}  // namespace

WriteBatch::Impl::Impl(const std::vector<rocksdb::ColumnFamilyHandle*>& handles)
    : families(handles), rocks(EmptyBatch()), empty_bytes(rocks.GetDataSize()) {}

void WriteBatch::Impl::Put(Family family, const std::string& key) {
  SealValue(key, value);
  Note(rocks.Put(families[family], key, value));
}

void WriteBatch::Impl::Delete(Family family, const std::string& key) {
  Note(rocks.Delete(families[family], key));
}

void WriteBatch::Impl::Note(const rocksdb::Status& added) {
  if (filled.ok()) {
    filled = added;
  }
}

WriteBatch::WriteBatch(const Store& store) : impl_(std::make_unique<Impl>(store.impl_->families)) {}
WriteBatch::~WriteBatch() = default;
WriteBatch::WriteBatch(WriteBatch&&) noexcept = default;
WriteBatch& WriteBatch::operator=(WriteBatch&&) noexcept = default;

void WriteBatch::PutMeta(MetaKind kind, std::string_view name, std::string_view value) {
  impl_->value = value;
  impl_->Put(kMeta, MetaKey(kind, name));
}

void WriteBatch::DeleteMeta(MetaKind kind, std::string_view name) {
  impl_->Delete(kMeta, MetaKey(kind, name));
}

void WriteBatch::PutId(KeySpace space, std::string_view encoded_id, IdEntry entry) {
  impl_->value = EncodeIdEntry(entry);
  impl_->Put(kIds, IdKey(space, encoded_id));
}

void WriteBatch::DeleteId(KeySpace space, std::string_view encoded_id) {
  impl_->Delete(kIds, IdKey(space, encoded_id));
}

void WriteBatch::PutRow(KeySpace space, RowNo row, const RowVersion& version) {
  impl_->value = EncodeRow(version);
  impl_->Put(kRows, RowKey(space, row));
}

void WriteBatch::PutVector(KeySpace space, RowNo row, const StoredVector& value) {
  impl_->value = value.bytes;
  impl_->Put(kVectors, VectorKey(space, value.field, row));
}

void WriteBatch::DeleteRow(KeySpace space, RowNo row, const std::vector<FieldId>& fields) {
  impl_->Delete(kRows, RowKey(space, row));
  for (const FieldId field : fields) {
    impl_->Delete(kVectors, VectorKey(space, field, row));
  }
}

void WriteBatch::PutTombstone(KeySpace space, RowNo row, SeqNo deleted_by) {
  impl_->value = EncodeSeq(deleted_by);
  impl_->Put(kTombstones, RowKey(space, row));
}

void WriteBatch::DeleteTombstone(KeySpace space, RowNo row) {
  impl_->Delete(kTombstones, RowKey(space, row));
}

void WriteBatch::PutPayloadChange(KeySpace space, RowNo row, SeqNo changed_by) {
  impl_->value = EncodeSeq(changed_by);
  impl_->Put(kPayloadChanges, RowKey(space, row));
}

void WriteBatch::DeletePayloadChange(KeySpace space, RowNo row) {
  impl_->Delete(kPayloadChanges, RowKey(space, row));
}

void WriteBatch::SetSavePoint() { impl_->rocks.SetSavePoint(); }
void WriteBatch::RollBack() { impl_->Note(impl_->rocks.RollbackToSavePoint()); }
void WriteBatch::Keep() { impl_->Note(impl_->rocks.PopSavePoint()); }

size_t WriteBatch::byte_size() const { return impl_->rocks.GetDataSize() - impl_->empty_bytes; }

void WriteBatch::Clear() {
  if (byte_size() > kKeptBytesMax) {
    impl_->rocks = EmptyBatch();
  } else {
    impl_->rocks.Clear();
  }
  impl_->filled = rocksdb::Status::OK();
}

}  // namespace alidade
