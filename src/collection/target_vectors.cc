// The vectors that targets of queries stand for: given ones, those of stored points, and what is
// recommended between examples.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "alidade/vec/metric.h"
#include "alidade/vec/vector_matrix.h"

#include "searcher.h"

namespace alidade {
namespace {

void AddScaled(const std::vector<float>& vector, double factor, std::vector<double>& sum) {
  for (size_t i = 0; i < sum.size(); ++i) {
    sum[i] += factor * static_cast<double>(vector[i]);
  }
}

}  // namespace

std::vector<std::string> IdsOf(const SearchTarget& target) {
  std::vector<std::string> ids;
  if (const auto* id = std::get_if<PointId>(&target)) {
    ids.push_back(id->Encode());
  } else if (const auto* recommend = std::get_if<RecommendTarget>(&target)) {
    for (const auto* examples : {&recommend->positive, &recommend->negative}) {
      for (const Example& example : *examples) {
        if (const auto* stored = std::get_if<PointId>(&example)) {
          ids.push_back(stored->Encode());
        }
      }
    }
    std::ranges::sort(ids);
    const auto repeated = std::ranges::unique(ids);
    ids.erase(repeated.begin(), repeated.end());
  }
  return ids;
}

bool Searcher::IsSparse(const SearchQuery& query) const {
  if (std::holds_alternative<SparseVector>(query.target)) {
    return true;
  }
  const auto* recommend = std::get_if<RecommendTarget>(&query.target);
  if (recommend == nullptr && !std::holds_alternative<PointId>(query.target)) {
    return false;
  }
  const auto given = [](const Example& example) {
    return std::holds_alternative<SparseVector>(example);
  };
  return view_.schema.FindSparseField(query.field).has_value() ||
         (recommend != nullptr && (std::ranges::any_of(recommend->positive, given) ||
                                   std::ranges::any_of(recommend->negative, given)));
}

StatusOr<std::vector<float>> Searcher::VectorOf(const Example& example,
                                                FieldIndex field,
                                                const std::string& path) const {
  const VectorField& spec = view_.schema.fields[field];
  if (const auto* given = std::get_if<std::vector<float>>(&example)) {
    if (given->size() != spec.dim) {
      return FieldError(path + ".vector",
                        "has {} dimensions, the field \"{}\" has {}",
                        given->size(),
                        spec.name,
                        spec.dim);
    }
    ALIDADE_RETURN_IF_ERROR(ValidateVector(*given, spec.metric, path + ".vector"));
    return *given;
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::string bytes,
                           StoredVectorOf(std::get<PointId>(example), spec.id, spec.name, path));
  return FloatsOf(bytes, spec.element);
}

StatusOr<std::string> Searcher::StoredVectorOf(const PointId& id,
                                               FieldId field,
                                               const std::string& name,
                                               const std::string& path) const {
  const auto snapshot = store_.TakeSnapshot();
  ALIDADE_ASSIGN_OR_RETURN(const auto entries,
                           store_.GetIds(space_, {id.Encode()}, snapshot.get()));
  const std::optional<IdEntry>& entry = entries[0];
  if (!entry.has_value()) {
    return WithReason(NotFound("{}.point_id: there is no point {}", path, id.ToString()),
                      "POINT_NOT_FOUND");
  }
  ALIDADE_ASSIGN_OR_RETURN(auto vectors,
                           store_.GetVectors(space_, field, {entry->row}, snapshot.get()));
  std::optional<std::string>& bytes = vectors[0];
  if (!bytes.has_value()) {
    return FailedPrecondition(
        "{}.point_id: the point {} has no vector in the field \"{}\"", path, id.ToString(), name);
  }
  return std::move(*bytes);
}

StatusOr<std::vector<float>> Searcher::RecommendedVector(const RecommendTarget& target,
                                                         FieldIndex field,
                                                         const std::string& path) const {
  const VectorField& spec = view_.schema.fields[field];
  std::vector<double> sum(spec.dim, 0);
  const auto add =
      [&](const std::vector<Example>& examples, double weight, const char* name) -> Status {
    for (size_t i = 0; i < examples.size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(
          const std::vector<float> vector,
          VectorOf(examples[i], field, fmt::format("{}.{}[{}]", path, name, i)));
      const double scale = spec.metric == Metric::kCosine
                               ? static_cast<double>(InverseNorm(vector.data(), spec.dim))
                               : 1;
      AddScaled(vector, scale * weight / static_cast<double>(examples.size()), sum);
    }
    return OkStatus();
  };
  ALIDADE_RETURN_IF_ERROR(add(target.positive, target.negative.empty() ? 1 : 2, "positive"));
  ALIDADE_RETURN_IF_ERROR(add(target.negative, -1, "negative"));
  std::vector<float> vector(sum.begin(), sum.end());
  if (!ValidateVector(vector, spec.metric, path).ok()) {
    return FieldError(path, "the examples cancel each other out, or are too large");
  }
  return vector;
}

StatusOr<SparseVector> Searcher::SparseVectorOf(const Example& example,
                                                SparseIndex field,
                                                const std::string& path) const {
  const SparseField& spec = view_.schema.sparse_fields[field];
  if (std::holds_alternative<std::vector<float>>(example)) {
    return FieldError(path + ".vector", "is not sparse, the field \"{}\" is", spec.name);
  }
  if (const auto* given = std::get_if<SparseVector>(&example)) {
    return *given;
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::string bytes,
                           StoredVectorOf(std::get<PointId>(example), spec.id, spec.name, path));
  return DecodeSparseVector(bytes);
}

StatusOr<SparseVector> Searcher::RecommendedSparseVector(const RecommendTarget& target,
                                                         SparseIndex field,
                                                         const std::string& path) const {
  std::map<uint32_t, double> sum;
  const auto add =
      [&](const std::vector<Example>& examples, double weight, const char* name) -> Status {
    for (size_t i = 0; i < examples.size(); ++i) {
      ALIDADE_RETURN_IF_ERROR(deadline_.Check());
      ALIDADE_ASSIGN_OR_RETURN(
          const SparseVector vector,
          SparseVectorOf(examples[i], field, fmt::format("{}.{}[{}]", path, name, i)));
      for (size_t d = 0; d < vector.dimensions.size(); ++d) {
        sum[vector.dimensions[d]] +=
            weight / static_cast<double>(examples.size()) * static_cast<double>(vector.weights[d]);
      }
      if (sum.size() > kSparseValuesMax) {
        return FieldError(
            path, "the examples have more than {} different indices together", kSparseValuesMax);
      }
    }
    return OkStatus();
  };
  ALIDADE_RETURN_IF_ERROR(add(target.positive, target.negative.empty() ? 1 : 2, "positive"));
  ALIDADE_RETURN_IF_ERROR(add(target.negative, -1, "negative"));
  SparseVector vector;
  for (const auto& [dimension, weight] : sum) {
    if (std::abs(weight) > static_cast<double>(std::numeric_limits<float>::max())) {
      return FieldError(path, "the examples are too large");
    }
    vector.dimensions.push_back(dimension);
    vector.weights.push_back(static_cast<float>(weight));
  }
  return vector;
}

StatusOr<SparseVector> Searcher::SparseVectorFor(const SearchTarget& target,
                                                 SparseIndex field,
                                                 const std::string& path) const {
  if (const auto* recommend = std::get_if<RecommendTarget>(&target)) {
    return RecommendedSparseVector(*recommend, field, path + ".recommend");
  }
  return std::holds_alternative<PointId>(target)
             ? SparseVectorOf(std::get<PointId>(target), field, path)
             : std::get<SparseVector>(target);
}

}  // namespace alidade
