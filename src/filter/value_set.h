// ValueSet: the values of an `in`, found by value in about constant time.
//
// Threads:  immutable once made.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alidade/common/payload_codec.h"
#include "alidade/common/value.h"

namespace alidade {

// Null, bool, int64, double and string values; others and NaN are never found. Numbers are equal by
// value: 1 is 1.0.
class ValueSet {
 public:
  explicit ValueSet(std::span<const Value> values);

  // The number of distinct values (of those that can be found).
  uint32_t size() const { return size_; }
  bool has_null() const { return null_.has_value(); }
  // Which one, 0..size() - 1; nothing if it is none of them.
  std::optional<uint32_t> Find(const ValueView& value) const;

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void Add(const Value& value);
  void Number(std::optional<uint32_t>& number);
  std::optional<uint32_t> FindNumber(double value) const;
  std::optional<uint32_t> FindText(std::string_view value) const;

  uint32_t size_ = 0;
  std::optional<uint32_t> null_;
  std::optional<uint32_t> bools_[2];
  // Rising, and numbered so, from the first one's number on. Doubles that are whole and fit are
  // integers here.
  std::vector<int64_t> integers_;
  std::vector<double> doubles_;
  uint32_t first_integer_ = 0;
  uint32_t first_double_ = 0;
  std::vector<std::pair<std::string, uint32_t>> few_texts_;  // while few: compared one by one
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> texts_;
};

}  // namespace alidade
