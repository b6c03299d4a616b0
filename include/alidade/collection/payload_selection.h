// SelectPayload: the part of a payload that a request asks for.
#pragma once

#include <string_view>

#include "alidade/collection/requests.h"
#include "alidade/common/status.h"
#include "alidade/common/value.h"

namespace alidade {

// Include keeps a whole value under its dotted path, nested as it was; exclude removes it.
// DATA_LOSS if the bytes are no payload.
StatusOr<Object> SelectPayload(std::string_view encoded, const PayloadSelector& selector);

}  // namespace alidade
