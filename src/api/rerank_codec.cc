#include "rerank_codec.h"

#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "alidade/filter/geo_point.h"

#include "field_path.h"
#include "filter_codec.h"
#include "point_codec.h"

namespace alidade {
namespace {

Status CheckField(const std::string& name, const FieldPath& path) {
  return name.empty() ? OkStatus() : CheckName(name, path.Field("vector_field"));
}

Status CheckKey(const std::string& key, const FieldPath& path) {
  return !key.empty() && key.size() <= kFilterKeyBytesMax
             ? OkStatus()
             : FieldError(path.Field("key").ToString(),
                          "has {} bytes; 1..{} are allowed",
                          key.size(),
                          kFilterKeyBytesMax);
}

Status CheckFinite(double value, const FieldPath& path, const char* field) {
  return std::isfinite(value) ? OkStatus()
                              : FieldError(path.Field(field).ToString(), "is not a finite number");
}

Instant Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return {seconds.count(),
          static_cast<uint32_t>(
              std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds).count())};
}

// One formula.
class ExpressionDecoder {
 public:
  explicit ExpressionDecoder(const Limits& limits) : limits_(limits) {}

  StatusOr<Expression> Decode(const v1::Expression& in, uint32_t depth, const FieldPath& path) {
    if (depth > kExpressionDepthMax) {
      return FieldError(path.ToString(), "is nested deeper than {} levels", kExpressionDepthMax);
    }
    if (++nodes_ > kExpressionNodesMax) {
      return FieldError(
          path.ToString(), "is more than the {} expressions of a formula", kExpressionNodesMax);
    }
    switch (in.node_case()) {
      case v1::Expression::kConstant:
        ALIDADE_RETURN_IF_ERROR(CheckFinite(in.constant(), path, "constant"));
        return Expression{in.constant()};
      case v1::Expression::kScore:
        return Expression{ScoreSoFar{}};
      case v1::Expression::kNumber: {
        const FieldPath number = path.Field("number");
        ALIDADE_RETURN_IF_ERROR(CheckKey(in.number().key(), number));
        ALIDADE_RETURN_IF_ERROR(CheckFinite(in.number().missing(), number, "missing"));
        return Expression{NumberAt{in.number().key(), in.number().missing()}};
      }
      case v1::Expression::kCondition: {
        ALIDADE_ASSIGN_OR_RETURN(auto filter,
                                 DecodeFilter(in.condition(), limits_, path.Field("condition")));
        return Expression{Holds{std::move(filter)}};
      }
      case v1::Expression::kSum: {
        ALIDADE_ASSIGN_OR_RETURN(auto terms, List(in.sum(), depth, path.Field("sum")));
        return Expression{Sum{std::move(terms)}};
      }
      case v1::Expression::kProduct: {
        ALIDADE_ASSIGN_OR_RETURN(auto factors, List(in.product(), depth, path.Field("product")));
        return Expression{Product{std::move(factors)}};
      }
      case v1::Expression::kLog1P: {
        Logarithm logarithm;
        ALIDADE_ASSIGN_OR_RETURN(logarithm.of.emplace_back(),
                                 Decode(in.log1p(), depth + 1, path.Field("log1p")));
        return Expression{std::move(logarithm)};
      }
      case v1::Expression::kDecay: {
        ALIDADE_ASSIGN_OR_RETURN(Decay decay, DecodeDecay(in.decay(), path.Field("decay")));
        return Expression{std::move(decay)};
      }
      case v1::Expression::NODE_NOT_SET:
        break;
    }
    return FieldError(path.ToString(), "is empty");
  }

 private:
  StatusOr<std::vector<Expression>> List(const v1::ExpressionList& in,
                                         uint32_t depth,
                                         const FieldPath& path) {
    const FieldPath expressions = path.Field("expressions");
    std::vector<Expression> out;
    for (int i = 0; i < in.expressions_size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(
          out.emplace_back(),
          Decode(in.expressions(i), depth + 1, expressions.At(static_cast<size_t>(i))));
    }
    return out;
  }

  static StatusOr<Decay> DecodeDecay(const v1::Decay& in, const FieldPath& path) {
    Decay out;
    ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), path));
    out.key = in.key();
    switch (in.kind()) {
      case v1::DECAY_KIND_UNSPECIFIED:
      case v1::DECAY_KIND_EXPONENTIAL:
        out.kind = Decay::Kind::kExponential;
        break;
      case v1::DECAY_KIND_GAUSSIAN:
        out.kind = Decay::Kind::kGaussian;
        break;
      case v1::DECAY_KIND_LINEAR:
        out.kind = Decay::Kind::kLinear;
        break;
      default:
        return FieldError(path.Field("kind").ToString(),
                          "is {}; EXPONENTIAL, GAUSSIAN and LINEAR are allowed",
                          static_cast<int>(in.kind()));
    }
    switch (in.target_case()) {
      case v1::Decay::kNumber:
        ALIDADE_RETURN_IF_ERROR(CheckFinite(in.number(), path, "number"));
        out.target = in.number();
        break;
      case v1::Decay::kDatetime: {
        const std::optional<Instant> instant =
            in.datetime() == "now" ? Now() : ParseInstant(in.datetime());
        if (!instant.has_value()) {
          return FieldError(path.Field("datetime").ToString(),
                            "\"{}\" is neither an RFC 3339 datetime nor \"now\"",
                            in.datetime().substr(0, kNameBytesMax));
        }
        out.target = *instant;
        break;
      }
      case v1::Decay::kPlace: {
        const GeoPoint place{.lat = in.place().lat(), .lon = in.place().lon()};
        ALIDADE_RETURN_IF_ERROR(CheckGeoPoint(place, path.Field("place").ToString()));
        out.target = place;
        break;
      }
      case v1::Decay::TARGET_NOT_SET:
        return FieldError(path.ToString(), "has none of `number`, `datetime`, `place`");
    }
    if (!(in.scale() > 0 && std::isfinite(in.scale()))) {
      return FieldError(path.Field("scale").ToString(), "is {}; it has to be above 0", in.scale());
    }
    out.scale = in.scale();
    if (!(in.midpoint() >= 0 && in.midpoint() < 1)) {
      return FieldError(path.Field("midpoint").ToString(),
                        "is {}; it has to be above 0 and below 1",
                        in.midpoint());
    }
    out.midpoint = in.midpoint() == 0 ? out.midpoint : in.midpoint();
    ALIDADE_RETURN_IF_ERROR(CheckFinite(in.missing(), path, "missing"));
    out.missing = in.missing();
    return out;
  }

  const Limits& limits_;
  uint32_t nodes_ = 0;
};

StatusOr<RerankStage> DecodeStage(const v1::RerankStage& in,
                                  const Limits& limits,
                                  uint32_t wanted,
                                  const FieldPath& path) {
  RerankStage out;
  out.candidates = in.candidates();
  if (out.candidates != 0 && (out.candidates < wanted || out.candidates > limits.k_max)) {
    return FieldError(path.Field("candidates").ToString(),
                      "is {}; {} (the hits wanted) to {} are allowed",
                      out.candidates,
                      wanted,
                      limits.k_max);
  }
  switch (in.stage_case()) {
    case v1::RerankStage::kVector: {
      const FieldPath vector = path.Field("vector");
      VectorRescore rescore;
      ALIDADE_ASSIGN_OR_RETURN(const auto floats,
                               DecodeVector(in.vector().vector(), vector.Field("vector")));
      rescore.vector.assign(floats.begin(), floats.end());
      ALIDADE_RETURN_IF_ERROR(CheckField(in.vector().vector_field(), vector));
      rescore.field = in.vector().vector_field();
      out.stage = std::move(rescore);
      return out;
    }
    case v1::RerankStage::kDiversity: {
      const FieldPath diversity = path.Field("diversity");
      DiversityStage stage;
      stage.lambda = in.diversity().has_lambda() ? in.diversity().lambda() : stage.lambda;
      if (!(stage.lambda >= 0 && stage.lambda <= 1)) {
        return FieldError(
            diversity.Field("lambda").ToString(), "is {}, 0 to 1 are allowed", stage.lambda);
      }
      ALIDADE_RETURN_IF_ERROR(CheckField(in.diversity().vector_field(), diversity));
      stage.field = in.diversity().vector_field();
      out.stage = std::move(stage);
      return out;
    }
    case v1::RerankStage::kFormula: {
      const FieldPath formula = path.Field("formula");
      ALIDADE_ASSIGN_OR_RETURN(Expression expression,
                               ExpressionDecoder(limits).Decode(
                                   in.formula().expression(), 1, formula.Field("expression")));
      out.stage = std::make_shared<const Expression>(std::move(expression));
      return out;
    }
    case v1::RerankStage::kMaxSim: {
      const FieldPath max_sim = path.Field("max_sim");
      MaxSimStage stage;
      ALIDADE_ASSIGN_OR_RETURN(stage.query,
                               DecodeMulti(in.max_sim().vectors(), max_sim.Field("vectors")));
      if (!in.max_sim().multi_vector_field().empty()) {
        ALIDADE_RETURN_IF_ERROR(
            CheckName(in.max_sim().multi_vector_field(), max_sim.Field("multi_vector_field")));
      }
      stage.field = in.max_sim().multi_vector_field();
      out.stage = std::move(stage);
      return out;
    }
    case v1::RerankStage::STAGE_NOT_SET:
      break;
  }
  return FieldError(path.ToString(), "has none of `vector`, `diversity`, `formula`, `max_sim`");
}

}  // namespace

StatusOr<std::shared_ptr<const std::vector<RerankStage>>> DecodeRerank(const v1::SearchRequest& in,
                                                                       const Limits& limits,
                                                                       uint32_t wanted) {
  if (in.rerank().empty()) {
    return std::shared_ptr<const std::vector<RerankStage>>();
  }
  const FieldPath path("rerank");
  if (in.rerank_size() > static_cast<int>(kRerankStagesMax)) {
    return FieldError(
        path.ToString(), "has {} stages, the limit is {}", in.rerank_size(), kRerankStagesMax);
  }
  auto out = std::make_shared<std::vector<RerankStage>>();
  for (int i = 0; i < in.rerank_size(); ++i) {
    ALIDADE_ASSIGN_OR_RETURN(
        out->emplace_back(),
        DecodeStage(in.rerank(i), limits, wanted, path.At(static_cast<size_t>(i))));
  }
  return std::shared_ptr<const std::vector<RerankStage>>(std::move(out));
}

}  // namespace alidade
