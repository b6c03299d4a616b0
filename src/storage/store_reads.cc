// Reads of the store. Every value is checked against its checksum before anybody sees it.
#include <algorithm>
#include <utility>

#include "alidade/common/check.h"

#include "keys.h"
#include "row_codec.h"
#include "store_impl.h"

namespace alidade {
namespace {

rocksdb::ReadOptions OptionsFor(const StoreSnapshot* snapshot) {
  rocksdb::ReadOptions options;
  if (snapshot != nullptr) {
    options.snapshot = static_cast<const SnapshotHolder*>(snapshot)->get();
  }
  return options;
}

}  // namespace

StatusOr<std::vector<std::optional<std::string>>> Store::Impl::MultiGet(
    Family family, const std::vector<std::string>& keys, const StoreSnapshot* snapshot) const {
  std::vector<std::optional<std::string>> result(keys.size());
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db->MultiGet(OptionsFor(snapshot),
               Handle(family),
               keys.size(),
               slices.data(),
               values.data(),
               statuses.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      continue;
    }
    ALIDADE_RETURN_IF_ERROR(FromRocks(statuses[i], "read"));
    ALIDADE_ASSIGN_OR_RETURN(const std::string_view value, OpenValue(keys[i], ToView(values[i])));
    result[i] = std::string(value);
  }
  return result;
}

Status Store::Impl::Scan(
    Family family,
    const std::string& first,
    const std::string& end,
    const StoreSnapshot* snapshot,
    const std::function<StatusOr<bool>(std::string_view key, std::string_view value)>& fn) const {
  if (!Has(family)) {
    return OkStatus();
  }
  rocksdb::ReadOptions read = OptionsFor(snapshot);
  const rocksdb::Slice upper(end);
  if (!end.empty()) {
    read.iterate_upper_bound = &upper;
  }
  read.fill_cache = false;
  read.readahead_size = size_t{1} << 20;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(read, Handle(family)));
  for (it->Seek(first); it->Valid(); it->Next()) {
    const std::string_view key = ToView(it->key());
    ALIDADE_ASSIGN_OR_RETURN(const std::string_view value, OpenValue(key, ToView(it->value())));
    ALIDADE_ASSIGN_OR_RETURN(const bool more, fn(key, value));
    if (!more) {
      return OkStatus();
    }
  }
  return FromRocks(it->status(), "scan");
}

std::unique_ptr<StoreSnapshot> Store::TakeSnapshot() const {
  return std::make_unique<SnapshotHolder>(impl_->db.get());
}

Status Store::GetMeta(MetaKind kind,
                      std::string_view name,
                      std::optional<std::string>& value) const {
  ALIDADE_ASSIGN_OR_RETURN(auto values, impl_->MultiGet(kMeta, {MetaKey(kind, name)}, nullptr));
  value = std::move(values[0]);
  return OkStatus();
}

Status Store::ScanMeta(
    MetaKind kind,
    std::string_view prefix,
    const std::function<Status(std::string_view name, std::string_view value)>& fn) const {
  const std::string first = MetaKey(kind, prefix);
  return impl_->Scan(kMeta,
                     first,
                     PrefixEnd(first),
                     nullptr,
                     [&](std::string_view key, std::string_view value) -> StatusOr<bool> {
                       ALIDADE_RETURN_IF_ERROR(fn(key.substr(1), value));
                       return true;
                     });
}

StatusOr<std::vector<std::optional<IdEntry>>> Store::GetIds(
    KeySpace space,
    const std::vector<std::string>& encoded_ids,
    const StoreSnapshot* snapshot) const {
  std::vector<std::string> keys;
  keys.reserve(encoded_ids.size());
  for (const std::string& id : encoded_ids) {
    keys.push_back(IdKey(space, id));
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto values, impl_->MultiGet(kIds, keys, snapshot));
  std::vector<std::optional<IdEntry>> entries(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (const std::optional<std::string>& value = values[i]; value.has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(entries[i], DecodeIdEntry(*value));
    }
  }
  return entries;
}

Status Store::ScanIds(
    KeySpace space,
    std::string_view after,
    const StoreSnapshot* snapshot,
    const std::function<StatusOr<bool>(std::string_view encoded_id, IdEntry entry)>& fn) const {
  std::string first = IdKey(space, after);
  if (!after.empty()) {
    first.push_back('\0');  // the smallest key behind it
  }
  return impl_->Scan(kIds,
                     first,
                     PrefixEnd(SpaceKey(space)),
                     snapshot,
                     [&](std::string_view key, std::string_view value) -> StatusOr<bool> {
                       ALIDADE_ASSIGN_OR_RETURN(const IdEntry entry, DecodeIdEntry(value));
                       return fn(key.substr(kSpaceKeyBytes), entry);
                     });
}

StatusOr<std::vector<std::optional<StoredRow>>> Store::GetRows(
    KeySpace space, const std::vector<RowNo>& rows, const StoreSnapshot* snapshot) const {
  std::vector<std::string> keys;
  keys.reserve(rows.size());
  for (const RowNo row : rows) {
    keys.push_back(RowKey(space, row));
  }
  ALIDADE_ASSIGN_OR_RETURN(const auto values, impl_->MultiGet(kRows, keys, snapshot));
  std::vector<std::optional<StoredRow>> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (const std::optional<std::string>& value = values[i]; value.has_value()) {
      ALIDADE_ASSIGN_OR_RETURN(result[i], DecodeRow(*value));
    }
  }
  return result;
}

StatusOr<std::vector<std::optional<std::string>>> Store::GetVectors(
    KeySpace space,
    FieldId field,
    const std::vector<RowNo>& rows,
    const StoreSnapshot* snapshot) const {
  std::vector<std::string> keys;
  keys.reserve(rows.size());
  for (const RowNo row : rows) {
    keys.push_back(VectorKey(space, field, row));
  }
  return impl_->MultiGet(kVectors, keys, snapshot);
}

Status Store::ScanRows(KeySpace space,
                       RowNo first,
                       RowNo last,
                       const StoreSnapshot* snapshot,
                       const std::function<Status(RowNo row, const StoredRow& value)>& fn) const {
  return impl_->Scan(kRows,
                     RowKey(space, first),
                     PrefixEnd(SpaceKey(space)),
                     snapshot,
                     [&](std::string_view key, std::string_view value) -> StatusOr<bool> {
                       const RowNo row = RowOfKey(key);
                       if (row > last) {
                         return false;
                       }
                       ALIDADE_ASSIGN_OR_RETURN(const StoredRow stored, DecodeRow(value));
                       ALIDADE_RETURN_IF_ERROR(fn(row, stored));
                       return true;
                     });
}

Status Store::ScanVectors(
    KeySpace space,
    FieldId field,
    RowNo first,
    RowNo last,
    const StoreSnapshot* snapshot,
    const std::function<Status(RowNo row, std::string_view bytes)>& fn) const {
  return impl_->Scan(kVectors,
                     VectorKey(space, field, first),
                     PrefixEnd(FieldKey(space, field)),
                     snapshot,
                     [&](std::string_view key, std::string_view value) -> StatusOr<bool> {
                       const RowNo row = RowOfKey(key);
                       if (row > last) {
                         return false;
                       }
                       ALIDADE_RETURN_IF_ERROR(fn(row, value));
                       return true;
                     });
}

Status Store::Impl::ScanSeqs(Family family,
                             KeySpace space,
                             RowNo first,
                             RowNo last,
                             const std::function<Status(RowNo row, SeqNo seq)>& fn) const {
  return Scan(family,
              RowKey(space, first),
              PrefixEnd(SpaceKey(space)),
              nullptr,
              [&](std::string_view key, std::string_view value) -> StatusOr<bool> {
                const RowNo row = RowOfKey(key);
                if (row > last) {
                  return false;
                }
                ALIDADE_ASSIGN_OR_RETURN(const SeqNo seq, DecodeSeq(value));
                ALIDADE_RETURN_IF_ERROR(fn(row, seq));
                return true;
              });
}

Status Store::ScanTombstones(KeySpace space,
                             RowNo first,
                             RowNo last,
                             const std::function<Status(RowNo row, SeqNo seq)>& fn) const {
  return impl_->ScanSeqs(kTombstones, space, first, last, fn);
}

Status Store::ScanPayloadChanges(KeySpace space,
                                 RowNo first,
                                 RowNo last,
                                 const std::function<Status(RowNo row, SeqNo seq)>& fn) const {
  return impl_->ScanSeqs(kPayloadChanges, space, first, last, fn);
}

}  // namespace alidade
