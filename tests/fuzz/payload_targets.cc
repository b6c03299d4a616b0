#include <array>
#include <bit>
#include <limits>

#include "alidade/common/payload_codec.h"
#include "alidade/common/point_id.h"
#include "alidade/filter/compiled_filter.h"

#include "targets.h"

namespace alidade::fuzz {
namespace {

std::string Encoded(const Object& object) {
  std::string bytes;
  EncodeObject(object, bytes);
  return bytes;
}

std::vector<std::string> PayloadCorpus() {
  const Object inner = {{"b", Value(int64_t{-7})}, {"c", Value("deep")}};
  const Object mixed = {{"", Value()},
                        {"a", Value(inner)},
                        {"a.b", Value(true)},
                        {"d", Value(std::numeric_limits<double>::quiet_NaN())},
                        {"list", Value(List{Value(1.5), Value(List{Value("x"), Value()})})}};
  return {Encoded({}),
          Encoded({{"word", Value("cat")}, {"length", Value(int64_t{3})}}),
          Encoded(mixed),
          Encoded({{"all", Value(Object{{"mixed", Value(mixed)}, {"z", Value(false)}})}})};
}

// One filter of each condition, over keys of the corpus.
const std::vector<CompiledFilter>& Filters() {
  static const std::vector<CompiledFilter> filters = [] {
    std::vector<Filter> parts = {
        Filter{In{"word", {Value("cat"), Value(int64_t{1})}}},
        Filter{Range{.key = "length", .gte = Value(int64_t{1}), .lt = Value(9.5)}},
        Filter{Range{.key = "a.c", .gt = Value("a")}},
        Filter{Exists{"a.b"}},
        Filter{IsNull{"list"}},
        Filter{IsEmpty{"list"}},
        Filter{CountRange{.key = "list", .gt = 1}},
        Filter{ContainsAll{"list", {Value("x"), Value(1.5)}}},
        Filter{DatetimeRange{.key = "word", .lt = "2024-01-01"}},
        Filter{StringMatch{"word", StringMatchKind::kPrefix, "c"}},
        Filter{StringMatch{"word", StringMatchKind::kSubstring, "a"}},
        Filter{StringMatch{"word", StringMatchKind::kFolded, "A"}},
        Filter{TextMatch{"word", TextMatchKind::kAllWords, "CAT"}},
        Filter{TextMatch{"word", TextMatchKind::kPhrase, "c a", {.language = Language::kEnglish}}},
        Filter{GeoRadius{"a", {0, 0}, 1e7}},
        Filter{GeoBox{"a", {-90, -180}, {90, 180}}},
        Filter{GeoPolygon{"a", {{0, 0}, {0, 9}, {9, 0}}}},
        Filter{Nested{"all", {Filter{Nested{"mixed", {Filter{Exists{"list"}}}}}}}},
        Filter{In{"list", {Value("x"), Value(true)}}}};
    std::vector<Filter> whole = parts;
    whole.push_back(Filter{AllOf{parts}});
    whole.push_back(Filter{AnyOf{parts}});
    whole.push_back(Filter{NoneOf{parts}});
    std::vector<CompiledFilter> compiled;
    for (const Filter& filter : whole) {
      compiled.push_back(*CompiledFilter::Make(filter, {}, "filter"));
    }
    return compiled;
  }();
  return filters;
}

void FuzzPayload(std::string_view bytes) {
  // Views read malformed bytes too, and must stay inside.
  for (const char* path : {"a", "a.b", "list", "all.mixed.a.c"}) {
    if (const auto found = PayloadView(bytes).Find(path); found.has_value()) {
      const std::string_view text = found->AsString();
      Require(text.empty() || (text.data() >= bytes.data() &&
                               text.data() + text.size() <= bytes.data() + bytes.size()),
              "a view lies inside the bytes");
      static_cast<void>(found->AsInt64());
      static_cast<void>(found->AsDouble());
      static_cast<void>(found->ListSize());
      static_cast<void>(found->AnyElement([](const ValueView& x) { return x.AsBool(); }));
    }
  }
  for (const CompiledFilter& filter : Filters()) {
    static_cast<void>(filter.Matches({.payload = bytes}));
  }
  const auto object = DecodeObject(bytes);
  if (!object.ok()) {
    Require(object.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return;
  }
  Accepted();
  // NaN is unequal to itself: the bytes are compared.
  const std::string once = Encoded(*object);
  // Keys in another order and a bool of 2 are taken; bytes too many are not.
  Require(once.size() == bytes.size(), "every byte of a payload counts");
  const auto again = DecodeObject(once);
  Require(again.ok() && Encoded(*again) == once, "a payload survives its encoding");
  for (const auto& [key, value] : *object) {
    Require(PayloadView(once).Find(key).has_value(), "a view finds every key");
  }
  for (const CompiledFilter& filter : Filters()) {
    Require(filter.Matches({.payload = once}) == filter.Matches({.payload = Encoded(*again)}),
            "a filter is a function");
  }
}

void FuzzPointId(std::string_view bytes) {
  const auto id = PointId::Decode(bytes);
  if (!id.ok()) {
    return;
  }
  Accepted();
  Require(id->Encode() == bytes, "an id has one encoding");
  Require(id->is_number() || (!id->text().empty() && id->text().size() <= kPointIdBytesMax),
          "a text id is within its bounds");
}

std::vector<std::string> PointIdCorpus() {
  return {PointId(uint64_t{0}).Encode(),
          PointId(std::numeric_limits<uint64_t>::max()).Encode(),
          PointId(std::string("word")).Encode(),
          PointId(std::string("d\xC3\xA9j\xC3\xA0 \xE2\x82\xAC \xF0\x9F\x90\x88")).Encode(),
          PointId(std::string(kPointIdBytesMax, 'x')).Encode()};
}

}  // namespace

std::vector<FuzzTarget> PayloadTargets() {
  return {
      {.name = "Payload", .run = FuzzPayload, .corpus = PayloadCorpus, .rounds = 20'000},
      {.name = "PointId", .run = FuzzPointId, .corpus = PointIdCorpus, .rounds = 20'000},
  };
}

}  // namespace alidade::fuzz
