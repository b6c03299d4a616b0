#include "alidade/collection/payload_selection.h"

#include <algorithm>
#include <string>
#include <utility>

#include "alidade/common/payload_codec.h"

namespace alidade {
namespace {

// `path` is `key` itself or lies below it.
bool AtOrBelow(std::string_view path, std::string_view key) {
  return path == key ||
         (path.size() > key.size() && path.starts_with(key) && path[key.size()] == '.');
}

Object Filtered(const Object& object, const std::string& prefix, const PayloadSelector& selector) {
  const bool include = selector.mode == PayloadSelector::Mode::kInclude;
  Object result;
  for (const auto& [key, value] : object) {
    const std::string path = prefix.empty() ? key : fmt::format("{}.{}", prefix, key);
    const bool named = std::any_of(selector.keys.begin(),
                                   selector.keys.end(),
                                   [&](const std::string& k) { return AtOrBelow(path, k); });
    if (named) {
      if (include) {
        result.emplace(key, value);
      }
      continue;
    }
    const bool below = std::any_of(selector.keys.begin(),
                                   selector.keys.end(),
                                   [&](const std::string& k) { return AtOrBelow(k, path); });
    const Object* inner = value.As<Object>();
    if (below && inner != nullptr) {
      Object part = Filtered(*inner, path, selector);
      if (!include || !part.empty()) {
        result.emplace(key, Value(std::move(part)));
      }
    } else if (!include) {
      result.emplace(key, value);
    }
  }
  return result;
}

}  // namespace

StatusOr<Object> SelectPayload(std::string_view encoded, const PayloadSelector& selector) {
  if (selector.mode == PayloadSelector::Mode::kNone) {
    return Object();
  }
  ALIDADE_ASSIGN_OR_RETURN(Object object, DecodeObject(encoded));
  if (selector.mode == PayloadSelector::Mode::kAll) {
    return object;
  }
  return Filtered(object, "", selector);
}

}  // namespace alidade
