#include "filter_codec.h"

#include <optional>
#include <utility>

#include <google/protobuf/unknown_field_set.h>

#include "point_codec.h"
#include "text_codec.h"
#include "value_codec.h"

namespace alidade {
namespace {

// A field that this server does not know: its number, and the path of the message that has it.
struct UnknownField {
  std::string path;
  int number = 0;
};

std::optional<UnknownField> FindUnknownField(const google::protobuf::Message& message) {
  const auto* reflection = message.GetReflection();
  if (const auto& unknown = reflection->GetUnknownFields(message); !unknown.empty()) {
    return UnknownField{.path = "", .number = unknown.field(0).number()};
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      auto found =
          FindUnknownField(field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                                : reflection->GetMessage(message, field));
      if (found.has_value()) {
        found->path = fmt::format(".{}{}{}",
                                  field->name(),
                                  field->is_repeated() ? fmt::format("[{}]", i) : "",
                                  found->path);
        return found;
      }
    }
  }
  return std::nullopt;
}

Status RefuseUnknownFields(const google::protobuf::Message& message, const FieldPath& path) {
  const auto unknown = FindUnknownField(message);
  if (!unknown.has_value()) {
    return OkStatus();
  }
  return FieldError(path.ToString() + unknown->path,
                    "has field number {} that this server does not know; it is refused because "
                    "ignoring it would widen the filter",
                    unknown->number);
}

GeoPoint ToPoint(const v1::GeoPoint& in) { return {.lat = in.lat(), .lon = in.lon()}; }

std::vector<GeoPoint> ToRing(const v1::GeoRing& in) {
  std::vector<GeoPoint> ring;
  for (const v1::GeoPoint& point : in.points()) {
    ring.push_back(ToPoint(point));
  }
  return ring;
}

Status RequireSet(bool set, const FieldPath& path) {
  return set ? OkStatus() : FieldError(path.ToString(), "must be set");
}

// Builds the tree. Of the rules of filters (ValidateFilter) it checks only what bounds its own
// work, and what the tree does not show any more.
class FilterDecoder {
 public:
  explicit FilterDecoder(const Limits& limits) : limits_(limits) {}

  StatusOr<Filter> Decode(const v1::Filter& in, uint32_t depth, const FieldPath& path) {
    if (depth > limits_.filter_depth_max) {
      return FieldError(
          path.ToString(), "is nested deeper than {} levels", limits_.filter_depth_max);
    }
    if (++nodes_ > limits_.filter_nodes_max) {
      return FieldError(path.ToString(), "has more than {} nodes", limits_.filter_nodes_max);
    }
    switch (in.node_case()) {
      case v1::Filter::kAllOf:
        return DecodeGroup<AllOf>(in.all_of(), depth, path.Field("all_of"));
      case v1::Filter::kAnyOf:
        return DecodeGroup<AnyOf>(in.any_of(), depth, path.Field("any_of"));
      case v1::Filter::kNoneOf:
        return DecodeGroup<NoneOf>(in.none_of(), depth, path.Field("none_of"));
      case v1::Filter::kEquals:
        return DecodeEquals(in.equals(), path.Field("equals"));
      case v1::Filter::kIsIn:
        return DecodeValues<In>(in.is_in(), path.Field("is_in"));
      case v1::Filter::kContainsAll:
        return DecodeValues<ContainsAll>(in.contains_all(), path.Field("contains_all"));
      case v1::Filter::kRange:
        return DecodeRange(in.range(), path.Field("range"));
      case v1::Filter::kExists:
        return Filter{Exists{in.exists().key()}};
      case v1::Filter::kIsNull:
        return Filter{IsNull{in.is_null().key()}};
      case v1::Filter::kIsEmpty:
        return Filter{IsEmpty{in.is_empty().key()}};
      case v1::Filter::kStartsWith:
        return DecodeText(in.starts_with(), StringMatchKind::kPrefix);
      case v1::Filter::kContains:
        return DecodeText(in.contains(), StringMatchKind::kSubstring);
      case v1::Filter::kIcontains:
        return DecodeText(in.icontains(), StringMatchKind::kFolded);
      case v1::Filter::kMatch:
        return DecodeMatch(in.match(), TextMatchKind::kAllWords, path.Field("match"));
      case v1::Filter::kMatchAny:
        return DecodeMatch(in.match_any(), TextMatchKind::kAnyWord, path.Field("match_any"));
      case v1::Filter::kMatchPhrase:
        return DecodeMatch(in.match_phrase(), TextMatchKind::kPhrase, path.Field("match_phrase"));
      case v1::Filter::kDatetimeRange:
        return DecodeBounds<DatetimeRange>(in.datetime_range());
      case v1::Filter::kCount:
        return DecodeBounds<CountRange>(in.count());
      case v1::Filter::kGeoRadius:
        return DecodeRadius(in.geo_radius(), path.Field("geo_radius"));
      case v1::Filter::kGeoBox:
        return DecodeBox(in.geo_box(), path.Field("geo_box"));
      case v1::Filter::kGeoPolygon:
        return DecodePolygon(in.geo_polygon(), path.Field("geo_polygon"));
      case v1::Filter::kNested:
        return DecodeNested(in.nested(), depth, path.Field("nested"));
      case v1::Filter::kIdIn:
        return DecodeIds(in.id_in(), path.Field("id_in"));
      case v1::Filter::kHasVector:
        return Filter{HasVector{in.has_vector().field()}};
      case v1::Filter::NODE_NOT_SET:
        break;
    }
    return FieldError(path.ToString(), "sets no condition");
  }

 private:
  template <typename Message>
  StatusOr<std::vector<Filter>> DecodeFilters(const Message& in,
                                              uint32_t depth,
                                              const FieldPath& path) {
    const FieldPath list = path.Field("filters");
    std::vector<Filter> filters;
    for (int i = 0; i < in.filters_size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(Filter child,
                               Decode(in.filters(i), depth + 1, list.At(static_cast<size_t>(i))));
      filters.push_back(std::move(child));
    }
    return filters;
  }

  template <typename Group>
  StatusOr<Filter> DecodeGroup(const v1::FilterList& in, uint32_t depth, const FieldPath& path) {
    ALIDADE_ASSIGN_OR_RETURN(std::vector<Filter> filters, DecodeFilters(in, depth, path));
    return Filter{Group{std::move(filters)}};
  }

  StatusOr<Filter> DecodeNested(const v1::NestedCondition& in,
                                uint32_t depth,
                                const FieldPath& path) {
    ALIDADE_ASSIGN_OR_RETURN(std::vector<Filter> filters, DecodeFilters(in, depth, path));
    return Filter{Nested{in.key(), std::move(filters)}};
  }

  // In the tree it is an `is_in` of one value: its key is checked under its own name here.
  static StatusOr<Filter> DecodeEquals(const v1::EqualsCondition& in, const FieldPath& path) {
    if (in.key().empty() || in.key().size() > kFilterKeyBytesMax) {
      return FieldError(path.Field("key").ToString(),
                        "has {} bytes; 1..{} are allowed",
                        in.key().size(),
                        kFilterKeyBytesMax);
    }
    In condition{in.key(), {}};
    ALIDADE_ASSIGN_OR_RETURN(Value value, DecodeScalar(in.value(), path.Field("value")));
    condition.values.push_back(std::move(value));
    return Filter{std::move(condition)};
  }

  Status CheckSize(int size, const char* what, const FieldPath& path) const {
    if (static_cast<uint32_t>(size) > limits_.filter_values_max) {
      return FieldError(
          path.ToString(), "has {} {}, the limit is {}", size, what, limits_.filter_values_max);
    }
    return OkStatus();
  }

  template <typename Condition>
  StatusOr<Filter> DecodeValues(const v1::InCondition& in, const FieldPath& path) const {
    const FieldPath list = path.Field("values");
    ALIDADE_RETURN_IF_ERROR(CheckSize(in.values_size(), "values", list));
    Condition condition{in.key(), {}};
    for (int i = 0; i < in.values_size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(Value value,
                               DecodeScalar(in.values(i), list.At(static_cast<size_t>(i))));
      condition.values.push_back(std::move(value));
    }
    return Filter{std::move(condition)};
  }

  StatusOr<Filter> DecodeIds(const v1::IdInCondition& in, const FieldPath& path) const {
    const FieldPath list = path.Field("ids");
    ALIDADE_RETURN_IF_ERROR(CheckSize(in.ids_size(), "ids", list));
    IdIn condition;
    for (int i = 0; i < in.ids_size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(PointId id,
                               DecodePointId(in.ids(i), list.At(static_cast<size_t>(i))));
      condition.ids.push_back(std::move(id));
    }
    return Filter{std::move(condition)};
  }

  static StatusOr<std::optional<Value>> DecodeBound(bool present,
                                                    const v1::Value& in,
                                                    const FieldPath& path) {
    std::optional<Value> bound;
    if (present) {
      ALIDADE_ASSIGN_OR_RETURN(bound, DecodeScalar(in, path));
    }
    return bound;
  }

  static StatusOr<Filter> DecodeRange(const v1::RangeCondition& in, const FieldPath& path) {
    Range range{.key = in.key()};
    ALIDADE_ASSIGN_OR_RETURN(range.gt, DecodeBound(in.has_gt(), in.gt(), path.Field("gt")));
    ALIDADE_ASSIGN_OR_RETURN(range.gte, DecodeBound(in.has_gte(), in.gte(), path.Field("gte")));
    ALIDADE_ASSIGN_OR_RETURN(range.lt, DecodeBound(in.has_lt(), in.lt(), path.Field("lt")));
    ALIDADE_ASSIGN_OR_RETURN(range.lte, DecodeBound(in.has_lte(), in.lte(), path.Field("lte")));
    return Filter{std::move(range)};
  }

  template <typename AnyRange, typename Message>
  static Filter DecodeBounds(const Message& in) {
    AnyRange range{.key = in.key()};
    const auto set = [](auto& bound, bool present, const auto& value) {
      if (present) {
        bound = value;
      }
    };
    set(range.gt, in.has_gt(), in.gt());
    set(range.gte, in.has_gte(), in.gte());
    set(range.lt, in.has_lt(), in.lt());
    set(range.lte, in.has_lte(), in.lte());
    return Filter{std::move(range)};
  }

  static Filter DecodeText(const v1::TextCondition& in, StringMatchKind kind) {
    return Filter{StringMatch{in.key(), kind, in.text()}};
  }

  static StatusOr<Filter> DecodeMatch(const v1::TextMatchCondition& in,
                                      TextMatchKind kind,
                                      const FieldPath& path) {
    TextMatch match{.key = in.key(), .kind = kind, .text = in.text()};
    ALIDADE_ASSIGN_OR_RETURN(match.analyzer,
                             DecodeTextAnalyzer(in.analyzer(), path.Field("analyzer")));
    return Filter{std::move(match)};
  }

  static StatusOr<Filter> DecodeRadius(const v1::GeoRadiusCondition& in, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RequireSet(in.has_center(), path.Field("center")));
    return Filter{GeoRadius{in.key(), ToPoint(in.center()), in.metres()}};
  }

  static StatusOr<Filter> DecodeBox(const v1::GeoBoxCondition& in, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RequireSet(in.has_south_west(), path.Field("south_west")));
    ALIDADE_RETURN_IF_ERROR(RequireSet(in.has_north_east(), path.Field("north_east")));
    return Filter{GeoBox{in.key(), ToPoint(in.south_west()), ToPoint(in.north_east())}};
  }

  static StatusOr<Filter> DecodePolygon(const v1::GeoPolygonCondition& in, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RequireSet(in.has_exterior(), path.Field("exterior")));
    GeoPolygon polygon{in.key(), ToRing(in.exterior())};
    for (const v1::GeoRing& hole : in.holes()) {
      polygon.holes.push_back(ToRing(hole));
    }
    return Filter{std::move(polygon)};
  }

  const Limits& limits_;
  uint32_t nodes_ = 0;
};

}  // namespace

StatusOr<std::shared_ptr<const Filter>> DecodeFilter(const v1::Filter& in,
                                                     const Limits& limits,
                                                     const FieldPath& path) {
  ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
  ALIDADE_ASSIGN_OR_RETURN(Filter filter, FilterDecoder(limits).Decode(in, 1, path));
  ALIDADE_RETURN_IF_ERROR(ValidateFilter(filter, limits, path.ToString()));
  return std::make_shared<const Filter>(std::move(filter));
}

}  // namespace alidade
