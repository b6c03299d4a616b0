#include "model/operation.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace alidade {
namespace {

constexpr std::array<const char*, kActions> kNames = {"kUpsert",
                                                      "kUpsertWithRequestId",
                                                      "kDelete",
                                                      "kRetry",
                                                      "kGet",
                                                      "kCount",
                                                      "kList",
                                                      "kSearchExact",
                                                      "kSearchApproximate",
                                                      "kFlush",
                                                      "kWaitIndexed",
                                                      "kUpdateConfig",
                                                      "kAlias",
                                                      "kRecreate",
                                                      "kReopen",
                                                      "kDamage",
                                                      "kChangePayload",
                                                      "kDeleteByFilter",
                                                      "kUpsertConditionally",
                                                      "kBatch"};
// Shares of the actions, in their order.
constexpr std::array<uint32_t, kActions> kWeights = {30, 4, 14, 4, 6, 7, 4,  12, 8, 2,
                                                     2,  2, 3,  1, 3, 1, 16, 2,  5, 6};

uint32_t Below(std::mt19937_64& rng, uint32_t end) { return static_cast<uint32_t>(rng() % end); }

VectorField Field(uint16_t id, const std::string& name, uint32_t dim, Metric metric) {
  // Coarse graphs: quick to build, and as good as any to be searched wrongly.
  return {.id = FieldId(id),
          .name = name,
          .dim = dim,
          .metric = metric,
          .index = {.hnsw_m = 6, .hnsw_ef_construction = 24}};
}

Object PayloadOf(std::mt19937_64& rng) {
  static const std::array<const char*, 4> kColors = {"red", "green", "blue", ""};
  Object payload;
  if (Below(rng, 8) != 0) {
    payload["color"] = Value(kColors[Below(rng, 4)]);
  }
  payload["n"] = Below(rng, 2) == 0 ? Value(static_cast<int64_t>(Below(rng, 50)))
                                    : Value(static_cast<double>(Below(rng, 100)) / 2);
  payload["deep"] = Value(Object{{"flag", Value(Below(rng, 2) == 0)}});
  if (Below(rng, 10) == 0) {
    payload["long"] = Value(std::string(Below(rng, 2'000), 'x'));
  }
  return payload;
}

}  // namespace

Trace MakeTrace(uint64_t seed, const Scale& scale) {
  std::mt19937_64 rng(seed);
  auto weights = kWeights;
  weights[static_cast<size_t>(Action::kWaitIndexed)] = scale.settle_weight;
  std::discrete_distribution<uint32_t> action(weights.begin(), weights.end());
  Trace trace;
  for (uint32_t i = 0; i < scale.operations; ++i) {
    Operation operation;
    operation.action = static_cast<Action>(action(rng));
    operation.collection = Below(rng, 2);
    operation.first = Below(rng, scale.ids);
    const uint32_t most = operation.action == Action::kDelete ? scale.deletes_max : scale.rows_max;
    operation.rows = 1 + Below(rng, Below(rng, 3) == 0 ? 3 : most);
    operation.seed = rng();
    trace.push_back(operation);
  }
  return trace;
}

std::string Describe(const Operation& operation) {
  return fmt::format("{{Action::{}, {}, {}, {}, {:#x}}},",
                     kNames[static_cast<size_t>(operation.action)],
                     operation.collection,
                     operation.first,
                     operation.rows,
                     operation.seed);
}

std::vector<CollectionConfig> ModelCollections() {
  std::vector<CollectionConfig> configs(2);
  configs[1].payload_indexes = {{PayloadIndexId(), "color", PayloadIndexType::kKeyword, {}, true}};
  configs[0].name = "exact";
  configs[0].fields = {Field(1, "v", 3, Metric::kL2), Field(2, "w", 2, Metric::kDot)};
  configs[1].name = "angles";
  configs[1].fields = {Field(1, "v", 5, Metric::kCosine)};
  // Small whole numbers, as VectorOf gives them, are all representable.
  configs[0].fields[1].element = ElementType::kFloat16;
  configs[1].fields[0].element = ElementType::kBfloat16;
  return configs;
}

PointId ModelId(uint32_t index) {
  return index % 3 == 0 ? PointId("t" + std::to_string(index)) : PointId(uint64_t{index});
}

std::vector<OwnedPoint> PointsOf(const Operation& operation) {
  std::mt19937_64 rng(operation.seed);
  const CollectionConfig config = ModelCollections()[operation.collection];
  std::vector<OwnedPoint> points;
  for (uint32_t i = 0; i < operation.rows; ++i) {
    OwnedPoint point;
    point.id = ModelId(operation.first + (Below(rng, 20) == 0 ? i / 2 : i));
    point.payload = PayloadOf(rng);
    for (const VectorField& field : config.fields) {
      if (Below(rng, 12) != 0) {
        point.vectors[field.name] = VectorOf(rng, field.dim);
      }
    }
    points.push_back(std::move(point));
  }
  return points;
}

std::vector<PointId> IdsOf(const Operation& operation) {
  std::vector<PointId> ids;
  for (uint32_t i = 0; i < operation.rows; ++i) {
    ids.push_back(ModelId(operation.first + i));
  }
  return ids;
}

PayloadRequest ChangeOf(const Operation& operation) {
  std::mt19937_64 rng(operation.seed ^ 0xC4A);
  PayloadRequest request;
  if (auto filter = FilterOf(operation); filter != nullptr && Below(rng, 3) == 0) {
    request.points.filter = std::move(filter);
  } else {
    request.points.ids = IdsOf(operation);
  }
  request.edit.kind = static_cast<PayloadEdit::Kind>(Below(rng, 3));
  switch (request.edit.kind) {
    case PayloadEdit::Kind::kMerge:
      request.edit.merged = PayloadOf(rng);
      request.edit.merged.erase("n");
      break;
    case PayloadEdit::Kind::kOverwrite:
      EncodeObject(PayloadOf(rng), request.edit.whole);
      break;
    case PayloadEdit::Kind::kDeleteKeys:
      request.edit.keys = {Below(rng, 2) == 0 ? "color" : "deep.flag", "nothing"};
      break;
  }
  return request;
}

namespace {

Filter RangeOf(std::mt19937_64& rng) {
  const auto from = static_cast<int64_t>(Below(rng, 50));
  return {Range{.key = "n", .gte = Value(from), .lt = Value(from + 12)}};
}

}  // namespace

std::shared_ptr<const Filter> NarrowFilterOf(const Operation& operation) {
  std::mt19937_64 rng(operation.seed ^ 0xF17);
  return std::make_shared<Filter>(RangeOf(rng));
}

std::shared_ptr<const Filter> FilterOf(const Operation& operation) {
  std::mt19937_64 rng(operation.seed ^ 0x5EED);
  const Filter color{In{"color", {Value("red"), Value("blue")}}};
  const Filter range = RangeOf(rng);
  switch (Below(rng, 6)) {
    case 0:
      return std::make_shared<Filter>(color);
    case 1:
      return std::make_shared<Filter>(range);
    case 2:
      return std::make_shared<Filter>(Filter{NoneOf{{color, range}}});
    case 3:
      return Equals("deep.flag", Value(true));
    default:
      return nullptr;
  }
}

std::vector<float> VectorOf(std::mt19937_64& rng, uint32_t dim) {
  std::vector<float> vector(dim);
  for (float& x : vector) {
    x = static_cast<float>(Below(rng, 21)) - 10.0F;
  }
  if (vector[0] == 0) {
    vector[0] = 1;  // cosine has no zero vector
  }
  return vector;
}

}  // namespace alidade
