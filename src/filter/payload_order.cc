#include "alidade/filter/payload_order.h"

#include <utility>

#include "alidade/common/payload_codec.h"

#include "condition.h"
#include "index_keys.h"
#include "key_path.h"

namespace alidade {
namespace {

enum class Order { kNone, kBool, kNumber, kText, kInstant };

Order OrderOf(PayloadIndexType type) {
  switch (type) {
    case PayloadIndexType::kKeyword:
    case PayloadIndexType::kUuid:
      return Order::kText;
    case PayloadIndexType::kInteger:
    case PayloadIndexType::kFloat:
      return Order::kNumber;
    case PayloadIndexType::kBool:
      return Order::kBool;
    case PayloadIndexType::kDatetime:
      return Order::kInstant;
    case PayloadIndexType::kGeo:
    case PayloadIndexType::kText:
      break;
  }
  return Order::kNone;
}

}  // namespace

bool HasOrder(PayloadIndexType type) { return OrderOf(type) != Order::kNone; }

bool SameOrder(PayloadIndexType a, PayloadIndexType b) { return OrderOf(a) == OrderOf(b); }

std::optional<std::string> PayloadOrder::PlaceOf(std::string_view payload) const {
  std::optional<std::string> place;
  if (const std::optional<ValueView> value = KeyPath(key_).Find(payload); value.has_value()) {
    AnyLeaf(*value, [&](const ValueView& leaf) {
      if (auto key = IndexKeyOf(type_, leaf);
          key.has_value() && (!place.has_value() || Before(*key, *place))) {
        place = std::move(key);
      }
      return false;
    });
  }
  return place;
}

std::optional<std::string> PayloadOrder::PlaceOf(const Value& value) const {
  std::string payload;
  EncodeObject({{"value", value}}, payload);
  const std::optional<ValueView> view = PayloadView(payload).Find("value");
  return view.has_value() ? IndexKeyOf(type_, *view) : std::nullopt;
}

}  // namespace alidade
