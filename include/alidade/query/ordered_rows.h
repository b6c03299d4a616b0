// FindInOrder: the first rows of a view in the order of a payload key.
//
// Path:     from collection/ordered_list.cc, to segment/*
// Threads:  pure over its arguments; runs in the caller's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/segment/segment_set.h"

namespace alidade {

// Where a point stands in an order. Ties of places are broken by ids, rising.
struct OrderPosition {
  std::string place;  // PayloadOrder::PlaceOf
  std::string encoded_id;

  friend bool operator==(const OrderPosition&, const OrderPosition&) = default;
};

struct OrderQuery {
  const PayloadIndexSpec* index = nullptr;  // of the schema of the view; HasOrder
  bool descending = false;
  uint32_t count = 100;                               // at least 1
  std::optional<std::string> start = std::nullopt;    // places from here on
  std::optional<OrderPosition> after = std::nullopt;  // positions behind this one
  const Filter* filter = nullptr;                     // null: all
};

// Positions of the first `count` living rows that pass the filter and have a place, in order;
// exact. Rows whose segment has the index are found by it, the others by a look at their payloads.
// Cost:   of an indexed segment: the rows of the values that are gone through, which are those of
//         the answer and others of the same values.
// Errors: DEADLINE_EXCEEDED, CANCELLED; what CompileFilter answers.
StatusOr<std::vector<OrderPosition>> FindInOrder(const SegmentSet& view,
                                                 const OrderQuery& query,
                                                 const Deadline& deadline);

}  // namespace alidade
