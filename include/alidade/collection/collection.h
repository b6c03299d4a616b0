// Collection: one named set of points with one schema: its write path, read path, recovery and
// segments.
//
// Threads:  thread-safe. Reads hold one immutable view and take no lock; writes go through the
// commit group;
//           maintenance runs on background threads of the engine.
// Owns:     its deltas and segments; borrows the store, the commit group and the limits.
// Path:     upsert 4/7 and search 3/8 (from engine/engine.cc), restart 2/5
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alidade/collection/collection_context.h"
#include "alidade/collection/commit_group.h"
#include "alidade/collection/facet_requests.h"
#include "alidade/collection/pending_points.h"
#include "alidade/collection/requests.h"
#include "alidade/collection/search_request.h"
#include "alidade/collection/stats.h"
#include "alidade/common/memory_budget.h"
#include "alidade/common/mutex.h"
#include "alidade/common/published.h"
#include "alidade/segment/delta.h"
#include "alidade/segment/sealed_segment.h"
#include "alidade/segment/segment_set.h"

namespace alidade {

class Collection {
 public:
  // A new, empty one, or one whose rows are on disk: then call Recover before anything else.
  Collection(CollectionContext context, CollectionId id, const CollectionConfig& config);
  ~Collection();
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  // Opens the segments that the manifests name, heals what is damaged, replays the rows that no
  // segment covers.
  Status Recover();

  CollectionId id() const { return id_; }
  std::shared_ptr<const CollectionConfig> config() const { return config_.Get(); }
  std::shared_ptr<const SegmentSet> view() const { return view_.Get(); }

  StatusOr<WriteReceipt> Upsert(const UpsertRequest& request);
  StatusOr<WriteReceipt> Delete(const DeleteRequest& request);
  StatusOr<WriteReceipt> ChangePayload(const PayloadRequest& request);
  // `targets[i]` is the collection of `request.parts[i]`. Errors as Engine::WriteAll.
  static StatusOr<WriteReceipt> WriteAll(CommitGroup& commits,
                                         const std::vector<std::shared_ptr<Collection>>& targets,
                                         const BatchRequest& request);
  StatusOr<GetResponse> Get(const GetRequest& request) const;
  StatusOr<CountResponse> Count(const CountRequest& request) const;
  StatusOr<ListResponse> List(const ListRequest& request) const;
  StatusOr<FacetResponse> Facet(const FacetRequest& request) const;
  StatusOr<BoundsResponse> Bounds(const BoundsRequest& request) const;
  StatusOr<SearchResponse> Search(const SearchRequest& request) const;

  // Writes the changed configuration; `validate` judges it whole before.
  Status UpdateConfig(const CollectionUpdate& update,
                      const std::function<Status(const CollectionConfig&)>& validate);
  // NOT_FOUND, ALREADY_EXISTS (unless lenient), RESOURCE_EXHAUSTED.
  Status ChangePayloadIndex(const PayloadIndexChange& change);
  // Freezes the open delta, so that the background seals it. Returns when it is frozen.
  Status FreezeDelta();
  // Whether frozen rows wait to be sealed.
  bool HasFrozenDelta() const;
  CollectionStats Stats() const;

  // Background work, one step at a time; false if there was nothing to do. Two threads may run the
  // two kinds.
  bool SealSomething();  // frozen deltas -> a sealed segment without indexes
  // Payload indexes of a sealed segment, or sealed segments -> a merged, indexed one.
  bool BuildSomething();
  // Stops running builds soon and starts none any more.
  void StopMaintenance();
  // After a drop: writes are refused, builds stop; files of segments go when their last reader
  // does. Writer only.
  void MarkDropped();
  bool dropped() const { return dropped_.load(); }
  void RemoveFilesWhenUnused();

 private:
  friend class UpsertChange;
  friend class DeleteChange;
  friend class PayloadChange;
  friend class PointSelector;
  friend class WriteOperation;
  friend class FreezeOperation;
  friend class PublishOperation;
  friend class ChangeConfigOperation;

  struct BuildRun {
    std::vector<std::shared_ptr<Segment>> inputs;
    bool extend_first = false;
  };

  StatusOr<ListResponse> ListInOrder(const ListRequest& request, const OrderBy& order) const;
  KeySpace space() const { return {id_, ShardId(0)}; }
  std::vector<FieldId> FieldIds() const;  // vector fields in order, then the others

  // Where a row is in memory.
  struct RowPlace {
    Segment* segment = nullptr;
    RowId row = 0;
  };

  // --- writer only (inside the commit group) ---
  // A write of the group begins here and may be taken back.
  WriterMark BeginWrite(uint64_t group);
  void TakeBack(const WriterMark& mark);
  Status AdmitBytes(size_t bytes) const;
  Status ResolveIds(const std::vector<std::string>& encoded_ids,
                    std::vector<std::optional<CurrentPoint>>& points) const;
  void PutState(WriteBatch& batch, SeqNo seq) const;
  std::optional<RowPlace> FindPlace(RowNo row) const;
  // VectorBit of the fields in which a live row, which was read, has a vector.
  uint32_t VectorsOf(RowNo row, const StoredRow& stored) const;
  void AppendRow(const NewRow& row);
  void MarkRowDeleted(RowNo row, SeqNo seq);
  void ChangeRowPayload(Segment& segment, RowId row, SeqNo seq, std::string_view payload);
  void FreezeIfLarge(RowNo end_row);
  void PublishView(SeqNo seq);

  // --- recovery ---
  Status LoadState();
  Status OpenSegments(std::vector<SegmentManifest>& manifests);
  Status RemoveOrphans(const std::vector<SegmentManifest>& kept) const;
  StatusOr<std::vector<std::vector<std::optional<std::string>>>> ReadSparse(
      const std::vector<RowNo>& rows) const;
  Status ReplayRows(RowNo first, RowNo last);
  Status ApplyTombstones(Segment& segment) const;
  Status ApplyPayloadChanges(SealedSegment& segment);
  Status HealSparse(SealedSegment& segment);

  // --- maintenance ---
  void MakeSegmentsResident();
  bool IndexSomePayloads();
  bool GraphSomeSelection();
  std::vector<std::shared_ptr<Segment>> PickSeal() const;
  BuildRun PickBuild() const;
  // Of sealed segments that nobody works on, in their order.
  BuildRun PickMerge(const std::vector<std::shared_ptr<Segment>>& sealed,
                     const Schema& schema) const;
  bool NeedsIndex(const Segment& segment, const Schema& schema) const;
  bool CanExtend(const Segment& segment, const Schema& schema) const;
  bool RunBuild(const BuildRun& run, bool build_indexes);
  Status BuildAndPublish(const BuildRun& run, bool build_indexes, BuildProgress& progress);
  // Tombstones in the range of a new segment (null: no row of it lives) that nobody needs any more.
  StatusOr<std::vector<RowNo>> SettledTombstones(const SegmentManifest& manifest,
                                                 const Segment* segment) const;
  // Payload changes likewise: the new segment has the row as it is after them, or not at all.
  StatusOr<std::vector<RowNo>> SettledPayloadChanges(const SegmentManifest& manifest,
                                                     const Segment* segment) const;

  const CollectionContext context_;
  const CollectionId id_;
  Published<const CollectionConfig> config_;
  Published<const SegmentSet> view_;

  // Writer only: changed by operations inside the commit group (and by Recover before any).
  Schema schema_;
  RowNo next_row_;
  uint64_t live_rows_ = 0;          // after the newest prepared operation
  uint64_t applied_live_rows_ = 0;  // after the newest applied one: what a view shows
  SeqNo seq_;                       // newest write of this collection
  std::vector<std::shared_ptr<Segment>> segments_;
  std::shared_ptr<Delta> open_delta_;  // the last of segments_, or null
  PendingPoints pending_;
  std::atomic<bool> dropped_{false};

  std::atomic<uint64_t> unsealed_bytes_{0};  // of deltas, and of payloads beside segments
  std::atomic<int64_t> last_write_ms_{0};
  std::atomic<uint64_t> next_segment_{1};
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> retry_at_ms_{0};        // after a failed build: not before this
  Published<const std::string> seal_problem_;  // why the newest sealing failed; null: it did not
  MaintenanceCounters counters_;
  std::atomic<uint64_t> running_build_rows_{0};
  mutable Mutex maintenance_mutex_;
  // Segments that a background step works on; nobody else may pick them.
  std::vector<const Segment*> busy_ ALIDADE_GUARDED_BY(maintenance_mutex_);
  BuildProgress build_progress_;
  BuildProgress seal_progress_;
};

}  // namespace alidade
