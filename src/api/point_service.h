// PointService: points over gRPC: decode, call the engine, encode.
//
// Threads:  thread-safe; gRPC calls it from its pool.
#pragma once

#include "alidade/v1/points.grpc.pb.h"

#include "service_context.h"

namespace alidade {

class PointService final : public v1::PointService::Service {
 public:
  explicit PointService(const ServiceContext& context) : context_(context) {}

  grpc::Status UpsertPoints(grpc::ServerContext* context,
                            const v1::UpsertPointsRequest* request,
                            v1::UpsertPointsResponse* response) override;
  grpc::Status GetPoints(grpc::ServerContext* context,
                         const v1::GetPointsRequest* request,
                         v1::GetPointsResponse* response) override;
  grpc::Status DeletePoints(grpc::ServerContext* context,
                            const v1::DeletePointsRequest* request,
                            v1::DeletePointsResponse* response) override;
  grpc::Status CountPoints(grpc::ServerContext* context,
                           const v1::CountPointsRequest* request,
                           v1::CountPointsResponse* response) override;
  grpc::Status ListPoints(grpc::ServerContext* context,
                          const v1::ListPointsRequest* request,
                          v1::ListPointsResponse* response) override;

 private:
  const ServiceContext& context_;
};

}  // namespace alidade
