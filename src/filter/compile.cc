#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "alidade/common/point_id.h"
#include "alidade/filter/compiled_filter.h"

#include "bounds.h"
#include "condition.h"
#include "geo_shapes.h"
#include "text_search.h"
#include "token_match.h"
#include "value_set.h"

namespace alidade {
namespace {

class AllHold final : public Condition {
 public:
  explicit AllHold(Conditions parts) : parts_(std::move(parts)) {}
  bool Holds(std::string_view object, const FilterSubject& point) const override {
    return std::ranges::all_of(parts_, [&](const auto& x) { return x->Holds(object, point); });
  }

 private:
  Conditions parts_;
};

// `wanted`: what the answer is if some part holds.
class SomeHolds final : public Condition {
 public:
  SomeHolds(Conditions parts, bool wanted) : parts_(std::move(parts)), wanted_(wanted) {}
  bool Holds(std::string_view object, const FilterSubject& point) const override {
    return wanted_ ==
           std::ranges::any_of(parts_, [&](const auto& x) { return x->Holds(object, point); });
  }

 private:
  Conditions parts_;
  bool wanted_;
};

class NothingHolds final : public Condition {
 public:
  bool Holds(std::string_view /*object*/, const FilterSubject& /*point*/) const override {
    return false;
  }
};

class ElementHolds final : public Condition {
 public:
  ElementHolds(KeyPath path, Conditions parts)
      : path_(std::move(path)), elements_(std::move(parts)) {}
  bool Holds(std::string_view object, const FilterSubject& point) const override {
    const std::optional<ValueView> value = path_.Find(object);
    return value.has_value() && AnyLeaf(*value, [&](const ValueView& element) {
             return element.tag() == ValueTag::kObject &&
                    elements_.Holds(element.AsObject(), point);
           });
  }

 private:
  KeyPath path_;
  AllHold elements_;
};

class IdIsIn final : public Condition {
 public:
  explicit IdIsIn(const std::vector<PointId>& ids) {
    std::ranges::transform(
        ids, std::back_inserter(encoded_), [](const PointId& id) { return id.Encode(); });
    std::ranges::sort(encoded_);
  }
  bool Holds(std::string_view /*object*/, const FilterSubject& point) const override {
    return std::ranges::binary_search(encoded_, point.encoded_id);
  }

 private:
  std::vector<std::string> encoded_;  // rising
};

class VectorIsThere final : public Condition {
 public:
  explicit VectorIsThere(uint32_t bit) : bit_(bit) {}
  bool Holds(std::string_view /*object*/, const FilterSubject& point) const override {
    return (point.vectors & bit_) != 0;
  }

 private:
  uint32_t bit_;
};

struct InTest {
  ValueSet values;
  bool operator()(const ValueView& value) const { return values.Find(value).has_value(); }
};

// Up to 64 values, each a bit.
struct ContainsTest {
  ValueSet values;
  uint64_t wanted = 0;
  bool operator()(const std::optional<ValueView>& value) const {
    uint64_t missed = wanted;
    const auto strike = [&](const ValueView& leaf) {
      if (const std::optional<uint32_t> number = values.Find(leaf); number.has_value()) {
        missed &= ~(uint64_t{1} << *number);
      }
      return missed == 0;
    };
    // A missing key counts as null.
    return value.has_value() ? AnyLeaf(*value, strike) : strike(ValueView(ValueTag::kNull, {}));
  }
};

struct NullTest {
  bool operator()(const ValueView& value) const { return value.tag() == ValueTag::kNull; }
};

struct ExistsTest {
  bool operator()(const std::optional<ValueView>& value) const { return value.has_value(); }
};

struct EmptyTest {
  bool operator()(const std::optional<ValueView>& value) const {
    return !value.has_value() || value->tag() == ValueTag::kNull ||
           (value->tag() == ValueTag::kList && value->ListSize() == 0);
  }
};

// What a condition costs beside others, for the order of evaluation (chosen: only the order of
// magnitude matters).
constexpr uint64_t kFree = 0;     // no look at the payload
constexpr uint64_t kLookup = 1;   // one key
constexpr uint64_t kText = 8;     // reads a string
constexpr uint64_t kWords = 128;  // analyses it
constexpr uint64_t kGeo = 8;      // a handful of floating point functions

struct Compiled {
  std::unique_ptr<const Condition> condition;
  uint64_t cost = kLookup;
};

template <typename Test>
Compiled OnValue(const std::string& key, Test test, uint64_t cost = kLookup) {
  return {std::make_unique<ValueCondition<Test>>(KeyPath(key), std::move(test)), cost};
}

template <typename Test>
Compiled OnLeaves(const std::string& key,
                  Test test,
                  bool if_missing = false,
                  uint64_t cost = kLookup) {
  return OnValue(key, AnyLeafTest<Test>{std::move(test), if_missing}, cost);
}

}  // namespace

// Turns one node after the other; the paths are those of alidade.v1.Filter.
class FilterCompiler {
 public:
  FilterCompiler(std::span<const std::string_view> vector_fields, CompiledFilter& out)
      : vector_fields_(vector_fields), out_(out) {}

  StatusOr<Compiled> Compile(const Filter& filter, const std::string& path) {
    return std::visit([&](const auto& node) { return Make(node, path); }, filter.node);
  }

 private:
  // The cheap ones first. Adds their costs to `cost`.
  StatusOr<Conditions> CompileAll(const std::vector<Filter>& filters,
                                  const std::string& path,
                                  uint64_t& cost) {
    std::vector<Compiled> compiled;
    for (size_t i = 0; i < filters.size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(Compiled part,
                               Compile(filters[i], fmt::format("{}.filters[{}]", path, i)));
      cost += part.cost;
      compiled.push_back(std::move(part));
    }
    std::ranges::stable_sort(compiled, {}, &Compiled::cost);
    Conditions conditions;
    for (Compiled& part : compiled) {
      conditions.push_back(std::move(part.condition));
    }
    return conditions;
  }

  StatusOr<Compiled> Make(const AllOf& group, const std::string& path) {
    uint64_t cost = 0;
    ALIDADE_ASSIGN_OR_RETURN(Conditions parts, CompileAll(group.children, path + ".all_of", cost));
    return Compiled{std::make_unique<AllHold>(std::move(parts)), cost};
  }
  StatusOr<Compiled> Make(const AnyOf& group, const std::string& path) {
    uint64_t cost = 0;
    ALIDADE_ASSIGN_OR_RETURN(Conditions parts, CompileAll(group.children, path + ".any_of", cost));
    return Compiled{std::make_unique<SomeHolds>(std::move(parts), /*wanted=*/true), cost};
  }
  StatusOr<Compiled> Make(const NoneOf& group, const std::string& path) {
    uint64_t cost = 0;
    ALIDADE_ASSIGN_OR_RETURN(Conditions parts, CompileAll(group.children, path + ".none_of", cost));
    return Compiled{std::make_unique<SomeHolds>(std::move(parts), /*wanted=*/false), cost};
  }
  StatusOr<Compiled> Make(const Nested& nested, const std::string& path) {
    uint64_t cost = kLookup;
    ALIDADE_ASSIGN_OR_RETURN(Conditions parts, CompileAll(nested.children, path + ".nested", cost));
    return Compiled{std::make_unique<ElementHolds>(KeyPath(nested.key), std::move(parts)), cost};
  }
  StatusOr<Compiled> Make(const IdIn& condition, const std::string& /*path*/) {
    out_.asks_id_ = true;
    return Compiled{std::make_unique<IdIsIn>(condition.ids), kFree};
  }
  StatusOr<Compiled> Make(const HasVector& condition, const std::string& path) {
    const auto field = std::ranges::find(vector_fields_, condition.field);
    if (field == vector_fields_.end()) {
      return FieldError(
          path + ".has_vector.field", "the collection has no vector field \"{}\"", condition.field);
    }
    const uint32_t bit = uint32_t{1} << (field - vector_fields_.begin());
    out_.asks_vectors_ |= bit;
    return Compiled{std::make_unique<VectorIsThere>(bit), kFree};
  }
  template <typename Leaf>
  StatusOr<Compiled> Make(const Leaf& leaf, const std::string& /*path*/) {
    return MakeLeaf(leaf);
  }

  static Compiled MakeLeaf(const In& condition) {
    ValueSet values(condition.values);
    const bool if_missing = values.has_null();
    return OnLeaves(condition.key, InTest{std::move(values)}, if_missing);
  }
  static Compiled MakeLeaf(const ContainsAll& condition) {
    Conditions parts;
    const std::span<const Value> values(condition.values);
    for (size_t from = 0; from < values.size(); from += 64) {
      const auto some = values.subspan(from, std::min<size_t>(64, values.size() - from));
      ContainsTest test{ValueSet(some)};
      if (test.values.size() < some.size() && HasUnfindable(some)) {
        return {std::make_unique<NothingHolds>(), kFree};
      }
      test.wanted = ~uint64_t{0} >> (64 - test.values.size());
      parts.push_back(OnValue(condition.key, std::move(test)).condition);
    }
    const uint64_t cost = parts.size() * kLookup;
    return {std::make_unique<AllHold>(std::move(parts)), cost};
  }
  // NaN, lists and objects equal nothing.
  static bool HasUnfindable(std::span<const Value> values) {
    return std::ranges::any_of(values, [](const Value& value) {
      return ValueSet({&value, 1}).size() == 0;
    });
  }
  static Compiled MakeLeaf(const Range& range) {
    size_t bounds = 0;
    size_t numbers = 0;
    size_t texts = 0;
    ForEachBound(range, [&](const char* /*name*/, const Value& bound) {
      ++bounds;
      numbers += bound.As<int64_t>() != nullptr || bound.As<double>() != nullptr ? size_t{1} : 0;
      texts += bound.As<std::string>() != nullptr ? size_t{1} : 0;
    });
    if (bounds > 0 && numbers == bounds) {
      return OnLeaves(range.key, NumberBounds(range));
    }
    if (bounds > 0 && texts == bounds) {
      const auto text = [](const Value& bound) { return *bound.As<std::string>(); };
      return OnLeaves(range.key, TextBounds{ConvertBounds<std::string>(range, text)});
    }
    return {std::make_unique<NothingHolds>(), kFree};  // a bound is null
  }
  static Compiled MakeLeaf(const DatetimeRange& range) {
    bool sound = true;
    const auto instant = [&sound](const std::string& bound) {
      const std::optional<Instant> parsed = ParseInstant(bound);
      sound = sound && parsed.has_value();
      return parsed.value_or(Instant());
    };
    InstantBounds bounds{ConvertBounds<Instant>(range, instant)};
    if (!sound) {
      return {std::make_unique<NothingHolds>(), kFree};
    }
    return OnLeaves(range.key, bounds, /*if_missing=*/false, kText);
  }
  static Compiled MakeLeaf(const CountRange& range) {
    return OnValue(
        range.key,
        CountBounds{ConvertBounds<uint64_t>(range, [](uint64_t bound) { return bound; })});
  }
  static Compiled MakeLeaf(const Exists& condition) { return OnValue(condition.key, ExistsTest{}); }
  static Compiled MakeLeaf(const IsNull& condition) {
    return OnLeaves(condition.key, NullTest{}, /*if_missing=*/true);
  }
  static Compiled MakeLeaf(const IsEmpty& condition) { return OnValue(condition.key, EmptyTest{}); }
  static Compiled MakeLeaf(const StringMatch& match) {
    switch (match.kind) {
      case StringMatchKind::kPrefix:
        return OnLeaves(match.key, PrefixTest{match.text});
      case StringMatchKind::kSubstring:
        return OnLeaves(match.key, SubstringTest{match.text}, /*if_missing=*/false, kText);
      case StringMatchKind::kFolded:
        break;
    }
    return OnLeaves(match.key, FoldedSubstringTest(match.text), /*if_missing=*/false, 4 * kText);
  }
  static Compiled MakeLeaf(const TextMatch& match) {
    return OnLeaves(match.key, TokenTest(match), /*if_missing=*/false, kWords);
  }
  static Compiled MakeLeaf(const GeoRadius& radius) {
    return OnLeaves(radius.key, ShapeTest(Disc(radius)), /*if_missing=*/false, kGeo);
  }
  static Compiled MakeLeaf(const GeoBox& box) {
    return OnLeaves(box.key, ShapeTest(Box(box)), /*if_missing=*/false, kGeo);
  }
  static Compiled MakeLeaf(const GeoPolygon& polygon) {
    uint64_t points = polygon.exterior.size();
    for (const auto& hole : polygon.holes) {
      points += hole.size();
    }
    return OnLeaves(polygon.key, ShapeTest(Polygon(polygon)), /*if_missing=*/false, kGeo + points);
  }

  std::span<const std::string_view> vector_fields_;
  CompiledFilter& out_;
};

StatusOr<CompiledFilter> CompiledFilter::Make(const Filter& filter,
                                              std::span<const std::string_view> vector_fields,
                                              const std::string& path) {
  CompiledFilter out;
  ALIDADE_ASSIGN_OR_RETURN(Compiled root, FilterCompiler(vector_fields, out).Compile(filter, path));
  out.root_ = std::move(root.condition);
  out.passes_ = root.cost;
  return out;
}

bool CompiledFilter::Matches(const FilterSubject& point) const {
  return root_->Holds(point.payload, point);
}

}  // namespace alidade
