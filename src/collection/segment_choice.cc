// Life of a segment 1/4: which contiguous run of segments is sealed, merged, indexed or written
// anew next. Runs are of segments that nobody else works on.
#include <algorithm>
#include <utility>

#include "alidade/collection/collection.h"

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
// Deltas sealed together: bounds the disk space and the time that one step needs (chosen).
constexpr size_t kSealDeltasMax = 8;

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

}  // namespace

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

bool Collection::HasFrozenDelta() const { return !PickSeal().empty(); }

}  // namespace alidade
