// SearchService: searches over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; calls arrive on gRPC's polling threads, the work is done where CallRunner
// says.
#pragma once

#include "alidade/v1/search.grpc.pb.h"

#include "service_context.h"

namespace alidade {

// Messages are parsed and written by CallRunner.
using RawSearchService =
    v1::SearchService::WithRawCallbackMethod_Search<v1::SearchService::Service>;

class SearchService final : public RawSearchService {
 public:
  explicit SearchService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* in,
                                   grpc::ByteBuffer* out) override;

 private:
  const ServiceContext& context_;
};

}  // namespace alidade
