// ExecuteSearch: one query over one immutable view: filter, plan, search each segment, merge.
//
// Path:     search 5/8 (from collection/search_path.cc, to segment/*)
// Threads:  pure over its arguments; runs in the caller's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/row_bitmap.h"
#include "alidade/common/status.h"
#include "alidade/filter/compiled_filter.h"
#include "alidade/filter/filter.h"
#include "alidade/index/vector_index.h"
#include "alidade/query/merger.h"
#include "alidade/segment/segment_set.h"

namespace alidade {

// One row that a search by index is watched for, to tell where it was lost.
struct HitWatch {
  uint32_t segment = 0;
  RowWatch seen = {};
};

struct VectorQuery {
  FieldIndex field = 0;
  const float* vector = nullptr;  // dim floats that passed ValidateVector
  uint32_t k = 10;                // at least 1
  uint32_t ef = 0;                // 0: default of the index
  uint32_t nprobe = 0;            // 0: default of the index
  bool exact = false;
  double recall_target = 0;        // instead of ef and nprobe, as MakePlan says; 0: none
  const Filter* filter = nullptr;  // null: all
  std::optional<float> distance_max = std::nullopt;  // hits farther than this are left out
  // Encoded ids that are no hits (search by stored points), ascending.
  std::span<const std::string> excluded_ids = {};
  bool explain = false;
  SpareThreads* spare = nullptr;  // share in long exact scans; null: the caller's thread alone
  HitWatch* watch = nullptr;      // null: none
};

// Where the time of a query went.
struct StageSeconds {
  double filter = 0;  // which rows pass; of searches for words or sparse vectors part of `search`
  double search = 0;
  double rerank = 0;
  double fetch = 0;  // payloads and vectors of the hits

  void Add(const StageSeconds& other) {
    filter += other.filter;
    search += other.search;
    rerank += other.rerank;
    fetch += other.fetch;
  }
};

struct QueryOutcome {
  std::vector<GlobalHit> hits;  // ascending by (distance, id bytes)
  SearchStats stats;            // of all segments, repeated searches too
  double filter_seconds = 0;
  bool exact = false;  // every allowed row was compared
  std::string plan;    // if asked to explain: lines of text, the last without a line end
};

// k means k: if k matching rows exist in the view, k hits come back; an approximate search that is
// short of its segment's share is repeated exactly. An exact answer is the one that an unlimited
// search cut to k would give, ties included.
// Errors: DEADLINE_EXCEEDED, CANCELLED; what CompileFilter and a segment answer.
StatusOr<QueryOutcome> ExecuteSearch(const SegmentSet& view,
                                     const VectorQuery& query,
                                     const Deadline& deadline);

// A filter and what it was compiled to for a schema; borrows the filter.
struct QueryFilter {
  const Filter* tree = nullptr;
  std::string text;  // that of no other filter
  CompiledFilter compiled;
};

// Errors: INVALID_ARGUMENT with the path below `path` if it asks about a vector field that the
// schema does not have.
StatusOr<QueryFilter> CompileFilter(const Filter& filter,
                                    const Schema& schema,
                                    const std::string& path = "filter");

struct Selection {
  std::shared_ptr<const SelectedRows> selected;
  uint64_t payloads_read = 0;  // rows of which the payload indexes did not tell
  bool kept = false;           // from an earlier query
};

// Rows of one segment of the view that are alive and pass the filter (null: all alive), which was
// compiled for the schema of the view.
// Cost: nothing if the segment has kept them; a few bitmaps where payload indexes tell; else reads
// the payloads. Errors: DEADLINE_EXCEEDED, CANCELLED.
StatusOr<Selection> SelectRows(const SegmentView& segment,
                               SeqNo at,
                               const QueryFilter* filter,
                               const Deadline& deadline);

// Of the fields whose bits are set in `asked`, those in which the row has a vector.
uint32_t VectorsAt(const Segment& segment, RowId row, uint32_t asked);

// Whether one row, as it is at `at`, is alive and passes.
bool RowPasses(const Segment& segment, RowId row, SeqNo at, const CompiledFilter& filter);

// Rows of the view that are alive and pass the filter (null: all alive); exact.
// Errors: DEADLINE_EXCEEDED, CANCELLED; what CompileFilter answers.
StatusOr<uint64_t> CountRows(const SegmentSet& view,
                             const Filter* filter,
                             const Deadline& deadline);

}  // namespace alidade
