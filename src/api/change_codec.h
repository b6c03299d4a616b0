// Deletes, changes of payloads and batches of writes from the wire to the domain.
//
// Threads:  pure functions.
#pragma once

#include "alidade/v1/points.pb.h"

#include "alidade/collection/requests.h"
#include "alidade/common/deadline.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

// What decoding a write needs to know besides the message.
struct WriteDecoding {
  const Limits& limits;
  Durability default_durability = Durability::kDurable;
  const Deadline& deadline;  // of the call: the search for what passes a filter ends by it
};

// Errors: INVALID_ARGUMENT with the path of the field.
StatusOr<DeleteRequest> DecodeDelete(const v1::DeletePointsRequest& in,
                                     const WriteDecoding& decoding);
StatusOr<PayloadRequest> DecodePayloadChange(const v1::SetPayloadRequest& in,
                                             const WriteDecoding& decoding);
StatusOr<PayloadRequest> DecodePayloadChange(const v1::OverwritePayloadRequest& in,
                                             const WriteDecoding& decoding);
StatusOr<PayloadRequest> DecodePayloadChange(const v1::DeletePayloadKeysRequest& in,
                                             const WriteDecoding& decoding);
// The vectors of the result lie in `in`, as those of DecodeUpsert.
StatusOr<BatchRequest> DecodeBatch(const v1::WriteBatchRequest& in, const WriteDecoding& decoding);

// The same status about the field of the message: the engine says `operations[2].points[3].id`.
Status WithWirePath(const Status& status, const v1::WriteBatchRequest& in);

void EncodeBatch(const WriteReceipt& in, v1::WriteBatchResponse& out);

}  // namespace alidade
