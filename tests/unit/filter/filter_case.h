// FilterCase: a filter and a point it is tried on; random ones, what they should answer by an
// evaluator that shares no code with the filter module, and smaller ones.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/point_id.h"
#include "alidade/common/value.h"
#include "alidade/filter/compiled_filter.h"
#include "alidade/filter/filter.h"

namespace alidade {

// The collection's vector fields, in order.
inline constexpr std::string_view kVectorFields[] = {"title", "body", "image"};

struct FilterPoint {
  Object payload;
  PointId id;
  std::set<std::string> vectors = {};
};

struct FilterCase {
  Filter filter;
  FilterPoint point;
};

// $ALIDADE_TEST_SEED, or a random one.
uint64_t TestSeed();

// Valid filters over few keys and values, so that they meet; with NaN and infinities if
// `any_double`.
class FilterGenerator {
 public:
  FilterGenerator(uint64_t seed, bool any_double) : random_(seed), any_double_(any_double) {}

  Filter Tree() { return Tree(0, /*in_element=*/false); }
  FilterPoint Point();

 private:
  size_t Below(size_t bound);
  template <typename T>
  const T& OneOf(const std::vector<T>& from) {
    return from[Below(from.size())];
  }

  std::string Key();
  std::string Text();
  std::string Words();
  AnalyzerConfig Analysis();
  Value Scalar();
  Value Any(int depth);
  Object Payload(int depth);
  Value Place();
  GeoPoint Corner();
  std::vector<GeoPoint> Ring();
  PointId Id();
  std::vector<Value> Values(size_t least);
  Value Bound(bool text);
  template <typename AnyRange, typename Fn>
  AnyRange Bounds(const Fn& bound);
  std::vector<Filter> Children(int depth, bool in_element, size_t least);
  Filter Leaf(bool in_element);
  Filter Tree(int depth, bool in_element);

  std::mt19937_64 random_;
  bool any_double_;
};

bool MatchesNaively(const Filter& filter, const FilterPoint& point);

// By the module under test.
bool MatchesCompiled(const Filter& filter, const FilterPoint& point);

// Replaces parts by smaller ones while `fails` stays true; true of the result.
FilterCase Shrink(FilterCase found, const std::function<bool(const FilterCase&)>& fails);

// For messages: the filter's text, the payload, the id and the vectors.
std::string Describe(const FilterCase& found);

}  // namespace alidade
