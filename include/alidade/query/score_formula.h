// ScoreFormula: a score made of the score so far and of the payload.
//
// Threads:  CompiledFormula is immutable.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/filter/compiled_filter.h"
#include "alidade/filter/filter.h"
#include "alidade/filter/instant.h"
#include "alidade/query/ranking.h"
#include "alidade/segment/schema.h"

namespace alidade {

struct Expression;

struct ScoreSoFar {};
struct NumberAt {
  std::string key;     // dotted path; of a list its first number
  double missing = 0;  // where there is no number
};
struct Holds {  // 1 if the filter holds for the point, else 0
  std::shared_ptr<const Filter> filter;
};
struct Sum {
  std::vector<Expression> terms;
};
struct Product {
  std::vector<Expression> factors;
};
struct Logarithm {             // ln(1 + x); of x <= -1 it has no value
  std::vector<Expression> of;  // one
};

// 1 at the target, `midpoint` at the distance `scale` from it, falling to all sides.
struct Decay {
  enum class Kind {
    kExponential,  // midpoint ^ (distance / scale)
    kGaussian,     // midpoint ^ (distance / scale)^2
    kLinear,       // 1 - (1 - midpoint) * distance / scale, at least 0
  };
  Kind kind = Kind::kExponential;
  std::string key;
  // Numbers, RFC 3339 strings as instants, or places; of a list the first that is one.
  std::variant<double, Instant, GeoPoint> target = 0.0;
  double scale = 1;       // above 0; of instants in seconds, of places in metres
  double midpoint = 0.5;  // above 0, below 1
  double missing = 0;     // where there is no such value
};

struct Expression {
  std::variant<double, ScoreSoFar, NumberAt, Holds, Sum, Product, Logarithm, Decay> node;
};

// A formula ready for many hits of one view.
class CompiledFormula {
 public:
  // Requires: the filters passed ValidateFilter; nesting that a recursion stands.
  // Errors: INVALID_ARGUMENT as CompileFilter gives it, for the filters at `path`.
  static StatusOr<CompiledFormula> Make(std::shared_ptr<const Expression> formula,
                                        const Schema& schema,
                                        const std::string& path);

  // Errors: FAILED_PRECONDITION naming the point if the result is not a finite number.
  StatusOr<double> ScoreOf(const SegmentSet& view, const RankedHit& hit) const;

 private:
  CompiledFormula() = default;

  std::shared_ptr<const Expression> formula_;
  std::map<const Filter*, CompiledFilter> filters_;
};

}  // namespace alidade
