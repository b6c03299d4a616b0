// PayloadOrder: where a payload stands in the order of a key, as an index on the key has it.
//
// Threads:  immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alidade/common/value.h"
#include "alidade/filter/payload_index_spec.h"

namespace alidade {

// Whether the values of such an index are in an order that means something.
bool HasOrder(PayloadIndexType type);
// Whether indexes of two types, both with an order, hold the same values in the same order.
bool SameOrder(PayloadIndexType a, PayloadIndexType b);

class PayloadOrder {
 public:
  // Requires: HasOrder(spec.type).
  PayloadOrder(const PayloadIndexSpec& spec, bool descending)
      : key_(spec.key), type_(spec.type), descending_(descending) {}

  bool descending() const { return descending_; }
  // The smallest of the values that the index would hold of it, the largest if the order falls; as
  // bytes that compare as the values do. Nothing if it has none. Malformed payload bytes have none.
  std::optional<std::string> PlaceOf(std::string_view payload) const;
  // The same bytes of a value; nothing if the index does not hold such.
  std::optional<std::string> PlaceOf(const Value& value) const;
  // Whether a place comes before another.
  bool Before(std::string_view a, std::string_view b) const { return descending_ ? b < a : a < b; }

 private:
  std::string key_;
  PayloadIndexType type_;
  bool descending_;
};

}  // namespace alidade
