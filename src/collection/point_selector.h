// PointSelector: finds the points that a delete or a change of payloads is about, inside the commit
// group: by ids, or by a filter over the newest view and what the group has done since.
//
// Whatever a filter has to look at is looked at before, by the caller's thread: other writes do not
// wait for it. Inside the group only what has changed since is looked at again.
//
// Threads:  Load anywhere; Select by the writer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alidade/collection/collection.h"
#include "alidade/common/checksum.h"
#include "alidade/query/executor.h"

namespace alidade {

class PointSelector {
 public:
  // Borrows the selection.
  explicit PointSelector(const PointSelection& selection) : selection_(selection) {}
  // Errors: INVALID_ARGUMENT for an id that comes twice with expected seqs, and what CompileFilter
  // answers; DEADLINE_EXCEEDED, CANCELLED.
  Status Load(const Collection& collection);

  // The points, each once; by ids: in the order of ids. RESOURCE_EXHAUSTED if a filter passes more
  // than limits.filter_write_points_max; DEADLINE_EXCEEDED, CANCELLED; ABORTED as CheckExpectedSeq.
  Status Select(const Collection& collection, std::vector<SelectedPoint>& points) const;

  void AddTo(Hasher128& hasher) const;
  size_t byte_size() const { return 64 * ids_.size(); }

 private:
  struct Wanted {
    std::string encoded_id;
    size_t index = 0;  // in the request
  };

  Status LoadIds();
  Status LookAhead(const Collection& collection);
  // The rows of a segment of the newest view that are alive and pass.
  StatusOr<RowBitmap> Passing(const SegmentView& part, SeqNo at) const;
  Status SelectByIds(const Collection& collection, std::vector<SelectedPoint>& points) const;
  Status SelectByFilter(const Collection& collection, std::vector<SelectedPoint>& points) const;
  Status Add(const Collection& collection,
             SelectedPoint point,
             std::vector<SelectedPoint>& points) const;

  const PointSelection& selection_;
  std::vector<Wanted> ids_;  // distinct, in their order
  // Of a filter: what was looked at ahead, and the rows that passed, by its segments.
  std::unique_ptr<const QueryFilter> filter_;
  std::shared_ptr<const SegmentSet> seen_;
  std::vector<std::shared_ptr<const SelectedRows>> passed_;
};

}  // namespace alidade
