#include "filter_codec.h"

#include <optional>
#include <utility>

#include <google/protobuf/unknown_field_set.h>

#include "value_codec.h"

namespace alidade {
namespace {

Status RefuseUnknownFields(const google::protobuf::Message& message, const FieldPath& path) {
  const auto& unknown = message.GetReflection()->GetUnknownFields(message);
  if (unknown.empty()) {
    return OkStatus();
  }
  return FieldError(
      path.ToString(),
      "has field number {} that this server does not know; it is refused because ignoring it "
      "would widen the filter",
      unknown.field(0).number());
}

class FilterDecoder {
 public:
  explicit FilterDecoder(const Limits& limits) : limits_(limits) {}

  StatusOr<Filter> Decode(const v1::Filter& in, uint32_t depth, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
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
        return DecodeIn(in.is_in(), path.Field("is_in"));
      case v1::Filter::kRange:
        return DecodeRange(in.range(), path.Field("range"));
      case v1::Filter::kExists:
        return DecodeKeyOnly<Exists>(in.exists(), path.Field("exists"));
      case v1::Filter::kIsNull:
        return DecodeKeyOnly<IsNull>(in.is_null(), path.Field("is_null"));
      case v1::Filter::NODE_NOT_SET:
        break;
    }
    return FieldError(path.ToString(), "sets no condition");
  }

 private:
  static Status CheckKey(const std::string& key, const FieldPath& path) {
    if (key.empty() || key.size() > kFilterKeyBytesMax) {
      return FieldError(path.Field("key").ToString(),
                        "has {} bytes; 1..{} are allowed",
                        key.size(),
                        kFilterKeyBytesMax);
    }
    return OkStatus();
  }

  static StatusOr<Value> DecodeOperand(const v1::Value& in, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
    return DecodeScalar(in, path);
  }

  template <typename Group>
  StatusOr<Filter> DecodeGroup(const v1::FilterList& in, uint32_t depth, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
    const FieldPath list = path.Field("filters");
    Group group;
    for (int i = 0; i < in.filters_size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(Filter child,
                               Decode(in.filters(i), depth + 1, list.At(static_cast<size_t>(i))));
      group.children.push_back(std::move(child));
    }
    return Filter{std::move(group)};
  }

  template <typename Condition, typename Message>
  static StatusOr<Filter> DecodeKeyOnly(const Message& in, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
    ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), path));
    return Filter{Condition{in.key()}};
  }

  static StatusOr<Filter> DecodeEquals(const v1::EqualsCondition& in, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
    ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), path));
    ALIDADE_ASSIGN_OR_RETURN(Value value, DecodeOperand(in.value(), path.Field("value")));
    In condition;
    condition.key = in.key();
    condition.values.push_back(std::move(value));
    return Filter{std::move(condition)};
  }

  StatusOr<Filter> DecodeIn(const v1::InCondition& in, const FieldPath& path) const {
    ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
    ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), path));
    const FieldPath list = path.Field("values");
    if (static_cast<uint32_t>(in.values_size()) > limits_.filter_values_max) {
      return FieldError(list.ToString(),
                        "has {} values, the limit is {}",
                        in.values_size(),
                        limits_.filter_values_max);
    }
    In condition;
    condition.key = in.key();
    for (int i = 0; i < in.values_size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(Value value,
                               DecodeOperand(in.values(i), list.At(static_cast<size_t>(i))));
      condition.values.push_back(std::move(value));
    }
    return Filter{std::move(condition)};
  }

  static StatusOr<std::optional<Value>> DecodeBound(bool present,
                                                    const v1::Value& in,
                                                    const FieldPath& path) {
    std::optional<Value> bound;
    if (present) {
      ALIDADE_ASSIGN_OR_RETURN(bound, DecodeOperand(in, path));
      if (bound->As<int64_t>() == nullptr && bound->As<double>() == nullptr &&
          bound->As<std::string>() == nullptr) {
        return FieldError(path.ToString(), "must be a number or a string");
      }
    }
    return bound;
  }

  static StatusOr<Filter> DecodeRange(const v1::RangeCondition& in, const FieldPath& path) {
    ALIDADE_RETURN_IF_ERROR(RefuseUnknownFields(in, path));
    ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), path));
    Range range;
    range.key = in.key();
    ALIDADE_ASSIGN_OR_RETURN(range.gt, DecodeBound(in.has_gt(), in.gt(), path.Field("gt")));
    ALIDADE_ASSIGN_OR_RETURN(range.gte, DecodeBound(in.has_gte(), in.gte(), path.Field("gte")));
    ALIDADE_ASSIGN_OR_RETURN(range.lt, DecodeBound(in.has_lt(), in.lt(), path.Field("lt")));
    ALIDADE_ASSIGN_OR_RETURN(range.lte, DecodeBound(in.has_lte(), in.lte(), path.Field("lte")));
    if ((range.gt.has_value() && range.gte.has_value()) ||
        (range.lt.has_value() && range.lte.has_value())) {
      return FieldError(path.ToString(), "has two lower or two upper bounds");
    }
    int numbers = 0;
    int strings = 0;
    for (const auto* bound : {&range.gt, &range.gte, &range.lt, &range.lte}) {
      if (bound->has_value()) {
        ((*bound)->As<std::string>() != nullptr ? strings : numbers) += 1;
      }
    }
    if (numbers + strings == 0) {
      return FieldError(path.ToString(), "has no bound");
    }
    if (numbers > 0 && strings > 0) {
      return FieldError(path.ToString(), "mixes numbers and strings");
    }
    return Filter{std::move(range)};
  }

  const Limits& limits_;
  uint32_t nodes_ = 0;
};

}  // namespace

StatusOr<std::shared_ptr<const Filter>> DecodeFilter(const v1::Filter& in,
                                                     const Limits& limits,
                                                     const FieldPath& path) {
  ALIDADE_ASSIGN_OR_RETURN(Filter filter, FilterDecoder(limits).Decode(in, 1, path));
  // The rules themselves belong to `filter`; the decoder checked them with the paths of the
  // message, which are exact where a domain node has several forms on the wire.
  ALIDADE_RETURN_IF_ERROR(ValidateFilter(filter, limits, path.ToString()));
  return std::make_shared<const Filter>(std::move(filter));
}

}  // namespace alidade
