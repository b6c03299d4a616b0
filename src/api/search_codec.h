// Searches between the wire and the domain.
//
// Path:     search 2/8 (from proto/alidade/v1/search.proto, to engine/engine.h)
// Threads:  pure functions.
#pragma once

#include "alidade/v1/search.pb.h"

#include "alidade/collection/search_request.h"
#include "alidade/common/deadline.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

// Most hits one call may ask for, over all its queries: bounds the memory of a reply (chosen).
inline constexpr uint64_t kCallHitsMax = 1'000'000;

// Errors: INVALID_ARGUMENT with the path of the field. A "*" in the vectors stays for the caller to
// resolve.
StatusOr<SearchRequest> DecodeSearch(const v1::SearchRequest& in,
                                     const Limits& limits,
                                     const Deadline& deadline);
// `request` is what was answered: cursors belong to it.
void EncodeSearch(const v1::SearchRequest& request,
                  const SearchResponse& in,
                  v1::SearchResponse& out);

}  // namespace alidade
