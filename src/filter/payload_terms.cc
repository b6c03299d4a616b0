#include "alidade/filter/payload_terms.h"

#include <optional>

#include "condition.h"
#include "key_path.h"

namespace alidade {

PayloadTerms::PayloadTerms(const PayloadIndexSpec& spec)
    : key_(spec.key), analyzer_(spec.text.analyzer) {}

std::span<const TermValue> PayloadTerms::Of(std::string_view payload) {
  terms_.Clear();
  if (const std::optional<ValueView> value = KeyPath(key_).Find(payload); value.has_value()) {
    AnyLeaf(*value, [this](const ValueView& leaf) {
      if (leaf.tag() == ValueTag::kString) {
        analyzer_.Analyze(leaf.AsString(), [this](std::string_view token, uint32_t /*position*/) {
          terms_.Add(token);
        });
      }
      return false;
    });
  }
  return terms_.Count();
}

}  // namespace alidade
