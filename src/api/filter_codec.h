// Filters from the wire to the domain.
#pragma once

#include <memory>

#include "alidade/v1/filter.pb.h"

#include "alidade/common/limits.h"
#include "alidade/common/status.h"
#include "alidade/filter/filter.h"

#include "field_path.h"

namespace alidade {

// Checks what ValidateFilter checks, and that no message inside has a field that this server does
// not know: dropping it would widen the answer. Pure.
StatusOr<std::shared_ptr<const Filter>> DecodeFilter(const v1::Filter& in,
                                                     const Limits& limits,
                                                     const FieldPath& path);

}  // namespace alidade
