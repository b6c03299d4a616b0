// WriteBatch: changes of the store, committed all or nothing, and the keys they are about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "alidade/common/types.h"

namespace alidade {

// Where a point's newest version is.
struct IdEntry {
  RowNo row;
  SeqNo seq;
};

// One version of a point, without its vectors.
struct RowVersion {
  std::string_view encoded_id;
  SeqNo seq;
  std::string_view payload;  // encoded object (common/payload_codec.h)
  uint32_t vectors = 0;      // a bit for each field that it has a vector in; the caller's numbers
};

// One vector field's value of one row: raw little-endian float32.
struct StoredVector {
  FieldId field;
  std::string_view bytes;
};

// A collection and shard: the prefix of all its keys.
struct KeySpace {
  CollectionId collection;
  ShardId shard;
  friend auto operator<=>(const KeySpace&, const KeySpace&) = default;
};

// Kinds of small records in the `meta` column family; `name` and `value` belong to the caller.
enum class MetaKind : uint8_t {  // on disk: numbers are never reused
  kServer = 1,                   // applied seq and other server-wide state
  kCollection = 2,               // schema of a collection, by id
  kAlias = 3,
  kState = 4,     // per collection: next row, live rows
  kManifest = 5,  // per segment, by collection and segment id
  kRequest = 6,   // request ids seen
  kDropped = 7,   // collections whose keys are still being deleted
};

// Name of the MetaKind::kServer record (8 bytes, little-endian) that every batch which takes a seq
// writes: the newest seq whose effects are in the store. Open compares it with the watermark.
inline constexpr std::string_view kAppliedSeqName = "applied_seq";

class Store;

// A batch of changes, committed all or nothing. Everything is copied once, into RocksDB's own
// batch. Thread-compatible; borrows the store.
class WriteBatch {
 public:
  explicit WriteBatch(const Store& store);
  ~WriteBatch();
  WriteBatch(const WriteBatch&) = delete;
  WriteBatch& operator=(const WriteBatch&) = delete;
  WriteBatch(WriteBatch&&) noexcept;
  WriteBatch& operator=(WriteBatch&&) noexcept;

  void PutMeta(MetaKind kind, std::string_view name, std::string_view value);
  void DeleteMeta(MetaKind kind, std::string_view name);
  void PutId(KeySpace space, std::string_view encoded_id, IdEntry entry);
  void DeleteId(KeySpace space, std::string_view encoded_id);
  // GetRows and ScanRows give StoredRow.
  void PutRow(KeySpace space, RowNo row, const RowVersion& version);
  void PutVector(KeySpace space, RowNo row, const StoredVector& value);
  // Removes a row and its vectors of `fields`.
  void DeleteRow(KeySpace space, RowNo row, const std::vector<FieldId>& fields);
  void PutTombstone(KeySpace space, RowNo row, SeqNo deleted_by);
  void DeleteTombstone(KeySpace space, RowNo row);
  // That a row got another payload (PutRow with the same number) in the write `changed_by`.
  void PutPayloadChange(KeySpace space, RowNo row, SeqNo changed_by);
  void DeletePayloadChange(KeySpace space, RowNo row);

  // Marks a state that the next RollBack restores and the next Keep forgets.
  void SetSavePoint();
  void RollBack();
  void Keep();

  size_t byte_size() const;
  // Empties it for other changes, and keeps its memory unless that is much.
  void Clear();

 private:
  friend class Store;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace alidade
