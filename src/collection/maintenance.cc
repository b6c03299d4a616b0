// Life of a segment 1/4 (pick) and 3/4 (publish): frozen deltas become sealed segments, sealed
// segments are merged and indexed. segment/segment_writer.cc does 2/4.
//
// Sealing and building are two kinds of work for two threads, so that a long index build does not
// hold up sealing. Both take contiguous runs of segments that nobody else works on; the publish is
// an operation of the commit group, so it is ordered with writes.
#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/collection/config_codec.h"
#include "alidade/common/check.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"
#include "alidade/common/log.h"
#include "alidade/segment/segment_writer.h"

namespace alidade {
namespace {

// A segment joins a merge with the newer ones after it if it has at most this many times their
// rows: each row is then rewritten a logarithmic number of times (chosen, as in size-tiered LSM
// trees).
constexpr uint64_t kMergeRatio = 4;
// Segments too small for an index are merged only when there are so many of them.
constexpr size_t kSmallMergeMin = 4;
// Larger segments are not merged any more: a rewrite needs that much free disk and time.
constexpr uint64_t kSegmentRowsMax = 8'000'000;
// A segment with a larger share of deleted rows is rebuilt without them.
constexpr double kDeadShareMax = 0.2;
constexpr uint32_t kDeadRowsMin = 256;
// A segment with a larger share of rows whose payload was changed is written anew with them, its
// graph kept.
constexpr double kChangedShareMax = 0.2;
constexpr uint32_t kChangedRowsMin = 256;
// A graph is extended only while few of its nodes are dead.
constexpr double kExtendDeadShareMax = 0.1;
// A quiet delta below this many rows stays in memory: replaying it costs less than a segment of its
// own.
constexpr uint32_t kQuietSealRowsMin = 1'000;

// Deltas sealed together: bounds the disk space and the time that one step needs (chosen).
constexpr size_t kSealDeltasMax = 8;

// A failed build is tried again after this long.
constexpr int64_t kRetryAfterMs = 3'000;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The first that should be rebuilt for its dead rows alone, or null.
std::shared_ptr<Segment> FirstMostlyDead(const std::vector<std::shared_ptr<Segment>>& segments) {
  for (const auto& segment : segments) {
    if (segment->deleted_rows() >= kDeadRowsMin &&
        segment->deleted_rows() > kDeadShareMax * segment->rows()) {
      return segment;
    }
  }
  return nullptr;
}

// The first that should be written anew for its changed payloads alone, or null: one with a large
// share of them, or the one with most bytes of them if all together take more than `bytes_max`.
std::shared_ptr<Segment> FirstMuchChanged(const std::vector<std::shared_ptr<Segment>>& segments,
                                          size_t bytes_max) {
  size_t bytes = 0;
  std::shared_ptr<Segment> largest;
  for (const auto& segment : segments) {
    const PayloadOverlay& changes = segment->payload_changes();
    if (changes.rows() >= kChangedRowsMin && changes.rows() > kChangedShareMax * segment->rows()) {
      return segment;
    }
    bytes += changes.memory_bytes();
    if (largest == nullptr || changes.memory_bytes() > largest->payload_changes().memory_bytes()) {
      largest = segment;
    }
  }
  return bytes > bytes_max ? largest : nullptr;
}

uint64_t BytesOf(const Segment& segment) {
  return std::max<uint64_t>(segment.disk_bytes(), segment.memory_bytes());
}

// What the building thread may add to.
std::vector<std::shared_ptr<SealedSegment>> SealedOf(const SegmentSet& view) {
  std::vector<std::shared_ptr<SealedSegment>> sealed;
  for (const SegmentView& part : view.segments) {
    if (part.segment->sealed()) {
      sealed.push_back(std::const_pointer_cast<SealedSegment>(
          std::static_pointer_cast<const SealedSegment>(part.segment)));
    }
  }
  return sealed;
}

}  // namespace

// Puts the new segment in the place of its inputs.
class PublishOperation final : public CommitOperation {
 public:
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

  Status Prepare(CommitContext& context) override {
    Collection& c = collection_;
    const auto first = std::find(c.segments_.begin(), c.segments_.end(), run_.inputs.front());
    if (c.dropped_ || first == c.segments_.end()) {
      return Cancelled("the collection changed under the build");
    }
    for (const auto& input : run_.inputs) {
      if (input->sealed()) {
        const auto& manifest = static_cast<const SealedSegment&>(*input).manifest();
        context.batch.DeleteMeta(MetaKind::kManifest, ManifestMetaName(c.id_, manifest.segment));
      }
    }
    if (segment_ != nullptr) {
      context.batch.PutMeta(MetaKind::kManifest,
                            ManifestMetaName(c.id_, manifest_.segment),
                            EncodeManifest(manifest_));
    }
    for (const RowNo row : settled_tombstones_) {
      context.batch.DeleteTombstone(c.space(), row);
    }
    for (const RowNo row : settled_changes_) {
      // Unlike a death, a payload may have changed again since the record was looked at.
      const auto place = c.FindPlace(row);
      if (!place.has_value() ||
          place->segment->payload_changes().newest(place->row) <= manifest_.built_at) {
        context.batch.DeletePayloadChange(c.space(), row);
      }
    }
    return OkStatus();
  }

  void Apply(SeqNo) override {
    Collection& c = collection_;
    const auto first = std::find(c.segments_.begin(), c.segments_.end(), run_.inputs.front());
    const auto last = first + static_cast<ptrdiff_t>(run_.inputs.size());
    for (auto it = first; it != last; ++it) {
      Segment& old = **it;
      if (segment_ != nullptr && old.deleted_rows() > 0) {
        CopyDeletes(old);
      }
      if (segment_ != nullptr) {
        CopyPayloadChanges(old);
      }
      uint64_t settled_bytes = old.payload_changes().memory_bytes();
      if (old.sealed()) {
        static_cast<SealedSegment&>(old).RemoveFilesWhenUnused();
      } else {
        settled_bytes += static_cast<Delta&>(old).byte_size();
      }
      c.unsealed_bytes_.fetch_sub(std::min<uint64_t>(settled_bytes, c.unsealed_bytes_.load()));
    }
    const auto gap = c.segments_.erase(first, last);
    if (segment_ != nullptr) {
      c.segments_.insert(gap, segment_);
    }
    c.PublishView(c.seq_);
  }

  bool takes_seq() const override { return false; }
  // Which payload changes are settled depends on all changes before, which Apply puts in place.
  bool alone() const override { return true; }
  bool allowed_on_full_disk() const override { return true; }

 private:
  // Payloads may have changed while the segment was written.
  void CopyPayloadChanges(const Segment& old) {
    old.payload_changes().ForEach(kNewestSeq, [&](RowId row, SeqNo at, std::string_view payload) {
      if (at <= manifest_.built_at) {
        return;
      }
      if (const auto found = segment_->FindRow(old.row_number(row)); found.has_value()) {
        collection_.ChangeRowPayload(*segment_, *found, at, payload);
      }
    });
  }

  // Rows may have died while the segment was written; the graph of an extended one keeps older dead
  // rows too.
  void CopyDeletes(const Segment& old) {
    for (RowId row = 0; row < old.rows(); ++row) {
      const SeqNo deleted = old.deleted_at(row);
      if (deleted.value() != 0) {
        if (const auto found = segment_->FindRow(old.row_number(row)); found.has_value()) {
          segment_->MarkDeleted(*found, deleted);
        }
      }
    }
  }

  Collection& collection_;
  const Collection::BuildRun& run_;
  const SegmentManifest& manifest_;
  std::shared_ptr<SealedSegment> segment_;
  const std::vector<RowNo>& settled_tombstones_;
  const std::vector<RowNo>& settled_changes_;
};

bool Collection::NeedsIndex(const Segment& segment, const Schema& schema) const {
  if (segment.sealed() && !static_cast<const SealedSegment&>(segment).damaged_indexes().empty()) {
    return true;
  }
  for (FieldIndex field = 0; field < schema.fields.size(); ++field) {
    const IndexSpec& wanted = schema.fields[field].index;
    if (ResolveIndexKind(wanted, segment.vectors(field)) != segment.index_kind(field)) {
      return true;
    }
    if (segment.sealed() && segment.index_kind(field) != IndexKind::kFlat) {
      const auto& sealed = static_cast<const SealedSegment&>(segment);
      if (sealed.codes(field) !=
          ResolveCodes(wanted, segment.index_kind(field), schema.fields[field].dim)) {
        return true;
      }
      const auto& specs = sealed.manifest().specs;
      if (field < specs.size() && !(specs[field] == wanted)) {
        return true;
      }
    }
  }
  return false;
}

bool Collection::CanExtend(const Segment& segment, const Schema& schema) const {
  if (!segment.sealed() || segment.deleted_rows() > kExtendDeadShareMax * segment.rows()) {
    return false;
  }
  bool any_graph = false;
  for (FieldIndex field = 0; field < schema.fields.size(); ++field) {
    any_graph = any_graph || segment.index_kind(field) == IndexKind::kHnsw;
  }
  return any_graph && !NeedsIndex(segment, schema);
}

std::vector<std::shared_ptr<Segment>> Collection::PickSeal() const {
  std::vector<std::shared_ptr<Segment>> run;
  const auto set = view_.Get();  // held: a range-for does not keep it
  for (const SegmentView& view : set->segments) {
    const auto segment = std::const_pointer_cast<Segment>(view.segment);
    const bool frozen = !segment->sealed() && static_cast<const Delta&>(*segment).frozen();
    if (frozen && run.size() < kSealDeltasMax) {
      run.push_back(segment);
    } else if (!run.empty()) {
      break;
    }
  }
  return run;
}

Collection::BuildRun Collection::PickBuild() const {
  const auto view = view_.Get();
  std::vector<std::shared_ptr<Segment>> sealed;
  {
    MutexLock lock(maintenance_mutex_);
    for (const SegmentView& entry : view->segments) {
      const bool busy = std::find(busy_.begin(), busy_.end(), entry.segment.get()) != busy_.end();
      if (!entry.segment->sealed() || busy) {
        break;  // runs are contiguous: nothing after a delta is reached before it is sealed
      }
      sealed.push_back(std::const_pointer_cast<Segment>(entry.segment));
    }
  }
  BuildRun run = PickMerge(sealed, view->schema);
  auto worn = FirstMostlyDead(sealed);
  const bool dead = worn != nullptr;
  if (!dead) {
    worn = FirstMuchChanged(sealed, context_.limits.delta_bytes_max);
  }
  // A merge gets rid of what is worn too, all at once.
  if (worn != nullptr &&
      std::find(run.inputs.begin(), run.inputs.end(), worn) == run.inputs.end()) {
    run.extend_first = !dead && CanExtend(*worn, view->schema);
    run.inputs = {std::move(worn)};
  }
  return run;
}

Collection::BuildRun Collection::PickMerge(const std::vector<std::shared_ptr<Segment>>& sealed,
                                           const Schema& schema) const {
  BuildRun run;
  // From the newest backwards: a segment joins while it is not much larger than what follows it.
  uint64_t rows = 0;
  size_t begin = sealed.size();
  bool needed = false;
  while (begin > 0) {
    const Segment& next = *sealed[begin - 1];
    const bool needs_index = NeedsIndex(next, schema);
    const bool small_enough = next.rows() <= kMergeRatio * std::max<uint64_t>(rows, 1);
    const bool fits = rows + next.rows() <= kSegmentRowsMax;
    if (begin != sealed.size() && (!fits || (!small_enough && !(needs_index && needed)))) {
      break;
    }
    rows += next.rows();
    needed = needed || needs_index;
    --begin;
  }
  run.inputs.assign(sealed.begin() + static_cast<ptrdiff_t>(begin), sealed.end());
  bool small = true;
  for (const VectorField& field : schema.fields) {
    small = small && ResolveIndexKind(field.index, static_cast<uint32_t>(rows)) == IndexKind::kFlat;
  }
  const bool merge = small ? run.inputs.size() >= kSmallMergeMin : run.inputs.size() >= 2;
  if (!needed && !merge) {
    // The newest run is in order; an older segment may still lack its index (a healed one, a new
    // spec).
    run.inputs.clear();
    for (const auto& segment : sealed) {
      if (NeedsIndex(*segment, schema)) {
        run.inputs = {segment};
        break;
      }
    }
  }
  run.extend_first = run.inputs.size() > 1 && CanExtend(*run.inputs.front(), schema);
  return run;
}

bool Collection::SealSomething() {
  if (stopping_.load() || NowMs() < retry_at_ms_.load()) {
    return false;
  }
  const auto view = view_.Get();
  const Segment* last = view->segments.empty() ? nullptr : view->segments.back().segment.get();
  if (last != nullptr && !last->sealed() && !static_cast<const Delta*>(last)->frozen() &&
      last->rows() >= kQuietSealRowsMin &&
      NowMs() - last_write_ms_.load() >= context_.seal_after_quiet_ms) {
    (void)FreezeDelta();
  }
  BuildRun run;
  run.inputs = PickSeal();
  return !run.inputs.empty() && RunBuild(run, /*build_indexes=*/false);
}

// Out of memory: the mapped files serve, and the next step tries again.
void Collection::MakeSegmentsResident() {
  for (const auto& segment : SealedOf(*view_.Get())) {
    if (stopping_.load()) {
      return;
    }
    try {
      segment->MakeResident(context_.resident_budget);
    } catch (const std::bad_alloc&) {
      ALIDADE_LOG_WARN("collection \"{}\": no memory for an index, it is read from its files",
                       config()->name);
    }
  }
}

// Gives one sealed segment the payload indexes of the schema. Only the building thread makes
// sealed segments out of sealed ones, so nobody replaces it meanwhile.
bool Collection::IndexSomePayloads() {
  const auto view = view_.Get();
  const auto& specs = view->schema.payload_indexes;
  for (const SegmentView& entry : view->segments) {
    if (!entry.segment->sealed()) {
      continue;
    }
    const auto segment = std::const_pointer_cast<SealedSegment>(
        std::static_pointer_cast<const SealedSegment>(entry.segment));
    if (segment->HasPayloadIndexes(specs)) {
      continue;
    }
    Status made;
    try {
      made = segment->SetPayloadIndexes(specs, &build_progress_);
    } catch (const std::bad_alloc&) {
      made = ResourceExhausted("out of memory");
    }
    if (!made.ok() && !stopping_.load()) {
      counters_.builds_failed.fetch_add(1);
      retry_at_ms_.store(NowMs() + kRetryAfterMs);
      ALIDADE_LOG_WARN(
          "collection \"{}\": payload indexes of segment {} failed and will be tried "
          "again: {}",
          config()->name,
          segment->manifest().segment,
          MessageOf(made));
    }
    return made.ok();
  }
  return false;
}

bool Collection::BuildSomething() {
  if (stopping_.load() || NowMs() < retry_at_ms_.load()) {
    return false;
  }
  MakeSegmentsResident();
  if (IndexSomePayloads()) {
    return true;
  }
  if (const BuildRun run = PickBuild(); !run.inputs.empty()) {
    return RunBuild(run, /*build_indexes=*/true);
  }
  return GraphSomeSelection();
}

// What is not there is only slower.
bool Collection::GraphSomeSelection() {
  for (const auto& segment : SealedOf(*view_.Get())) {
    if (stopping_.load()) {
      return false;
    }
    const int64_t start = NowMs();
    const StatusOr<bool> made = segment->GraphSomeSelection(
        context_.resident_budget,
        {.threads = context_.build_threads, .progress = &build_progress_});
    if (!made.ok()) {
      if (!stopping_.load()) {
        ALIDADE_LOG_WARN("collection \"{}\": no graph for a filter: {}",
                         config()->name,
                         MessageOf(made.status()));
      }
    } else if (*made) {
      ALIDADE_LOG_INFO("collection \"{}\": a filter that comes often has a graph of its own, {} ms",
                       config()->name,
                       NowMs() - start);
      return true;
    }
  }
  return false;
}

bool Collection::RunBuild(const BuildRun& run, bool build_indexes) {
  {
    MutexLock lock(maintenance_mutex_);
    for (const auto& input : run.inputs) {
      busy_.push_back(input.get());
    }
  }
  const int64_t start = NowMs();
  BuildProgress& progress = build_indexes ? build_progress_ : seal_progress_;
  progress.rows_done = 0;
  progress.rows_total = 0;
  uint64_t rows = 0;
  for (const auto& input : run.inputs) {
    rows += input->rows();
  }
  if (build_indexes) {
    running_build_rows_ = rows;
  }
  const Status status = BuildAndPublish(run, build_indexes, progress);
  if (build_indexes) {
    running_build_rows_ = 0;
  }
  {
    MutexLock lock(maintenance_mutex_);
    std::erase_if(busy_, [&](const Segment* segment) {
      return std::any_of(run.inputs.begin(), run.inputs.end(), [&](const auto& input) {
        return input.get() == segment;
      });
    });
  }
  const int64_t took = NowMs() - start;
  if (!status.ok()) {
    if (!stopping_.load() && status.code() != StatusCode::kCancelled) {
      counters_.builds_failed.fetch_add(1);
      retry_at_ms_.store(NowMs() + kRetryAfterMs);
      if (!build_indexes) {
        seal_problem_.Set(std::make_shared<std::string>(MessageOf(status)));
      }
      ALIDADE_LOG_WARN("collection \"{}\": {} of {} rows failed and will be tried again: {}",
                       config()->name,
                       build_indexes ? "index build" : "sealing",
                       rows,
                       MessageOf(status));
    }
    return false;
  }
  if (build_indexes) {
    counters_.builds_done.fetch_add(1);
    counters_.build_milliseconds.fetch_add(static_cast<uint64_t>(took));
  } else {
    seal_problem_.Set(nullptr);
  }
  ALIDADE_LOG_INFO("collection \"{}\": {} {} segments, {} rows, {} ms{}",
                   config()->name,
                   build_indexes ? "built one of" : "sealed",
                   run.inputs.size(),
                   rows,
                   took,
                   run.extend_first ? ", graph extended" : "");
  return true;
}

Status Collection::BuildAndPublish(const BuildRun& run,
                                   bool build_indexes,
                                   BuildProgress& progress) {
  uint64_t bytes = 0;
  for (const auto& input : run.inputs) {
    bytes += BytesOf(*input);
  }
  ALIDADE_ASSIGN_OR_RETURN(const uint64_t free_bytes, FreeBytes(context_.segments_directory));
  if (free_bytes < bytes + context_.limits.disk_free_bytes_min) {
    return WithReason(ResourceExhausted("{} bytes free, the new segment may need {}",
                                        free_bytes,
                                        bytes + context_.limits.disk_free_bytes_min),
                      "DISK_FULL");
  }
  SegmentWriteRequest request;
  request.parent_directory = context_.segments_directory + "/" + CollectionDirectoryName(id_);
  request.store_uuid = std::string(context_.store->uuid());
  request.collection = id_;
  request.segment = SegmentId(next_segment_.fetch_add(1));
  const auto view = view_.Get();
  request.schema = view->schema;
  request.at = view->at;
  request.inputs.assign(run.inputs.begin(), run.inputs.end());
  request.extend_first = run.extend_first;
  request.build_indexes = build_indexes;
  request.build.threads = context_.build_threads;
  request.build.progress = &progress;
  ALIDADE_FAILPOINT("maintenance.before_write");
  ALIDADE_ASSIGN_OR_RETURN(const SegmentWriteResult written, WriteSegment(request));

  std::string directory = written.directory;
  if (ALIDADE_MUTANT("manifest_before_rename")) {
    directory += ".tmp";
    ALIDADE_RETURN_IF_ERROR(RenamePath(written.directory, directory));
  }
  std::shared_ptr<SealedSegment> segment;
  if (written.manifest.rows > 0) {
    ALIDADE_ASSIGN_OR_RETURN(segment,
                             SealedSegment::Open({.directory = directory,
                                                  .store_uuid = request.store_uuid,
                                                  .manifest = written.manifest,
                                                  .schema = request.schema,
                                                  .scan_budget = context_.resident_budget}));
    if (!segment->damaged_sparse().empty()) {
      return Internal("just written, but {}", segment->damaged_sparse().front().reason);
    }
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<RowNo> settled_tombstones,
                           SettledTombstones(written.manifest, segment.get()));
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<RowNo> settled_changes,
                           SettledPayloadChanges(written.manifest, segment.get()));
  ALIDADE_FAILPOINT("maintenance.before_publish");
  PublishOperation publish(
      *this, run, written.manifest, segment, settled_tombstones, settled_changes);
  Status status = context_.commits->Submit(publish).status();
  if (!status.ok() && segment != nullptr) {
    segment->RemoveFilesWhenUnused();
  }
  ALIDADE_FAILPOINT_VOID("maintenance.after_publish");
  if (ALIDADE_MUTANT("manifest_before_rename")) {
    ALIDADE_RETURN_IF_ERROR(RenamePath(directory, written.directory));
  }
  return status;
}

// Rows that die from now on are in the segment, so what is found here stays settled. Rows that died
// before a restart are in no input: the store alone still knows of them.
StatusOr<std::vector<RowNo>> Collection::SettledTombstones(const SegmentManifest& manifest,
                                                           const Segment* segment) const {
  std::vector<RowNo> settled;
  ALIDADE_RETURN_IF_ERROR(context_.store->ScanTombstones(
      space(), manifest.first_row, manifest.last_row, [&](RowNo row, SeqNo) -> Status {
        if (segment == nullptr || !segment->FindRow(row).has_value()) {
          settled.push_back(row);
        }
        return OkStatus();
      }));
  return settled;
}

StatusOr<std::vector<RowNo>> Collection::SettledPayloadChanges(const SegmentManifest& manifest,
                                                               const Segment* segment) const {
  std::vector<RowNo> settled;
  ALIDADE_RETURN_IF_ERROR(context_.store->ScanPayloadChanges(
      space(), manifest.first_row, manifest.last_row, [&](RowNo row, SeqNo seq) -> Status {
        if (seq <= manifest.built_at || segment == nullptr || !segment->FindRow(row).has_value()) {
          settled.push_back(row);
        }
        return OkStatus();
      }));
  return settled;
}

void Collection::StopMaintenance() {
  stopping_.store(true);
  build_progress_.cancelled.store(true);
  seal_progress_.cancelled.store(true);
}

bool Collection::HasFrozenDelta() const { return !PickSeal().empty(); }

void Collection::MarkDropped() {
  dropped_ = true;
  StopMaintenance();
}

void Collection::RemoveFilesWhenUnused() {
  for (const auto& segment : segments_) {
    if (segment->sealed()) {
      static_cast<SealedSegment&>(*segment).RemoveFilesWhenUnused();
    }
  }
}

}  // namespace alidade
