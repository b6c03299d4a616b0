#include "alidade/storage/write_batch.h"

#include "keys.h"
#include "row_codec.h"
#include "store_impl.h"

namespace alidade {

void WriteBatch::Impl::Add(Family family, std::string key, std::string value) {
  SealValue(key, value);
  bytes += key.size() + value.size();
  puts.push_back({family, false, std::move(key), std::move(value)});
}

void WriteBatch::Impl::Remove(Family family, std::string key) {
  bytes += key.size();
  puts.push_back({family, true, std::move(key), {}});
}

WriteBatch::WriteBatch() : impl_(std::make_unique<Impl>()) {}
WriteBatch::~WriteBatch() = default;
WriteBatch::WriteBatch(WriteBatch&&) noexcept = default;
WriteBatch& WriteBatch::operator=(WriteBatch&&) noexcept = default;

void WriteBatch::PutMeta(MetaKind kind, std::string_view name, std::string_view value) {
  impl_->Add(kMeta, MetaKey(kind, name), std::string(value));
}

void WriteBatch::DeleteMeta(MetaKind kind, std::string_view name) {
  impl_->Remove(kMeta, MetaKey(kind, name));
}

void WriteBatch::PutId(KeySpace space, std::string_view encoded_id, IdEntry entry) {
  impl_->Add(kIds, IdKey(space, encoded_id), EncodeIdEntry(entry));
}

void WriteBatch::DeleteId(KeySpace space, std::string_view encoded_id) {
  impl_->Remove(kIds, IdKey(space, encoded_id));
}

void WriteBatch::PutRow(
    KeySpace space, RowNo row, std::string_view encoded_id, SeqNo seq, std::string_view payload) {
  impl_->Add(kRows, RowKey(space, row), EncodeRow(encoded_id, seq, payload));
}

void WriteBatch::PutVector(KeySpace space, RowNo row, const StoredVector& value) {
  impl_->Add(kVectors, VectorKey(space, value.field, row), std::string(value.bytes));
}

void WriteBatch::DeleteRow(KeySpace space, RowNo row, const std::vector<FieldId>& fields) {
  impl_->Remove(kRows, RowKey(space, row));
  for (const FieldId field : fields) {
    impl_->Remove(kVectors, VectorKey(space, field, row));
  }
}

void WriteBatch::PutTombstone(KeySpace space, RowNo row, SeqNo deleted_by) {
  impl_->Add(kTombstones, RowKey(space, row), EncodeSeq(deleted_by));
}

void WriteBatch::DeleteTombstone(KeySpace space, RowNo row) {
  impl_->Remove(kTombstones, RowKey(space, row));
}

size_t WriteBatch::byte_size() const { return impl_->bytes; }

void WriteBatch::Clear() {
  impl_->puts.clear();
  impl_->bytes = 0;
}

}  // namespace alidade
