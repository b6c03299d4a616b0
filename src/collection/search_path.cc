// Path: search 3/8 (from engine/engine.cc, to collection/searcher.h) and 7/8 (ids, payloads and
// vectors of the hits)
#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "alidade/collection/collection.h"
#include "alidade/collection/payload_selection.h"
#include "alidade/query/plan.h"

#include "field_lookup.h"
#include "searcher.h"
#include "stored_points.h"

namespace alidade {
namespace {

// How much more a query is asked for if what was found does not fill the groups or the range
// (chosen: after a few steps all rows are compared).
constexpr uint32_t kGrowth = 4;

// Queries of one call that a thread answers before it looks whether others need it more: some 100
// us of usual ones (chosen).
constexpr uint32_t kQueriesOfPart = 4;

// The row in which a point is alive.
// Cost: a look at every id.
std::optional<GlobalHit> FindPoint(const SegmentSet& view, const PointId& id) {
  const std::string encoded = id.Encode();
  for (uint32_t i = 0; i < view.segments.size(); ++i) {
    const Segment& segment = *view.segments[i].segment;
    for (RowId row = 0; row < view.segments[i].visible_rows; ++row) {
      if (segment.encoded_id(row) == encoded && segment.AliveAt(row, view.at)) {
        return GlobalHit{.distance = 0, .segment = i, .row = row};
      }
    }
  }
  return std::nullopt;
}

// Hits in the form that callers see.
class HitMaker {
 public:
  HitMaker(const Searcher& searcher, const SearchQuery& query, std::vector<FieldRef> fields)
      : searcher_(searcher),
        query_(query),
        fields_(std::move(fields)),
        stored_(searcher.StoredNow()) {}

  // Without a metric the distance is the score below zero.
  StatusOr<SearchHit> Make(RankedHit hit, std::optional<Metric> metric) {
    if (++made_ % kHitsToDeadline == 0) {
      ALIDADE_RETURN_IF_ERROR(searcher_.deadline().Check());
    }
    static const PayloadSelector nothing;
    const SegmentSet& view = searcher_.view();
    const Segment& segment = *view.segments[hit.place.segment].segment;
    const RowId row = hit.place.row;
    SearchHit result;
    ALIDADE_ASSIGN_OR_RETURN(result.point.id, PointId::Decode(segment.encoded_id(row)));
    ALIDADE_ASSIGN_OR_RETURN(result.point.payload,
                             SelectPayload(segment.payload(row, view.at),
                                           query_.payload == nullptr ? nothing : *query_.payload));
    for (size_t k = 0; k < fields_.size(); ++k) {
      const FieldRef field = fields_[k];
      if (field.kind == FieldRef::Kind::kSparse) {
        if (const auto encoded = segment.sparse_vector(field.index, row); !encoded.empty()) {
          ALIDADE_ASSIGN_OR_RETURN(result.point.sparse_vectors[query_.vectors[k]],
                                   DecodeSparseVector(encoded));
        }
      } else if (field.kind == FieldRef::Kind::kMultiVector) {
        // No segment has these.
        ALIDADE_ASSIGN_OR_RETURN(auto read,
                                 stored_.ReadMultiVectors(field.index, {segment.row_number(row)}));
        if (std::optional<MultiVector>& vectors = read[0]; vectors.has_value()) {
          result.point.multi_vectors[query_.vectors[k]] = std::move(*vectors);
        }
      } else if (const VectorView vector = segment.vector(field.index, row); vector.has_value()) {
        result.point.vectors[query_.vectors[k]] = vector.Floats();
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
  const std::vector<FieldRef> fields_;
  StoredPoints stored_;
  size_t made_ = 0;
};

// One query: what it finds, then the stages, then the part of it that is wanted.
class QueryRun {
 public:
  QueryRun(const Searcher& searcher, const SearchQuery& query, std::string path)
      : searcher_(searcher),
        query_(query),
        path_(std::move(path)),
        group_by_(query.group_by.has_value() ? &*query.group_by : nullptr),
        group_size_(group_by_ == nullptr ? 1 : group_by_->group_size),
        composed_(query.rerank != nullptr ||
                  std::holds_alternative<std::shared_ptr<const FusionTarget>>(query.target)) {}

  StatusOr<SearchResult> Run() {
    ALIDADE_ASSIGN_OR_RETURN(auto fields, FindFields(searcher_.view().schema, query_.vectors));
    uint32_t searched = Bounded(FirstSearched());
    Found found;
    SearchStats stats;
    StageSeconds seconds;
    bool all = false;  // there are no more hits than these
    for (bool again = false;; again = true) {
      ALIDADE_ASSIGN_OR_RETURN(found, Search(searched, again));
      stats.Add(found.stats);
      seconds.Add(found.seconds);
      all = composed_ || found.hits.size() < searched;
      Cut(found.hits);
      if (all || IsFull(found.hits)) {
        break;
      }
      searched = Bounded(uint64_t{searched} * kGrowth);
    }
    found.stats = stats;
    ALIDADE_ASSIGN_OR_RETURN(SearchResult result, [&] {
      const Stopwatch watch(seconds.fetch);
      return MakeResult(std::move(found), searched, all, std::move(fields));
    }());
    result.seconds = seconds;
    return result;
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
  StatusOr<Found> Search(uint32_t searched, bool again) {
    const bool exact =
        again && searched * kScanRowsPerEf > static_cast<double>(searcher_.view().live_rows);
    asked_ = {.k = searched,
              .exact = exact,
              .any_score = query_.rerank != nullptr,
              .explain = query_.explain,
              .score_parts = query_.score_parts};
    rankings_.clear();
    ALIDADE_ASSIGN_OR_RETURN(Found found, searcher_.Find(query_, asked_, path_));
    Record(found.hits);
    if (query_.rerank == nullptr) {
      return found;
    }
    for (size_t i = 0; i < query_.rerank->size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(
          found, searcher_.Rerank((*query_.rerank)[i], std::move(found), Wanted(), i));
      if (query_.score_parts) {
        NoteParts(fmt::format("rerank[{}]", i), found.hits);
      }
      Record(found.hits);
    }
    return found;
  }

  void Record(const Ranking& hits) {
    if (!query_.why_not.empty()) {
      rankings_.push_back(hits);
    }
  }

  bool OutsideRange(double score) const {
    return (query_.score_ceiling.has_value() && score >= *query_.score_ceiling) ||
           // Without stages the search itself looked at it.
           (query_.rerank != nullptr && query_.score_threshold.has_value() &&
            score < *query_.score_threshold);
  }

  // Leaves the hits of the range of scores that lie behind the cursor.
  void Cut(Ranking& hits) const {
    std::erase_if(hits, [this](const RankedHit& hit) {
      return OutsideRange(hit.score) ||
             (query_.after.has_value() &&
              (hit.score != query_.after->score
                   ? hit.score > query_.after->score
                   : EncodedIdOf(searcher_.view(), hit.place) <= query_.after->encoded_id));
    });
  }

  bool IsFull(const Ranking& hits) const {
    if (group_by_ == nullptr) {
      return hits.size() >= query_.k;
    }
    const auto groups = Groups(hits);
    return groups.size() == query_.k && std::ranges::all_of(groups, [this](const HitGroup& group) {
             return group.hits.size() == group_size_;
           });
  }

  std::vector<HitGroup> Groups(const Ranking& hits) const {
    return GroupHits(searcher_.view(), hits, *group_by_, query_.k);
  }

  // Where the point was lost; `hits` are those that the cut left.
  StatusOr<WhyNot> Explain(const PointId& id, const Ranking& hits) const {
    WhyNot loss{.id = id, .stage = LossStage::kNotVisible, .detail = "there is no such point"};
    const std::optional<GlobalHit> place = FindPoint(searcher_.view(), id);
    if (!place.has_value()) {
      return loss;
    }
    loss.rank = RankOf(rankings_[0], *place);
    if (loss.rank == 0) {
      ALIDADE_ASSIGN_OR_RETURN(loss, searcher_.WhyNotFound(query_, asked_, *place, path_));
      loss.id = id;
      return loss;
    }
    loss.stage = LossStage::kRerank;
    for (size_t i = 1; i < rankings_.size(); ++i) {
      const uint64_t rank = RankOf(rankings_[i], *place);
      if (rank == 0) {
        loss.detail = fmt::format("rerank[{}] dropped it, it had place {} of {}",
                                  i - 1,
                                  loss.rank,
                                  rankings_[i - 1].size());
        return loss;
      }
      loss.rank = rank;
    }
    const uint64_t rank = RankOf(hits, *place);
    if (rank == 0) {
      const double score = rankings_.back()[loss.rank - 1].score;
      const bool outside = OutsideRange(score);
      loss.stage = outside ? LossStage::kScore : LossStage::kCursor;
      loss.detail = outside ? fmt::format("its score is {}", score) : "it was on an earlier page";
      return loss;
    }
    loss.rank = rank;
    if (group_by_ != nullptr) {
      ExplainGroup(hits, loss);
    } else if (rank <= query_.k) {
      loss.stage = LossStage::kFound;
      loss.detail = fmt::format("place {}", rank);
    } else {
      loss.stage = query_.rerank != nullptr ? LossStage::kRerank : LossStage::kRank;
      loss.detail = fmt::format("place {}, {} were asked for", rank, query_.k);
    }
    return loss;
  }

  void ExplainGroup(const Ranking& hits, WhyNot& loss) const {
    const size_t place = loss.rank - 1;
    const std::vector<HitGroup> best = Groups(hits);
    for (const HitGroup& group : best) {
      const auto at = std::ranges::find(group.hits, place);
      if (at != group.hits.end()) {
        loss.stage = LossStage::kFound;
        loss.detail = fmt::format("place {} in its group", at - group.hits.begin() + 1);
        return;
      }
    }
    loss.stage = LossStage::kGroups;
    // Its own groups, as if it were the only hit.
    const auto own = GroupHits(searcher_.view(), {hits[place]}, *group_by_, query_.k);
    if (own.empty()) {
      loss.detail = fmt::format("it has no value to group by at \"{}\"", group_by_->key);
      return;
    }
    const bool full = std::ranges::any_of(own, [&best](const HitGroup& group) {
      return std::ranges::find(best, group.value, &HitGroup::value) != best.end();
    });
    loss.detail =
        full ? fmt::format("place {}, its group is full", loss.rank)
             : fmt::format("place {}, its group is not among the best {}", loss.rank, query_.k);
  }

  StatusOr<SearchResult> MakeResult(Found found,
                                    uint32_t searched,
                                    bool all,
                                    std::vector<FieldRef> fields) const {
    SearchResult result;
    for (const PointId& id : query_.why_not) {
      ALIDADE_ASSIGN_OR_RETURN(result.why_not.emplace_back(), Explain(id, found.hits));
    }
    result.stats = found.stats;
    result.exact = found.exact;
    if (query_.explain) {
      result.plan = std::move(found.plan);
    }
    HitMaker maker(searcher_, query_, std::move(fields));
    if (group_by_ != nullptr) {
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
  const GroupBy* const group_by_;  // null: not grouped
  const uint32_t group_size_;
  const bool composed_;
  FindOptions asked_;              // of the last search
  std::vector<Ranking> rankings_;  // after the search and each stage, if losses are to be explained
};

}  // namespace

StatusOr<SearchResponse> Collection::Search(const SearchRequest& request) const {
  ALIDADE_RETURN_IF_ERROR(
      context_.commits->WaitVisible(request.options.min_seq, request.options.deadline));
  const auto view = view_.Get();
  const auto settings = config();
  const auto queries = static_cast<uint32_t>(request.queries.size());
  const uint32_t parts = (queries + kQueriesOfPart - 1) / kQueriesOfPart;
  const bool shared = context_.spare != nullptr && parts > 1;
  // Where queries are shared out, none of them is shared out once more.
  const Searcher searcher(*view,
                          *context_.store,
                          space(),
                          *settings,
                          shared ? nullptr : context_.spare,
                          request.options.deadline);
  std::vector<StatusOr<SearchResult>> results(queries, SearchResult());
  // The refusal is that of the first query that has one, whoever answers which.
  std::atomic<uint32_t> refused{queries};
  const auto answer = [&](uint32_t /*worker*/, uint32_t part) {
    const uint32_t end = std::min(queries, (part + 1) * kQueriesOfPart);
    for (uint32_t i = part * kQueriesOfPart; i < end && i < refused; ++i) {
      results[i] = QueryRun(searcher, request.queries[i], fmt::format("queries[{}]", i)).Run();
      if (!results[i].ok()) {
        uint32_t last = refused;
        while (i < last && !refused.compare_exchange_weak(last, i)) {
        }
      }
    }
  };
  if (shared) {
    context_.spare->Share(parts, answer);
  } else {
    for (uint32_t part = 0; part < parts; ++part) {
      answer(0, part);
    }
  }
  SearchResponse response;
  response.at = view->at;
  response.results.reserve(queries);
  for (StatusOr<SearchResult>& result : results) {
    ALIDADE_RETURN_IF_ERROR(result.status());
    response.results.push_back(std::move(result).value());
  }
  return response;
}

}  // namespace alidade
