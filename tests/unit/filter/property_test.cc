// Random filters over random payloads, against an evaluator that works on decoded values and
// compares numbers as 80-bit floating point, which holds every int64 and every double.
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/filter.h"

#include "support/status_matchers.h"

namespace alidade {
namespace {

static_assert(std::numeric_limits<long double>::digits >= 64);

uint64_t TestSeed() {
  const char* text = std::getenv("ALIDADE_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }

  std::string Key() {
    static const std::vector<std::string> keys = {
        "a", "b", "c", "a.b", "a.b.c", "b.a", "x.y", "zz"};
    return keys[Below(keys.size())];
  }

  Value Scalar() {
    static const std::vector<int64_t> integers = {0,
                                                  1,
                                                  -1,
                                                  2,
                                                  int64_t{1} << 53,
                                                  (int64_t{1} << 53) + 1,
                                                  std::numeric_limits<int64_t>::max(),
                                                  std::numeric_limits<int64_t>::min()};
    static const std::vector<double> doubles = {0.0,
                                                -0.0,
                                                0.5,
                                                1.0,
                                                -1.0,
                                                2.0,
                                                9007199254740992.0,
                                                9223372036854775808.0,
                                                -9223372036854775808.0,
                                                1e300,
                                                std::numeric_limits<double>::infinity(),
                                                -std::numeric_limits<double>::infinity(),
                                                std::numeric_limits<double>::quiet_NaN()};
    static const std::vector<std::string> texts = {"", "a", "ab", "b", "\xFF"};
    switch (Below(5)) {
      case 0:
        return Value();
      case 1:
        return Value(Below(2) == 1);
      case 2:
        return Value(integers[Below(integers.size())]);
      case 3:
        return Value(doubles[Below(doubles.size())]);
      default:
        return Value(texts[Below(texts.size())]);
    }
  }

  Value Any(int depth) {
    const size_t kind = Below(depth < 3 ? 8 : 6);
    if (kind < 6) {
      return Scalar();
    }
    if (kind == 6) {
      List list;
      for (size_t count = Below(4); count > 0; --count) {
        list.push_back(Any(depth + 1));
      }
      return Value(std::move(list));
    }
    return Value(Payload(depth + 1));
  }

  Object Payload(int depth) {
    static const std::vector<std::string> keys = {"a", "b", "c", "x.y"};
    Object object;
    for (const std::string& key : keys) {
      if (Below(3) != 0) {
        object.emplace(key, Any(depth));
      }
    }
    return object;
  }

  std::optional<Value> Bound(bool text) {
    while (true) {
      Value value = Scalar();
      const bool is_text = value.As<std::string>() != nullptr;
      const bool is_number = value.As<int64_t>() != nullptr || value.As<double>() != nullptr;
      if (text ? is_text : is_number) {
        return value;
      }
    }
  }

  Filter Tree(int depth) {
    switch (Below(depth < 4 ? 7 : 4)) {
      case 0: {
        In condition{Key(), {}};
        for (size_t count = Below(4); count > 0; --count) {
          condition.values.push_back(Scalar());
        }
        return Filter{std::move(condition)};
      }
      case 1: {
        Range range{.key = Key()};
        const bool text = Below(3) == 0;
        const size_t low = Below(3);
        (low == 0 ? range.gt : range.gte) = low == 2 ? std::nullopt : Bound(text);
        const size_t high = low == 2 ? Below(2) : Below(3);
        (high == 0 ? range.lt : range.lte) = high == 2 ? std::nullopt : Bound(text);
        return Filter{std::move(range)};
      }
      case 2:
        return Filter{Exists{Key()}};
      case 3:
        return Filter{IsNull{Key()}};
      case 4:
        return Filter{AllOf{Children(depth)}};
      case 5:
        return Filter{AnyOf{Children(depth)}};
      default:
        return Filter{NoneOf{Children(depth)}};
    }
  }

 private:
  std::vector<Filter> Children(int depth) {
    std::vector<Filter> children;
    for (size_t count = Below(4); count > 0; --count) {
      children.push_back(Tree(depth + 1));
    }
    return children;
  }

  std::mt19937_64 random_;
};

const Value* FindNaively(const Object& object, const std::string& path) {
  if (const auto found = object.find(path); found != object.end()) {
    return &found->second;
  }
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    const auto found = object.find(path.substr(0, dot));
    if (found == object.end() || found->second.As<Object>() == nullptr) {
      continue;
    }
    if (const Value* inner = FindNaively(*found->second.As<Object>(), path.substr(dot + 1))) {
      return inner;
    }
  }
  return nullptr;
}

// The value and, if it is a list, all its elements at any depth instead.
std::vector<Value> Leaves(const Value& value) {
  const List* list = value.As<List>();
  if (list == nullptr) {
    return {value};
  }
  std::vector<Value> leaves;
  for (const Value& element : *list) {
    for (Value& leaf : Leaves(element)) {
      leaves.push_back(std::move(leaf));
    }
  }
  return leaves;
}

std::optional<long double> NumberOf(const Value& value) {
  if (const auto* integer = value.As<int64_t>()) {
    return static_cast<long double>(*integer);
  }
  if (const auto* number = value.As<double>()) {
    return static_cast<long double>(*number);
  }
  return std::nullopt;
}

bool EqualNaively(const Value& a, const Value& b) {
  const auto x = NumberOf(a);
  const auto y = NumberOf(b);
  if (x.has_value() && y.has_value()) {
    return *x == *y;
  }
  return a.data().index() == b.data().index() && a == b;
}

// a < b, and nothing where they do not compare.
std::optional<bool> LessNaively(const Value& a, const Value& b) {
  const auto x = NumberOf(a);
  const auto y = NumberOf(b);
  if (x.has_value() && y.has_value()) {
    if (*x != *x || *y != *y) {
      return std::nullopt;
    }
    return *x < *y;
  }
  if (a.As<std::string>() != nullptr && b.As<std::string>() != nullptr) {
    return *a.As<std::string>() < *b.As<std::string>();
  }
  return std::nullopt;
}

bool InRangeNaively(const Value& value, const Range& range) {
  const auto holds = [](const std::optional<bool>& less, bool wanted) {
    return less.has_value() && *less == wanted;
  };
  return (!range.gt.has_value() || holds(LessNaively(*range.gt, value), true)) &&
         (!range.gte.has_value() || holds(LessNaively(value, *range.gte), false)) &&
         (!range.lt.has_value() || holds(LessNaively(value, *range.lt), true)) &&
         (!range.lte.has_value() || holds(LessNaively(*range.lte, value), false));
}

bool MatchesNaively(const Filter& filter, const Object& object);

size_t CountHolding(const std::vector<Filter>& filters, const Object& object) {
  size_t count = 0;
  for (const Filter& filter : filters) {
    count += MatchesNaively(filter, object) ? size_t{1} : size_t{0};
  }
  return count;
}

bool MatchesNaively(const Filter& filter, const Object& object) {
  if (const auto* all = std::get_if<AllOf>(&filter.node)) {
    return CountHolding(all->children, object) == all->children.size();
  }
  if (const auto* any = std::get_if<AnyOf>(&filter.node)) {
    return CountHolding(any->children, object) > 0;
  }
  if (const auto* none = std::get_if<NoneOf>(&filter.node)) {
    return CountHolding(none->children, object) == 0;
  }
  if (const auto* exists = std::get_if<Exists>(&filter.node)) {
    return FindNaively(object, exists->key) != nullptr;
  }
  bool holds = false;
  if (const auto* is_null = std::get_if<IsNull>(&filter.node)) {
    const Value* value = FindNaively(object, is_null->key);
    for (const Value& leaf : value == nullptr ? std::vector<Value>(1) : Leaves(*value)) {
      holds = holds || leaf == Value();
    }
    return holds;
  }
  const auto* in = std::get_if<In>(&filter.node);
  const auto* range = std::get_if<Range>(&filter.node);
  const Value* value = FindNaively(object, in != nullptr ? in->key : range->key);
  for (const Value& leaf : value == nullptr ? std::vector<Value>() : Leaves(*value)) {
    if (range != nullptr) {
      holds = holds || InRangeNaively(leaf, *range);
      continue;
    }
    for (const Value& wanted : in->values) {
      holds = holds || EqualNaively(leaf, wanted);
    }
  }
  return holds;
}

TEST(FilterPropertyTest, AgreesWithAnEvaluatorOverDecodedValues) {
  const uint64_t seed = TestSeed();
  RecordProperty("seed", std::to_string(seed));
  Generator generator(seed);
  std::vector<std::string> payloads;
  std::vector<Object> objects;
  for (int i = 0; i < 300; ++i) {
    payloads.emplace_back();
    EncodeObject(generator.Payload(0), payloads.back());
    ALIDADE_ASSERT_OK_AND_ASSIGN(Object object, DecodeObject(payloads.back()));
    objects.push_back(std::move(object));
  }
  size_t held = 0;
  const int filters = 2'000;
  for (int i = 0; i < filters; ++i) {
    const Filter filter = generator.Tree(0);
    ASSERT_THAT(ValidateFilter(filter, Limits{}, "filter"), IsOk()) << DescribeFilter(filter);
    for (size_t k = 0; k < objects.size(); ++k) {
      const bool expected = MatchesNaively(filter, objects[k]);
      held += expected ? size_t{1} : size_t{0};
      ASSERT_EQ(Matches(filter, payloads[k]), expected)
          << DescribeFilter(filter) << " on payload " << k << ", ALIDADE_TEST_SEED=" << seed;
    }
  }
  // The generator must not be one-sided.
  EXPECT_GT(held, filters * objects.size() / 10) << "ALIDADE_TEST_SEED=" << seed;
  EXPECT_LT(held, filters * objects.size() * 9 / 10) << "ALIDADE_TEST_SEED=" << seed;
}

}  // namespace
}  // namespace alidade
