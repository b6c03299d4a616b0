// Get, count and list between the wire and the domain.
//
// Threads:  pure functions.
#pragma once

#include "alidade/v1/points.pb.h"

#include "alidade/collection/requests.h"
#include "alidade/common/deadline.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

// Pages without a wish for a size have this many entries (chosen).
inline constexpr uint32_t kPageSizeDefault = 100;

// Errors: INVALID_ARGUMENT with the path of the field. A "*" in the vectors stays for the caller to
// resolve.
StatusOr<GetRequest> DecodeGet(const v1::GetPointsRequest& in,
                               const Limits& limits,
                               const Deadline& deadline);
StatusOr<CountRequest> DecodeCount(const v1::CountPointsRequest& in,
                                   const Limits& limits,
                                   const Deadline& deadline);
StatusOr<ListRequest> DecodeList(const v1::ListPointsRequest& in,
                                 const Limits& limits,
                                 const Deadline& deadline);

void EncodeGet(const GetResponse& in, v1::GetPointsResponse& out);
// `request` binds the next page's token to the listing it belongs to.
void EncodeList(const ListResponse& in,
                const v1::ListPointsRequest& request,
                v1::ListPointsResponse& out);

}  // namespace alidade
