// AdminService: administration over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; gRPC calls it from its pool.
#pragma once

#include "alidade/v1/admin.grpc.pb.h"

#include "service_context.h"

namespace alidade {

class AdminService final : public v1::AdminService::Service {
 public:
  explicit AdminService(const ServiceContext& context) : context_(context) {}

  grpc::Status Flush(grpc::ServerContext* context,
                     const v1::FlushRequest* request,
                     v1::FlushResponse* response) override;
  grpc::Status WaitIndexed(grpc::ServerContext* context,
                           const v1::WaitIndexedRequest* request,
                           v1::WaitIndexedResponse* response) override;
  grpc::Status GetCollectionStats(grpc::ServerContext* context,
                                  const v1::GetCollectionStatsRequest* request,
                                  v1::GetCollectionStatsResponse* response) override;
  grpc::Status GetServerInfo(grpc::ServerContext* context,
                             const v1::GetServerInfoRequest* request,
                             v1::GetServerInfoResponse* response) override;

 private:
  const ServiceContext& context_;
};

}  // namespace alidade
