#include "filter_message.h"

#include "alidade/filter/filter_text.h"

namespace alidade {
namespace {

void EncodeScalar(const Value& in, v1::Value& out) {
  if (const auto* flag = in.As<bool>()) {
    out.set_bool_value(*flag);
  } else if (const auto* integer = in.As<int64_t>()) {
    out.set_int64_value(*integer);
  } else if (const auto* number = in.As<double>()) {
    out.set_double_value(*number);
  } else if (const auto* text = in.As<std::string>()) {
    out.set_string_value(*text);
  } else {
    out.set_null_value(google::protobuf::NULL_VALUE);
  }
}

void EncodeGeoPoint(const GeoPoint& in, v1::GeoPoint& out) {
  out.set_lat(in.lat);
  out.set_lon(in.lon);
}

void EncodeRing(const std::vector<GeoPoint>& in, v1::GeoRing& out) {
  for (const GeoPoint& point : in) {
    EncodeGeoPoint(point, *out.add_points());
  }
}

// What is as it is by default stays unset.
void EncodeAnalyzerMessage(const AnalyzerConfig& in, v1::TextAnalyzer& out) {
  const AnalyzerConfig standard;
  if (in.language != standard.language) {
    out.set_language(std::string(LanguageName(in.language)));
  }
  out.set_keep_case(!in.fold_case);
  out.set_no_stemming(!in.stem);
  out.set_default_stop_words(in.stop_words == StopWords::kOfLanguage);
  for (const std::string& word : in.custom_stop_words) {
    out.add_stop_words(word);
  }
  out.set_token_bytes_min(in.token_bytes_min == standard.token_bytes_min ? 0 : in.token_bytes_min);
  out.set_token_bytes_max(in.token_bytes_max == standard.token_bytes_max ? 0 : in.token_bytes_max);
}

template <typename Message>
void EncodeFilters(const std::vector<Filter>& in, Message& out) {
  for (const Filter& filter : in) {
    EncodeFilter(filter, *out.add_filters());
  }
}

template <typename Condition>
void EncodeValues(const Condition& in, v1::InCondition& out) {
  out.set_key(in.key);
  for (const Value& value : in.values) {
    EncodeScalar(value, *out.add_values());
  }
}

// Bounds that are plain in the message.
template <typename AnyRange, typename Message>
void EncodeBounds(const AnyRange& in, Message& out) {
  out.set_key(in.key);
  if (in.gt.has_value()) {
    out.set_gt(*in.gt);
  }
  if (in.gte.has_value()) {
    out.set_gte(*in.gte);
  }
  if (in.lt.has_value()) {
    out.set_lt(*in.lt);
  }
  if (in.lte.has_value()) {
    out.set_lte(*in.lte);
  }
}

struct Encoder {
  v1::Filter& out;

  void operator()(const AllOf& in) const { EncodeFilters(in.children, *out.mutable_all_of()); }
  void operator()(const AnyOf& in) const { EncodeFilters(in.children, *out.mutable_any_of()); }
  void operator()(const NoneOf& in) const { EncodeFilters(in.children, *out.mutable_none_of()); }
  void operator()(const In& in) const {
    if (in.values.size() != 1) {
      EncodeValues(in, *out.mutable_is_in());
      return;
    }
    out.mutable_equals()->set_key(in.key);
    EncodeScalar(in.values[0], *out.mutable_equals()->mutable_value());
  }
  void operator()(const ContainsAll& in) const { EncodeValues(in, *out.mutable_contains_all()); }
  void operator()(const Range& in) const {
    v1::RangeCondition& range = *out.mutable_range();
    range.set_key(in.key);
    if (in.gt.has_value()) {
      EncodeScalar(*in.gt, *range.mutable_gt());
    }
    if (in.gte.has_value()) {
      EncodeScalar(*in.gte, *range.mutable_gte());
    }
    if (in.lt.has_value()) {
      EncodeScalar(*in.lt, *range.mutable_lt());
    }
    if (in.lte.has_value()) {
      EncodeScalar(*in.lte, *range.mutable_lte());
    }
  }
  void operator()(const DatetimeRange& in) const {
    EncodeBounds(in, *out.mutable_datetime_range());
  }
  void operator()(const CountRange& in) const { EncodeBounds(in, *out.mutable_count()); }
  void operator()(const Exists& in) const { out.mutable_exists()->set_key(in.key); }
  void operator()(const IsNull& in) const { out.mutable_is_null()->set_key(in.key); }
  void operator()(const IsEmpty& in) const { out.mutable_is_empty()->set_key(in.key); }
  void operator()(const StringMatch& in) const {
    v1::TextCondition& match = in.kind == StringMatchKind::kPrefix      ? *out.mutable_starts_with()
                               : in.kind == StringMatchKind::kSubstring ? *out.mutable_contains()
                                                                        : *out.mutable_icontains();
    match.set_key(in.key);
    match.set_text(in.text);
  }
  void operator()(const TextMatch& in) const {
    v1::TextMatchCondition& match = in.kind == TextMatchKind::kAllWords ? *out.mutable_match()
                                    : in.kind == TextMatchKind::kAnyWord
                                        ? *out.mutable_match_any()
                                        : *out.mutable_match_phrase();
    match.set_key(in.key);
    match.set_text(in.text);
    if (in.analyzer != AnalyzerConfig()) {
      EncodeAnalyzerMessage(in.analyzer, *match.mutable_analyzer());
    }
  }
  void operator()(const GeoRadius& in) const {
    v1::GeoRadiusCondition& radius = *out.mutable_geo_radius();
    radius.set_key(in.key);
    EncodeGeoPoint(in.center, *radius.mutable_center());
    radius.set_metres(in.metres);
  }
  void operator()(const GeoBox& in) const {
    v1::GeoBoxCondition& box = *out.mutable_geo_box();
    box.set_key(in.key);
    EncodeGeoPoint(in.south_west, *box.mutable_south_west());
    EncodeGeoPoint(in.north_east, *box.mutable_north_east());
  }
  void operator()(const GeoPolygon& in) const {
    v1::GeoPolygonCondition& polygon = *out.mutable_geo_polygon();
    polygon.set_key(in.key);
    EncodeRing(in.exterior, *polygon.mutable_exterior());
    for (const auto& hole : in.holes) {
      EncodeRing(hole, *polygon.add_holes());
    }
  }
  void operator()(const Nested& in) const {
    out.mutable_nested()->set_key(in.key);
    EncodeFilters(in.children, *out.mutable_nested());
  }
  void operator()(const IdIn& in) const {
    v1::IdInCondition& condition = *out.mutable_id_in();
    for (const PointId& id : in.ids) {
      if (id.is_number()) {
        condition.add_ids()->set_num(id.number());
      } else {
        condition.add_ids()->set_str(id.text());
      }
    }
  }
  void operator()(const HasVector& in) const { out.mutable_has_vector()->set_field(in.field); }
};

}  // namespace

void EncodeFilter(const Filter& in, v1::Filter& out) { std::visit(Encoder{out}, in.node); }

Status ParseAnalyzer(const std::string& text, v1::TextAnalyzer& out) {
  ALIDADE_ASSIGN_OR_RETURN(const AnalyzerConfig config, ParseAnalyzerText(text));
  EncodeAnalyzerMessage(config, out);
  return OkStatus();
}

Status ParseFilter(const std::string& text, v1::Filter& out) {
  ALIDADE_ASSIGN_OR_RETURN(const Filter filter, ParseFilterText(text));
  EncodeFilter(filter, out);
  return OkStatus();
}

}  // namespace alidade
