// Life of a segment: frozen deltas become sealed segments, sealed segments are merged and indexed.
// segment_choice.cc says which (1/4), segment/segment_writer.cc writes (2/4), publish_operation.cc
// publishes (3/4).
//
// Sealing and building are two kinds of work for two threads, so that a long index build does not
// hold up sealing.
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

#include "publish_operation.h"

namespace alidade {
namespace {

// A quiet delta below this many rows stays in memory: replaying it costs less than a segment of its
// own.
constexpr uint32_t kQuietSealRowsMin = 1'000;

// A failed build is tried again after this long.
constexpr int64_t kRetryAfterMs = 3'000;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
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
