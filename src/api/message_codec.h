// Messages between bytes on the wire and protobuf.
//
// Threads:  pure functions.
#pragma once

#include <cstddef>

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include "alidade/common/status.h"

namespace alidade {

// INVALID_ARGUMENT if the bytes are no valid message (malformed, or a string that is not UTF-8).
Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message& request);

// RESOURCE_EXHAUSTED if the reply is larger than a message may be.
Status WriteReply(const google::protobuf::Message& reply,
                  size_t bytes_max,
                  grpc::ByteBuffer& bytes);

}  // namespace alidade
