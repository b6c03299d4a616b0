// Searcher: the queries of one request over one view: targets, branches and their fusion.
//
// Path:     search 3/8 (from collection/search_path.cc, to query/executor.h and text_search.h)
// Threads:  thread-compatible.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alidade/collection/config.h"
#include "alidade/collection/search_request.h"
#include "alidade/common/deadline.h"
#include "alidade/common/spare_threads.h"
#include "alidade/common/status.h"
#include "alidade/query/executor.h"
#include "alidade/segment/segment_set.h"
#include "alidade/storage/store.h"

#include "stored_points.h"

namespace alidade {

// What a query found.
struct Found {
  Ranking hits;
  std::optional<Metric> metric;  // the scores are nearness by it; nothing: they are not
  SearchStats stats;
  StageSeconds seconds;
  bool exact = true;
  std::string plan;  // if asked to explain

  void AddPlan(const std::string& text);
  void AddCost(const Found& other);
};

// Hits that a fusion or a stage takes unless told otherwise: at least so many, and so many times
// those that are wanted of it (both chosen: what frameworks commonly ask for).
inline constexpr uint32_t kCandidatesMin = 100;
inline constexpr uint32_t kCandidatesPerHit = 5;

inline constexpr size_t kHitsToDeadline = 64;  // made or scored between two looks at the deadline

struct FindOptions {
  uint32_t k = 10;
  bool exact = false;      // even where the query does not ask for it
  bool any_score = false;  // the query's threshold is for later
  bool explain = false;
  bool score_parts = false;
  std::string field_path = "vector_field";  // where the request names the vector field
};

// Adds the time of its life to a number.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  double& seconds_;
};

// The ids of stored points that are part of the target, encoded, ascending.
std::vector<std::string> IdsOf(const SearchTarget& target);

class Searcher {
 public:
  Searcher(const SegmentSet& view,
           const Store& store,
           KeySpace space,
           const CollectionConfig& settings,
           SpareThreads* spare,
           const Deadline& deadline)
      : view_(view),
        store_(store),
        space_(space),
        settings_(settings),
        spare_(spare),
        deadline_(deadline) {}

  // The best hits of the query as such: target, filter and threshold; not what comes after. Of a
  // fusion all that its branches found: k is what they are asked for if they do not say.
  // `path` is where the query is in the request.
  // Errors: INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION with it; DEADLINE_EXCEEDED, CANCELLED.
  StatusOr<Found> Find(const SearchQuery& query,
                       const FindOptions& options,
                       const std::string& path) const;

  // Why the query as such, asked with these options, did not find the point that is there.
  StatusOr<WhyNot> WhyNotFound(const SearchQuery& query,
                               const FindOptions& options,
                               const GlobalHit& place,
                               const std::string& path) const;

  // The hits after the stage `index` of the query, of which `keep` will be wanted.
  StatusOr<Found> Rerank(const RerankStage& stage, Found found, size_t keep, size_t index) const;

  const SegmentSet& view() const { return view_; }
  // Points as the store has them now.
  StoredPoints StoredNow() const { return {store_, space_, view_.schema, /*snapshot=*/nullptr}; }
  const Deadline& deadline() const { return deadline_; }

 private:
  // The nearest-vector query that a query means.
  struct NearQuery {
    FieldIndex field = 0;
    std::vector<float> vector;
    std::vector<std::string> excluded;
    VectorQuery wanted;  // borrows the others
  };
  Status MakeNear(const SearchQuery& query,
                  const FindOptions& options,
                  const std::string& path,
                  NearQuery& near) const;
  StatusOr<WhyNot> WhyNotNear(const SearchQuery& query,
                              const FindOptions& options,
                              const GlobalHit& place,
                              const std::string& path) const;
  // What the branch `index` of a fusion is asked for.
  static FindOptions BranchOptions(const SearchQuery& query,
                                   const FusionBranch& branch,
                                   const FindOptions& options,
                                   const std::string& path,
                                   size_t index);
  StatusOr<WhyNot> WhyNotFused(const SearchQuery& query,
                               const FindOptions& options,
                               const GlobalHit& place,
                               const std::string& path) const;
  StatusOr<Found> FindTarget(const SearchQuery& query,
                             const FindOptions& options,
                             const std::string& path) const;
  StatusOr<Found> FindNear(const SearchQuery& query,
                           const FindOptions& options,
                           const std::string& path) const;
  StatusOr<Found> FindSparse(const SearchQuery& query,
                             const FindOptions& options,
                             const std::string& path) const;
  // Whether the target is one of a sparse field: it has sparse vectors, or the field is one.
  bool IsSparse(const SearchQuery& query) const;
  StatusOr<Found> FindWords(const SearchQuery& query,
                            const FindOptions& options,
                            const std::string& path) const;
  StatusOr<Found> FindFused(const SearchQuery& query,
                            const FindOptions& options,
                            const std::string& path) const;
  // The stored vector of a point in a field.
  StatusOr<std::string> StoredVectorOf(const PointId& id,
                                       FieldId field,
                                       const std::string& name,
                                       const std::string& path) const;
  // Requires, here and for what is recommended: no sparse vector; IsSparse looks for them.
  StatusOr<std::vector<float>> VectorOf(const Example& example,
                                        FieldIndex field,
                                        const std::string& path) const;
  StatusOr<std::vector<float>> RecommendedVector(const RecommendTarget& target,
                                                 FieldIndex field,
                                                 const std::string& path) const;
  StatusOr<SparseVector> SparseVectorOf(const Example& example,
                                        SparseIndex field,
                                        const std::string& path) const;
  StatusOr<SparseVector> RecommendedSparseVector(const RecommendTarget& target,
                                                 SparseIndex field,
                                                 const std::string& path) const;
  // Of a target for which IsSparse.
  StatusOr<SparseVector> SparseVectorFor(const SearchTarget& target,
                                         SparseIndex field,
                                         const std::string& path) const;
  Status Rescore(const VectorRescore& stage, const std::string& path, Found& found) const;
  Status RankByMaxSim(const MaxSimStage& stage, const std::string& path, Found& found) const;
  Status Diversify(const DiversityStage& stage,
                   size_t keep,
                   const std::string& path,
                   Found& found) const;

  const SegmentSet& view_;
  const Store& store_;
  const KeySpace space_;
  const CollectionConfig& settings_;
  SpareThreads* const spare_;
  const Deadline& deadline_;
};

}  // namespace alidade
