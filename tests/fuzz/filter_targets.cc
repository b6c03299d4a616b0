// Filters as people write them: their text, and the JSON of prepared queries.
#include <nlohmann/json.hpp>

#include "alidade/filter/compiled_filter.h"
#include "alidade/filter/filter_text.h"
#include "alidade/filter/instant.h"

#include "filter_codec.h"
#include "filter_message.h"
#include "json_value.h"
#include "targets.h"

namespace alidade::fuzz {
namespace {

void FuzzFilterText(std::string_view bytes) {
  const auto filter = ParseFilterText(bytes);
  if (!filter.ok()) {
    Require(filter.status().code() == StatusCode::kInvalidArgument,
            "a refusal is INVALID_ARGUMENT");
    return;
  }
  Accepted();
  const std::string text = FilterText(*filter);
  const auto again = ParseFilterText(text);
  Require(again.ok() && *again == *filter, "a filter survives its text: " + text);
  Require(IsValidUtf8(text) && IsValidUtf8(DescribeFilter(*filter)), "a filter's text can be sent");
  v1::Filter message;
  EncodeFilter(*filter, message);
  v1::Filter same;
  if (!same.ParseFromString(message.SerializeAsString())) {
    return;  // deeper than protobuf reads
  }
  const auto decoded = DecodeFilter(same, Limits(), FieldPath("filter"));
  const bool valid = ValidateFilter(*filter, Limits(), "filter").ok();
  Require(decoded.ok() == valid, "the server and the text have the same rules: " + text);
  Require(!valid || **decoded == *filter, "a filter survives the wire: " + text);
}

std::vector<std::string> FilterTextCorpus() {
  return {
      R"(year >= 2020 AND lang IN ["en", "de"] AND NOT exists(deleted))",
      R"(pos = "noun" or (length between 1 and 60.5 and `odd "key"\n` != null))",
      R"(1 < x <= 3 OR "a" <= y AND is_null(a.b) AND is_empty(c) AND missing(d))",
      R"(contains_all(t, ["a", true]) AND contains_any(t, []) AND starts_with(k, "\u00e9\xc3\xa9"))",
      R"(contains(k, "x") AND icontains(k, "X") AND count(k) != 3 AND 1 <= count(k) < 9)",
      R"(match(k, "a b") OR match_any(k, "a", "english stop=a,b") AND match_phrase(k, "a \xc3\x9f"))",
      R"(datetime(t) >= "2024-02-29T23:59:59.5+01:00" AND nested(a, b = 1 OR c = 2, NOT d = 3))",
      R"(geo_radius(p, 48.1, -11.5, 2e3) OR geo_box(p, -10, 170, 10, -170))",
      R"(geo_polygon(p, [[0, 0], [0, 9], [9, 0]], [[1, 1], [1, 2], [2, 1]]))",
      R"(id IN [18446744073709551615, "a"] AND id != 7 AND has_vector("title"))",
      R"(all_of() OR any_of(a = 1) OR none_of(a = 1, b = 2))"};
}

void FuzzFilterJson(std::string_view bytes) {
  const auto json = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  v1::Filter filter;
  if (json.is_discarded()) {
    return;
  }
  if (const Status status = JsonToFilter(json, filter); !status.ok()) {
    Require(status.code() == StatusCode::kInvalidArgument, "a refusal is INVALID_ARGUMENT");
    return;
  }
  Accepted();
  v1::Filter again;
  Require(again.ParseFromString(filter.SerializeAsString()), "a filter can be sent");
}

std::vector<std::string> FilterJsonCorpus() {
  return {
      R"({"pos": "noun", "length": {"lt": 60, "gte": 1}, "word": ["cat", 7], "not": {"x": null}})",
      R"({"any": [{"a": true}, {"b": {"exists": true}}], "equals": {"pos": "verb"}})",
      R"({"range": {"key": "length", "gt": 1.5}})"};
}

void FuzzInstant(std::string_view bytes) {
  const auto instant = ParseInstant(bytes);
  if (!instant.has_value()) {
    return;
  }
  Accepted();
  Require(instant->nanoseconds < 1'000'000'000, "nanoseconds are below a second");
  // 9999-12-31T23:59:60 in the westernmost offset.
  Require(
      instant->seconds >= -62'167'219'200 - 86'400 && instant->seconds <= 253'402'300'800 + 86'400,
      "an instant is of a year with four digits");
}

std::vector<std::string> InstantCorpus() {
  return {"2024-02-29T23:59:59.123456789+01:00",
          "2016-12-31t23:59:60z",
          "0000-01-01",
          "9999-12-31 23:59:59"};
}

}  // namespace

std::vector<FuzzTarget> FilterTargets() {
  return {{.name = "FilterText",
           .run = FuzzFilterText,
           .corpus = FilterTextCorpus,
           .words = {" AND ",
                     " OR ",
                     "NOT ",
                     "IN [",
                     "BETWEEN ",
                     "all_of(",
                     "nested(k, ",
                     "count(k)",
                     "datetime(k)",
                     "\"x\"",
                     "`k`",
                     "null",
                     "1.5",
                     "-7",
                     ")",
                     "(",
                     ", ",
                     "\\u00e9"},
           .rounds = 20'000},
          {.name = "FilterJson",
           .run = FuzzFilterJson,
           .corpus = FilterJsonCorpus,
           .words = {"{", "}", "[", "]", "null", "\"not\":", "\"any\":", "\"lt\":", "1e999"},
           .rounds = 5'000},
          {.name = "Instant", .run = FuzzInstant, .corpus = InstantCorpus, .rounds = 20'000}};
}

}  // namespace alidade::fuzz
