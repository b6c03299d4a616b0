// Questions about the values of a payload key between the wire and the domain.
//
// Threads:  pure functions.
#pragma once

#include "alidade/v1/points.pb.h"

#include "alidade/collection/facet_requests.h"
#include "alidade/common/deadline.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

// Errors: INVALID_ARGUMENT with the path of the field.
StatusOr<FacetRequest> DecodeFacet(const v1::FacetPointsRequest& in,
                                   const Limits& limits,
                                   const Deadline& deadline);
StatusOr<BoundsRequest> DecodeBounds(const v1::GetPayloadBoundsRequest& in,
                                     const Limits& limits,
                                     const Deadline& deadline);

// `request` binds the next page's token to the facet it belongs to.
void EncodeFacet(const FacetResponse& in,
                 const v1::FacetPointsRequest& request,
                 v1::FacetPointsResponse& out);
void EncodeBounds(const BoundsResponse& in, v1::GetPayloadBoundsResponse& out);

}  // namespace alidade
