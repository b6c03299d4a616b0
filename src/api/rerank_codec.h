// The stages of a search that rank its finds again.
//
// Threads:  pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "alidade/v1/search.pb.h"

#include "alidade/collection/search_request.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

// Chosen.
inline constexpr uint32_t kRerankStagesMax = 8;
inline constexpr uint32_t kExpressionDepthMax = 16;
inline constexpr uint32_t kExpressionNodesMax = 256;  // of one formula

// Null if there are none. `wanted`: hits that the request asks for. Errors: INVALID_ARGUMENT with
// the path.
StatusOr<std::shared_ptr<const std::vector<RerankStage>>> DecodeRerank(const v1::SearchRequest& in,
                                                                       const Limits& limits,
                                                                       uint32_t wanted);

}  // namespace alidade
