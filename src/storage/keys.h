// Keys of every column family. Fixed-width big-endian numbers, so that byte order is number order.
//
// Format:   ids         collection u32 | shard u16 | typed id bytes
//           rows        collection u32 | shard u16 | row u64
//           vectors     collection u32 | shard u16 | field u16 | row u64
//           tombstones  collection u32 | shard u16 | row u64
//           payload_changes  as tombstones
//           meta        kind u8 | name
#pragma once

#include <string>
#include <string_view>

#include "alidade/common/bytes.h"
#include "alidade/storage/store.h"

namespace alidade {

inline constexpr size_t kSpaceKeyBytes = 6;

inline std::string SpaceKey(KeySpace space) {
  std::string key;
  AppendBigEndian(key, space.collection.value());
  AppendBigEndian(key, space.shard.value());
  return key;
}

inline std::string IdKey(KeySpace space, std::string_view encoded_id) {
  return SpaceKey(space).append(encoded_id);
}

inline std::string RowKey(KeySpace space, RowNo row) {
  std::string key = SpaceKey(space);
  AppendBigEndian(key, row.value());
  return key;
}

inline std::string FieldKey(KeySpace space, FieldId field) {
  std::string key = SpaceKey(space);
  AppendBigEndian(key, field.value());
  return key;
}

inline std::string VectorKey(KeySpace space, FieldId field, RowNo row) {
  std::string key = FieldKey(space, field);
  AppendBigEndian(key, row.value());
  return key;
}

inline std::string MetaKey(MetaKind kind, std::string_view name) {
  return std::string(1, static_cast<char>(kind)).append(name);
}

// Row number at the end of a row, vector, tombstone or payload change key.
inline RowNo RowOfKey(std::string_view key) {
  return RowNo(key.size() < sizeof(uint64_t)
                   ? 0
                   : LoadBigEndian<uint64_t>(key.data() + key.size() - sizeof(uint64_t)));
}

// The smallest key after all that start with `prefix`; empty if there is none.
inline std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) {
    prefix.pop_back();
  }
  if (!prefix.empty()) {
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  }
  return prefix;
}

}  // namespace alidade
