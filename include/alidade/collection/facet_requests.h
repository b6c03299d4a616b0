// Requests and answers about the values of a payload key.
//
// Plain values, as in requests.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alidade/collection/requests.h"

namespace alidade {

// The distinct values of a payload key, and how many points have each.
struct FacetRequest {
  std::string collection;
  ReadOptions options;
  std::string key;
  std::shared_ptr<const Filter> filter;  // null: all
  std::string contains;                  // strings with it, under case folding; empty: all values
  bool by_value = false;                 // else by count, falling
  uint32_t page_size = 100;
  std::string after;  // `next` of the page before; empty: from the first
};

struct FacetValue {
  Value value;  // null, lists and objects are none; whole numbers are int64
  uint64_t points = 0;
};

struct FacetResponse {
  SeqNo at;
  std::vector<FacetValue> values;
  uint64_t distinct = 0;  // on all pages
  std::string next;       // position to go on after; empty: this was the last page
};

// The smallest and the largest value of a payload key.
struct BoundsRequest {
  std::string collection;
  ReadOptions options;
  std::string key;
  std::shared_ptr<const Filter> filter;  // null: all
};

struct PayloadBounds {
  Value low;
  Value high;
};

// Of each kind, if there are any.
struct BoundsResponse {
  SeqNo at;
  std::optional<PayloadBounds> numbers;
  std::optional<PayloadBounds> strings;    // by bytes
  std::optional<PayloadBounds> datetimes;  // of the strings that are RFC 3339, as instants
};

}  // namespace alidade
