// What a search asks for and gets, in domain types.
//
// Plain values. A query is a tree: the branches of a fusion are queries themselves. Bounds of
// single values were checked by the decoder; what needs the schema is checked by the collection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "alidade/collection/requests.h"
#include "alidade/common/point_id.h"
#include "alidade/common/value.h"
#include "alidade/filter/filter.h"
#include "alidade/index/vector_index.h"
#include "alidade/query/executor.h"
#include "alidade/query/fusion.h"
#include "alidade/query/grouping.h"
#include "alidade/query/ranking.h"
#include "alidade/query/score_formula.h"
#include "alidade/text/sparse_vector.h"
#include "alidade/vec/multi_vector.h"

namespace alidade {

// Words that are searched for at a key with a text index; an empty key: at the only one.
struct WordsTarget {
  std::string key;
  std::string words;
};

// A vector, or the one of a stored point.
using Example = std::variant<std::vector<float>, SparseVector, PointId>;

// Near the positive examples, far from the negative ones.
struct RecommendTarget {
  std::vector<Example> positive;  // at least one
  std::vector<Example> negative;
};

struct FusionTarget;

// Stored points are not among the hits that they are a target or an example of.
using SearchTarget = std::variant<std::vector<float>,
                                  PointId,
                                  WordsTarget,
                                  SparseVector,
                                  RecommendTarget,
                                  std::shared_ptr<const FusionTarget>>;

// Exact scores by another vector.
struct VectorRescore {
  std::vector<float> vector;
  std::string field;
};

// Late interaction: by the vectors of a multi-vector field.
struct MaxSimStage {
  MultiVector query;  // its rows may be 0: not counted yet
  std::string field;  // empty: the only one
};

struct DiversityStage {
  double lambda = 0.5;
  std::string field;
};

struct RerankStage {
  std::variant<VectorRescore, MaxSimStage, DiversityStage, std::shared_ptr<const Expression>> stage;
  uint32_t candidates = 0;  // 0: all that there are
};

// Where a page ended.
struct RankPosition {
  double score = 0;
  std::string encoded_id;
  uint32_t searched = 0;  // hits that the query was asked for then
};

// Where a point that is not a hit was lost, in the order in which a query works.
enum class LossStage {
  kFound,       // it is a hit
  kNotVisible,  // there is no such point
  kExcluded,    // it is the target or an example
  kFiltered,    // the filter does not hold
  kNoMatch,     // it has no vector in the field, or none of the words
  kScore,       // its score is outside the range that was asked for
  kNotReached,  // the walk did not come to it, or its list was not searched
  kCodes,       // its codes made it look farther than it is
  kRank,        // others are better, it is beyond the hits that were asked for
  kRerank,      // a stage dropped it or moved it back
  kCursor,      // it was on an earlier page
  kGroups,      // its group is full, or none of the best groups
};

struct WhyNot {
  PointId id;
  LossStage stage = LossStage::kFound;
  std::string detail;  // in words
  uint64_t rank = 0;   // its exact place where it was lost or found, from 1; 0: it has none
};

struct SearchQuery {
  SearchTarget target;
  std::string field;  // empty: the only one of the target's kind; of no meaning for words
  uint32_t k = 10;    // groups, if grouped
  uint32_t ef = 0;
  uint32_t nprobe = 0;
  bool exact = false;
  double recall_target = 0;  // 0: none; else ef and nprobe are 0
  std::shared_ptr<const Filter> filter;
  std::optional<double> score_threshold;  // hits with a lower score are left out
  std::optional<double> score_ceiling;    // and those with this score or a higher one
  // What follows is of the whole query, not of branches.
  std::shared_ptr<const std::vector<RerankStage>> rerank;  // null: none
  std::optional<GroupBy> group_by;
  bool paged = false;  // asks where the next page begins
  std::optional<RankPosition> after;
  bool score_parts = false;
  std::vector<PointId> why_not;  // points whose loss is to be explained
  // Shared by the queries of a call, so that many of them cost no copies; null: none.
  std::shared_ptr<const PayloadSelector> payload;
  std::vector<std::string> vectors;
  bool explain = false;
};

struct FusionBranch {
  SearchQuery query;  // its k: hits that go into the fusion, 0: as many as make sense
  double weight = 1;
};

struct FusionTarget {
  std::vector<FusionBranch> branches;
  FusionMethod method;
};

struct SearchHit {
  Point point;
  double score = 0;     // larger is better
  double distance = 0;  // smaller is nearer; L2: rooted; not of one vector: the score below zero
  std::vector<ScorePart> parts = {};
};

struct SearchGroup {
  Value value;
  std::vector<SearchHit> hits;
};

struct SearchResult {
  std::vector<SearchHit> hits;      // best first, ties by id; empty if grouped
  std::vector<SearchGroup> groups;  // if grouped: by their best hits
  std::optional<RankPosition>
      next;  // if paged: where the next page begins; nothing: it is the last
  SearchStats stats;
  StageSeconds seconds;
  bool exact = false;           // every row was compared
  std::string plan;             // when asked to explain
  std::vector<WhyNot> why_not;  // as asked, in order
};

struct SearchRequest {
  std::string collection;
  ReadOptions options;
  std::vector<SearchQuery> queries;
};

struct SearchResponse {
  SeqNo at;
  std::vector<SearchResult> results;
};

}  // namespace alidade
