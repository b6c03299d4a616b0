// Vectors of a point by the names of their fields, in a JSON object.
#pragma once

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "alidade/common/status.h"

namespace alidade {

// Those at `key` of a point, if it is there; each as `parse(json, vector)` reads it, into a map by
// name, of a std::map or of a message.
template <typename Vectors, typename Parse>
Status ReadNamed(const nlohmann::json& point,
                 const char* key,
                 const Parse& parse,
                 Vectors& vectors) {
  const auto named = point.find(key);
  if (named == point.end()) {
    return OkStatus();
  }
  if (!named->is_object()) {
    return InvalidArgument("\"{}\" is no object of vectors by name", key);
  }
  for (const auto& [name, vector] : named->items()) {
    if (const Status status = parse(vector, vectors[name]); !status.ok()) {
      return WithContext(status, fmt::format("\"{}\", \"{}\"", key, name));
    }
  }
  return OkStatus();
}

}  // namespace alidade
