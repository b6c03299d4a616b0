// Orders, facets and bounds of a payload key over random payloads and writes, with and without
// indexes, in memory, sealed, changed and after a restart: the answers of a plain evaluator that
// shares no code with them. ALIDADE_TEST_SEED replays.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collection_testing.h"

namespace alidade {
namespace {

using ::testing::IsEmpty;

// Exact for every int64 and every double.
using Number = long double;

// Datetimes as payloads write them, and the second since 1970 that each is.
const std::vector<std::pair<std::string, int64_t>> kDatetimes = {
    {"2024-01-01", 1'704'067'200},
    {"2024-01-01T00:00:00Z", 1'704'067'200},
    {"2024-01-01T01:00:00+01:00", 1'704'067'200},
    {"2024-01-01 00:00:01", 1'704'067'201},
    {"1969-12-31T23:59:59Z", -1},
    {"2031-05-06T07:08:09-02:30", 1'935'826'689}};

std::optional<int64_t> InstantOf(const std::string& text) {
  for (const auto& [written, second] : kDatetimes) {
    if (written == text) {
      return second;
    }
  }
  return std::nullopt;
}

// Scalars at the key, those of lists too, each once by value.
std::vector<Value> LeavesOf(const Value& value) {
  if (const auto* list = value.As<List>()) {
    std::vector<Value> leaves;
    for (const Value& element : *list) {
      const std::vector<Value> more = LeavesOf(element);
      leaves.insert(leaves.end(), more.begin(), more.end());
    }
    return leaves;
  }
  return value.As<Value::Null>() != nullptr || value.As<Object>() != nullptr
             ? std::vector<Value>{}
             : std::vector<Value>{value};
}

std::vector<Value> LeavesAt(const Object& payload, const std::string& key) {
  const auto found = payload.find(key);
  return found == payload.end() ? std::vector<Value>{} : LeavesOf(found->second);
}

std::optional<Number> NumberOf(const Value& value) {
  if (const auto* integer = value.As<int64_t>()) {
    return static_cast<Number>(*integer);
  }
  const auto* number = value.As<double>();
  return number == nullptr ? std::nullopt : std::optional<Number>(*number);
}

// A sortable stand-in of a value in an order: (number, text).
using Place = std::pair<Number, std::string>;

std::optional<Place> PlaceOf(PayloadIndexType type, const Value& value) {
  const auto* text = value.As<std::string>();
  switch (type) {
    case PayloadIndexType::kKeyword:
      return text == nullptr ? std::nullopt : std::optional<Place>({0, *text});
    case PayloadIndexType::kFloat: {
      const std::optional<Number> number = NumberOf(value);
      return number.has_value() ? std::optional<Place>({*number, ""}) : std::nullopt;
    }
    case PayloadIndexType::kBool: {
      const auto* truth = value.As<bool>();
      return truth == nullptr ? std::nullopt : std::optional<Place>({*truth ? 1 : 0, ""});
    }
    case PayloadIndexType::kDatetime: {
      const auto instant = text == nullptr ? std::nullopt : InstantOf(*text);
      return instant.has_value() ? std::optional<Place>({static_cast<Number>(*instant), ""})
                                 : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

// A value as facets name it: whole numbers that fit as integers.
Value Named(const Value& value) {
  const auto* number = value.As<double>();
  if (number != nullptr && std::trunc(*number) == *number && std::abs(*number) < 9e18) {
    return Value(static_cast<int64_t>(*number));
  }
  return value;
}

// Bools, numbers, strings: (kind, number, text).
using Rank = std::tuple<int, Number, std::string>;

Rank RankOf(const Value& value) {
  if (const auto* truth = value.As<bool>()) {
    return {0, *truth ? 1 : 0, ""};
  }
  if (const std::optional<Number> number = NumberOf(value); number.has_value()) {
    return {1, *number, ""};
  }
  return {2, 0, *value.As<std::string>()};
}

bool ContainsFolded(const Value& value, std::string wanted) {
  const auto* text = value.As<std::string>();
  if (text == nullptr) {
    return false;
  }
  std::string folded = *text;
  for (std::string* each : {&folded, &wanted}) {
    std::ranges::transform(
        *each, each->begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  return folded.find(wanted) != std::string::npos;
}

std::string TextOf(const Value& value) {
  std::string bytes;
  EncodeObject({{"", value}}, bytes);
  return ::testing::PrintToString(bytes);
}

class PayloadValuesTest : public CollectionTest {
 protected:
  using Model = std::map<PointId, Object>;
  struct Case {
    std::string name;
    std::shared_ptr<const Filter> filter;
    std::function<bool(const PointId&, const Object&)> passes;
  };

  PayloadValuesTest() {
    const char* given = std::getenv("ALIDADE_TEST_SEED");
    seed_ = given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
    random_.seed(seed_);
    config_.payload_indexes.clear();
  }

  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }

  // `kinds`: of scalars: b, n, s, d; others, lists and missing keys are among all.
  Value Scalar(const std::string& kinds) {
    static const std::vector<std::string> kTexts = {"", "a", "A", "ab", "Abc", "zz", "1", "true"};
    static const std::vector<Value> kNumbers = {Value(int64_t{1}),
                                                Value(1.0),
                                                Value(int64_t{-2}),
                                                Value(2.5),
                                                Value(-0.0),
                                                Value(1e300),
                                                Value(int64_t{9'007'199'254'740'993}),
                                                Value(9'007'199'254'740'992.0)};
    switch (kinds[Below(kinds.size())]) {
      case 'b':
        return Value(Below(2) == 0);
      case 'n':
        return kNumbers[Below(kNumbers.size())];
      case 'd':
        return Value(kDatetimes[Below(kDatetimes.size())].first);
      default:
        return Value(kTexts[Below(kTexts.size())]);
    }
  }
  Object Payload(const std::string& kinds) {
    Object payload{{"n", Value(static_cast<int64_t>(Below(10)))}};
    switch (Below(8)) {
      case 0:
        break;
      case 1:
        payload["k"] = Below(2) == 0 ? Value() : Value(Object{{"k", Value("a")}});
        break;
      case 2:
      case 3: {
        List list;
        for (size_t i = Below(4); i > 0; --i) {
          list.push_back(Below(5) == 0 ? Value(List{Scalar(kinds), Value()}) : Scalar(kinds));
        }
        payload["k"] = Value(std::move(list));
        break;
      }
      default:
        payload["k"] = Scalar(kinds);
    }
    return payload;
  }
  PointId RandomId() {
    return Below(4) == 0 ? PointId("p" + std::to_string(Below(20))) : PointId(Below(60));
  }

  void Write(const std::string& kinds) {
    std::vector<OwnedPoint> points;
    switch (Below(6)) {
      case 0:
        for (size_t i = Below(6); i > 0; --i) {
          const PointId id = RandomId();
          ASSERT_THAT(collection_->Delete(MakeDelete({id})), IsOk());
          model_.erase(id);
        }
        return;
      case 1:
      case 2:
        for (size_t i = Below(6); i > 0; --i) {
          const PointId id = RandomId();
          PayloadRequest request;
          request.collection = "c";
          request.points.ids = {id};
          request.edit.kind = PayloadEdit::Kind::kOverwrite;
          const Object payload = Payload(kinds);
          EncodeObject(payload, request.edit.whole);
          ASSERT_THAT(collection_->ChangePayload(request), IsOk());
          if (model_.contains(id)) {
            model_[id] = payload;
          }
        }
        return;
      default:
        for (size_t i = 1 + Below(12); i > 0; --i) {
          const PointId id = RandomId();
          const Object payload = Payload(kinds);
          points.push_back(MakePoint(id, {1, 0, 0, 1}, payload));
          model_[id] = payload;
        }
        ASSERT_THAT(Put(std::move(points)), IsOk());
    }
  }

  std::vector<Case> Cases() {
    const auto shared = [](Filter filter) { return std::make_shared<Filter>(std::move(filter)); };
    std::vector<PointId> ids;
    for (int i = 0; i < 20; ++i) {
      ids.push_back(RandomId());
    }
    const auto limit = static_cast<int64_t>(Below(11));
    const auto n_below = [limit](const Object& payload) {
      return *payload.at("n").As<int64_t>() < limit;
    };
    const auto among = [ids](const PointId& id) { return std::ranges::find(ids, id) != ids.end(); };
    const Filter range{Range{.key = "n", .lt = Value(limit)}};
    return {
        {"all", nullptr, [](const PointId&, const Object&) { return true; }},
        {"n below",
         shared(range),
         [=](const PointId&, const Object& payload) { return n_below(payload); }},
        {"ids",
         shared(Filter{IdIn{ids}}),
         [=](const PointId& id, const Object&) { return among(id); }},
        {"not ids, or n below",
         shared(Filter{AnyOf{{Filter{NoneOf{{Filter{IdIn{ids}}}}}, range}}}),
         [=](const PointId& id, const Object& payload) { return !among(id) || n_below(payload); }}};
  }

  void CheckOrder(PayloadIndexType type, const Case& given) {
    const bool descending = Below(2) == 0;
    ListRequest request;
    request.order = OrderBy{.key = "k", .descending = descending};
    request.order->type = Below(2) == 0 ? std::optional(type) : std::nullopt;
    request.filter = given.filter;
    request.payload.mode = PayloadSelector::Mode::kAll;
    request.page_size = static_cast<uint32_t>(1 + Below(40));
    std::optional<Place> start;
    if (Below(2) == 0) {
      const Value value = Scalar(type == PayloadIndexType::kKeyword ? "s"
                                 : type == PayloadIndexType::kFloat ? "n"
                                 : type == PayloadIndexType::kBool  ? "b"
                                                                    : "d");
      request.order->start_from = value;
      start = PlaceOf(type, value);
    }
    std::vector<std::pair<Place, PointId>> expected;
    for (const auto& [id, payload] : model_) {
      std::optional<Place> place;
      for (const Value& leaf : LeavesAt(payload, "k")) {
        if (const auto next = PlaceOf(type, leaf);
            next.has_value() &&
            (!place.has_value() || (descending ? *next > *place : *next < *place))) {
          place = next;
        }
      }
      const bool begun = !start.has_value() ||
                         (place.has_value() && (descending ? *place <= *start : *place >= *start));
      if (place.has_value() && begun && given.passes(id, payload)) {
        expected.emplace_back(*place, id);
      }
    }
    std::ranges::stable_sort(expected, [descending](const auto& a, const auto& b) {
      return descending ? a.first > b.first : a.first < b.first;
    });
    std::vector<PointId> wanted;
    std::ranges::transform(
        expected, std::back_inserter(wanted), [](const auto& x) { return x.second; });
    std::vector<PointId> listed;
    do {
      ALIDADE_ASSERT_OK_AND_ASSIGN(ListResponse response, collection_->List(request));
      EXPECT_LE(response.points.size(), request.page_size);
      if (!response.next.empty()) {  // nobody writes, so nothing makes a page short
        EXPECT_EQ(response.points.size(), request.page_size) << "seed " << seed_;
      }
      for (const Point& point : response.points) {
        listed.push_back(point.id);
        EXPECT_EQ(point.payload, model_.at(point.id));
      }
      request.after = response.next;
    } while (!request.after.empty() && listed.size() <= wanted.size());
    EXPECT_EQ(listed, wanted) << "order of " << PayloadIndexTypeName(type)
                              << (descending ? " falling" : " rising") << ", filter " << given.name
                              << ", page " << request.page_size << ", seed " << seed_;
  }

  void CheckFacets(const Case& given) {
    static const std::vector<std::string> kWanted = {"", "", "a", "B", "-01-01t"};
    FacetRequest request;
    request.key = "k";
    request.filter = given.filter;
    request.contains = kWanted[Below(kWanted.size())];
    request.by_value = Below(2) == 0;
    request.page_size = static_cast<uint32_t>(1 + Below(20));
    std::map<Rank, uint64_t> counts;
    for (const auto& [id, payload] : model_) {
      if (!given.passes(id, payload)) {
        continue;
      }
      std::map<Rank, bool> own;
      for (const Value& leaf : LeavesAt(payload, "k")) {
        if (request.contains.empty() || ContainsFolded(leaf, request.contains)) {
          own[RankOf(leaf)] = true;
        }
      }
      for (const auto& [rank, there] : own) {
        ++counts[rank];
      }
    }
    std::vector<std::pair<Rank, uint64_t>> wanted(counts.begin(), counts.end());
    if (!request.by_value) {
      std::ranges::stable_sort(wanted, std::greater<>(), [](const auto& x) { return x.second; });
    }
    std::vector<std::pair<Rank, uint64_t>> found;
    do {
      ALIDADE_ASSERT_OK_AND_ASSIGN(FacetResponse response, collection_->Facet(request));
      EXPECT_EQ(response.distinct, counts.size());
      EXPECT_LE(response.values.size(), request.page_size);
      for (const FacetValue& value : response.values) {
        EXPECT_EQ(value.value, Named(value.value));
        found.emplace_back(RankOf(value.value), value.points);
        // As a count with a filter for the value says.
        std::vector<Filter> both = {Filter{In{"k", {value.value}}}};
        if (given.filter != nullptr) {
          both.push_back(*given.filter);
        }
        EXPECT_EQ(Count(std::make_shared<Filter>(Filter{AllOf{both}})), value.points)
            << TextOf(value.value);
      }
      request.after = response.next;
    } while (!request.after.empty() && found.size() <= wanted.size());
    EXPECT_EQ(found, wanted) << "facets, filter " << given.name << ", contains \""
                             << request.contains << "\", by value " << request.by_value << ", page "
                             << request.page_size << ", seed " << seed_;
  }

  void CheckBounds(const Case& given) {
    using Best = std::map<std::pair<Number, std::string>, Value>;
    Best numbers;
    Best strings;
    Best datetimes;
    for (const auto& [id, payload] : model_) {
      if (!given.passes(id, payload)) {
        continue;
      }
      for (const Value& leaf : LeavesAt(payload, "k")) {
        if (const auto number = NumberOf(leaf); number.has_value()) {
          numbers.emplace(std::pair(*number, ""), Named(leaf));
        } else if (const auto* text = leaf.As<std::string>()) {
          strings.emplace(std::pair(Number(0), *text), leaf);
          if (const auto instant = InstantOf(*text); instant.has_value()) {
            datetimes.emplace(std::pair(static_cast<Number>(*instant), *text), leaf);
          }
        }
      }
    }
    BoundsRequest request;
    request.key = "k";
    request.filter = given.filter;
    ALIDADE_ASSERT_OK_AND_ASSIGN(const BoundsResponse found, collection_->Bounds(request));
    const auto check =
        [&](const char* kind, const std::optional<PayloadBounds>& bounds, const Best& all) {
          ASSERT_EQ(bounds.has_value(), !all.empty()) << kind << ", seed " << seed_;
          if (bounds.has_value()) {
            EXPECT_EQ(bounds->low, all.begin()->second) << kind << ", seed " << seed_;
            EXPECT_EQ(bounds->high, all.rbegin()->second) << kind << ", seed " << seed_;
          }
        };
    check("numbers", found.numbers, numbers);
    check("strings", found.strings, strings);
    check("datetimes", found.datetimes, datetimes);
  }

  void CheckAll(const std::vector<PayloadIndexType>& types) {
    for (const Case& given : Cases()) {
      for (const PayloadIndexType type : types) {
        CheckOrder(type, given);
      }
      CheckFacets(given);
      CheckBounds(given);
      if (HasFailure()) {
        return;
      }
    }
  }

  // A history of writes and background work over payloads of some kinds, with indexes of some
  // types.
  void Run(const std::string& kinds, const std::vector<PayloadIndexType>& types, int steps) {
    for (int step = 0; step < steps && !HasFailure(); ++step) {
      if (step == steps / 3) {
        for (const PayloadIndexType type : types) {
          ASSERT_THAT(
              collection_->ChangePayloadIndex({.collection = "c", .key = "k", .type = type}),
              IsOk());
        }
      }
      for (size_t i = Below(5); i > 0; --i) {
        Write(kinds);
      }
      switch (Below(6)) {
        case 0:
          SealAll();
          break;
        case 1:
          Settle();
          break;
        case 2:
          if (step % 4 == 0) {
            Reopen();
          }
          break;
        default:
          break;
      }
      // Whatever is not clear to which index an order belongs asks for its type.
      CheckAll(step >= steps / 3 ? types : std::vector<PayloadIndexType>{});
    }
  }

  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  Model model_;
};

TEST_F(PayloadValuesTest, StringsAgreeWithAPlainEvaluator) {
  Run("s", {PayloadIndexType::kKeyword}, 30);
}
TEST_F(PayloadValuesTest, NumbersAgreeWithAPlainEvaluator) {
  Run("n", {PayloadIndexType::kFloat}, 30);
}
TEST_F(PayloadValuesTest, BoolsAgreeWithAPlainEvaluator) {
  Run("b", {PayloadIndexType::kBool}, 30);
}
TEST_F(PayloadValuesTest, DatetimesAgreeWithAPlainEvaluator) {
  Run("d", {PayloadIndexType::kDatetime}, 30);
}
TEST_F(PayloadValuesTest, MixedKindsAgreeWithAPlainEvaluator) {
  Run("bnsd", {PayloadIndexType::kFloat}, 40);
}
TEST_F(PayloadValuesTest, MixedKindsWithAnIndexOfStringsAgreeWithAPlainEvaluator) {
  Run("bnsd", {PayloadIndexType::kKeyword}, 40);
}

TEST_F(PayloadValuesTest, AnOrderNeedsAnIndexThatSaysWhich) {
  PutNumbered(1, 5);
  ListRequest request;
  request.order = OrderBy{.key = "n"};
  const auto refused = collection_->List(request).status();
  EXPECT_THAT(refused, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(MessageOf(refused), ::testing::HasSubstr("CreatePayloadIndex"));
  for (const auto type : {PayloadIndexType::kGeo, PayloadIndexType::kKeyword}) {
    ASSERT_THAT(collection_->ChangePayloadIndex({.collection = "c", .key = "n", .type = type}),
                IsOk());
  }
  // Of strings, and these are numbers.
  EXPECT_THAT(collection_->List(request)->points, IsEmpty());
  request.order->start_from = Value(int64_t{2});
  EXPECT_THAT(collection_->List(request).status(), FieldErrorAt("order_by.start_from"));
  request.order->start_from.reset();
  ASSERT_THAT(collection_->ChangePayloadIndex(
                  {.collection = "c", .key = "n", .type = PayloadIndexType::kInteger}),
              IsOk());
  EXPECT_THAT(collection_->List(request).status(), FieldErrorAt("order_by.index_type"));
  request.order->type = PayloadIndexType::kFloat;
  EXPECT_THAT(collection_->List(request).status(), StatusIs(StatusCode::kFailedPrecondition));
  request.order->type = PayloadIndexType::kInteger;
  request.page_size = 2;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const ListResponse page, collection_->List(request));
  ASSERT_EQ(page.points.size(), 2U);
  // The page goes on by the same index only.
  request.after = page.next;
  request.order->type = PayloadIndexType::kKeyword;
  EXPECT_THAT(collection_->List(request).status(), FieldErrorAt("page_token"));
  for (const std::string hostile : {"\x02", "\x02\xFF\xFF\xFF\xFF", "\x02zzzzz"}) {
    request.order->type = PayloadIndexType::kInteger;
    request.after = hostile;
    EXPECT_THAT(collection_->List(request).status(), FieldErrorAt("page_token"));
  }
}

TEST_F(PayloadValuesTest, TooManyValuesAreRefusedNotCut) {
  limits_.facet_values_max = 9;
  Reopen();
  PutNumbered(1, 9);
  FacetRequest request;
  request.key = "n";
  request.page_size = 3;
  ALIDADE_ASSERT_OK_AND_ASSIGN(const FacetResponse nine, collection_->Facet(request));
  EXPECT_EQ(nine.distinct, 9U);
  PutNumbered(10, 10);
  EXPECT_THAT(collection_->Facet(request).status(), StatusIs(StatusCode::kResourceExhausted));
  request.after = "x";
  EXPECT_THAT(collection_->Facet(request).status(), FieldErrorAt("page_token"));
}

}  // namespace
}  // namespace alidade
