// RawCall: a gRPC call written frame by frame, for what the library's own client never sends.
#pragma once

#include <string>

#include <grpcpp/support/status.h>

namespace alidade::testing {

// Sends one message to `method` (as in a URL) of the server on this loopback port with the header
// grpc-timeout as given ("0n": passed on arrival; empty: none). The result is the status in the
// trailers; CANCELLED if the server reset the stream instead, UNKNOWN if nothing came in time.
grpc::Status RawCall(int port,
                     const std::string& method,
                     const std::string& message,
                     const std::string& grpc_timeout);

}  // namespace alidade::testing
