// ToGrpcStatus: the single place that knows both Status and grpc::Status.
#pragma once

#include <string_view>

#include <grpcpp/support/status.h>

#include "alidade/common/status.h"

namespace alidade {

// Longest message sent: trailers share the client's header limit (8 KiB by default in gRPC).
inline constexpr size_t kStatusMessageBytesMax = 1024;

// The same code, the message cut to kStatusMessageBytesMax at a UTF-8 boundary, and google.rpc
// details: ErrorInfo {reason, domain "alidade"} and RequestInfo always, BadRequest if the status
// names a field, RetryInfo if it says when to retry. An OK status becomes a plain OK.
grpc::Status ToGrpcStatus(const Status& status, std::string_view request_id);

// "INVALID_ARGUMENT" and so on; "CODE_<n>" for a number that gRPC does not define.
std::string StatusCodeName(int code);

}  // namespace alidade
