// The stages of a search that rank its finds again.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "alidade/query/diversity.h"
#include "alidade/query/score_formula.h"
#include "alidade/vec/metric.h"
#include "alidade/vec/vector_matrix.h"

#include "field_lookup.h"
#include "searcher.h"

namespace alidade {
namespace {

// Candidates times picks of a diversity stage (chosen: about a second at 768 dimensions).
constexpr size_t kDiversityPairsMax = 10'000'000;

const char* NameOf(const RerankStage& stage) {
  return std::holds_alternative<VectorRescore>(stage.stage)    ? "nearness to a vector"
         : std::holds_alternative<MaxSimStage>(stage.stage)    ? "late interaction"
         : std::holds_alternative<DiversityStage>(stage.stage) ? "diversity"
                                                               : "formula";
}

}  // namespace

Status Searcher::Rescore(const VectorRescore& stage, const std::string& path, Found& found) const {
  ALIDADE_ASSIGN_OR_RETURN(
      const FieldIndex field,
      FindFieldOrError(view_.schema, stage.field, path + ".vector.vector_field"));
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<float> vector,
                           VectorOf(stage.vector, field, path + ".vector"));
  const VectorField& spec = view_.schema.fields[field];
  Ranking scored;
  std::vector<float> wide;
  for (RankedHit& hit : found.hits) {
    if (scored.size() % kHitsToDeadline == kHitsToDeadline - 1) {
      ALIDADE_RETURN_IF_ERROR(deadline_.Check());
    }
    const VectorView stored =
        view_.segments[hit.place.segment].segment->vector(field, hit.place.row);
    if (!stored.has_value()) {
      continue;
    }
    VectorMatrix row{.rows = stored.data,
                     .count = 1,
                     .dim = spec.dim,
                     .metric = spec.metric,
                     .element = spec.element};
    const float inverse_norm =
        spec.metric == Metric::kCosine ? InverseNorm(row.Floats(0, wide), spec.dim) : 1.0F;
    row.inv_norms = &inverse_norm;
    hit.place.distance = QueryDistance(row, vector.data())(0);
    hit.score = ScoreFromDistance(spec.metric, hit.place.distance).value;
    scored.push_back(std::move(hit));
  }
  found.stats.distance_computations += scored.size();
  found.hits = std::move(scored);
  SortRanking(view_, found.hits);
  return OkStatus();
}

Status Searcher::RankByMaxSim(const MaxSimStage& stage,
                              const std::string& path,
                              Found& found) const {
  ALIDADE_ASSIGN_OR_RETURN(
      const size_t field,
      FindMultiVectorFieldOrError(view_.schema, stage.field, path + ".max_sim.multi_vector_field"));
  const MultiVectorField& spec = view_.schema.multi_vector_fields[field];
  const MultiVector query = WithRows(stage.query, spec.dim);
  ALIDADE_RETURN_IF_ERROR(
      ValidateMultiVector(query, spec.dim, spec.metric, path + ".max_sim.vectors"));
  StoredPoints stored = StoredNow();
  Ranking scored;
  for (RankedHit& hit : found.hits) {
    ALIDADE_RETURN_IF_ERROR(deadline_.Check());
    const RowNo row = view_.segments[hit.place.segment].segment->row_number(hit.place.row);
    ALIDADE_ASSIGN_OR_RETURN(const auto vectors, stored.ReadMultiVectors(field, {row}));
    const std::optional<MultiVector>& document = vectors[0];
    if (!document.has_value()) {
      continue;  // has none, or died while the search ran
    }
    hit.score = MaxSim(query, *document, spec.dim, spec.metric);
    found.stats.distance_computations += uint64_t{query.rows} * document->rows;
    scored.push_back(std::move(hit));
  }
  found.hits = std::move(scored);
  SortRanking(view_, found.hits);
  return OkStatus();
}

Status Searcher::Diversify(const DiversityStage& stage,
                           size_t keep,
                           const std::string& path,
                           Found& found) const {
  ALIDADE_ASSIGN_OR_RETURN(
      const FieldIndex field,
      FindFieldOrError(view_.schema, stage.field, path + ".diversity.vector_field"));
  if (found.hits.size() > kDiversityPairsMax / std::max<size_t>(keep, 1)) {
    return FieldError(path + ".candidates",
                      "{} candidates times {} hits are more than {}",
                      found.hits.size(),
                      keep,
                      kDiversityPairsMax);
  }
  std::vector<VectorView> vectors;
  vectors.reserve(found.hits.size());
  for (const RankedHit& hit : found.hits) {
    vectors.push_back(view_.segments[hit.place.segment].segment->vector(field, hit.place.row));
  }
  const DiversityOptions options{.lambda = stage.lambda, .keep = keep};
  ALIDADE_ASSIGN_OR_RETURN(found.hits,
                           alidade::Diversify(std::move(found.hits), vectors, options, deadline_));
  return OkStatus();
}

StatusOr<Found> Searcher::Rerank(const RerankStage& stage,
                                 Found found,
                                 size_t keep,
                                 size_t index) const {
  ALIDADE_RETURN_IF_ERROR(deadline_.Check());
  const std::string path = fmt::format("rerank[{}]", index);
  if (stage.candidates != 0 && found.hits.size() > stage.candidates) {
    found.hits.resize(stage.candidates);
  }
  const size_t candidates = found.hits.size();
  const auto begun = std::chrono::steady_clock::now();
  if (const auto* vector = std::get_if<VectorRescore>(&stage.stage)) {
    ALIDADE_RETURN_IF_ERROR(Rescore(*vector, path, found));
  } else if (const auto* max_sim = std::get_if<MaxSimStage>(&stage.stage)) {
    ALIDADE_RETURN_IF_ERROR(RankByMaxSim(*max_sim, path, found));
  } else if (const auto* diversity = std::get_if<DiversityStage>(&stage.stage)) {
    ALIDADE_RETURN_IF_ERROR(Diversify(*diversity, keep, path, found));
  } else {
    ALIDADE_ASSIGN_OR_RETURN(
        const CompiledFormula formula,
        CompiledFormula::Make(std::get<std::shared_ptr<const Expression>>(stage.stage),
                              view_.schema,
                              path + ".formula.condition"));
    for (size_t i = 0; i < found.hits.size(); ++i) {
      if (i % kHitsToDeadline == kHitsToDeadline - 1) {
        ALIDADE_RETURN_IF_ERROR(deadline_.Check());
      }
      ALIDADE_ASSIGN_OR_RETURN(found.hits[i].score, formula.ScoreOf(view_, found.hits[i]));
    }
    SortRanking(view_, found.hits);
  }
  found.metric.reset();
  found.seconds.rerank +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  found.AddPlan(fmt::format(
      "{}: {}, {} candidates, {} hits", path, NameOf(stage), candidates, found.hits.size()));
  return found;
}

}  // namespace alidade
