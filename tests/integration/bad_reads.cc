// Rows of the table of bad input: gets, counts, lists, searches, and the filters of all of them.
#include "integration/bad_input.h"

namespace alidade::testing {
namespace {

using Get = v1::GetPointsRequest;
using Count = v1::CountPointsRequest;
using List = v1::ListPointsRequest;
using Search = v1::SearchRequest;
using Facet = v1::FacetPointsRequest;
using Bounds = v1::GetPayloadBoundsRequest;

Get GetMany() {
  Get request;
  request.set_collection("c");
  for (uint64_t i = 0; i < 10'001; ++i) {
    request.add_ids()->set_num(i);
  }
  return request;
}

// A listing that goes on with the token of another listing.
BadInput ForeignToken(const char* name, const std::string& from, const std::string& to) {
  return {name,
          [from, to](Client& client) {
            auto first = Parse<List>(from + " page_size: 2");
            auto second = Parse<List>(to);
            second.set_page_token(Must(client, first).next_page_token());
            EXPECT_FALSE(second.page_token().empty());
            return client.Send(second);
          },
          grpc::StatusCode::INVALID_ARGUMENT,
          "page_token",
          "INVALID_ARGUMENT"};
}

// A listing whose token has one character changed.
BadInput DamagedToken(const char* name, size_t position) {
  return {name,
          [position](Client& client) {
            auto request = Parse<List>("collection: 'c' page_size: 2");
            std::string token = Must(client, request).next_page_token();
            if (token.size() <= position) {
              return grpc::Status(grpc::StatusCode::UNKNOWN, "the token is short: " + token);
            }
            token[position] = token[position] == '0' ? '1' : '0';
            request.set_page_token(token);
            return client.Send(request);
          },
          grpc::StatusCode::INVALID_ARGUMENT,
          "page_token",
          "INVALID_ARGUMENT"};
}

// A read that wants a write of the future and has no time to wait for it.
template <typename Request>
BadInput Impatient(const char* name, const char* text) {
  return {name,
          [request = Parse<Request>(text)](Client& client) {
            client.set_timeout(milliseconds(150));
            const grpc::Status status = client.Send(request);
            client.set_timeout(milliseconds(20'000));
            return status;
          },
          grpc::StatusCode::DEADLINE_EXCEEDED,
          "",
          ""};
}

// The filter in a count of "c".
BadInput Filtered(std::string name, const std::string& filter, std::string field) {
  return Invalid(
      std::move(name), Parse<Count>("collection: 'c' filter { " + filter + " }"), std::move(field));
}

// The same with a field number that the server does not know in the part that `pick` gives.
template <typename Pick>
BadInput UnknownField(std::string name, const std::string& filter, std::string field, Pick pick) {
  Count request = Parse<Count>("collection: 'c' filter { " + filter + " }");
  google::protobuf::Message* part = pick(*request.mutable_filter());
  part->GetReflection()->MutableUnknownFields(part)->AddVarint(99, 1);
  return Invalid(std::move(name), request, std::move(field));
}

Count WithManyIds() {
  Count request = Parse<Count>("collection: 'c' filter { id_in {} }");
  for (uint64_t i = 0; i < 10'001; ++i) {
    request.mutable_filter()->mutable_id_in()->add_ids()->set_num(i);
  }
  return request;
}

Count WithManyValues() {
  Count request = Parse<Count>("collection: 'c' filter { is_in { key: 'n' } }");
  for (int i = 0; i < 10'001; ++i) {
    request.mutable_filter()->mutable_is_in()->add_values()->set_int64_value(i);
  }
  return request;
}

// One query of "c" with k and more.
Search Near(const std::string& more) {
  return Parse<Search>("collection: 'c' queries { vector { values { values: [1, 2, 3, 4] } } } " +
                       more);
}

Search WithQueries(int queries, uint32_t k) {
  Search request;
  request.set_collection("c");
  request.set_k(k);
  for (int i = 0; i < queries; ++i) {
    request.add_queries()->mutable_point_id()->set_num(1);
  }
  return request;
}

// ef as a client in a language without unsigned integers sends -1: ten bytes of varint.
std::string NegativeVarint(int field) {
  return std::string(1, static_cast<char>(field << 3)) + std::string(9, '\xFF') + '\x01';
}

BadInput NegativeEf() {
  std::string wire = Near("k: 1").SerializeAsString();
  const std::string params = NegativeVarint(1);
  wire += std::string(1, static_cast<char>(5 << 3 | 2)) + static_cast<char>(params.size()) + params;
  return {"a negative ef",
          [wire](Client& client) { return client.SendBytes(kSearchMethod, wire); },
          grpc::StatusCode::INVALID_ARGUMENT,
          "params.ef",
          "INVALID_ARGUMENT"};
}

BadInput CutOff() {
  std::string wire = Near("k: 1").SerializeAsString();
  wire.pop_back();
  return {"a message that ends in the middle",
          [wire](Client& client) { return client.SendBytes(kSearchMethod, wire); },
          grpc::StatusCode::INVALID_ARGUMENT,
          "",
          "MALFORMED_REQUEST"};
}

BadInput NegativeK() {
  const std::string wire = Near("").SerializeAsString() + NegativeVarint(4);
  return {"a negative k",
          [wire](Client& client) { return client.SendBytes(kSearchMethod, wire); },
          grpc::StatusCode::INVALID_ARGUMENT,
          "k",
          "INVALID_ARGUMENT"};
}

}  // namespace

std::vector<BadInput> BadReads() {
  const std::string c = "collection: 'c' ids { num: 1 } ";
  const std::string names17 = [] {
    std::string names;
    for (int i = 0; i < 17; ++i) {
      names += fmt::format("with_vectors: 'f{}' ", i);
    }
    return names;
  }();
  return {
      Invalid<Get>("a get of nothing", "collection: 'c'", "ids"),
      Invalid("a get of too many ids", GetMany(), "ids"),
      Invalid<Get>("a get without an id", "collection: 'c' ids { num: 1 } ids {}", "ids[1]"),
      Invalid("a get of a long id",
              Parse<Get>("collection: 'c' ids { str: '" + std::string(257, 'x') + "' }"),
              "ids[0]"),
      Refused<Get>("a get from a collection that is not there",
                   "collection: 'nope' ids { num: 1 }",
                   grpc::StatusCode::NOT_FOUND,
                   "COLLECTION_NOT_FOUND"),
      Invalid(
          "a vector field that is not there", Parse<Get>(c + "with_vectors: 'w'"), "with_vectors"),
      Invalid("a vector field twice",
              Parse<Get>(c + "with_vectors: 'v' with_vectors: 'v'"),
              "with_vectors[1]"),
      Invalid("all vector fields and one more",
              Parse<Get>(c + "with_vectors: 'v' with_vectors: '*'"),
              "with_vectors[1]"),
      Invalid("more names than fields may be", Parse<Get>(c + names17), "with_vectors"),
      Invalid("a payload selector with nothing set", Parse<Get>(c + "payload {}"), "payload"),
      Invalid("an empty list of payload keys", Parse<Get>(c + "payload { include {} }"), "payload"),
      Invalid(
          "an empty payload key", Parse<Get>(c + "payload { exclude { keys: '' } }"), "payload"),
      Invalid("a payload key of 257 bytes",
              Parse<Get>(c + "payload { include { keys: '" + std::string(257, 'x') + "' } }"),
              "payload"),
      Impatient<Get>("a get after the last write",
                     "collection: 'c' ids { num: 1 } min_seq: 999999"),
      Impatient<Count>("a count after the last write, -1 as an unsigned number",
                       "collection: 'c' min_seq: 18446744073709551615"),
      Impatient<v1::GetCollectionStatsRequest>("statistics after the last write",
                                               "collection: 'c' min_seq: 999999"),
      Refused<Count>("a count of a collection that is not there",
                     "collection: 'nope'",
                     grpc::StatusCode::NOT_FOUND,
                     "COLLECTION_NOT_FOUND"),
      Invalid<List>("a token that is no token", "collection: 'c' page_token: 'zz'", "page_token"),
      Invalid<List>("a token of odd length", "collection: 'c' page_token: '010'", "page_token"),
      Invalid<List>("a token that is cut off", "collection: 'c' page_token: '0102'", "page_token"),
      DamagedToken("a token of another version", 1),
      DamagedToken("a token with a changed checksum", 3),
      DamagedToken("a token with a changed position", 20),
      ForeignToken("a token of the same collection under its alias",
                   "collection: 'c'",
                   "collection: 'other'"),
      ForeignToken("a token of a listing without the filter",
                   "collection: 'c'",
                   "collection: 'c' filter { exists { key: 'n' } }"),
      ForeignToken("a token of a listing with another filter",
                   "collection: 'c' filter { exists { key: 'n' } }",
                   "collection: 'c' filter { exists { key: 's' } }"),
      Invalid<v1::ListCollectionsRequest>(
          "a token of collections", "page_token: 'x'", "page_token"),
      Invalid<v1::ListAliasesRequest>("a token of aliases", "page_token: '00'", "page_token"),
      Invalid<List>("a filter of a list", "collection: 'c' filter {}", "filter"),
  };
}

std::vector<BadInput> BadOrdersAndFacets() {
  const std::string long_key(257, 'k');
  return {
      Refused<List>("an order by a key without an index",
                    "collection: 'c' order_by { key: 'nowhere' }",
                    grpc::StatusCode::FAILED_PRECONDITION,
                    "ORDER_INDEX_NOT_FOUND"),
      Invalid<List>("an order by no key", "collection: 'c' order_by {}", "order_by.key"),
      Invalid("an order by a key of 257 bytes",
              Parse<List>("collection: 'c' order_by { key: '" + long_key + "' }"),
              "order_by.key"),
      Invalid<List>("an order from a list on",
                    "collection: 'c' order_by { key: 'n' start_from { list_value {} } }",
                    "order_by.start_from"),
      Invalid<List>("an order from NaN on",
                    "collection: 'c' order_by { key: 'n' start_from { double_value: nan } }",
                    "order_by.start_from"),
      Invalid<List>("an order by an index without one",
                    "collection: 'c' order_by { key: 'n' index_type: PAYLOAD_INDEX_TYPE_GEO }",
                    "order_by.index_type"),
      Invalid(
          "an order in a direction that there is not",
          [] {
            auto request = Parse<List>("collection: 'c' order_by { key: 'n' }");
            request.mutable_order_by()->set_direction(static_cast<v1::OrderDirection>(7));
            return request;
          }(),
          "order_by.direction"),
      ForeignToken(
          "a token of a listing by id", "collection: 'c'", "collection: 'c' order_by { key: 'n' }"),
      Invalid<Facet>("a facet of no key", "collection: 'c'", "key"),
      Invalid("a facet of a key of 257 bytes",
              Parse<Facet>("collection: 'c' key: '" + long_key + "'"),
              "key"),
      Invalid("a facet of values with a long text",
              Parse<Facet>("collection: 'c' key: 'n' contains: '" + std::string(1'025, 'x') + "'"),
              "contains"),
      Invalid(
          "a facet in an order that there is not",
          [] {
            auto request = Parse<Facet>("collection: 'c' key: 'n'");
            request.set_order(static_cast<v1::FacetOrder>(9));
            return request;
          }(),
          "order"),
      Invalid<Facet>("a facet under no filter", "collection: 'c' key: 'n' filter {}", "filter"),
      Invalid<Facet>("a facet of points with a vector in a field that is not there",
                     "collection: 'c' key: 'n' filter { has_vector { field: 'w' } }",
                     "filter.has_vector.field"),
      Invalid<Facet>("a facet with the token of nothing",
                     "collection: 'c' key: 'n' page_token: '00'",
                     "page_token"),
      Refused<Facet>("a facet of a collection that is not there",
                     "collection: 'nope' key: 'n'",
                     grpc::StatusCode::NOT_FOUND,
                     "COLLECTION_NOT_FOUND"),
      Invalid<Bounds>("bounds of no key", "collection: 'c'", "key"),
      Invalid<Bounds>("bounds in no collection", "key: 'n'", "collection"),
      Invalid<Bounds>("bounds under no filter", "collection: 'c' key: 'n' filter {}", "filter"),
  };
}

std::vector<BadInput> BadFilters() {
  using Filter = v1::Filter;
  const std::string group = "all_of { filters { exists { key: 'n' } } filters { ";
  const std::string long_key(257, 'k');
  return {
      Filtered("a filter with nothing set", "", "filter"),
      Filtered("an empty node in a group", group + "} }", "filter.all_of.filters[1]"),
      Filtered("a range without bounds", "range { key: 'n' }", "filter.range"),
      Filtered(
          "a range from NaN", "range { key: 'n' gt { double_value: nan } }", "filter.range.gt"),
      Filtered("a range to infinity",
               "range { key: 'n' lte { double_value: inf } }",
               "filter.range.lte"),
      Filtered(
          "a range from true", "range { key: 'n' gte { bool_value: true } }", "filter.range.gte"),
      Filtered(
          "a range to a bound with nothing set", "range { key: 'n' lt {} }", "filter.range.lt"),
      Filtered("a range from a number to a text",
               "range { key: 'n' gt { int64_value: 1 } lt { string_value: 'x' } }",
               "filter.range.lt"),
      Filtered("two lower bounds",
               "range { key: 'n' gt { int64_value: 1 } gte { int64_value: 1 } }",
               "filter.range.gte"),
      Filtered("two upper bounds",
               "range { key: 'n' lt { int64_value: 1 } lte { int64_value: 1 } }",
               "filter.range.lte"),
      Filtered("a range without a key", "range { gt { int64_value: 1 } }", "filter.range.key"),
      Filtered("a range inside a group",
               "any_of { filters { none_of { filters { range { key: 'n' } } "
               "} } }",
               "filter.any_of.filters[0].none_of.filters[0].range"),
      Filtered("equal to nothing", "equals { key: 'n' }", "filter.equals.value"),
      Filtered(
          "equal to a list", "equals { key: 'n' value { list_value {} } }", "filter.equals.value"),
      Filtered("equal to an object",
               "equals { key: 'n' value { object_value {} } }",
               "filter.equals.value"),
      Filtered(
          "equal to NaN", "equals { key: 'n' value { double_value: nan } }", "filter.equals.value"),
      Filtered(
          "equality without a key", "equals { value { int64_value: 1 } }", "filter.equals.key"),
      Filtered("a key of 257 bytes",
               "equals { key: '" + long_key + "' value { int64_value: 1 } }",
               "filter.equals.key"),
      Filtered("one of nothing set",
               "is_in { key: 'n' values { int64_value: 1 } values {} }",
               "filter.is_in.values[1]"),
      Filtered("one of some lists",
               "is_in { key: 'n' values { list_value {} } }",
               "filter.is_in.values[0]"),
      Invalid("one of too many values", WithManyValues(), "filter.is_in.values"),
      Filtered("membership without a key", "is_in {}", "filter.is_in.key"),
      Filtered("existence of no key", "exists {}", "filter.exists.key"),
      Filtered(
          "nullness of a long key", "is_null { key: '" + long_key + "' }", "filter.is_null.key"),
      Filtered("all of no values", "contains_all { key: 'n' }", "filter.contains_all.values"),
      Filtered("all of some lists",
               "contains_all { key: 'n' values { list_value {} } }",
               "filter.contains_all.values[0]"),
      Filtered("emptiness of no key", "is_empty {}", "filter.is_empty.key"),
      Filtered("an empty prefix", "starts_with { key: 's' }", "filter.starts_with.text"),
      Filtered("a substring of 1025 bytes",
               "contains { key: 's' text: '" + std::string(1'025, 'x') + "' }",
               "filter.contains.text"),
      Filtered("a folded substring of no key", "icontains { text: 'x' }", "filter.icontains.key"),
      Filtered("words of no key", "match { text: 'x' }", "filter.match.key"),
      Filtered("no words", "match_any { key: 's' }", "filter.match_any.text"),
      Filtered("words of a language that there is not",
               "match_phrase { key: 's' text: 'x' analyzer { language: 'englisch' } }",
               "filter.match_phrase.analyzer.language"),
      Filtered("stop words of a language that has none",
               "match { key: 's' text: 'x' analyzer { default_stop_words: true } }",
               "filter.match.analyzer.default_stop_words"),
      Filtered("stop words twice",
               "match { key: 's' text: 'x' analyzer { language: 'english' default_stop_words: true "
               "stop_words: 'x' } }",
               "filter.match.analyzer.stop_words"),
      Filtered("a stop word that is two",
               "match { key: 's' text: 'x' analyzer { stop_words: 'a b' } }",
               "filter.match.analyzer.stop_words[0]"),
      Filtered("stems of unfolded words",
               "match { key: 's' text: 'x' analyzer { language: 'english' keep_case: true } }",
               "filter.match.analyzer.keep_case"),
      Filtered("tokens that are too long",
               "match { key: 's' text: 'x' analyzer { token_bytes_max: 256 } }",
               "filter.match.analyzer.token_bytes_max"),
      Filtered("a datetime without bounds", "datetime_range { key: 's' }", "filter.datetime_range"),
      Filtered("a datetime that is none",
               "datetime_range { key: 's' gte: '2024-01-01' lt: '2024-02-30' }",
               "filter.datetime_range.lt"),
      Filtered(
          "an empty datetime", "datetime_range { key: 's' gte: '' }", "filter.datetime_range.gte"),
      Filtered("a count without bounds", "count { key: 's' }", "filter.count"),
      Filtered(
          "two lower bounds of a count", "count { key: 's' gt: 1 gte: 1 }", "filter.count.gte"),
      Filtered("a radius around nothing",
               "geo_radius { key: 'p' metres: 5 }",
               "filter.geo_radius.center"),
      Filtered(
          "a radius of nothing", "geo_radius { key: 'p' center {} }", "filter.geo_radius.metres"),
      Filtered("an infinite radius",
               "geo_radius { key: 'p' center {} metres: inf }",
               "filter.geo_radius.metres"),
      Filtered("a radius around no place of the earth",
               "geo_radius { key: 'p' center { lat: 90.5 } metres: 1 }",
               "filter.geo_radius.center.lat"),
      Filtered("a box with one corner",
               "geo_box { key: 'p' south_west {} }",
               "filter.geo_box.north_east"),
      Filtered("a box upside down",
               "geo_box { key: 'p' south_west { lat: 2 } north_east { lat: 1 lon: 1 } }",
               "filter.geo_box.south_west.lat"),
      Filtered("a box at NaN",
               "geo_box { key: 'p' south_west {} north_east { lat: 1 lon: nan } }",
               "filter.geo_box.north_east.lon"),
      Filtered("a polygon without an exterior",
               "geo_polygon { key: 'p' }",
               "filter.geo_polygon.exterior"),
      Filtered("a polygon with two corners",
               "geo_polygon { key: 'p' exterior { points {} points { lat: 1 } points {} } }",
               "filter.geo_polygon.exterior.points"),
      Filtered("a polygon with too many points",
               "geo_polygon { key: 'p' exterior { " + Repeat("points { lat: 1 } ", 1'001) + "} }",
               "filter.geo_polygon"),
      Filtered("a hole beyond the earth",
               "geo_polygon { key: 'p' exterior { points {} points { lat: 1 } points { lon: 1 } } "
               "holes { points {} points { lat: 1 } points { lon: 200 } } }",
               "filter.geo_polygon.holes[0].points[2].lon"),
      Filtered(
          "an element of which nothing is asked", "nested { key: 'a' }", "filter.nested.filters"),
      Filtered("an element with an id",
               "nested { key: 'a' filters { any_of { filters { id_in { ids { num: 1 } } } } } }",
               "filter.nested.filters[0].any_of.filters[0].id_in"),
      Filtered("an element with a vector",
               "nested { key: 'a' filters { has_vector { field: 'v' } } }",
               "filter.nested.filters[0].has_vector"),
      Filtered("an id that is not set", "id_in { ids {} }", "filter.id_in.ids[0]"),
      Filtered("an id of 257 bytes",
               "id_in { ids { num: 1 } ids { str: '" + std::string(257, 'x') + "' } }",
               "filter.id_in.ids[1]"),
      Invalid("too many ids in a filter", WithManyIds(), "filter.id_in.ids"),
      Filtered("a vector in no field", "has_vector {}", "filter.has_vector.field"),
      Filtered("a vector in a field that is not there, in a count",
               "none_of { filters { has_vector { field: 'w' } } }",
               "filter.none_of.filters[0].has_vector.field"),
      Invalid<List>("a vector in a field that is not there, in a listing",
                    "collection: 'c' filter { has_vector { field: 'w' } }",
                    "filter.has_vector.field"),
      Invalid("a vector in a field that is not there, in a search",
              Near("k: 1 filter { has_vector { field: 'w' } }"),
              "filter.has_vector.field"),
      Filtered("a filter nested too deep",
               Repeat("all_of { filters { ", 16) + "exists { key: 'n' } " + Repeat("} } ", 16),
               "filter" + Repeat(".all_of.filters[0]", 16)),
      Malformed("a filter nested beyond what protobuf reads",
                kCountMethod,
                Parse<Count>("collection: 'c' filter { " + Repeat("all_of { filters { ", 90) +
                             Repeat("} } ", 90) + "}"),
                "",
                ""),
      Filtered("a filter with too many nodes",
               "any_of { " + Repeat("filters { exists { key: 'n' } } ", 1'024) + "}",
               "filter.any_of.filters[1023]"),
      Malformed("a filter key that is not UTF-8",
                kCountMethod,
                Parse<Count>("collection: 'c' filter { exists { key: 'marker' } }"),
                "marker",
                "\xF5zzzzz"),
      UnknownField("an unknown condition", "", "filter", [](Filter& f) { return &f; }),
      UnknownField("an unknown field beside a condition",
                   "exists { key: 'n' }",
                   "filter",
                   [](Filter& f) { return &f; }),
      UnknownField("an unknown field of a group",
                   "all_of {}",
                   "filter.all_of",
                   [](Filter& f) { return f.mutable_all_of(); }),
      UnknownField("an unknown field of a nested filter",
                   "none_of { filters { exists { key: 'n' } } "
                   "}",
                   "filter.none_of.filters[0]",
                   [](Filter& f) { return f.mutable_none_of()->mutable_filters(0); }),
      UnknownField("an unknown field of an equality",
                   "equals { key: 'n' value { int64_value: 1 } }",
                   "filter.equals",
                   [](Filter& f) { return f.mutable_equals(); }),
      UnknownField("an unknown kind of value",
                   "equals { key: 'n' value {} }",
                   "filter.equals.value",
                   [](Filter& f) { return f.mutable_equals()->mutable_value(); }),
      UnknownField("an unknown field of a membership",
                   "is_in { key: 'n' }",
                   "filter.is_in",
                   [](Filter& f) { return f.mutable_is_in(); }),
      UnknownField("an unknown field of a range",
                   "range { key: 'n' gt { int64_value: 1 } }",
                   "filter.range",
                   [](Filter& f) { return f.mutable_range(); }),
      UnknownField("an unknown field of a place",
                   "geo_radius { key: 'p' center {} metres: 1 }",
                   "filter.geo_radius.center",
                   [](Filter& f) { return f.mutable_geo_radius()->mutable_center(); }),
      UnknownField(
          "an unknown field of a filter of elements",
          "nested { key: 'a' filters { exists { key: 'n' } } }",
          "filter.nested.filters[0].exists",
          [](Filter& f) { return f.mutable_nested()->mutable_filters(0)->mutable_exists(); }),
      UnknownField("an unknown field of an id",
                   "id_in { ids { num: 1 } }",
                   "filter.id_in.ids[0]",
                   [](Filter& f) { return f.mutable_id_in()->mutable_ids(0); }),
      UnknownField("an unknown field of a bound",
                   "range { key: 'n' gt { int64_value: 1 } }",
                   "filter.range.gt",
                   [](Filter& f) { return f.mutable_range()->mutable_gt(); }),
      UnknownField("an unknown field of an existence",
                   "exists { key: 'n' }",
                   "filter.exists",
                   [](Filter& f) { return f.mutable_exists(); }),
      UnknownField("an unknown field of a nullness",
                   "is_null { key: 'n' }",
                   "filter.is_null",
                   [](Filter& f) { return f.mutable_is_null(); }),
  };
}

std::vector<BadInput> BadSearches() {
  const std::string two = "collection: 'two' k: 1 ";
  const auto vector = [](const std::string& elements) {
    return Parse<Search>(
        "collection: 'c' k: 1 queries { point_id { num: 1 } } queries { vector { "
        "values { values: [" +
        elements + "] } } }");
  };
  return {
      Invalid("k = 0", Near(""), "k"),
      Invalid("k above the limit", Near("k: 10001"), "k"),
      NegativeK(),
      Invalid("ef above the limit", Near("k: 1 params { ef: 16385 }"), "params.ef"),
      Invalid("a huge ef", Near("k: 1 params { ef: 4294967295 }"), "params.ef"),
      NegativeEf(),
      Invalid("nprobe above the limit", Near("k: 1 params { nprobe: 65537 }"), "params.nprobe"),
      Invalid("a negative recall target",
              Near("k: 1 params { recall_target: -0.1 }"),
              "params.recall_target"),
      Invalid("a recall target above 1",
              Near("k: 1 params { recall_target: 1.01 }"),
              "params.recall_target"),
      Invalid("a recall target that is no number",
              Near("k: 1 params { recall_target: nan }"),
              "params.recall_target"),
      Invalid("a recall target with ef",
              Near("k: 1 params { recall_target: 0.9 ef: 50 }"),
              "params.recall_target"),
      Invalid("a recall target with nprobe",
              Near("k: 1 params { recall_target: 0.9 nprobe: 5 }"),
              "params.recall_target"),
      Invalid("a huge nprobe", Near("k: 1 params { nprobe: 4294967295 }"), "params.nprobe"),
      Invalid<Search>("no query", "collection: 'c' k: 1", "queries"),
      Invalid("more queries than a call may have", WithQueries(1'001, 1), "queries"),
      Invalid("more hits than a call may have", WithQueries(101, 10'000), "k"),
      Invalid<Search>("a query for nothing",
                      "collection: 'c' k: 1 queries { point_id { num: 1 } } "
                      "queries {}",
                      "queries[1]"),
      Invalid<Search>("words at no key",
                      "collection: 'c' k: 1 queries { words { text: 'x' } }",
                      "queries[0].words.key",
                      "TEXT_INDEX_NOT_FOUND"),
      Invalid<Search>("no words",
                      "collection: 'c' k: 1 queries { words { key: 's' } }",
                      "queries[0].words.text"),
      Invalid("words of 1025 bytes",
              Parse<Search>("collection: 'c' k: 1 queries { words { key: 's' text: '" +
                            std::string(1'025, 'x') + "' } }"),
              "queries[0].words.text"),
      Invalid("words at a key without a text index",
              Parse<Search>("collection: 'c' k: 1 queries { words { key: 's' text: 'x' } }"),
              "queries[0].words.key",
              "TEXT_INDEX_NOT_FOUND"),
      Invalid<Search>(
          "a branch for a vector of another dimension",
          "collection: 'c' k: 1 queries { fusion { branches { query { vector { values { "
          "values: 1 } } } } } }",
          "queries[0].fusion.branches[0].query.vector"),
      Invalid<Search>(
          "a branch over a field that there is not",
          "collection: 'c' k: 1 queries { fusion { branches { vector_field: 'nope' query { "
          "vector { values { values: [1, 2, 3, 4] } } } } } }",
          "queries[0].fusion.branches[0].vector_field"),
      Invalid<Search>(
          "a formula over a vector field that there is not",
          "collection: 'c' k: 1 queries { vector { values { values: [1, 2, 3, 4] } } } "
          "rerank { formula { expression { condition { has_vector { field: 'nope' } } } } }",
          "rerank[0].formula.condition.has_vector.field"),
      Invalid<Search>("a late interaction over a field that there is not",
                      "collection: 'c' k: 1 queries { vector { values { values: [1, 2, 3, 4] } } } "
                      "rerank { max_sim { vectors { packed: 'abcd' } } }",
                      "rerank[0].max_sim.multi_vector_field"),
      Invalid<Search>(
          "a cursor of another request",
          "collection: 'c' k: 1 cursor: '00' queries { vector { values { values: [1, 2, 3, "
          "4] } } }",
          "cursor"),
      Invalid<Search>("a sparse vector where there is no sparse field",
                      "collection: 'c' k: 1 queries { sparse { indices: 1 values: 1 } }",
                      "vector_field"),
      Invalid<Search>("a sparse vector with more values than indices",
                      "collection: 'c' k: 1 queries { sparse { indices: 1 values: [1, 2] } }",
                      "queries[0].sparse.values"),
      Invalid<Search>("a query for a vector without data",
                      "collection: 'c' k: 1 queries { vector {} }",
                      "queries[0].vector"),
      Invalid<Search>("a query for half an element",
                      "collection: 'c' k: 1 queries { vector { packed: 'ab' } }",
                      "queries[0].vector.packed"),
      Invalid<Search>("a query for a point without an id",
                      "collection: 'c' k: 1 queries { point_id {} }",
                      "queries[0].point_id"),
      Invalid("a query of the wrong dimension", vector("1, 2, 3"), "queries[1].vector"),
      Invalid(
          "a query with NaN", vector("1, 2, nan, 4"), "queries[1].vector[2]", "VECTOR_NOT_FINITE"),
      Invalid("a query with infinity",
              vector("1, 2, 3, inf"),
              "queries[1].vector[3]",
              "VECTOR_NOT_FINITE"),
      Invalid("a query whose norm overflows",
              vector("3e38, 3e38, 3e38, 3e38"),
              "queries[1].vector",
              "VECTOR_NORM_OVERFLOW"),
      Invalid(
          "the zero query under cosine", vector("0, 0, 0, 0"), "queries[1].vector", "VECTOR_ZERO"),
      Refused<Search>("near a point that is not there",
                      "collection: 'c' k: 1 queries { point_id { num: 4711 } }",
                      grpc::StatusCode::NOT_FOUND,
                      "POINT_NOT_FOUND"),
      Refused<Search>("near a point that lacks the vector",
                      "collection: 'two' k: 1 vector_field: 'b' queries { point_id { num: 1 } }",
                      grpc::StatusCode::FAILED_PRECONDITION,
                      "FAILED_PRECONDITION"),
      Invalid("no field where there are two",
              Parse<Search>(two + "queries { point_id { num: 1 } }"),
              "vector_field"),
      Invalid("a field that is not there",
              Parse<Search>(two + "vector_field: 'v' queries { point_id { num: 1 } }"),
              "vector_field"),
      Invalid("a field name with a dot",
              Parse<Search>(two + "vector_field: 'a.b' queries { point_id { num: 1 } }"),
              "vector_field"),
      Invalid("a threshold of NaN", Near("k: 1 score_threshold: nan"), "score_threshold"),
      Invalid("an infinite threshold", Near("k: 1 score_threshold: -inf"), "score_threshold"),
      Invalid("vectors that are not there", Near("k: 1 with_vectors: 'w'"), "with_vectors"),
      Invalid("a payload selector with nothing set", Near("k: 1 payload {}"), "payload"),
      Invalid("a malformed filter",
              Near("k: 1 filter { any_of { filters { range { key: 'n' } } } }"),
              "filter.any_of.filters[0].range"),
      Refused<Search>("a search of a collection that is not there",
                      "collection: 'nope' k: 1 queries { point_id { num: 1 } }",
                      grpc::StatusCode::NOT_FOUND,
                      "COLLECTION_NOT_FOUND"),
      Invalid<Search>(
          "a search of no collection", "k: 1 queries { point_id { num: 1 } }", "collection"),
      Impatient<Search>("a search after the last write",
                        "collection: 'c' k: 1 queries { point_id { num: 1 } } min_seq: 999999"),
      CutOff(),
  };
}

}  // namespace alidade::testing
