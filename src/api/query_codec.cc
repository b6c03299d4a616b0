#include "query_codec.h"

#include <cmath>
#include <memory>
#include <utility>

#include "filter_codec.h"
#include "point_codec.h"

namespace alidade {
namespace {

// Decodes one query of a call.
class QueryDecoder {
 public:
  explicit QueryDecoder(const Limits& limits) : limits_(limits) {}

  Status Decode(const v1::Query& in, uint32_t depth, const FieldPath& path, SearchQuery& out) {
    switch (in.target_case()) {
      case v1::Query::kVector: {
        ALIDADE_ASSIGN_OR_RETURN(out.target, Vector(in.vector(), path.Field("vector")));
        return OkStatus();
      }
      case v1::Query::kPointId: {
        ALIDADE_ASSIGN_OR_RETURN(out.target, DecodePointId(in.point_id(), path.Field("point_id")));
        return OkStatus();
      }
      case v1::Query::kWords: {
        ALIDADE_ASSIGN_OR_RETURN(out.target, Words(in.words(), path.Field("words")));
        return OkStatus();
      }
      case v1::Query::kRecommend: {
        ALIDADE_ASSIGN_OR_RETURN(out.target, Recommend(in.recommend(), path.Field("recommend")));
        return OkStatus();
      }
      case v1::Query::kFusion: {
        ALIDADE_ASSIGN_OR_RETURN(out.target,
                                 Fusion(in.fusion(), depth + 1, path.Field("fusion"), out));
        return OkStatus();
      }
      case v1::Query::kSparse: {
        ALIDADE_ASSIGN_OR_RETURN(out.target, DecodeSparse(in.sparse(), path.Field("sparse")));
        return OkStatus();
      }
      case v1::Query::TARGET_NOT_SET:
        break;
    }
    return FieldError(path.ToString(),
                      "has none of `vector`, `point_id`, `words`, `recommend`, `fusion`, `sparse`");
  }

 private:
  static StatusOr<std::vector<float>> Vector(const v1::Vector& in, const FieldPath& path) {
    ALIDADE_ASSIGN_OR_RETURN(const auto vector, DecodeVector(in, path));
    return std::vector<float>(vector.begin(), vector.end());
  }

  StatusOr<WordsTarget> Words(const v1::WordsQuery& in, const FieldPath& path) const {
    if (in.key().size() > kFilterKeyBytesMax) {
      return FieldError(path.Field("key").ToString(),
                        "has {} bytes; 1..{} are allowed",
                        in.key().size(),
                        kFilterKeyBytesMax);
    }
    if (in.text().empty() || in.text().size() > limits_.filter_text_bytes_max) {
      return FieldError(path.Field("text").ToString(),
                        "has {} bytes; 1..{} are allowed",
                        in.text().size(),
                        limits_.filter_text_bytes_max);
    }
    return WordsTarget{in.key(), in.text()};
  }

  static StatusOr<std::vector<Example>> Examples(
      const google::protobuf::RepeatedPtrField<v1::Example>& in, const FieldPath& path) {
    std::vector<Example> out;
    for (int i = 0; i < in.size(); ++i) {
      const FieldPath at = path.At(static_cast<size_t>(i));
      switch (in[i].example_case()) {
        case v1::Example::kVector: {
          ALIDADE_ASSIGN_OR_RETURN(out.emplace_back(), Vector(in[i].vector(), at.Field("vector")));
          break;
        }
        case v1::Example::kPointId: {
          ALIDADE_ASSIGN_OR_RETURN(out.emplace_back(),
                                   DecodePointId(in[i].point_id(), at.Field("point_id")));
          break;
        }
        case v1::Example::kSparse: {
          ALIDADE_ASSIGN_OR_RETURN(out.emplace_back(),
                                   DecodeSparse(in[i].sparse(), at.Field("sparse")));
          break;
        }
        case v1::Example::EXAMPLE_NOT_SET:
          return FieldError(at.ToString(), "has none of `vector`, `point_id`, `sparse`");
      }
    }
    return out;
  }

  static StatusOr<RecommendTarget> Recommend(const v1::RecommendQuery& in, const FieldPath& path) {
    if (in.positive().empty()) {
      return FieldError(path.Field("positive").ToString(), "is empty");
    }
    if (in.positive_size() + in.negative_size() > static_cast<int>(kExamplesMax)) {
      return FieldError(path.ToString(),
                        "has {} examples, the limit is {}",
                        in.positive_size() + in.negative_size(),
                        kExamplesMax);
    }
    RecommendTarget out;
    ALIDADE_ASSIGN_OR_RETURN(out.positive, Examples(in.positive(), path.Field("positive")));
    ALIDADE_ASSIGN_OR_RETURN(out.negative, Examples(in.negative(), path.Field("negative")));
    return out;
  }

  static StatusOr<FusionMethod> Method(const v1::FusionQuery& in, const FieldPath& path) {
    if (in.method_case() != v1::FusionQuery::kWeightedScores) {
      constexpr uint32_t kMax = 1'000'000;
      const uint32_t k = in.reciprocal_rank().k();
      if (k > kMax) {
        const FieldPath rank = path.Field("reciprocal_rank");
        return FieldError(rank.Field("k").ToString(), "is {}, the limit is {}", k, kMax);
      }
      return k == 0 ? ReciprocalRank{} : ReciprocalRank{k};
    }
    switch (in.weighted_scores().normalization()) {
      case v1::SCORE_NORMALIZATION_UNSPECIFIED:
      case v1::SCORE_NORMALIZATION_MIN_MAX:
        return WeightedScores{WeightedScores::Normalization::kMinMax};
      case v1::SCORE_NORMALIZATION_DISTRIBUTION:
        return WeightedScores{WeightedScores::Normalization::kDistribution};
      default:
        break;
    }
    const FieldPath scores = path.Field("weighted_scores");
    return FieldError(scores.Field("normalization").ToString(),
                      "is {}; MIN_MAX and DISTRIBUTION are allowed",
                      static_cast<int>(in.weighted_scores().normalization()));
  }

  StatusOr<std::shared_ptr<const FusionTarget>> Fusion(const v1::FusionQuery& in,
                                                       uint32_t depth,
                                                       const FieldPath& path,
                                                       const SearchQuery& whole) {
    if (depth > kFusionDepthMax) {
      return FieldError(path.ToString(), "is nested deeper than {} fusions", kFusionDepthMax);
    }
    const FieldPath branches = path.Field("branches");
    const auto count = static_cast<uint32_t>(in.branches_size());
    if (count == 0 || count > kFusionBranchesMax) {
      return FieldError(
          branches.ToString(), "has {} branches; 1..{} are allowed", count, kFusionBranchesMax);
    }
    branches_ += count;
    if (branches_ > kCallBranchesMax) {
      return FieldError(branches.ToString(),
                        "makes more than {} branches, those of all nested fusions together",
                        kCallBranchesMax);
    }
    auto out = std::make_shared<FusionTarget>();
    ALIDADE_ASSIGN_OR_RETURN(out->method, Method(in, path));
    for (uint32_t i = 0; i < count; ++i) {
      ALIDADE_ASSIGN_OR_RETURN(
          out->branches.emplace_back(),
          Branch(in.branches(static_cast<int>(i)), depth, branches.At(i), whole));
    }
    return std::shared_ptr<const FusionTarget>(std::move(out));
  }

  StatusOr<FusionBranch> Branch(const v1::FusionBranch& in,
                                uint32_t depth,
                                const FieldPath& path,
                                const SearchQuery& whole) {
    FusionBranch out;
    SearchQuery& query = out.query;
    query.field = whole.field;
    query.ef = whole.ef;
    query.nprobe = whole.nprobe;
    query.exact = whole.exact;
    query.recall_target = whole.recall_target;
    query.filter = whole.filter;
    if (!in.vector_field().empty()) {
      ALIDADE_RETURN_IF_ERROR(CheckName(in.vector_field(), path.Field("vector_field")));
      query.field = in.vector_field();
    }
    if (in.limit() > limits_.k_max) {
      return FieldError(
          path.Field("limit").ToString(), "is {}, the limit is {}", in.limit(), limits_.k_max);
    }
    query.k = in.limit();
    if (in.has_params()) {
      ALIDADE_RETURN_IF_ERROR(DecodeParams(in.params(), limits_, path.Field("params"), query));
    }
    if (in.has_filter()) {
      ALIDADE_ASSIGN_OR_RETURN(auto own, DecodeFilter(in.filter(), limits_, path.Field("filter")));
      query.filter = whole.filter == nullptr
                         ? std::move(own)
                         : std::make_shared<const Filter>(Filter{AllOf{{*whole.filter, *own}}});
    }
    if (in.has_score_threshold()) {
      if (!std::isfinite(in.score_threshold())) {
        return FieldError(path.Field("score_threshold").ToString(), "is not a finite number");
      }
      query.score_threshold = static_cast<double>(in.score_threshold());
    }
    if (in.has_weight()) {
      if (!(in.weight() >= 0 && std::isfinite(in.weight()))) {
        return FieldError(path.Field("weight").ToString(),
                          "is {}; finite numbers from 0 are allowed",
                          in.weight());
      }
      out.weight = in.weight();
    }
    ALIDADE_RETURN_IF_ERROR(Decode(in.query(), depth, path.Field("query"), query));
    return out;
  }

  const Limits& limits_;
  uint32_t branches_ = 0;
};

}  // namespace

Status DecodeParams(const v1::SearchParams& in,
                    const Limits& limits,
                    const FieldPath& path,
                    SearchQuery& out) {
  const auto check = [&path](const char* field, uint32_t value, uint32_t max) {
    return value <= max
               ? OkStatus()
               : FieldError(path.Field(field).ToString(), "is {}, the limit is {}", value, max);
  };
  ALIDADE_RETURN_IF_ERROR(check("ef", in.ef(), limits.ef_max));
  ALIDADE_RETURN_IF_ERROR(check("nprobe", in.nprobe(), limits.nprobe_max));
  const double target = in.recall_target();
  if (!(target >= 0 && target <= 1)) {
    return FieldError(path.Field("recall_target").ToString(), "is {}, 0 to 1 are allowed", target);
  }
  if (target > 0 && (in.ef() != 0 || in.nprobe() != 0)) {
    return FieldError(path.Field("recall_target").ToString(),
                      "chooses ef and nprobe itself: set it, or {}",
                      in.ef() != 0 ? "ef" : "nprobe");
  }
  out.ef = in.ef();
  out.nprobe = in.nprobe();
  out.exact = in.exact();
  out.recall_target = target;
  return OkStatus();
}

Status DecodeTarget(const v1::Query& in,
                    const Limits& limits,
                    const FieldPath& path,
                    SearchQuery& out) {
  return QueryDecoder(limits).Decode(in, 0, path, out);
}

}  // namespace alidade
