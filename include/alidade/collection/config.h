// What a collection is made of, and changes of that. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alidade/common/types.h"
#include "alidade/segment/schema.h"

namespace alidade {

// Indexes of one collection (chosen: each is asked for every condition of a filter).
inline constexpr size_t kPayloadIndexesMax = 64;

struct CollectionConfig {
  std::string name;
  std::string description;
  std::map<std::string, std::string> labels;
  std::vector<VectorField> fields;                         // ids are given by the server, in order
  uint32_t default_ef = 0;                                 // 0: kDefaultEf
  uint32_t default_nprobe = 0;                             // 0: by nlist
  std::vector<PayloadIndexSpec> payload_indexes = {};      // ids are given by the server, rising
  PayloadIndexId next_payload_index = {};                  // never given before
  std::vector<SparseField> sparse_fields = {};             // ids go on behind those of `fields`
  std::vector<MultiVectorField> multi_vector_fields = {};  // and behind those

  Schema schema() const { return {fields, payload_indexes, sparse_fields, multi_vector_fields}; }
};

// Only what is set changes. An index spec that changes makes the field's indexes be built anew in
// the background.
struct CollectionUpdate {
  std::string name;
  std::optional<std::string> description;
  std::optional<std::map<std::string, std::string>> labels;
  std::optional<uint32_t> default_ef;
  std::optional<uint32_t> default_nprobe;
  std::map<std::string, IndexSpec> indexes;  // by field name
};

// Adds or removes one payload index. Segments get or lose theirs in the background.
struct PayloadIndexChange {
  std::string collection;
  std::string key;
  PayloadIndexType type = PayloadIndexType::kKeyword;
  TextIndexOptions text = {};  // of one that is added, as the next
  bool tenant = false;
  bool remove = false;
  bool lenient = false;  // fine if it is there, or not there, already
};

struct CollectionInfo {
  CollectionId id;
  CollectionConfig config;
  uint64_t points = 0;
  SeqNo seq;  // newest write of this collection
  std::vector<std::string> aliases;
};

}  // namespace alidade
