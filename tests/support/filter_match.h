// Matches: a filter on one payload, compiled for it alone; what of the point is no payload is
// absent.
#pragma once

#include <string_view>

#include "alidade/common/check.h"
#include "alidade/filter/compiled_filter.h"

namespace alidade {

inline bool Matches(const Filter& filter, std::string_view payload) {
  const auto compiled = CompiledFilter::Make(filter, {}, "filter");
  ALIDADE_CHECK(compiled.ok(), "{}", MessageOf(compiled.status()));
  return compiled->Matches({.payload = payload});
}

}  // namespace alidade
