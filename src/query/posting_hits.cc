#include "posting_hits.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace alidade {
namespace {

// Growth of the number of hits asked for when equal scores straddle its end (chosen, as for
// distances).
constexpr uint32_t kTieGrowth = 8;

float DistanceOf(double score) { return static_cast<float>(-score); }

// Scores count as the floats that callers see.
std::optional<double> ScoreMin(const PostingQuery& query) {
  return query.score_min.has_value()
             ? std::optional(static_cast<double>(std::nextafter(
                   static_cast<float>(*query.score_min), -std::numeric_limits<float>::max())))
             : std::nullopt;
}

// All hits that can be among the first k whatever their ids.
StatusOr<std::vector<DocumentHit>> Rank(const std::vector<PostingHits>& hits,
                                        const PostingQuery& query,
                                        const RankDocuments& rank,
                                        const Deadline& deadline,
                                        PostingCounters& counters) {
  std::vector<PostingsPart> parts;
  uint64_t documents = 0;
  for (const PostingHits& part : hits) {
    parts.push_back({.postings = part.postings, .allowed = part.allowed});
    documents += part.postings->documents();
  }
  const uint64_t wanted = uint64_t{query.k} + query.excluded_ids.size();
  uint64_t k = wanted + 1;
  while (true) {
    const PostingSearch search{.parts = parts,
                               .k = static_cast<uint32_t>(std::min(k, documents + 1)),
                               .score_min = ScoreMin(query),
                               .deadline = &deadline};
    ALIDADE_ASSIGN_OR_RETURN(std::vector<DocumentHit> found, rank(search, &counters));
    if (found.size() < k || k > documents ||
        DistanceOf(found.back().score) > DistanceOf(found[wanted - 1].score)) {
      return found;
    }
    k *= kTieGrowth;
  }
}

}  // namespace

StatusOr<std::vector<GlobalHit>> SearchPostings(const SegmentSet& view,
                                                const std::vector<PostingHits>& parts,
                                                const PostingQuery& query,
                                                const RankDocuments& rank,
                                                const Deadline& deadline,
                                                PostingCounters& counters) {
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<DocumentHit> found,
                           Rank(parts, query, rank, deadline, counters));
  std::vector<MergeInput> collected;
  for (const DocumentHit& hit : found) {
    if (query.score_min.has_value() &&
        -DistanceOf(hit.score) < static_cast<float>(*query.score_min)) {
      break;  // falling
    }
    const PostingHits& part = parts[hit.part];
    const Segment& segment = *view.segments[part.segment].segment;
    const RowId row = part.rows == nullptr ? hit.document : (*part.rows)[hit.document];
    const std::string_view id = segment.encoded_id(row);
    if (std::ranges::binary_search(query.excluded_ids, id)) {
      continue;
    }
    collected.push_back(
        {.hit = {.distance = DistanceOf(hit.score), .segment = part.segment, .row = row},
         .encoded_id = id,
         .row_number = segment.row_number(row)});
  }
  return MergeHits(std::move(collected), query.k);
}

std::string DescribeCounters(const PostingCounters& counters) {
  return fmt::format("{} documents and {} postings scored, {} blocks read, {} passed over",
                     counters.documents_scored,
                     counters.postings_scored,
                     counters.blocks_read,
                     counters.blocks_skipped);
}

}  // namespace alidade
