// CountFacets and FindBounds: the distinct values of a payload key with their counts, and the
// smallest and largest.
//
// Path:     from collection/facet_path.cc
// Threads:  pure over their arguments; run in the caller's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"
#include "alidade/common/value.h"
#include "alidade/filter/filter.h"
#include "alidade/segment/segment_set.h"

namespace alidade {

// Where a value stands among others.
struct FacetPosition {
  uint64_t points = 0;  // of no meaning in the order of values
  std::string key;      // SortKey

  friend bool operator==(const FacetPosition&, const FacetPosition&) = default;
};

struct FacetQuery {
  std::string_view key;
  const Filter* filter = nullptr;  // null: all
  std::string_view contains = {};  // only strings that do, under case folding; empty: all values
  bool by_value = false;           // rising; else by count, falling, then by value
  uint32_t count = 100;            // at least 1
  std::optional<FacetPosition> after = std::nullopt;
  uint32_t values_max = 1'000'000;
};

struct FacetCount {
  Value value;
  uint64_t points = 0;  // that a filter for the value would find

  friend bool operator==(const FacetCount&, const FacetCount&) = default;
};

struct FacetOutcome {
  std::vector<FacetCount> values;
  uint64_t distinct = 0;              // of all pages
  std::optional<FacetPosition> next;  // nothing: these were the last
};

// Exact. Errors: RESOURCE_EXHAUSTED if there are more than `values_max` values; DEADLINE_EXCEEDED,
// CANCELLED; what CompileFilter answers.
StatusOr<FacetOutcome> CountFacets(const SegmentSet& view,
                                   const FacetQuery& query,
                                   const Deadline& deadline);

struct ValueBounds {
  Value low;
  Value high;

  friend bool operator==(const ValueBounds&, const ValueBounds&) = default;
};

struct KindBounds {
  std::optional<ValueBounds> numbers;
  std::optional<ValueBounds> strings;    // by bytes
  std::optional<ValueBounds> datetimes;  // strings that ParseInstant takes, as instants, then bytes

  friend bool operator==(const KindBounds&, const KindBounds&) = default;
};

// Exact. Null `filter`: of all points. Errors: DEADLINE_EXCEEDED, CANCELLED; what CompileFilter
// answers.
StatusOr<KindBounds> FindBounds(const SegmentSet& view,
                                std::string_view key,
                                const Filter* filter,
                                const Deadline& deadline);

}  // namespace alidade
