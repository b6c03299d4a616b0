// ParseErrorInterceptor: gives a request that is no valid protobuf message the code it deserves.
#pragma once

#include <grpcpp/support/server_interceptor.h>

namespace alidade {

// gRPC answers INTERNAL when a message cannot be parsed (malformed bytes, or a string that is not
// UTF-8), although it is the client's mistake. Our own handlers never answer INTERNAL without
// details, so that INTERNAL without details on a method of ours becomes INVALID_ARGUMENT here.
// Threads: thread-safe.
class ParseErrorInterceptorFactory final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;
};

}  // namespace alidade
