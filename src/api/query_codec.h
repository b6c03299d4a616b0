// Queries: what a search looks for, and the branches of fusions.
//
// Threads:  pure functions.
#pragma once

#include "alidade/v1/search.pb.h"

#include "alidade/collection/search_request.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

#include "field_path.h"

namespace alidade {

// Chosen: more than any framework asks for, few enough that a message cannot keep a server busy.
inline constexpr uint32_t kFusionBranchesMax = 16;
inline constexpr uint32_t kCallBranchesMax = 64;  // of one query, nested ones too
inline constexpr uint32_t kFusionDepthMax = 3;
inline constexpr uint32_t kExamplesMax = 1'000;

// Errors: INVALID_ARGUMENT with the path.
Status DecodeParams(const v1::SearchParams& in,
                    const Limits& limits,
                    const FieldPath& path,
                    SearchQuery& out);

// Sets the target; `out` has what branches take over where they say nothing themselves. Errors:
// INVALID_ARGUMENT with the path.
Status DecodeTarget(const v1::Query& in,
                    const Limits& limits,
                    const FieldPath& path,
                    SearchQuery& out);

}  // namespace alidade
