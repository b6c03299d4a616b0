// ValueScan: which values the rows of a view have at a payload key, and how many rows each.
//
// Threads:  thread-compatible; runs in the caller's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/status.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/scalar.h"
#include "alidade/segment/segment_set.h"

namespace alidade {

class ValueScan {
 public:
  // A value, and how many more rows have it: at least 1.
  using Visitor = std::function<Status(const Scalar& value, uint64_t rows)>;

  // Living rows that pass the filter (null: all). `view` and `deadline` must outlive it, and what
  // it gives.
  ValueScan(const SegmentSet& view,
            std::string_view key,
            const Filter* filter,
            const Deadline& deadline)
      : view_(view), key_(key), filter_(filter), deadline_(deadline) {}

  // Every value of every row, those of a list each once; the same value may come several times.
  // Strings are valid as long as the scan. Exact: a segment's index is asked where it holds all
  // that there is at the key, else payloads are looked at. Errors: DEADLINE_EXCEEDED, CANCELLED;
  // what CompileFilter and the visitor answer.
  Status Run(const Visitor& visit);

 private:
  Status ScanSegment(const SegmentView& part, const SelectedRows& selected, const Visitor& visit);

  const SegmentSet& view_;
  const std::string_view key_;
  const Filter* const filter_;
  const Deadline& deadline_;
  std::vector<std::shared_ptr<const PayloadIndexes>> kept_;  // values borrow them
};

}  // namespace alidade
