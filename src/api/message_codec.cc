#include "message_codec.h"

#include <climits>

#include <grpcpp/support/proto_buffer_reader.h>

namespace alidade {
namespace {

bool Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  grpc::Slice whole;
  if (bytes.TrySingleSlice(&whole).ok() && whole.size() <= INT_MAX) {
    return message.ParseFromArray(whole.begin(), static_cast<int>(whole.size()));
  }
  grpc::ByteBuffer slices(bytes);  // shares them: the reader wants one that it may change
  grpc::ProtoBufferReader reader(&slices);
  return reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
}

}  // namespace

Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message& request) {
  if (Parse(bytes, request)) {
    return OkStatus();
  }
  return WithReason(InvalidArgument("the request is no valid message: malformed protobuf, or a "
                                    "string that is not UTF-8"),
                    "MALFORMED_REQUEST");
}

Status WriteReply(const google::protobuf::Message& reply,
                  size_t bytes_max,
                  grpc::ByteBuffer& bytes) {
  const size_t size = reply.ByteSizeLong();
  if (size > bytes_max) {
    return WithReason(
        ResourceExhausted(
            "the reply would take {} bytes, the limit is {}; ask for fewer points or less of each",
            size,
            bytes_max),
        "REPLY_TOO_LARGE");
  }
  const grpc::Slice slice(size);
  // Nobody else has the slice yet.
  reply.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  grpc::ByteBuffer written(&slice, 1);
  bytes.Swap(&written);
  return OkStatus();
}

}  // namespace alidade
