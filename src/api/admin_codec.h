// Statistics and limits from the domain to the wire.
//
// Threads:  pure functions.
#pragma once

#include <chrono>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "alidade/v1/admin.pb.h"

#include "alidade/collection/requests.h"
#include "alidade/collection/stats.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

// INVALID_ARGUMENT (field `timeout`) if negative or outside protobuf's range.
StatusOr<std::chrono::milliseconds> DecodeTimeout(const google::protobuf::Duration& in);

void EncodeStats(const CollectionStats& in, v1::GetCollectionStatsResponse& out);
void EncodeLimits(const Limits& in, v1::ServerLimits& out);
void EncodeDuration(double seconds, google::protobuf::Duration& out);
void EncodeTimestamp(std::chrono::system_clock::time_point in, google::protobuf::Timestamp& out);

}  // namespace alidade
