// EditPayload: what a change makes of a payload.
#pragma once

#include <string>
#include <string_view>

#include "alidade/collection/write_requests.h"
#include "alidade/common/status.h"

namespace alidade {

// Encoded objects in and out. DATA_LOSS if `current` is none.
StatusOr<std::string> EditPayload(std::string_view current, const PayloadEdit& edit);

}  // namespace alidade
