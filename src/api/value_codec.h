// Payload values between the wire and the domain.
//
// Threads:  pure functions.
#pragma once

#include <string>

#include "alidade/v1/common.pb.h"

#include "alidade/common/limits.h"
#include "alidade/common/status.h"
#include "alidade/common/value.h"

#include "field_path.h"

namespace alidade {

// Checks depth (the object itself is level 1), empty keys, unset and non-finite values.
StatusOr<Object> DecodePayload(const v1::Object& in, const Limits& limits, const FieldPath& path);
// The same, in the encoding that is stored; checks limits.payload_bytes_max.
StatusOr<std::string> DecodePayloadBytes(const v1::Object& in,
                                         const Limits& limits,
                                         const FieldPath& path);
// Null, bool, int64, finite double or string.
StatusOr<Value> DecodeScalar(const v1::Value& in, const FieldPath& path);

void EncodePayload(const Object& in, v1::Object& out);
void EncodeValue(const Value& in, v1::Value& out);

}  // namespace alidade
