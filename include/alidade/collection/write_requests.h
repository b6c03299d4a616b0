// Writes of points in domain types, and what they answer.
//
// Plain values, checked as requests.h says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/point_id.h"
#include "alidade/common/types.h"
#include "alidade/common/value.h"
#include "alidade/filter/filter.h"
#include "alidade/text/sparse_vector.h"
#include "alidade/vec/multi_vector.h"

namespace alidade {

enum class Durability : uint8_t {
  kDurable,   // answered after its bytes were synced
  kBuffered,  // answered after the write reached the log in the page cache; synced within a second
};

struct WriteCounts {
  uint64_t points = 0;   // upserted (distinct ids), deleted or changed (those that existed)
  uint64_t skipped = 0;  // distinct ids that the mode of an upsert left alone
  friend bool operator==(const WriteCounts&, const WriteCounts&) = default;
};

struct WriteReceipt {
  SeqNo seq;
  Durability reached = Durability::kDurable;
  uint64_t points = 0;                  // as in WriteCounts; of a batch: of all its operations
  uint64_t skipped = 0;                 // likewise
  std::vector<WriteCounts> parts = {};  // of a batch: by operation
  bool replayed = false;  // the request_id was seen before: this is the first answer again
};

// What every write carries.
struct WriteOptions {
  std::string request_id;  // empty: none
  Durability durability = Durability::kDurable;
};

struct UpsertPoint {
  PointId id;
  std::string payload;  // encoded object
  std::vector<std::span<const float>>
      vectors;  // parallel to UpsertRequest::field_names; empty: absent
  std::map<std::string, SparseVector> sparse_vectors = {};  // by field name
  // By field name; with 0 rows: as many as the values come to in the field's dimension.
  std::map<std::string, MultiVector> multi_vectors = {};
};

enum class UpsertMode : uint8_t {
  kUpsert,
  kInsertOnly,  // points whose id exists are left alone
  kUpdateOnly,  // points whose id does not exist are left out
};

// The points replace what was there under their ids. Of equal ids in one request the last wins.
struct UpsertRequest {
  std::string collection;  // name or alias
  WriteOptions options;
  std::vector<std::string> field_names;
  std::vector<UpsertPoint> points;
  UpsertMode mode = UpsertMode::kUpsert;
  // Empty, or for each point the seq that it must have now, 0: it must not exist. Then no id comes
  // twice.
  std::vector<SeqNo> if_seqs;
  std::shared_ptr<const void> backing;  // keeps the vectors' memory alive
};

// The points that a write is about: those of the ids that exist, or those that pass the filter.
struct PointSelection {
  std::vector<PointId> ids;              // repeated ones count once
  std::vector<SeqNo> if_seqs;            // as in UpsertRequest, for each of the ids
  std::shared_ptr<const Filter> filter;  // not null: instead of ids
  Deadline deadline;                     // of finding what passes the filter
};

struct DeleteRequest {
  std::string collection;
  WriteOptions options;
  PointSelection points;
};

// What becomes of a payload.
struct PayloadEdit {
  enum class Kind : uint8_t {
    kMerge,       // the keys of `merged` are set, others stay
    kOverwrite,   // it is `whole`
    kDeleteKeys,  // what the paths name is removed
  };
  Kind kind = Kind::kMerge;
  Object merged;
  std::string whole;              // encoded object
  std::vector<std::string> keys;  // dotted paths, as in PayloadSelector
};

// Changes payloads and nothing else. A point whose payload stays as it is keeps its seq and is not
// counted.
struct PayloadRequest {
  std::string collection;
  WriteOptions options;
  PointSelection points;
  PayloadEdit edit;
};

// One of these with `options` of its own is a write by itself; in a batch only those of the batch
// count.
using WritePart = std::variant<UpsertRequest, DeleteRequest, PayloadRequest>;

// Parts in order, each seeing what the ones before it did; all or nothing, as one write.
struct BatchRequest {
  WriteOptions options;
  std::vector<WritePart> parts;
};

}  // namespace alidade
