// SearchService: searches over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; gRPC calls it from its pool.
#pragma once

#include "alidade/v1/search.grpc.pb.h"

#include "service_context.h"

namespace alidade {

class SearchService final : public v1::SearchService::Service {
 public:
  explicit SearchService(const ServiceContext& context) : context_(context) {}

  grpc::Status Search(grpc::ServerContext* context,
                      const v1::SearchRequest* request,
                      v1::SearchResponse* response) override;

 private:
  const ServiceContext& context_;
};

}  // namespace alidade
