// PublishOperation: puts a new segment in the place of its inputs, between two writes.
//
// Threads:  made by a maintenance thread, run by the commit group's leader.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "alidade/collection/collection.h"

namespace alidade {

class PublishOperation final : public CommitOperation {
 public:
  // Borrows all but the segment, which is null if no row of the inputs is alive. `settled_...`:
  // rows whose records in the store nobody needs once the segment is there.
  PublishOperation(Collection& collection,
                   const Collection::BuildRun& run,
                   const SegmentManifest& manifest,
                   std::shared_ptr<SealedSegment> segment,
                   const std::vector<RowNo>& settled_tombstones,
                   const std::vector<RowNo>& settled_changes)
      : collection_(collection),
        run_(run),
        manifest_(manifest),
        segment_(std::move(segment)),
        settled_tombstones_(settled_tombstones),
        settled_changes_(settled_changes) {}

  // Errors: CANCELLED if the inputs are not there any more.
  Status Prepare(CommitContext& context) override;
  void Apply(SeqNo seq) override;

  bool takes_seq() const override { return false; }
  // Which payload changes are settled depends on all changes before, which Apply puts in place.
  bool alone() const override { return true; }
  bool allowed_on_full_disk() const override { return true; }

 private:
  // Payloads may have changed while the segment was written.
  void CopyPayloadChanges(const Segment& old);
  // Rows may have died while the segment was written; the graph of an extended one keeps older dead
  // rows too.
  void CopyDeletes(const Segment& old);

  Collection& collection_;
  const Collection::BuildRun& run_;
  const SegmentManifest& manifest_;
  std::shared_ptr<SealedSegment> segment_;
  const std::vector<RowNo>& settled_tombstones_;
  const std::vector<RowNo>& settled_changes_;
};

}  // namespace alidade
