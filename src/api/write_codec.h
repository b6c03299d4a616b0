// Upserts and deletes between the wire and the domain.
//
// Path:     upsert 2/7 (from proto/alidade/v1/points.proto, to engine/engine.h)
// Threads:  pure functions.
#pragma once

#include "alidade/v1/points.pb.h"

#include "alidade/collection/requests.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

// Both forms, rows and columns. The vectors of the result lie in `in` itself (or in `backing` if
// they had to be widened): `in` must outlive it. Errors: INVALID_ARGUMENT with the path of the
// field; what needs the schema is left to the collection.
StatusOr<UpsertRequest> DecodeUpsert(const v1::UpsertPointsRequest& in,
                                     const Limits& limits,
                                     Durability default_durability);

// The collection speaks of its own request, `points[3].vectors["v"]` and `field_names["v"]`: the
// same status about the field of the message that it came from, in rows or in columns.
Status WithWirePath(const Status& status, const v1::UpsertPointsRequest& in);

}  // namespace alidade
