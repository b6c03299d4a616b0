#include "alidade/query/score_formula.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "alidade/common/payload_codec.h"
#include "alidade/common/point_id.h"
#include "alidade/filter/geo_point.h"
#include "alidade/query/executor.h"

namespace alidade {
namespace {

std::optional<double> NumberOf(const ValueView& value) {
  if (value.tag() == ValueTag::kInt64) {
    return static_cast<double>(value.AsInt64());
  }
  return value.tag() == ValueTag::kDouble ? std::optional(value.AsDouble()) : std::nullopt;
}

std::optional<Instant> InstantOf(const ValueView& value) {
  return value.tag() == ValueTag::kString ? ParseInstant(value.AsString()) : std::nullopt;
}

// What `read` makes of the value at the key, or of the first element of a list that it can read.
template <typename Read>
auto ValueAt(std::string_view payload, const std::string& key, const Read& read)
    -> decltype(read(std::declval<const ValueView&>())) {
  const std::optional<ValueView> value = PayloadView(payload).Find(key);
  if (!value.has_value()) {
    return std::nullopt;
  }
  auto found = read(*value);
  if (!found.has_value()) {
    value->AnyElement([&](const ValueView& element) {
      found = read(element);
      return found.has_value();
    });
  }
  return found;
}

double SecondsBetween(const Instant& a, const Instant& b) {
  return static_cast<double>(a.seconds) - static_cast<double>(b.seconds) +
         (static_cast<double>(a.nanoseconds) - static_cast<double>(b.nanoseconds)) * 1e-9;
}

double DistanceBetween(double a, double b) { return std::abs(a - b); }
double DistanceBetween(const Instant& a, const Instant& b) {
  return std::abs(SecondsBetween(a, b));
}
double DistanceBetween(const GeoPoint& a, const GeoPoint& b) { return MetresBetween(a, b); }

// From the target to the value of its kind that `read` finds at the key.
template <typename Target, typename Read>
std::optional<double> DistanceFrom(const Target& target,
                                   const std::string& key,
                                   std::string_view payload,
                                   const Read& read) {
  const std::optional<Target> value = ValueAt(payload, key, read);
  return value.has_value() ? std::optional(DistanceBetween(*value, target)) : std::nullopt;
}

std::optional<double> DistanceTo(const Decay& decay, std::string_view payload) {
  if (const auto* number = std::get_if<double>(&decay.target)) {
    return DistanceFrom(*number, decay.key, payload, NumberOf);
  }
  if (const auto* instant = std::get_if<Instant>(&decay.target)) {
    return DistanceFrom(*instant, decay.key, payload, InstantOf);
  }
  return DistanceFrom(std::get<GeoPoint>(decay.target), decay.key, payload, GeoPointOf);
}

// Evaluates for one hit.
class Evaluation {
 public:
  Evaluation(const SegmentSet& view,
             const RankedHit& hit,
             const std::map<const Filter*, CompiledFilter>& filters)
      : view_(view),
        hit_(hit),
        filters_(filters),
        payload_(view.segments[hit.place.segment].segment->payload(hit.place.row, view.at)) {}

  double Of(const Expression& expression) const { return std::visit(*this, expression.node); }

  double operator()(double constant) const { return constant; }
  double operator()(const ScoreSoFar& /*node*/) const { return hit_.score; }
  double operator()(const NumberAt& node) const {
    return ValueAt(payload_, node.key, NumberOf).value_or(node.missing);
  }
  double operator()(const Holds& node) const {
    const Segment& segment = *view_.segments[hit_.place.segment].segment;
    return RowPasses(segment, hit_.place.row, view_.at, filters_.at(node.filter.get())) ? 1 : 0;
  }
  double operator()(const Sum& node) const {
    double sum = 0;
    for (const Expression& term : node.terms) {
      sum += Of(term);
    }
    return sum;
  }
  double operator()(const Product& node) const {
    double product = 1;
    for (const Expression& factor : node.factors) {
      product *= Of(factor);
    }
    return product;
  }
  double operator()(const Logarithm& node) const {
    const double x = Of(node.of.front());
    return x > -1 ? std::log1p(x) : std::numeric_limits<double>::quiet_NaN();
  }
  double operator()(const Decay& node) const {
    const std::optional<double> distance = DistanceTo(node, payload_);
    if (!distance.has_value()) {
      return node.missing;
    }
    const double scaled = *distance / node.scale;
    switch (node.kind) {
      case Decay::Kind::kExponential:
        return std::pow(node.midpoint, scaled);
      case Decay::Kind::kGaussian:
        return std::pow(node.midpoint, scaled * scaled);
      case Decay::Kind::kLinear:
        break;
    }
    return std::max(0.0, 1 - (1 - node.midpoint) * scaled);
  }

 private:
  const SegmentSet& view_;
  const RankedHit& hit_;
  const std::map<const Filter*, CompiledFilter>& filters_;
  const std::string_view payload_;
};

Status CompileFilters(const Expression& expression,
                      const Schema& schema,
                      const std::string& path,
                      std::map<const Filter*, CompiledFilter>& filters) {
  const auto all = [&](const std::vector<Expression>& parts) {
    for (const Expression& part : parts) {
      ALIDADE_RETURN_IF_ERROR(CompileFilters(part, schema, path, filters));
    }
    return OkStatus();
  };
  if (const auto* holds = std::get_if<Holds>(&expression.node)) {
    ALIDADE_ASSIGN_OR_RETURN(QueryFilter filter, CompileFilter(*holds->filter, schema, path));
    filters.emplace(holds->filter.get(), std::move(filter.compiled));
  } else if (const auto* sum = std::get_if<Sum>(&expression.node)) {
    return all(sum->terms);
  } else if (const auto* product = std::get_if<Product>(&expression.node)) {
    return all(product->factors);
  } else if (const auto* logarithm = std::get_if<Logarithm>(&expression.node)) {
    return all(logarithm->of);
  }
  return OkStatus();
}

}  // namespace

StatusOr<CompiledFormula> CompiledFormula::Make(std::shared_ptr<const Expression> formula,
                                                const Schema& schema,
                                                const std::string& path) {
  CompiledFormula compiled;
  ALIDADE_RETURN_IF_ERROR(CompileFilters(*formula, schema, path, compiled.filters_));
  compiled.formula_ = std::move(formula);
  return compiled;
}

StatusOr<double> CompiledFormula::ScoreOf(const SegmentSet& view, const RankedHit& hit) const {
  const double score = Evaluation(view, hit, filters_).Of(*formula_);
  if (!std::isfinite(score)) {
    ALIDADE_ASSIGN_OR_RETURN(const PointId id, PointId::Decode(EncodedIdOf(view, hit.place)));
    return FailedPrecondition("the formula gives the point {} a score that is not a finite number",
                              id.ToString());
  }
  return score;
}

}  // namespace alidade
