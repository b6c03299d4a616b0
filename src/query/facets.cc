#include "alidade/query/facets.h"

#include <algorithm>
#include <compare>
#include <unordered_map>
#include <utility>

#include "alidade/filter/folded_substring.h"
#include "alidade/filter/instant.h"
#include "alidade/query/value_scan.h"

namespace alidade {
namespace {

using Counts = std::unordered_map<Scalar, uint64_t>;

// One of the values, with its place among them.
struct Ranked {
  FacetPosition position;
  Scalar value;
};

// The first `count` in the order of the query, those up to `after` left out; whether there are
// more.
std::pair<std::vector<Ranked>, bool> FirstOf(const Counts& counts, const FacetQuery& query) {
  const auto before = [&query](const FacetPosition& a, const FacetPosition& b) {
    return !query.by_value && a.points != b.points ? a.points > b.points : a.key < b.key;
  };
  const auto ranked_before = [&before](const Ranked& a, const Ranked& b) {
    return before(a.position, b.position);
  };
  std::vector<Ranked> first;  // a heap, the last one in front
  bool more = false;
  for (const auto& [value, points] : counts) {
    if (!query.by_value && first.size() == query.count && points < first.front().position.points) {
      more = true;  // most of many values: not even their place is looked at
      continue;
    }
    Ranked next{{.points = points, .key = SortKey(value)}, value};
    if (query.after.has_value() && !before(*query.after, next.position)) {
      continue;
    }
    if (first.size() == query.count) {
      more = true;
      if (!ranked_before(next, first.front())) {
        continue;
      }
      std::ranges::pop_heap(first, ranked_before);
      first.pop_back();
    }
    first.push_back(std::move(next));
    std::ranges::push_heap(first, ranked_before);
  }
  std::ranges::sort_heap(first, ranked_before);
  return {std::move(first), more};
}

// Widens bounds by values that come one after the other.
template <typename Rank>
class Extremes {
 public:
  // Equal ranks are told apart by the values' own order.
  void Add(const Rank& rank, const Scalar& value) {
    if (!low_.has_value() || rank < low_->first) {
      low_.emplace(rank, value);
    }
    if (!high_.has_value() || high_->first < rank) {
      high_.emplace(rank, value);
    }
  }
  std::optional<ValueBounds> Find() const {
    return low_.has_value() && high_.has_value()
               ? std::optional(ValueBounds{ValueOf(low_->second), ValueOf(high_->second)})
               : std::nullopt;
  }

 private:
  std::optional<std::pair<Rank, Scalar>> low_;
  std::optional<std::pair<Rank, Scalar>> high_;
};

}  // namespace

StatusOr<FacetOutcome> CountFacets(const SegmentSet& view,
                                   const FacetQuery& query,
                                   const Deadline& deadline) {
  std::optional<FoldedSubstring> wanted;
  if (!query.contains.empty()) {
    wanted.emplace(query.contains);
  }
  Counts counts;
  ValueScan scan(view, query.key, query.filter, deadline);
  ALIDADE_RETURN_IF_ERROR(scan.Run([&](const Scalar& value, uint64_t rows) {
    if (const auto found = counts.find(value); found != counts.end()) {
      found->second += rows;
      return OkStatus();
    }
    if (wanted.has_value()) {
      const auto* text = std::get_if<std::string_view>(&value);
      if (text == nullptr || !wanted->IsIn(*text)) {
        return OkStatus();
      }
    }
    if (counts.size() == query.values_max) {
      return ResourceExhausted("\"{}\" has more than {} distinct values (limits.facet_values_max)",
                               query.key,
                               query.values_max);
    }
    counts.emplace(value, rows);
    return OkStatus();
  }));
  FacetOutcome outcome;
  outcome.distinct = counts.size();
  const auto [first, more] = FirstOf(counts, query);
  for (const Ranked& ranked : first) {
    outcome.values.push_back({ValueOf(ranked.value), ranked.position.points});
  }
  if (more) {
    outcome.next = first.back().position;
  }
  return outcome;
}

StatusOr<KindBounds> FindBounds(const SegmentSet& view,
                                std::string_view key,
                                const Filter* filter,
                                const Deadline& deadline) {
  Extremes<std::string> numbers;  // by SortKey
  Extremes<std::string_view> strings;
  Extremes<std::pair<Instant, std::string_view>> datetimes;
  ValueScan scan(view, key, filter, deadline);
  ALIDADE_RETURN_IF_ERROR(scan.Run([&](const Scalar& value, uint64_t /*rows*/) {
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      strings.Add(*text, value);
      if (const std::optional<Instant> instant = ParseInstant(*text); instant.has_value()) {
        datetimes.Add({*instant, *text}, value);
      }
    } else if (!std::holds_alternative<bool>(value)) {
      numbers.Add(SortKey(value), value);
    }
    return OkStatus();
  }));
  return KindBounds{numbers.Find(), strings.Find(), datetimes.Find()};
}

}  // namespace alidade
