// Requests and answers of a collection in domain types: what `api` decodes into and encodes from.
// Writes are in write_requests.h, searches in search_request.h, questions about the values of a key
// in facet_requests.h.
//
// Plain values. Shapes and bounds of single values (ids, payload sizes, k, ...) were checked by the
// decoder; what needs the schema (field names, dimensions, metric rules) is checked by the
// collection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alidade/collection/config.h"
#include "alidade/collection/write_requests.h"
#include "alidade/common/deadline.h"
#include "alidade/common/point_id.h"
#include "alidade/common/types.h"
#include "alidade/common/value.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/text/sparse_vector.h"
#include "alidade/vec/multi_vector.h"

namespace alidade {

// What every read carries.
struct ReadOptions {
  SeqNo min_seq;  // wait until this write is visible
  Deadline deadline;
};

// Which payload keys to return. Keys are dotted paths.
struct PayloadSelector {
  enum class Mode { kNone, kAll, kInclude, kExclude };
  Mode mode = Mode::kNone;
  std::vector<std::string> keys;
};

struct Point {
  PointId id;
  SeqNo seq;  // of the write that made this version; 0 in search hits
  Object payload;
  std::map<std::string, std::vector<float>> vectors;        // by field name; as they are stored
  std::map<std::string, SparseVector> sparse_vectors = {};  // likewise
  std::map<std::string, MultiVector> multi_vectors = {};
};

struct GetRequest {
  std::string collection;
  ReadOptions options;
  std::vector<PointId> ids;
  PayloadSelector payload;
  std::vector<std::string> vectors;  // field names to return
};

struct GetResponse {
  SeqNo at;
  std::vector<std::optional<Point>> points;  // in the order of the ids; nothing where there is none
};

struct CountRequest {
  std::string collection;
  ReadOptions options;
  std::shared_ptr<const Filter> filter;  // null: all
};

struct CountResponse {
  SeqNo at;
  uint64_t points = 0;
};

// By the values of a key that has a payload index: points without one that the index holds are left
// out. Of several in a list the smallest counts, if the order falls the largest. Ties by id,
// rising.
struct OrderBy {
  std::string key;
  bool descending = false;
  std::optional<Value> start_from = std::nullopt;  // this value and what comes behind it
  // Nothing: the only type with an order that the key has.
  std::optional<PayloadIndexType> type = std::nullopt;
};

// Points in the order of their ids (numbers, then strings by bytes), or of a key.
struct ListRequest {
  std::string collection;
  ReadOptions options;
  std::string after;  // `next` of the page before; empty: from the first
  uint32_t page_size = 100;
  std::optional<OrderBy> order = std::nullopt;
  std::shared_ptr<const Filter> filter;
  PayloadSelector payload;
  std::vector<std::string> vectors;
};

struct ListResponse {
  SeqNo at;
  std::vector<Point> points;
  std::string next;  // position to go on after; empty: this was the last page
};

}  // namespace alidade
