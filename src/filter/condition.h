// Condition: a node of a CompiledFilter, and what every condition on a key has in common.
//
// Threads:  immutable.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "alidade/common/payload_codec.h"
#include "alidade/filter/compiled_filter.h"

#include "key_path.h"

namespace alidade {

class Condition {
 public:
  virtual ~Condition() = default;
  // `object` is what keys are looked up in: the point's payload, or an element of a list in it.
  virtual bool Holds(std::string_view object, const FilterSubject& point) const = 0;
};

using Conditions = std::vector<std::unique_ptr<const Condition>>;

// Whether `holds(ValueView)` is true of the value, or of any element if it is a list. Depth is
// bounded here too, so that malformed bytes cannot exhaust the stack.
template <typename Fn>
bool AnyLeaf(const ValueView& value, const Fn& holds, int depth = 0) {
  if (value.tag() != ValueTag::kList) {
    return holds(value);
  }
  if (depth >= kPayloadDepthHardMax) {
    return false;
  }
  return value.AnyElement(
      [&](const ValueView& element) { return AnyLeaf(element, holds, depth + 1); });
}

// Test(std::optional<ValueView>): nothing if the key is missing; a list as it is.
template <typename Test>
class ValueCondition final : public Condition {
 public:
  ValueCondition(KeyPath path, Test test) : path_(std::move(path)), test_(std::move(test)) {}
  bool Holds(std::string_view object, const FilterSubject& /*point*/) const override {
    return test_(path_.Find(object));
  }

 private:
  KeyPath path_;
  Test test_;
};

// Test(ValueView): a value that is no list.
template <typename Test>
struct AnyLeafTest {
  Test test;
  bool if_missing = false;

  bool operator()(const std::optional<ValueView>& value) const {
    return value.has_value() ? AnyLeaf(*value, test) : if_missing;
  }
};

}  // namespace alidade
