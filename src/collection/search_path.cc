// Path: search 3/8 (from engine/engine.cc, to collection/searcher.h) and 7/8 (ids, payloads and
// vectors of the hits)
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "alidade/collection/collection.h"
#include "alidade/collection/payload_selection.h"
#include "alidade/query/plan.h"

#include "field_lookup.h"
#include "searcher.h"
#include "stored_points.h"

namespace alidade {
namespace {

constexpr size_t kHitsToDeadline = 64;  // hits made between two looks at the deadline
// How much more a query is asked for if what was found does not fill the groups or the range
// (chosen: after a few steps all rows are compared).
constexpr uint32_t kGrowth = 4;

// Hits in the form that callers see.
class HitMaker {
 public:
  HitMaker(const Searcher& searcher, const SearchQuery& query, std::vector<FieldIndex> fields)
      : searcher_(searcher), query_(query), fields_(std::move(fields)) {}

  // Without a metric the distance is the score below zero.
  StatusOr<SearchHit> Make(RankedHit hit, std::optional<Metric> metric) {
    if (++made_ % kHitsToDeadline == 0) {
      ALIDADE_RETURN_IF_ERROR(searcher_.deadline().Check());
    }
    static const PayloadSelector kNothing;
    const SegmentSet& view = searcher_.view();
    const Segment& segment = *view.segments[hit.place.segment].segment;
    const RowId row = hit.place.row;
    SearchHit result;
    ALIDADE_ASSIGN_OR_RETURN(result.point.id, PointId::Decode(segment.encoded_id(row)));
    ALIDADE_ASSIGN_OR_RETURN(result.point.payload,
                             SelectPayload(segment.payload(row, view.at),
                                           query_.payload == nullptr ? kNothing : *query_.payload));
    for (size_t k = 0; k < fields_.size(); ++k) {
      const float* vector = segment.vector(fields_[k], row);
      if (vector != nullptr) {
        const uint32_t dim = view.schema.fields[fields_[k]].dim;
        result.point.vectors[query_.vectors[k]].assign(vector, vector + dim);
      }
    }
    result.score = hit.score;
    result.distance = !metric.has_value()      ? -hit.score
                      : *metric == Metric::kL2 ? std::sqrt(static_cast<double>(hit.place.distance))
                                               : static_cast<double>(hit.place.distance);
    result.parts = std::move(hit.parts);
    return result;
  }

 private:
  const Searcher& searcher_;
  const SearchQuery& query_;
  const std::vector<FieldIndex> fields_;
  size_t made_ = 0;
};

// One query: what it finds, then the stages, then the part of it that is wanted.
class QueryRun {
 public:
  QueryRun(const Searcher& searcher, const SearchQuery& query, std::string path)
      : searcher_(searcher),
        query_(query),
        path_(std::move(path)),
        group_size_(query.group_by.has_value() ? query.group_by->group_size : 1),
        composed_(query.rerank != nullptr ||
                  std::holds_alternative<std::shared_ptr<const FusionTarget>>(query.target)) {}

  StatusOr<SearchResult> Run() {
    ALIDADE_ASSIGN_OR_RETURN(auto fields, FindFields(searcher_.view().schema, query_.vectors));
    uint32_t searched = Bounded(FirstSearched());
    Found found;
    SearchStats stats;
    bool all = false;  // there are no more hits than these
    for (bool again = false;; again = true) {
      ALIDADE_ASSIGN_OR_RETURN(found, Search(searched, again));
      stats.Add(found.stats);
      all = composed_ || found.hits.size() < searched;
      Cut(found.hits);
      if (all || IsFull(found.hits)) {
        break;
      }
      searched = Bounded(uint64_t{searched} * kGrowth);
    }
    found.stats = stats;
    return MakeResult(std::move(found), searched, all, std::move(fields));
  }

 private:
  uint32_t Wanted() const { return query_.k * group_size_; }

  uint64_t FirstSearched() const {
    if (query_.after.has_value()) {
      return uint64_t{query_.after->searched} + (composed_ ? 0 : Wanted());
    }
    if (query_.rerank == nullptr) {
      return Wanted();
    }
    const uint32_t asked = query_.rerank->front().candidates;
    return asked != 0 ? asked : std::max(kCandidatesMin, kCandidatesPerHit * Wanted());
  }

  // One more than there can be shows that there are no more.
  uint32_t Bounded(uint64_t searched) const {
    return static_cast<uint32_t>(
        std::min<uint64_t>(searched, std::max<uint64_t>(searcher_.view().live_rows, Wanted()) + 1));
  }

  // What the query finds, after all stages. Asked again for more than a look at all codes would
  // cost, everything is compared.
  StatusOr<Found> Search(uint32_t searched, bool again) const {
    const bool exact =
        again && searched * kScanRowsPerEf > static_cast<double>(searcher_.view().live_rows);
    ALIDADE_ASSIGN_OR_RETURN(Found found,
                             searcher_.Find(query_,
                                            {.k = searched,
                                             .exact = exact,
                                             .any_score = query_.rerank != nullptr,
                                             .explain = query_.explain,
                                             .score_parts = query_.score_parts},
                                            path_));
    if (query_.rerank == nullptr) {
      return found;
    }
    for (size_t i = 0; i < query_.rerank->size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(
          found, searcher_.Rerank((*query_.rerank)[i], std::move(found), Wanted(), i));
      if (query_.score_parts) {
        NoteParts(fmt::format("rerank[{}]", i), found.hits);
      }
    }
    return found;
  }

  // Leaves the hits of the range of scores that lie behind the cursor.
  void Cut(Ranking& hits) const {
    std::erase_if(hits, [this](const RankedHit& hit) {
      if ((query_.score_ceiling.has_value() && hit.score >= *query_.score_ceiling) ||
          (query_.rerank != nullptr && query_.score_threshold.has_value() &&
           hit.score < *query_.score_threshold)) {
        return true;
      }
      return query_.after.has_value() &&
             (hit.score != query_.after->score
                  ? hit.score > query_.after->score
                  : EncodedIdOf(searcher_.view(), hit.place) <= query_.after->encoded_id);
    });
  }

  bool IsFull(const Ranking& hits) const {
    if (!query_.group_by.has_value()) {
      return hits.size() >= query_.k;
    }
    const auto groups = Groups(hits);
    return groups.size() == query_.k && std::ranges::all_of(groups, [this](const HitGroup& group) {
             return group.hits.size() == group_size_;
           });
  }

  std::vector<HitGroup> Groups(const Ranking& hits) const {
    return GroupHits(searcher_.view(), hits, *query_.group_by, query_.k);
  }

  StatusOr<SearchResult> MakeResult(Found found,
                                    uint32_t searched,
                                    bool all,
                                    std::vector<FieldIndex> fields) const {
    SearchResult result;
    result.stats = found.stats;
    result.exact = found.exact;
    if (query_.explain) {
      result.plan = std::move(found.plan);
    }
    HitMaker maker(searcher_, query_, std::move(fields));
    if (query_.group_by.has_value()) {
      for (HitGroup& group : Groups(found.hits)) {
        SearchGroup& made = result.groups.emplace_back();
        made.value = std::move(group.value);
        for (const size_t place : group.hits) {
          ALIDADE_ASSIGN_OR_RETURN(made.hits.emplace_back(),
                                   maker.Make(found.hits[place], found.metric));
        }
      }
      return result;
    }
    const bool more = !all || found.hits.size() > query_.k;
    if (found.hits.size() > query_.k) {
      found.hits.resize(query_.k);
    }
    if (query_.paged && more && !found.hits.empty()) {
      const RankedHit& last = found.hits.back();
      result.next = RankPosition{
          last.score, std::string(EncodedIdOf(searcher_.view(), last.place)), searched};
    }
    result.hits.reserve(found.hits.size());
    for (RankedHit& hit : found.hits) {
      ALIDADE_ASSIGN_OR_RETURN(result.hits.emplace_back(),
                               maker.Make(std::move(hit), found.metric));
    }
    return result;
  }

  const Searcher& searcher_;
  const SearchQuery& query_;
  const std::string path_;
  const uint32_t group_size_;
  const bool composed_;
};

}  // namespace

StatusOr<SearchResponse> Collection::Search(const SearchRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  const auto settings = config();
  const Searcher searcher(
      *view, *context_.store, space(), *settings, context_.spare, request.options.deadline);
  SearchResponse response;
  response.at = view->at;
  response.results.reserve(request.queries.size());
  for (size_t i = 0; i < request.queries.size(); ++i) {
    ALIDADE_ASSIGN_OR_RETURN(
        SearchResult result,
        QueryRun(searcher, request.queries[i], fmt::format("queries[{}]", i)).Run());
    response.results.push_back(std::move(result));
  }
  return response;
}

}  // namespace alidade
